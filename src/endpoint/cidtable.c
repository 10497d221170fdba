#include "endpoint/cidtable.h"

#include <string.h>

#include "base/siphash.h"

#define FIRST_CAP 64
/* Removed entries that are kept: enough for the hops of a moment. */
#define SPARE_MAX(len) (64 + (len) / 8)

uint64_t qm_cidtable_hash(const qm_cidtable *t, const uint8_t *id, size_t len) {
  return qm_siphash(t->seed, id, len);
}

void qm_cidtable_init(qm_cidtable *t, const quicmig_mem *mem,
                      const uint64_t seed[2]) {
  *t = (qm_cidtable){.mem = mem, .seed = {seed[0], seed[1]}};
}

static void free_chain(const quicmig_mem *mem, qm_cid_entry *e) {
  while (e) {
    qm_cid_entry *next = e->next;

    qm_free(mem, e);
    e = next;
  }
}

void qm_cidtable_reset(qm_cidtable *t) {
  size_t i;

  for (i = 0; i < t->cap; i++) {
    free_chain(t->mem, t->buckets[i]);
  }
  free_chain(t->mem, t->spare);
  qm_free(t->mem, t->buckets);
  qm_cidtable_init(t, t->mem, t->seed);
}

static qm_cid_entry **bucket(const qm_cidtable *t, uint64_t h) {
  return &t->buckets[h & (t->cap - 1)];
}

/* So many buckets; without memory the chains only stay as they are. */
static int resize(qm_cidtable *t, size_t cap) {
  qm_cid_entry **old = t->buckets, *e, *next;
  size_t old_cap = t->cap, i;
  qm_cid_entry **buckets = qm_calloc(t->mem, cap, sizeof(*buckets));

  if (!buckets) {
    return old_cap ? 0 : QUICMIG_ERR_NOMEM;
  }
  t->buckets = buckets;
  t->cap = cap;
  for (i = 0; i < old_cap; i++) {
    for (e = old[i]; e; e = next) {
      next = e->next;
      e->next = *bucket(t, e->hash);
      *bucket(t, e->hash) = e;
    }
  }
  qm_free(t->mem, old);
  return 0;
}

static qm_cid_entry *take_entry(qm_cidtable *t) {
  qm_cid_entry *e = t->spare;

  if (e) {
    t->spare = e->next;
    t->n_spare--;
    return e;
  }
  return qm_malloc(t->mem, sizeof(*e));
}

int qm_cidtable_add(qm_cidtable *t, const uint8_t *id, size_t len, void *owner,
                    qm_cid_set *ids) {
  qm_cid_entry *e;
  uint64_t h;

  if (qm_cidtable_find(t, id, len)) {
    return QUICMIG_ERR_INVALID_ARGUMENT;
  }
  if (t->len >= t->cap && resize(t, t->cap ? t->cap * 2 : FIRST_CAP) != 0) {
    return QUICMIG_ERR_NOMEM;
  }
  e = take_entry(t);
  if (!e) {
    return QUICMIG_ERR_NOMEM;
  }
  h = qm_cidtable_hash(t, id, len);
  *e = (qm_cid_entry){.next = *bucket(t, h), .owner = owner, .hash = h};
  ngtcp2_cid_init(&e->id, id, len);
  *bucket(t, h) = e;
  qm_list_push(&ids->used, &e->link);
  t->len++;
  return 0;
}

static bool is_id(const qm_cid_entry *e, uint64_t h, const uint8_t *id,
                  size_t len) {
  return e->hash == h && e->id.datalen == len &&
         memcmp(e->id.data, id, len) == 0;
}

static qm_cid_entry *search(const qm_cidtable *t, const uint8_t *id,
                            size_t len) {
  qm_cid_entry *e;
  uint64_t h;

  if (t->cap == 0 || len > NGTCP2_MAX_CIDLEN) {
    return NULL;
  }
  h = qm_cidtable_hash(t, id, len);
  for (e = *bucket(t, h); e && !is_id(e, h, id, len); e = e->next) {
  }
  return e;
}

const qm_cid_entry *qm_cidtable_find(qm_cidtable *t, const uint8_t *id,
                                     size_t len) {
  return t->last = search(t, id, len);
}

static void remove_entry(qm_cidtable *t, qm_cid_entry *e) {
  qm_cid_entry **p = bucket(t, e->hash);

  while (*p != e) {
    p = &(*p)->next;
  }
  *p = e->next;
  qm_list_remove(&e->link);
  t->last = t->last == e ? NULL : t->last;
  t->len--;
  if (t->n_spare < SPARE_MAX(t->len)) {
    e->next = t->spare;
    t->spare = e;
    t->n_spare++;
  } else {
    qm_free(t->mem, e);
  }
}

/* After a crowd has left: what it took is given back. */
static void shrink(qm_cidtable *t) {
  while (t->n_spare > SPARE_MAX(t->len)) {
    qm_free(t->mem, take_entry(t));
  }
  if (t->cap > FIRST_CAP && t->len < t->cap / 8) {
    (void)resize(t, t->cap / 4);
  }
}

void qm_cidtable_retire(qm_cidtable *t, const uint8_t *id, size_t len,
                        const void *owner, qm_cid_set *ids) {
  qm_cid_entry *e = search(t, id, len);

  if (!e || e->owner != owner || e->is_retired) {
    return;
  }
  e->is_retired = true;
  qm_list_remove(&e->link);
  qm_list_push(&ids->retired, &e->link);
  if (++ids->n_retired > QM_CID_TOMBSTONES) {
    remove_entry(t, qm_list_entry(ids->retired.next, qm_cid_entry, link));
    ids->n_retired--;
  }
}

static void forget_list(qm_cidtable *t, qm_list *list) {
  while (!qm_list_is_empty(list)) {
    remove_entry(t, qm_list_entry(list->next, qm_cid_entry, link));
  }
}

void qm_cidtable_forget(qm_cidtable *t, qm_cid_set *ids) {
  forget_list(t, &ids->used);
  forget_list(t, &ids->retired);
  ids->n_retired = 0;
  shrink(t);
}
