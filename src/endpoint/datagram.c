/* Datagrams on their way out: which are taken, which are dropped, and when. */
#include "endpoint/conn.h"

#include "base/time.h"

/* Flags, longest packet number, AEAD tag; type and length of the frame. */
#define OVERHEAD (1 + 4 + 16 + 3)

/* The largest that fits a packet now. */
static size_t room(const quicmig_conn *c) {
  return c->pmtu.size - OVERHEAD - ngtcp2_conn_get_dcid(c->conn)->datalen;
}

size_t quicmig_conn_max_datagram(const quicmig_conn *c) {
  size_t fits, limit;

  if (c->state != QM_CONN_OPEN) {
    return 0;
  }
  fits = room(c);
  limit = (size_t)ngtcp2_conn_get_remote_transport_params(c->conn)
              ->max_datagram_frame_size;
  /* The peer's limit counts the frame's type and length too. */
  limit = limit > 3 ? limit - 3 : 0;
  return fits < limit ? fits : limit;
}

static int check(const quicmig_conn *c, size_t len) {
  switch (c->state) {
  case QM_CONN_HANDSHAKE:
    return QUICMIG_ERR_INVALID_STATE;
  case QM_CONN_ENDED:
    return QUICMIG_ERR_CLOSED;
  case QM_CONN_OPEN:
    break;
  }
  if (c->wants_close) {
    return QUICMIG_ERR_CLOSED;
  }
  if (ngtcp2_conn_get_remote_transport_params(c->conn)
          ->max_datagram_frame_size == 0) {
    return QUICMIG_ERR_NO_DATAGRAMS;
  }
  return len > quicmig_conn_max_datagram(c) ? QUICMIG_ERR_TOO_LARGE : 0;
}

static void drop(quicmig_conn *c) {
  qm_dgqueue_pop(&c->datagrams);
  c->datagrams_dropped++;
}

/* The oldest make room, if that is the policy. */
static int push(quicmig_conn *c, const uint8_t *data, size_t len) {
  int rv = qm_dgqueue_push(&c->datagrams, data, len);

  if (c->o->datagram_drop == QUICMIG_DROP_OLDEST &&
      qm_dgqueue_can_hold(&c->datagrams, len)) {
    while (rv == QUICMIG_ERR_BLOCKED) {
      drop(c);
      rv = qm_dgqueue_push(&c->datagrams, data, len);
    }
  }
  return rv;
}

int quicmig_conn_send_datagram(quicmig_conn *c, const uint8_t *data,
                               size_t len) {
  int rv = check(c, len);

  if (rv == 0) {
    rv = push(c, data, len);
  }
  if (rv == 0) {
    c->owner->wants_run(c);
  } else if (rv == QUICMIG_ERR_BLOCKED) {
    c->is_blocked = true;
  }
  return rv;
}

quicmig_tstamp qm_conn_datagram_deadline(const quicmig_conn *c) {
  return c->o->datagram_max_age ? qm_time_add(qm_dgqueue_since(&c->datagrams),
                                              c->o->datagram_max_age)
                                : QUICMIG_NEVER;
}

bool qm_conn_next_datagram(quicmig_conn *c, quicmig_tstamp now,
                           const uint8_t **data, size_t *len) {
  qm_dgqueue_stamp(&c->datagrams, now);
  while (qm_dgqueue_head(&c->datagrams, data, len)) {
    if (*len <= room(c) && !qm_time_is_due(qm_conn_datagram_deadline(c), now)) {
      return true;
    }
    drop(c);
  }
  return false;
}
