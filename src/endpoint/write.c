/*
 * What goes into the next packet: a CONNECTION_CLOSE, a probe of the path's
 * MTU, or datagrams and then streams, as many as fit, or what ngtcp2 itself has
 * to say.
 */
#include "endpoint/conn.h"

#include "base/time.h"
#include "endpoint/stream.h"

typedef struct packet {
  ngtcp2_path *path;
  ngtcp2_pkt_info *pi;
  uint8_t *dest;
  size_t destlen;
  quicmig_tstamp now;
} packet;

/* What a packet may have now, if nothing in it needs more. */
static size_t packet_size(const quicmig_conn *c) {
  return qm_blackhole_may_be_large(&c->hole) ? c->pmtu.size : QM_PMTU_BASE;
}

static ngtcp2_ssize write_close(quicmig_conn *c, const packet *p) {
  ngtcp2_ssize n = ngtcp2_conn_write_connection_close(
      c->conn, p->path, p->pi, p->dest, p->destlen, &c->ccerr, p->now);

  c->is_close_sent = true;
  return n > 0 ? n : 0;
}

/* A packet that took no data was written: the size may change with it. */
static ngtcp2_ssize without_data(quicmig_conn *c, const packet *p,
                                 ngtcp2_ssize n) {
  if (n > QM_PMTU_BASE && !qm_pmtu_is_probe(&c->pmtu, (size_t)n)) {
    qm_blackhole_on_large(&c->hole, p->now); /* repeated stream data */
  }
  if (n > 0 && c->pmtu.is_searching) {
    qm_pmtu_on_written(&c->pmtu, (size_t)n, p->now);
    qm_conn_update_room(c);
  }
  return n;
}

/* Is something there that could share a packet with d, for which there are
 * `left` bytes? */
static bool has_company(const quicmig_conn *c, const qm_dgram *d, size_t left) {
  size_t room = left - d->len;

  return (d->next_len < room && d->next_len + 2 * QM_DATAGRAM_FRAME <= room) ||
         !qm_list_is_empty(&c->sendq);
}

/* The room for datagrams, if the first one is d: more than packet_size() if it
 * does not fit otherwise. */
static size_t room_for(const quicmig_conn *c, packet *p, const qm_dgram *d) {
  size_t less = c->pmtu.size - packet_size(c);

  if (d->len + less > c->room) {
    less = 0;
  }
  p->destlen = c->pmtu.size - less;
  return c->room - less + QM_DATAGRAM_FRAME;
}

/* Is a packet with so many bytes of datagrams certainly large?  Frames may have
 * shorter lengths than assumed. */
#define SURE 32
static bool is_large(const quicmig_conn *c, size_t used) {
  return used + c->pmtu.size > QM_PMTU_BASE + c->room + SURE;
}

/* What ack_datagram shall tell: 0, or which epoch's large packet it was. */
static uint64_t epoch_id(const quicmig_conn *c, size_t used) {
  return is_large(c, used) ? 1u + c->hole.epoch : 0;
}

/* Returns the packet's length, 0 when nothing can be sent now,
 * NGTCP2_ERR_WRITE_MORE when the packet may take more, or an error. */
static ngtcp2_ssize write_datagrams(quicmig_conn *c, packet *p) {
  size_t left = 0, used = 0;
  qm_dgram d;

  while (qm_conn_next_datagram(c, p->now, &d)) {
    ngtcp2_vec vec = {.base = (uint8_t *)(uintptr_t)d.data, .len = d.len};
    /* ngtcp2 1.11 aborts on an empty piece: nothing is no piece. */
    int accepted = 0;
    uint32_t flags;
    ngtcp2_ssize n;

    left = used ? left : room_for(c, p, &d);
    if (d.len + QM_DATAGRAM_FRAME > left) {
      break;
    }
    flags = has_company(c, &d, left) ? NGTCP2_WRITE_DATAGRAM_FLAG_MORE
                                     : NGTCP2_WRITE_DATAGRAM_FLAG_NONE;
    used += d.len + QM_DATAGRAM_FRAME;
    n = ngtcp2_conn_writev_datagram(
        c->conn, p->path, p->pi, p->dest, p->destlen, &accepted, flags,
        epoch_id(c, used), &vec, d.len ? 1 : 0, p->now);
    if (accepted) {
      qm_conn_pop_datagram(c, &d, true);
      left -= d.len + QM_DATAGRAM_FRAME;
    }
    if (n != NGTCP2_ERR_WRITE_MORE) {
      if (accepted && is_large(c, used)) {
        qm_blackhole_on_large(&c->hole, p->now);
      }
      return accepted ? n : without_data(c, p, n);
    }
  }
  return NGTCP2_ERR_WRITE_MORE;
}

