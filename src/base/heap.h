/*
 * Binary min-heap of deadlines.  Nodes live inside their owners and know their
 * place, so that moving or removing one costs O(log n).  Equal deadlines leave
 * in the order in which they were set.  The heap owns only its array.
 */
#ifndef QM_HEAP_H
#define QM_HEAP_H

#include "base/mem.h"
#include "base/time.h"

#define QM_HEAP_OUT SIZE_MAX

typedef struct qm_heap_node {
  quicmig_tstamp at;
  uint64_t order; /* breaks ties; given by the heap */
  size_t index;   /* QM_HEAP_OUT: in no heap */
} qm_heap_node;

typedef struct qm_heap {
  const quicmig_mem *mem;
  qm_heap_node **nodes;
  size_t len, cap;
  uint64_t next_order;
} qm_heap;

void qm_heap_init(qm_heap *h, const quicmig_mem *mem);
void qm_heap_reset(qm_heap *h);

static inline void qm_heap_node_init(qm_heap_node *n) {
  *n = (qm_heap_node){.at = QUICMIG_NEVER, .index = QM_HEAP_OUT};
}

/* Makes room for n nodes, so that later qm_heap_set() calls cannot fail.
 * Errors: QUICMIG_ERR_NOMEM. */
int qm_heap_reserve(qm_heap *h, size_t n);

/* Adds the node or moves it to its new deadline.  Room must be reserved. */
void qm_heap_set(qm_heap *h, qm_heap_node *n, quicmig_tstamp at);
void qm_heap_remove(qm_heap *h, qm_heap_node *n);

/* The earliest node or NULL; it stays in the heap. */
qm_heap_node *qm_heap_top(const qm_heap *h);

#endif
