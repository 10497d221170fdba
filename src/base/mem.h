/*
 * The one way to allocate: through the allocator given at creation.
 */
#ifndef QM_MEM_H
#define QM_MEM_H

#include <quicmig/types.h>

/* malloc and free of the C library. */
extern const quicmig_mem qm_mem_default;

static inline void *qm_calloc(const quicmig_mem *m, size_t n, size_t size) {
  return m->calloc(n, size, m->user_data);
}

static inline void *qm_malloc(const quicmig_mem *m, size_t size) {
  return m->malloc(size, m->user_data);
}

static inline void *qm_realloc(const quicmig_mem *m, void *p, size_t size) {
  return m->realloc(p, size, m->user_data);
}

static inline void qm_free(const quicmig_mem *m, void *p) {
  if (p) {
    m->free(p, m->user_data);
  }
}

#endif
