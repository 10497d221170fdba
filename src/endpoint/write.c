/*
 * What goes into the next packet: a CONNECTION_CLOSE, or datagrams and then
 * streams, as many as fit, or what ngtcp2 itself has to say.
 */
#include "endpoint/conn.h"

#include "base/time.h"
#include "endpoint/stream.h"

/* A datagram that has become too large, because the path changed, waits this
 * long for path MTU discovery. */
#define OVERSIZE_WAIT QUICMIG_SECOND

typedef struct packet {
  ngtcp2_path *path;
  ngtcp2_pkt_info *pi;
  uint8_t *dest;
  size_t destlen;
  quicmig_tstamp now;
} packet;

static ngtcp2_ssize write_close(quicmig_conn *c, const packet *p) {
  ngtcp2_ssize n = ngtcp2_conn_write_connection_close(
      c->conn, p->path, p->pi, p->dest, p->destlen, &c->ccerr, p->now);

  c->is_close_sent = true;
  return n > 0 ? n : 0;
}

/*
 * The oldest datagram, if it fits the current path.  After a hop the path
 * starts at 1200 bytes (RFC 9000 section 14.1): a larger one waits for path MTU
 * discovery, and is dropped if that does not get there.
 */
static bool next_datagram(quicmig_conn *c, quicmig_tstamp now,
                          const uint8_t **data, size_t *len) {
  size_t mtu = ngtcp2_conn_get_path_max_tx_udp_payload_size(c->conn);

  if (mtu > c->mtu_high) {
    c->mtu_high = mtu;
  }
  while (qm_dgqueue_head(&c->datagrams, data, len)) {
    if (*len <= qm_conn_datagram_room(c, mtu)) {
      c->oversize_since = QUICMIG_NEVER;
      return true;
    }
    if (c->oversize_since == QUICMIG_NEVER) {
      c->oversize_since = now;
    }
    if (now < qm_time_add(c->oversize_since, OVERSIZE_WAIT)) {
      return false;
    }
    c->mtu_high = mtu;
    c->datagrams_dropped++;
    qm_dgqueue_pop(&c->datagrams);
  }
  c->oversize_since = QUICMIG_NEVER;
  return false;
}

/* Returns the packet's length, 0 when nothing can be sent now,
 * NGTCP2_ERR_WRITE_MORE when the packet may take more, or an error. */
static ngtcp2_ssize write_datagrams(quicmig_conn *c, const packet *p) {
  const uint8_t *data;
  size_t len;

  while (next_datagram(c, p->now, &data, &len)) {
    ngtcp2_vec vec = {.base = (uint8_t *)(uintptr_t)data, .len = len};
    /* ngtcp2 1.11 aborts on an empty piece: nothing is no piece. */
    int accepted = 0;
    ngtcp2_ssize n = ngtcp2_conn_writev_datagram(
        c->conn, p->path, p->pi, p->dest, p->destlen, &accepted,
        NGTCP2_WRITE_DATAGRAM_FLAG_MORE, 0, &vec, len ? 1 : 0, p->now);

    if (accepted) {
      qm_dgqueue_pop(&c->datagrams);
      c->datagrams_sent++;
    }
    if (n != NGTCP2_ERR_WRITE_MORE) {
      return n;
    }
  }
  return NGTCP2_ERR_WRITE_MORE;
}

/* One try with one stream; as write_datagrams(). */
static ngtcp2_ssize write_stream(quicmig_conn *c, quicmig_stream *s,
                                 const packet *p) {
  ngtcp2_vec vec[2];
  size_t nvec = qm_stream_pending(s, vec);
  uint32_t flags = NGTCP2_WRITE_STREAM_FLAG_MORE;
  ngtcp2_ssize taken = -1, n;

  if (s->is_finished) {
    flags |= NGTCP2_WRITE_STREAM_FLAG_FIN;
  }
  n = ngtcp2_conn_writev_stream(c->conn, p->path, p->pi, p->dest, p->destlen,
                                &taken, flags, s->id, vec, nvec, p->now);
  /* Whatever came of it, it is the next one's turn. */
  qm_list_remove(&s->send);
  switch (n) {
  case NGTCP2_ERR_STREAM_DATA_BLOCKED: /* woken by extend_max_stream_data */
    return NGTCP2_ERR_WRITE_MORE;
  case NGTCP2_ERR_STREAM_SHUT_WR:
  case NGTCP2_ERR_STREAM_NOT_FOUND:
    s->is_dead = true;
    return NGTCP2_ERR_WRITE_MORE;
  default:
    break;
  }
  if (taken >= 0) {
    qm_stream_on_sent(s, (size_t)taken);
  }
  if (qm_stream_has_pending(s)) {
    qm_list_push(&c->sendq, &s->send);
  }
  return n;
}

static bool can_send(const quicmig_conn *c, const quicmig_stream *s) {
  return s->written == s->sent || ngtcp2_conn_get_max_data_left(c->conn) > 0;
}

static ngtcp2_ssize write_streams(quicmig_conn *c, const packet *p) {
  ngtcp2_ssize n = NGTCP2_ERR_WRITE_MORE;

  while (n == NGTCP2_ERR_WRITE_MORE && !qm_list_is_empty(&c->sendq)) {
    quicmig_stream *s = qm_list_entry(c->sendq.next, quicmig_stream, send);

    if (!can_send(c, s)) {
      break;
    }
    n = write_stream(c, s, p);
  }
  return n;
}

ngtcp2_ssize qm_conn_write_pkt(quicmig_conn *c, ngtcp2_path *path,
                               ngtcp2_pkt_info *pi, uint8_t *dest,
                               size_t destlen, quicmig_tstamp now) {
  packet p = {path, pi, dest, destlen, now};
  ngtcp2_ssize n = NGTCP2_ERR_WRITE_MORE;

  if (c->state == QM_CONN_ENDED || c->is_close_sent) {
    return 0;
  }
  if (c->wants_close) {
    return write_close(c, &p);
  }
  if (c->state == QM_CONN_OPEN) {
    n = write_datagrams(c, &p);
  }
  if (n == NGTCP2_ERR_WRITE_MORE && c->state == QM_CONN_OPEN) {
    n = write_streams(c, &p);
  }
  if (n == NGTCP2_ERR_WRITE_MORE) {
    n = ngtcp2_conn_write_pkt(c->conn, path, pi, dest, destlen, now);
  }
  return n;
}

quicmig_tstamp qm_conn_deadline(const quicmig_conn *c) {
  return qm_time_add(c->oversize_since, OVERSIZE_WAIT);
}

void qm_conn_after_write(quicmig_conn *c) {
  if (c->is_blocked && c->state == QM_CONN_OPEN &&
      qm_dgqueue_used(&c->datagrams) <= c->datagrams.cap / 2) {
    c->is_blocked = false;
    if (c->cb.writable) {
      c->cb.writable(c, c->user_data);
    }
  }
}
