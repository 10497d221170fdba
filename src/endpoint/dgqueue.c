#include "endpoint/dgqueue.h"

#include <assert.h>
#include <string.h>

/* A record: its length in LENGTH bytes, its time, then the data.  WRAP instead
 * of a length: the next record is at the ring's start. */
#define LENGTH 4
#define HEADER (LENGTH + sizeof(quicmig_tstamp))
#define WRAP UINT32_MAX

void qm_dgqueue_init(qm_dgqueue *q, const quicmig_mem *mem, size_t cap) {
  *q = (qm_dgqueue){.mem = mem, .cap = cap};
}

void qm_dgqueue_reset(qm_dgqueue *q) {
  qm_free(q->mem, q->buf);
  qm_dgqueue_init(q, q->mem, q->cap);
}

/* Where a record of `need` bytes goes, or SIZE_MAX.  One byte at least stays
 * free, so that head == tail is empty and nothing else. */
static size_t find_room(qm_dgqueue *q, size_t need) {
  uint32_t wrap = WRAP;

  if (q->count == 0) {
    q->head = q->tail = 0;
  }
  if (q->tail < q->head) {
    return q->head - q->tail > need ? q->tail : SIZE_MAX;
  }
  if (q->cap - q->tail > need) {
    return q->tail;
  }
  if (q->head <= need) {
    return SIZE_MAX;
  }
  if (q->cap - q->tail >= LENGTH) {
    memcpy(q->buf + q->tail, &wrap, LENGTH);
  }
  return 0;
}

bool qm_dgqueue_can_hold(const qm_dgqueue *q, size_t len) {
  return HEADER + len < q->cap;
}

int qm_dgqueue_push(qm_dgqueue *q, const uint8_t *data, size_t len,
                    quicmig_tstamp now) {
  uint32_t header = (uint32_t)len;
  size_t at;

  if (!q->buf) {
    q->buf = qm_malloc(q->mem, q->cap);
    if (!q->buf) {
      return QUICMIG_ERR_NOMEM;
    }
  }
  at = find_room(q, HEADER + len);
  if (at == SIZE_MAX) {
    return QUICMIG_ERR_BLOCKED;
  }
  memcpy(q->buf + at, &header, LENGTH);
  memcpy(q->buf + at + LENGTH, &now, sizeof(now));
  if (len) {
    memcpy(q->buf + at + HEADER, data, len);
  }
  if (q->fresh || now == QUICMIG_NEVER) {
    q->fresh_at = q->fresh ? q->fresh_at : at;
    q->fresh++;
  }
  q->tail = at + HEADER + len;
  q->count++;
  return 0;
}

/* The record that begins at `at`, or after a wrap there. */
static size_t find(const qm_dgqueue *q, size_t at, uint32_t *len) {
  if (q->cap - at >= LENGTH) {
    memcpy(len, q->buf + at, LENGTH);
    if (*len != WRAP) {
      return at;
    }
  }
  memcpy(len, q->buf, LENGTH);
  return 0;
}

void qm_dgqueue_stamp(qm_dgqueue *q, quicmig_tstamp now) {
  uint32_t n;

  for (; q->fresh; q->fresh--) {
    size_t at = find(q, q->fresh_at, &n);

    memcpy(q->buf + at + LENGTH, &now, sizeof(now));
    q->fresh_at = at + HEADER + n;
  }
}

bool qm_dgqueue_head(const qm_dgqueue *q, qm_dgram *d) {
  uint32_t len, next;
  size_t at;

  if (q->count == 0) {
    return false;
  }
  at = find(q, q->head, &len);
  *d = (qm_dgram){
      .data = q->buf + at + HEADER, .len = len, .next_len = SIZE_MAX};
  memcpy(&d->since, q->buf + at + LENGTH, sizeof(d->since));
  if (q->count > 1) {
    (void)find(q, at + HEADER + len, &next);
    d->next_len = next;
  }
  return true;
}

void qm_dgqueue_pop(qm_dgqueue *q) {
  uint32_t n;
  size_t at;

  assert(q->count);
  at = find(q, q->head, &n);
  q->head = at + HEADER + n;
  if (q->fresh == q->count) {
    q->fresh--;
    q->fresh_at = q->head;
  }
  q->count--;
}
