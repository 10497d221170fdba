/*
 * Intrusive circular list.  A node that is in no list points to itself, so
 * removing twice is harmless.  The list owns nothing.
 */
#ifndef QM_LIST_H
#define QM_LIST_H

#include <stdbool.h>
#include <stddef.h>

typedef struct qm_list {
  struct qm_list *prev, *next;
} qm_list;

#define qm_list_entry(node, type, member)                                      \
  ((type *)(void *)((char *)(node)-offsetof(type, member)))

static inline void qm_list_init(qm_list *l) { l->prev = l->next = l; }

static inline bool qm_list_is_empty(const qm_list *l) { return l->next == l; }

static inline void qm_list_push(qm_list *l, qm_list *node) {
  node->prev = l->prev;
  node->next = l;
  l->prev->next = node;
  l->prev = node;
}

static inline void qm_list_remove(qm_list *node) {
  node->prev->next = node->next;
  node->next->prev = node->prev;
  qm_list_init(node);
}

#endif
