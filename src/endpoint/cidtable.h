/*
 * Which connection a packet belongs to: a hash table over connection IDs, ours
 * and the ones clients chose for their first packet.  Because the latter are a
 * stranger's choice the hash is SipHash with a secret key: nobody can make long
 * chains.  Some removed entries are kept for reuse, so that a hop allocates
 * nothing; what a crowd took is given back when it has left.
 *
 * An ID that its owner retires stays in the table as a tombstone: late and
 * replayed packets still bear it, and a stateless reset in answer to one would
 * end a living connection, whose client may still hold the token (RFC 9000
 * section 10.3.1 forbids it to look; ngtcp2 looks for a PTO).
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
  qm_list link;              /* in the owner's set */
  void *owner;
  uint64_t hash; /* also names the ID in qm_tracker */
  ngtcp2_cid id;
  bool is_retired; /* a tombstone: packets to it are dropped */
} qm_cid_entry;

/* Tombstones of one owner; beyond that the oldest one goes.  A client lets a
 * retired ID go after one PTO of its own; hops are not made faster than that
 * for so many in a row. */
#define QM_CID_TOMBSTONES 64

/* An owner's IDs: those in use, and its tombstones, the oldest first. */
typedef struct qm_cid_set {
  qm_list used, retired;
  uint32_t n_retired;
} qm_cid_set;

static inline void qm_cid_set_init(qm_cid_set *s) {
  qm_list_init(&s->used);
  qm_list_init(&s->retired);
  s->n_retired = 0;
}

typedef struct qm_cidtable {
  const quicmig_mem *mem;
  qm_cid_entry **buckets;
  qm_cid_entry *spare;
  size_t n_spare;
  size_t cap; /* power of two, or 0 */
  size_t len;
  uint64_t seed[2];
  const qm_cid_entry *last; /* found; NULL: none, or it is gone */
} qm_cidtable;

void qm_cidtable_init(qm_cidtable *t, const quicmig_mem *mem,
                      const uint64_t seed[2]);
void qm_cidtable_reset(qm_cidtable *t);

/* ids: the owner's set, which the entry joins.
 * Errors: QUICMIG_ERR_NOMEM, QUICMIG_ERR_INVALID_ARGUMENT (already there). */
int qm_cidtable_add(qm_cidtable *t, const uint8_t *id, size_t len, void *owner,
                    qm_cid_set *ids);

/* What an entry of that ID has, or would have, as its hash. */
uint64_t qm_cidtable_hash(const qm_cidtable *t, const uint8_t *id, size_t len);

/* NULL: unknown.  Else an ID in use or a tombstone. */
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

/* The ID becomes a tombstone if it is there, in use, and owner's. */
void qm_cidtable_retire(qm_cidtable *t, const uint8_t *id, size_t len,
                        const void *owner, qm_cid_set *ids);

/* Removes all IDs of one owner, tombstones too. */
void qm_cidtable_forget(qm_cidtable *t, qm_cid_set *ids);

#endif
