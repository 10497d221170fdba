/*
 * Datagrams waiting to be sent, oldest first, in one ring of bytes allocated
 * with the first datagram.  Each record lies in one piece, and is told the time
 * once: applications queue without saying it.
 */
#ifndef QM_DGQUEUE_H
#define QM_DGQUEUE_H

#include <stdbool.h>

#include "base/mem.h"
#include "base/time.h"

typedef struct qm_dgqueue {
  const quicmig_mem *mem;
  uint8_t *buf;
  size_t cap;
  size_t head, tail; /* head == tail: empty */
  size_t count;
  size_t fresh, fresh_at; /* newest ones, to be told; where they begin */
} qm_dgqueue;

void qm_dgqueue_init(qm_dgqueue *q, const quicmig_mem *mem, size_t cap);
void qm_dgqueue_reset(qm_dgqueue *q);

/* Copies a datagram, len <= 65535, in.  now: NEVER if nobody knows.
 * Errors: QUICMIG_ERR_BLOCKED (full), QUICMIG_ERR_NOMEM. */
int qm_dgqueue_push(qm_dgqueue *q, const uint8_t *data, size_t len,
                    quicmig_tstamp now);

/* Whatever was queued without a time came now. */
void qm_dgqueue_stamp(qm_dgqueue *q, quicmig_tstamp now);

/* Could a datagram of len bytes be queued if nothing else were? */
bool qm_dgqueue_can_hold(const qm_dgqueue *q, size_t len);

/* The oldest datagram. */
typedef struct qm_dgram {
  const uint8_t *data;
  size_t len;
  quicmig_tstamp since; /* when it came; NEVER: not told yet */
  size_t next_len;      /* of the one behind it; SIZE_MAX: there is none */
  bool is_lent;         /* not of this queue, but of the application's */
} qm_dgram;

/* False when there is none. */
bool qm_dgqueue_head(const qm_dgqueue *q, qm_dgram *d);

/* Bytes in use, wrapped ones included. */
static inline size_t qm_dgqueue_used(const qm_dgqueue *q) {
  if (q->count == 0) {
    return 0;
  }
  return q->tail > q->head ? q->tail - q->head : q->cap - q->head + q->tail;
}

/* Drops the oldest. */
void qm_dgqueue_pop(qm_dgqueue *q);

#endif
