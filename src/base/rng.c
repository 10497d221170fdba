#include "base/rng.h"

#include <assert.h>

uint64_t qm_rng_next(qm_rng *r) {
  uint64_t z = (r->state += 0x9e3779b97f4a7c15u);

  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

uint64_t qm_rng_range(qm_rng *r, uint64_t lo, uint64_t hi) {
  uint64_t span = hi - lo + 1;
  uint64_t floor, x;

  assert(lo <= hi);
  if (span == 0) {
    return qm_rng_next(r);
  }
  /* 2^64 mod span: draws below it would favour the low values. */
  floor = (0 - span) % span;
  do {
    x = qm_rng_next(r);
  } while (x < floor);
  return lo + x % span;
}
