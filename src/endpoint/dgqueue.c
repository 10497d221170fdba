#include "endpoint/dgqueue.h"

#include <assert.h>
#include <string.h>

/* A record: its length in HEADER bytes, then the data.  WRAP instead of a
 * length: the next record is at the ring's start. */
#define HEADER 4
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
  if (q->cap - q->tail >= HEADER) {
    memcpy(q->buf + q->tail, &wrap, HEADER);
  }
  return 0;
}

int qm_dgqueue_push(qm_dgqueue *q, const uint8_t *data, size_t len) {
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
  memcpy(q->buf + at, &header, HEADER);
  if (len) {
    memcpy(q->buf + at + HEADER, data, len);
  }
  q->tail = at + HEADER + len;
  q->count++;
  return 0;
}

/* Where the oldest record begins. */
static size_t find_head(const qm_dgqueue *q, uint32_t *len) {
  size_t at = q->head;

  if (q->cap - at >= HEADER) {
    memcpy(len, q->buf + at, HEADER);
    if (*len != WRAP) {
      return at;
    }
  }
  memcpy(len, q->buf, HEADER);
  return 0;
}

bool qm_dgqueue_head(const qm_dgqueue *q, const uint8_t **data, size_t *len) {
  uint32_t n;
  size_t at;

  if (q->count == 0) {
    return false;
  }
  at = find_head(q, &n);
  *data = q->buf + at + HEADER;
  *len = n;
  return true;
}

void qm_dgqueue_pop(qm_dgqueue *q) {
  uint32_t n;
  size_t at;

  assert(q->count);
  at = find_head(q, &n);
  q->head = at + HEADER + n;
  q->count--;
}
