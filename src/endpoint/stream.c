#include "endpoint/stream.h"

#include <assert.h>
#include <string.h>

/* A stream's credit is given in portions of this share of its window: the peer
 * never lacks more than one of them, and ngtcp2 need not find the stream for
 * every packet. */
#define CREDIT_SHARE 32

static size_t ring_size(const quicmig_stream *s) {
  return s->c->o->stream_buffer;
}

quicmig_stream *qm_stream_new(quicmig_conn *c) {
  quicmig_stream *s = qm_calloc(c->mem, 1, sizeof(*s));

  if (!s) {
    return NULL;
  }
  s->c = c;
  s->id = -1;
  qm_list_init(&s->send);
  qm_list_push(&c->streams, &s->link);
  return s;
}

void qm_stream_free(quicmig_stream *s) {
  qm_list_remove(&s->link);
  qm_list_remove(&s->send);
  qm_free(s->c->mem, s->ring);
  qm_free(s->c->mem, s->loans);
  qm_free(s->c->mem, s);
}

void qm_stream_set_id(quicmig_stream *s, int64_t id) {
  s->id = id;
  s->is_sendable =
      ngtcp2_is_bidi_stream(id) || ngtcp2_conn_is_local_stream(s->c->conn, id);
}

bool qm_stream_has_pending(const quicmig_stream *s) {
  return !s->is_dead && !s->is_unread &&
         (s->written > s->sent || (s->is_finished && !s->is_fin_sent));
}

void qm_stream_wake(quicmig_stream *s) {
  if (qm_stream_has_pending(s)) {
    qm_list_remove(&s->send);
    qm_list_push(&s->c->sendq, &s->send);
    s->c->owner->wants_run(s->c);
  }
}

size_t qm_stream_pending(const quicmig_stream *s,
                         ngtcp2_vec vec[QM_STREAM_PIECES]) {
  size_t size = ring_size(s), len = (size_t)(s->written - s->sent);
  size_t at = (size_t)(s->sent % size);
  size_t first = len < size - at ? len : size - at;

  if (s->loans) {
    return qm_loans_pending(s->loans, vec, QM_STREAM_PIECES,
                            QUICMIG_MAX_PKTLEN);
  }
  if (len == 0) {
    return 0;
  }
  vec[0] = (ngtcp2_vec){.base = s->ring + at, .len = first};
  vec[1] = (ngtcp2_vec){.base = s->ring, .len = len - first};
  return len > first && first < QUICMIG_MAX_PKTLEN ? 2 : 1;
}

void qm_stream_on_sent(quicmig_stream *s, size_t n) {
  s->sent += n;
  assert(s->sent <= s->written);
  if (s->loans) {
    qm_loans_on_sent(s->loans, n);
  }
  if (s->is_finished && s->sent == s->written) {
    s->is_fin_sent = true;
  }
}

void qm_stream_on_large(quicmig_stream *s) {
  if (!s->large_to || s->large_epoch != s->c->hole.epoch) {
    s->large_to = s->sent;
    s->large_epoch = s->c->hole.epoch;
  }
}

/* Data that had been sent when the state changed is in doubt, all of it. */
static void note_large(quicmig_stream *s) {
  qm_blackhole *b = &s->c->hole;
  bool is_old = s->large_epoch != b->epoch;

  if (is_old) {
    qm_blackhole_on_progress(b, s->c->owner->now(s->c));
  } else if (s->acked >= s->large_to) {
    qm_blackhole_on_large_acked(b);
  }
  if (s->acked >= s->large_to) {
    s->large_to = is_old && s->acked < s->sent ? s->sent : 0;
  }
}

void qm_stream_on_acked(quicmig_stream *s, size_t n) {
  s->acked += n;
  assert(s->acked <= s->sent);
  if (s->large_to) {
    note_large(s);
  }
  if (s->loans) {
    qm_loans_on_acked(s->loans, n);
  }
  if (n && s->c->cb.stream_writable) {
    s->c->cb.stream_writable(s->c, s, n, s->c->user_data);
  }
}

void qm_stream_on_data(quicmig_stream *s, const uint8_t *data, size_t len,
                       bool is_fin) {
  s->unconsumed += len;
  if (s->c->cb.stream_data) {
    s->c->cb.stream_data(s->c, s, data, len, is_fin, s->c->user_data);
  } else {
    quicmig_stream_consume(s, len);
  }
}

