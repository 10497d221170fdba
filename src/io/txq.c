#include "io/txq.h"

#include <assert.h>
#include <string.h>

void qm_txq_init(qm_txq *q, uint8_t *buf, size_t cap) {
  q->buf = buf;
  q->cap = cap;
  q->used = q->next = q->len = q->count = 0;
  q->is_split = false;
}

uint8_t *qm_txq_room(const qm_txq *q) {
  return q->len < QM_MSGS_MAX && q->cap - q->used >= QUICMIG_MAX_PKTLEN
             ? q->buf + q->used
             : NULL;
}

static bool is_alike(const qm_msg *a, const qm_msg *b) {
  return a->ecn == b->ecn && qm_addr_is_equal(&a->remote, &b->remote) &&
         qm_addr_is_equal(&a->local, &b->local);
}

/* Does a packet join the last message?  Its first packets set the size; a
 * shorter one closes it. */
static bool joins(const qm_txq *q, uint32_t tag, const qm_msg *like,
                  size_t len) {
  const qm_msg *last = &q->msgs[q->len - 1];

  return len && len <= last->segment &&
         (len == last->segment || q->count > 1) && q->count < QM_SEGMENTS_MAX &&
         last->len + len <= QM_GSO_BYTES && q->tags[q->len - 1] == tag &&
         is_alike(last, like);
}

static void begin(qm_txq *q, uint32_t tag, const qm_msg *like, size_t len) {
  qm_msg *m = &q->msgs[q->len];

  *m = *like;
  m->data = q->buf + q->used;
  m->len = m->segment = len;
  q->tags[q->len++] = tag;
}

void qm_txq_add(qm_txq *q, uint32_t tag, const qm_msg *like, size_t len,
                bool may_group) {
  assert(q->len < QM_MSGS_MAX && q->used + len <= q->cap);
  if (q->count && may_group && joins(q, tag, like, len)) {
    qm_msg *last = &q->msgs[q->len - 1];

    last->len += len;
    q->count = len == last->segment ? q->count + 1 : 0;
  } else {
    begin(q, tag, like, len);
    q->count = may_group && len ? 1 : 0;
  }
  q->used += len;
}

const qm_msg *qm_txq_front(const qm_txq *q, size_t *n) {
  size_t end = q->next + 1;

  assert(!qm_txq_is_empty(q));
  if (q->is_split) {
    *n = 1;
    return &q->one;
  }
  while (end < q->len && q->tags[end] == q->tags[q->next]) {
    end++;
  }
  *n = end - q->next;
  return &q->msgs[q->next];
}

uint32_t qm_txq_tag(const qm_txq *q) {
  assert(!qm_txq_is_empty(q));
  return q->tags[q->next];
}

static void skip(qm_txq *q, size_t n) {
  q->next += n;
  q->is_split = false;
  assert(q->next <= q->len);
  if (q->next == q->len) {
    q->used = q->next = q->len = q->count = 0;
  }
}

/* Takes the datagram `one` off the front message. */
static void skip_one(qm_txq *q) {
  qm_msg *m = &q->msgs[q->next];

  m->data += q->one.len;
  m->len -= q->one.len;
  if (m->len == 0) {
    skip(q, 1);
  } else {
    qm_txq_split(q);
  }
}

void qm_txq_on_sent(qm_txq *q, size_t n) {
  if (q->is_split) {
    assert(n == 1);
    skip_one(q);
  } else {
    skip(q, n);
  }
}

void qm_txq_split(qm_txq *q) {
  const qm_msg *m = &q->msgs[q->next];

  assert(!qm_txq_is_empty(q));
  q->is_split = true;
  q->count = q->next + 1 == q->len ? 0 : q->count;
  q->one = *m;
  q->one.segment = 0;
  (void)qm_msg_at(m, 0, &q->one.len);
}

void qm_txq_unmark(qm_txq *q) {
  assert(!qm_txq_is_empty(q));
  q->msgs[q->next].ecn = 0;
  q->one.ecn = 0;
}

size_t qm_txq_drop(qm_txq *q) {
  size_t n = 1;

  assert(!qm_txq_is_empty(q));
  if (q->is_split) {
    skip_one(q);
  } else {
    n = qm_msg_count(&q->msgs[q->next]);
    skip(q, 1);
  }
  return n;
}

size_t qm_txq_rest(const qm_txq *q) {
  return qm_txq_is_empty(q)
             ? 0
             : (size_t)(q->buf + q->used - q->msgs[q->next].data);
}

void qm_txq_move(qm_txq *q, qm_txq *to) {
  const uint8_t *from;
  size_t i, rest = qm_txq_rest(q);

  assert(qm_txq_is_empty(to) && to->cap >= rest);
  if (qm_txq_is_empty(q)) {
    return;
  }
  from = q->msgs[q->next].data;
  memcpy(to->buf, from, rest);
  for (i = q->next; i < q->len; i++) {
    to->tags[to->len] = q->tags[i];
    to->msgs[to->len] = q->msgs[i];
    to->msgs[to->len].data = to->buf + (q->msgs[i].data - from);
    to->len++;
  }
  to->used = rest;
  if (q->is_split) {
    qm_txq_split(to);
  }
  skip(q, q->len - q->next);
}
