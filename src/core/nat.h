/*
 * The budget of NAT mappings: each hop leaves one behind, which lives for a
 * lifetime.  One word says it all (the generic cell rate algorithm): full_at
 * runs ahead of the clock by one step a mapping, and by no more than a
 * lifetime.  Half of the budget may be used at once; the other half comes back
 * in the course of a lifetime, so that no more than all of it ever lives.
 *
 * Shared by threads: the only atomics of the library.
 */
#ifndef QM_NAT_H
#define QM_NAT_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/time.h"

typedef struct qm_nat {
  _Atomic uint64_t full_at;
  _Atomic uint64_t step; /* ns a mapping takes to come back; 0: no limit */
  _Atomic uint64_t lifetime;
} qm_nat;

/* The start value of a qm_nat with that many mappings, 2 at least. */
#define QM_NAT_INIT(mappings, lives)                                           \
  { .step = 2 * (lives) / (mappings), .lifetime = (lives) }

/* Another budget; what is in use is forgotten.  mappings 0: no limit, 1: as 2.
 */
void qm_nat_set(qm_nat *n, uint32_t mappings, quicmig_duration lifetime);

/* When the next mapping may be made: `now` or later. */
quicmig_tstamp qm_nat_ready_at(const qm_nat *n, quicmig_tstamp now);

/* One was made, whether it may be or not. */
void qm_nat_on_mapping(qm_nat *n, quicmig_tstamp now);

/* How many are in use of the half that may be used at once. */
uint32_t qm_nat_used(const qm_nat *n, quicmig_tstamp now);

#endif
