/*
 * Memory that an application lends to a stream: pieces in the order of the
 * stream, given back as they are acknowledged.
 *
 *   acknowledged | sent, ngtcp2 may want it again | to be sent
 */
#ifndef QM_LOANS_H
#define QM_LOANS_H

#include <ngtcp2/ngtcp2.h>
#include <stdbool.h>

#define QM_LOANS_MAX 64

typedef struct qm_loans {
  struct {
    const uint8_t *base;
    size_t len;
  } items[QM_LOANS_MAX];   /* a ring */
  size_t first, count;     /* lent and not yet wholly acknowledged */
  size_t acked;            /* bytes of the first one */
  size_t next, next_bytes; /* to be sent: counted from first, bytes within */
} qm_loans;

/* False: full. */
bool qm_loans_add(qm_loans *l, const uint8_t *base, size_t len);

/* What is to be sent: at most n pieces, and no more of them than hold `bytes`;
 * returns how many. */
size_t qm_loans_pending(const qm_loans *l, ngtcp2_vec *vec, size_t n,
                        size_t bytes);

/* n bytes more were sent; n bytes more were acknowledged. */
void qm_loans_on_sent(qm_loans *l, size_t n);
void qm_loans_on_acked(qm_loans *l, size_t n);

#endif
