#include "base/heap.h"

#include <assert.h>

static bool before(const qm_heap_node *a, const qm_heap_node *b) {
  return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void place(qm_heap *h, qm_heap_node *n, size_t i) {
  h->nodes[i] = n;
  n->index = i;
}

static void sift_up(qm_heap *h, qm_heap_node *n) {
  size_t i = n->index;

  while (i > 0 && before(n, h->nodes[(i - 1) / 2])) {
    place(h, h->nodes[(i - 1) / 2], i);
    i = (i - 1) / 2;
  }
  place(h, n, i);
}

static void sift_down(qm_heap *h, qm_heap_node *n) {
  size_t i = n->index;

  for (;;) {
    size_t child = 2 * i + 1;

    if (child >= h->len) {
      break;
    }
    if (child + 1 < h->len && before(h->nodes[child + 1], h->nodes[child])) {
      child++;
    }
    if (!before(h->nodes[child], n)) {
      break;
    }
    place(h, h->nodes[child], i);
    i = child;
  }
  place(h, n, i);
}

void qm_heap_init(qm_heap *h, const quicmig_mem *mem) {
  *h = (qm_heap){.mem = mem};
}

void qm_heap_reset(qm_heap *h) {
  qm_free(h->mem, h->nodes);
  qm_heap_init(h, h->mem);
}

int qm_heap_reserve(qm_heap *h, size_t n) {
  size_t cap = h->cap ? h->cap : 16;
  qm_heap_node **nodes;

  if (n <= h->cap) {
    return 0;
  }
  while (cap < n) {
    cap *= 2;
  }
  nodes = qm_realloc(h->mem, h->nodes, cap * sizeof(*nodes));
  if (!nodes) {
    return QUICMIG_ERR_NOMEM;
  }
  h->nodes = nodes;
  h->cap = cap;
  return 0;
}

void qm_heap_set(qm_heap *h, qm_heap_node *n, quicmig_tstamp at) {
  if (n->index == QM_HEAP_OUT) {
    assert(h->len < h->cap);
    place(h, n, h->len++);
  } else if (n->at == at) {
    return;
  }
  n->at = at;
  n->order = h->next_order++;
  sift_up(h, n);
  sift_down(h, n);
}

void qm_heap_remove(qm_heap *h, qm_heap_node *n) {
  size_t i = n->index;
  qm_heap_node *last;

  if (i == QM_HEAP_OUT) {
    return;
  }
  assert(h->nodes[i] == n);
  last = h->nodes[--h->len];
  n->index = QM_HEAP_OUT;
  if (last != n) {
    place(h, last, i);
    sift_up(h, last);
    sift_down(h, last);
  }
}

qm_heap_node *qm_heap_top(const qm_heap *h) {
  return h->len ? h->nodes[0] : NULL;
}