void qm_stream_on_closed(quicmig_stream *s, uint64_t code) {
  /* What was never consumed no longer counts against the connection. */
  ngtcp2_conn_extend_max_offset(s->c->conn, s->unconsumed);
  s->unconsumed = 0;
  if (s->c->cb.stream_closed) {
    s->c->cb.stream_closed(s->c, s, code, s->c->user_data);
  }
  qm_stream_free(s);
}

/* Copies into the ring behind what is written. */
static void put(quicmig_stream *s, const uint8_t *data, size_t len) {
  size_t size = ring_size(s), at = (size_t)(s->written % size);
  size_t first = len < size - at ? len : size - at;

  memcpy(s->ring + at, data, first);
  memcpy(s->ring, data + first, len - first);
  s->written += len;
}

static bool is_open(const quicmig_stream *s) {
  return !s->is_finished && !s->is_dead && !s->is_unread && s->is_sendable;
}

/* May it be written?  is_other_way: it was written the other way before. */
static int check_write(const quicmig_stream *s, bool is_other_way) {
  if (s->c->state == QM_CONN_ENDED || s->c->wants_close) {
    return QUICMIG_ERR_CLOSED;
  }
  return is_open(s) && !is_other_way ? 0 : QUICMIG_ERR_INVALID_STATE;
}

int64_t quicmig_stream_write(quicmig_stream *s, const uint8_t *data,
                             size_t len) {
  size_t room = quicmig_stream_room(s);
  int rv = check_write(s, s->loans != NULL);

  if (rv != 0) {
    return rv;
  }
  if (!s->ring) {
    s->ring = qm_malloc(s->c->mem, ring_size(s));
    if (!s->ring) {
      return QUICMIG_ERR_NOMEM;
    }
  }
  len = len < room ? len : room;
  if (len) {
    put(s, data, len);
    qm_stream_wake(s);
  }
  return (int64_t)len;
}

int64_t quicmig_stream_lend(quicmig_stream *s, const uint8_t *data,
                            size_t len) {
  size_t room = quicmig_stream_room(s);
  int rv = check_write(s, s->ring != NULL);

  if (rv != 0) {
    return rv;
  }
  if (!s->loans) {
    s->loans = qm_calloc(s->c->mem, 1, sizeof(*s->loans));
    if (!s->loans) {
      return QUICMIG_ERR_NOMEM;
    }
  }
  len = len < room ? len : room;
  if (len == 0 || !qm_loans_add(s->loans, data, len)) {
    return 0;
  }
  s->written += len;
  qm_stream_wake(s);
  return (int64_t)len;
}

int quicmig_stream_finish(quicmig_stream *s) {
  if (!is_open(s)) {
    return QUICMIG_ERR_INVALID_STATE;
  }
  s->is_finished = true;
  qm_stream_wake(s);
  return 0;
}

void quicmig_stream_reset(quicmig_stream *s, uint64_t code) {
  if (!s->is_dead && s->c->state != QM_CONN_ENDED) {
    s->is_dead = true;
    qm_list_remove(&s->send);
    (void)ngtcp2_conn_shutdown_stream(s->c->conn, 0, s->id, code);
    s->c->owner->wants_run(s->c);
  }
}

void quicmig_stream_consume(quicmig_stream *s, size_t len) {
  if (len > s->unconsumed) {
    len = (size_t)s->unconsumed;
  }
  s->unconsumed -= len;
  s->owed += len;
  if (s->c->state == QM_CONN_ENDED) {
    return;
  }
  ngtcp2_conn_extend_max_offset(s->c->conn, len);
  if (s->owed > s->c->o->stream_window / CREDIT_SHARE) {
    (void)ngtcp2_conn_extend_max_stream_offset(s->c->conn, s->id, s->owed);
    s->owed = 0;
  }
  s->c->owner->wants_run(s->c);
}

size_t quicmig_stream_room(const quicmig_stream *s) {
  return ring_size(s) - (size_t)(s->written - s->acked);
}

int64_t quicmig_stream_id(const quicmig_stream *s) { return s->id; }

void quicmig_stream_set_user_data(quicmig_stream *s, void *user_data) {
  s->user_data = user_data;
}

void *quicmig_stream_get_user_data(const quicmig_stream *s) {
  return s->user_data;
}
