/*
 * Seeded pseudo-random numbers (splitmix64) for jitter and for the simulator:
 * never for anything a peer must not guess.  The seed comes from outside.
 */
#ifndef QM_RNG_H
#define QM_RNG_H

#include <quicmig/types.h>

typedef struct qm_rng {
  uint64_t state;
} qm_rng;

static inline void qm_rng_init(qm_rng *r, uint64_t seed) { r->state = seed; }

uint64_t qm_rng_next(qm_rng *r);

/* Uniform in [lo, hi], both inclusive, without modulo bias. */
uint64_t qm_rng_range(qm_rng *r, uint64_t lo, uint64_t hi);

#endif
