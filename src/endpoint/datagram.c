/* Datagrams on their way out: which are taken, which are dropped, and when. */
#include "endpoint/conn.h"

#include "base/time.h"

/* Flags, longest packet number, AEAD tag. */
#define OVERHEAD (1 + 4 + 16 + QM_DATAGRAM_FRAME)

void qm_conn_update_room(quicmig_conn *c) {
  size_t limit = (size_t)ngtcp2_conn_get_remote_transport_params(c->conn)
                     ->max_datagram_frame_size;

  c->room = c->pmtu.size - OVERHEAD - ngtcp2_conn_get_dcid(c->conn)->datalen;
  /* The peer's limit counts the frame's type and length too. */
  limit = limit > QM_DATAGRAM_FRAME ? limit - QM_DATAGRAM_FRAME : 0;
  c->max_datagram = c->room < limit ? c->room : limit;
}

size_t quicmig_conn_max_datagram(const quicmig_conn *c) {
  return c->state == QM_CONN_OPEN ? c->max_datagram : 0;
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
  if (len <= c->max_datagram && c->max_datagram) {
    return 0;
  }
  return ngtcp2_conn_get_remote_transport_params(c->conn)
                     ->max_datagram_frame_size == 0
             ? QUICMIG_ERR_NO_DATAGRAMS
             : QUICMIG_ERR_TOO_LARGE;
}

static void drop(quicmig_conn *c) {
  qm_dgqueue_pop(&c->datagrams);
  c->datagrams_dropped++;
}

/* The oldest make room, if that is the policy. */
static int push(quicmig_conn *c, const uint8_t *data, size_t len) {
  quicmig_tstamp now = c->owner->now(c);
  int rv = qm_dgqueue_push(&c->datagrams, data, len, now);

  if (c->o->datagram_drop == QUICMIG_DROP_OLDEST &&
      qm_dgqueue_can_hold(&c->datagrams, len)) {
    while (rv == QUICMIG_ERR_BLOCKED) {
      drop(c);
      rv = qm_dgqueue_push(&c->datagrams, data, len, now);
    }
  }
  return rv;
}

int quicmig_conn_send_datagram(quicmig_conn *c, const uint8_t *data,
                               size_t len) {
  bool was_empty = c->datagrams.count == 0;
  int rv = check(c, len);

  if (rv == 0) {
    rv = push(c, data, len);
  }
  if (rv == 0) {
    if (was_empty) { /* else what waits is waiting for ngtcp2 */
      c->owner->wants_run(c);
    }
  } else if (rv == QUICMIG_ERR_BLOCKED) {
    c->is_blocked = true;
  }
  return rv;
}

static quicmig_tstamp expiry(const quicmig_conn *c, const qm_dgram *d) {
  return c->o->datagram_max_age ? qm_time_add(d->since, c->o->datagram_max_age)
                                : QUICMIG_NEVER;
}

quicmig_tstamp qm_conn_datagram_deadline(const quicmig_conn *c) {
  qm_dgram d;

  return qm_dgqueue_head(&c->datagrams, &d) ? expiry(c, &d) : QUICMIG_NEVER;
}

void quicmig_conn_wake(quicmig_conn *c) {
  if (c->state != QM_CONN_ENDED) {
    c->owner->wants_run(c);
  }
}

/* The oldest of the application's own queue.  Which one follows is not known:
 * most likely another of its size. */
static bool ask(quicmig_conn *c, qm_dgram *d) {
  *d = (qm_dgram){.since = QUICMIG_NEVER, .is_lent = true};
  d->len = c->cb.datagram_head(c, &d->data, c->user_data);
  d->next_len = d->len;
  return d->len != SIZE_MAX;
}

void qm_conn_pop_datagram(quicmig_conn *c, const qm_dgram *d, bool is_sent) {
  *(is_sent ? &c->datagrams_sent : &c->datagrams_dropped) += 1;
  if (d->is_lent) {
    c->cb.datagram_pop(c, is_sent, c->user_data);
  } else {
    qm_dgqueue_pop(&c->datagrams);
  }
}

bool qm_conn_next_datagram(quicmig_conn *c, quicmig_tstamp now, qm_dgram *d) {
  while (qm_dgqueue_head(&c->datagrams, d) ||
         (c->cb.datagram_head && c->max_datagram && ask(c, d))) {
    if (d->len <= c->max_datagram && !qm_time_is_due(expiry(c, d), now)) {
      return true;
    }
    qm_conn_pop_datagram(c, d, false);
  }
  return false;
}
