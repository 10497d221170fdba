#include "packets.h"

#include <stdlib.h>

bool pool_init(pool *p, size_t packets) {
  *p = (pool){
      .all = malloc(packets * sizeof(*p->all)), .n = packets, .left = packets};
  return p->all != NULL;
}

void pool_reset(pool *p) {
  free(p->all);
  *p = (pool){.all = NULL};
}

packet *pool_get(pool *p) {
  packet *k = p->free;

  if (!k && p->fresh < p->n) {
    k = &p->all[p->fresh++];
  } else if (k) {
    p->free = k->next;
  }
  p->left -= k != NULL;
  return k;
}

void pool_put(pool *p, packet *k) {
  k->next = p->free;
  p->free = k;
  p->left++;
}
