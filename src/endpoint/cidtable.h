/*
 * Which connection a packet belongs to: a hash table over connection IDs, ours
 * and the ones clients chose for their first packet.  Hashed with secret seeds,
 * because the latter are a stranger's choice.  Removed entries are kept for
 * reuse, so that a hop allocates nothing.
 */
#ifndef QM_CIDTABLE_H
#define QM_CIDTABLE_H

#include <stdbool.h>
#include <string.h>

#include <ngtcp2/ngtcp2.h>

#include "base/list.h"
#include "base/mem.h"

/* Length of the connection IDs that a server makes. */
#define QM_CID_LEN_SERVER 12

typedef struct qm_cid_entry {
  struct qm_cid_entry *next; /* in the bucket, or among the free ones */
  qm_list link;              /* in the owner's list of its IDs */
  void *owner;
  uint64_t hash; /* also names the ID in qm_tracker */
  ngtcp2_cid id;
} qm_cid_entry;

typedef struct qm_cidtable {
  const quicmig_mem *mem;
  qm_cid_entry **buckets;
  qm_cid_entry *spare;
  size_t cap; /* power of two, or 0 */
  size_t len;
  uint64_t seed[2];
  const qm_cid_entry *last; /* found; NULL: none, or it is gone */
} qm_cidtable;

void qm_cidtable_init(qm_cidtable *t, const quicmig_mem *mem,
                      const uint64_t seed[2]);
void qm_cidtable_reset(qm_cidtable *t);

/* ids: the owner's list, which the entry joins.
 * Errors: QUICMIG_ERR_NOMEM, QUICMIG_ERR_INVALID_ARGUMENT (already there). */
int qm_cidtable_add(qm_cidtable *t, const uint8_t *id, size_t len, void *owner,
                    qm_list *ids);

/* NULL: unknown. */
const qm_cid_entry *qm_cidtable_find(qm_cidtable *t, const uint8_t *id,
                                     size_t len);

/* The one found last, if this is its ID: packets come in trains.  NULL: not. */
static inline const qm_cid_entry *
qm_cidtable_again(const qm_cidtable *t, const uint8_t id[QM_CID_LEN_SERVER]) {
  const qm_cid_entry *e = t->last;

  return e && e->id.datalen == QM_CID_LEN_SERVER &&
                 memcmp(e->id.data, id, QM_CID_LEN_SERVER) == 0
             ? e
             : NULL;
}

/* Removes the ID if it is there and owner's. */
void qm_cidtable_remove(qm_cidtable *t, const uint8_t *id, size_t len,
                        const void *owner);

/* Removes all IDs of one owner: those in its list. */
void qm_cidtable_forget(qm_cidtable *t, qm_list *ids);

#endif