/* One try with one stream; as write_datagrams(). */
static ngtcp2_ssize write_stream(quicmig_conn *c, quicmig_stream *s,
                                 const packet *p) {
  ngtcp2_vec vec[QM_STREAM_PIECES];
  size_t nvec = qm_stream_pending(s, vec), len = 0, i;
  uint32_t flags = NGTCP2_WRITE_STREAM_FLAG_NONE;
  ngtcp2_ssize taken = -1, n;
  bool is_all;

  for (i = 0; i < nvec; i++) {
    len += vec[i].len;
  }
  is_all = len == s->written - s->sent;
  if (len < p->destlen && (!is_all || s->send.next != &c->sendq)) {
    flags |= NGTCP2_WRITE_STREAM_FLAG_MORE; /* the rest, or another one */
  }
  if (s->is_finished && is_all) {
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
    if (n > QM_PMTU_BASE) {
      qm_blackhole_on_large(&c->hole, p->now);
      qm_stream_on_large(s);
    }
  } else {
    n = without_data(c, p, n);
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

static void follow_path(quicmig_conn *c) {
  const ngtcp2_path *path = ngtcp2_conn_get_path(c->conn);
  qm_addr local, remote;

  if (qm_addr_is(&c->path_local, path->local.addr, path->local.addrlen) &&
      qm_addr_is(&c->path_remote, path->remote.addr, path->remote.addrlen)) {
    return;
  }
  (void)qm_addr_set(&local, (const struct sockaddr *)path->local.addr,
                    path->local.addrlen);
  (void)qm_addr_set(&remote, (const struct sockaddr *)path->remote.addr,
                    path->remote.addrlen);
  qm_pmtu_on_path(&c->pmtu, qm_addr_is_same_host(&local, &c->path_local) &&
                                qm_addr_is_same_host(&remote, &c->path_remote));
  qm_blackhole_reset(&c->hole);
  c->path_local = local;
  c->path_remote = remote;
}

static uint64_t in_flight(const quicmig_conn *c) {
  ngtcp2_conn_info info;

  ngtcp2_conn_get_conn_info(c->conn, &info);
  return info.bytes_in_flight;
}

/* Do packets above the least size still arrive? */
static void check_size(quicmig_conn *c, quicmig_tstamp now) {
  quicmig_duration pto;

  if (c->pmtu.size == QM_PMTU_BASE && !c->may_probe) {
    return;
  }
  pto = ngtcp2_conn_get_pto(c->conn);
  qm_blackhole_on_read(&c->hole, in_flight(c), now);
  if (qm_blackhole_on_time(&c->hole, pto, now)) {
    qm_pmtu_on_blackhole(&c->pmtu);
  }
  if (c->may_probe) {
    qm_pmtu_check(&c->pmtu, pto, now);
  }
}

/*
 * From 1.18 on ngtcp2 pads the answer to a PATH_CHALLENGE to all the room that
 * it is given, so that a path of less than that would never be validated.  And
 * while large packets seem to vanish, ngtcp2 would put the next large datagram
 * into its probe (RFC 9002 section 6.2.4) of whether anything passes.
 */
#define PADS_TO_ROOM 0x011200
static bool is_own_first(const quicmig_conn *c) {
  return c->hole.state == QM_BLACKHOLE_SUSPECT ||
         (c->is_validating && ngtcp2_version(PADS_TO_ROOM));
}

/* Probes are larger than what is in use: their refusal is no news. */
void qm_conn_on_too_large(quicmig_conn *c, size_t n, bool is_ours) {
  if (n <= QM_PMTU_BASE || n > c->pmtu.size) {
    return;
  }
  if (is_ours) {
    qm_pmtu_on_blackhole(&c->pmtu);
    qm_blackhole_reset(&c->hole);
  } else {
    qm_blackhole_on_refused(&c->hole);
  }
}

void qm_conn_begin_write(quicmig_conn *c, quicmig_tstamp now) {
  if (c->state != QM_CONN_OPEN) {
    return;
  }
  follow_path(c);
  if (c->is_probing) {
    c->is_probing = false;
    qm_pmtu_on_search(&c->pmtu, now);
  }
  c->may_probe = c->pmtu.is_searching;
  check_size(c, now);
  c->is_own_first = is_own_first(c);
  c->is_validating = false;
  qm_dgqueue_stamp(&c->datagrams, now);
  qm_conn_update_room(c);
}

/* A probe of path MTU discovery if that wants one, else 0.  Once a turn. */
static ngtcp2_ssize probe(quicmig_conn *c, const packet *p) {
  ngtcp2_ssize n;

  c->may_probe = false;
  if (!qm_pmtu_offer(&c->pmtu, p->now)) {
    return 0;
  }
  n = ngtcp2_conn_write_pkt(c->conn, p->path, p->pi, p->dest, c->pmtu.max,
                            p->now);
  if (n > 0) {
    qm_pmtu_on_taken(&c->pmtu);
  }
  return without_data(c, p, n);
}

/* What ngtcp2 itself has to say, in packets of the least size. */
static ngtcp2_ssize write_own(quicmig_conn *c, const packet *p) {
  ngtcp2_ssize n = ngtcp2_conn_write_pkt(c->conn, p->path, p->pi, p->dest,
                                         QM_PMTU_BASE, p->now);

  c->is_own_first = n > 0;
  return n;
}

/* Data, or what ngtcp2 itself has to say. */
static ngtcp2_ssize write_any(quicmig_conn *c, packet *p) {
  ngtcp2_ssize n = NGTCP2_ERR_WRITE_MORE;

  if ((c->datagrams.count || c->cb.datagram_head) && c->state == QM_CONN_OPEN) {
    n = write_datagrams(c, p);
  }
  if (n == NGTCP2_ERR_WRITE_MORE && c->state == QM_CONN_OPEN) {
    n = write_streams(c, p);
  }
  return n == NGTCP2_ERR_WRITE_MORE
             ? without_data(c, p,
                            ngtcp2_conn_write_pkt(c->conn, p->path, p->pi,
                                                  p->dest, p->destlen, p->now))
             : n;
}

ngtcp2_ssize qm_conn_write_pkt(quicmig_conn *c, ngtcp2_path *path,
                               ngtcp2_pkt_info *pi, uint8_t *dest,
                               quicmig_tstamp now) {
  packet p = {path, pi, dest, QM_PMTU_BASE, now};
  ngtcp2_ssize n = 0;

  if (c->state == QM_CONN_ENDED || c->is_close_sent) {
    return 0;
  }
  if (c->wants_close) {
    return write_close(c, &p);
  }
  if (c->state == QM_CONN_OPEN) {
    n = c->is_own_first ? write_own(c, &p) : 0;
    n = n == 0 && c->may_probe ? probe(c, &p) : n;
    p.destlen = packet_size(c);
  }
  return n != 0 ? n : write_any(c, &p);
}

quicmig_tstamp qm_conn_deadline(const quicmig_conn *c) {
  return c->state == QM_CONN_OPEN
             ? qm_time_min(
                   qm_time_min(qm_conn_datagram_deadline(c), c->pmtu.wake_at),
                   qm_blackhole_deadline(&c->hole))
             : QUICMIG_NEVER;
}

void qm_conn_after_write(quicmig_conn *c) {
  size_t max;

  if (c->state != QM_CONN_OPEN) {
    return;
  }
  qm_blackhole_on_written(&c->hole, in_flight(c));
  max = quicmig_conn_max_datagram(c);
  if (max != c->told_max) {
    c->told_max = max;
    if (c->cb.max_datagram) {
      c->cb.max_datagram(c, max, c->user_data);
    }
  }
  if (c->is_blocked && qm_dgqueue_used(&c->datagrams) <= c->datagrams.cap / 2) {
    c->is_blocked = false;
    if (c->cb.writable) {
      c->cb.writable(c, c->user_data);
    }
  }
}
