#include "core/nat.h"

/* The two numbers of a budget; read once, another thread may change them. */
typedef struct budget {
  uint64_t step, lifetime;
} budget;

static budget read_budget(const qm_nat *n) {
  return (budget){.step = n->step, .lifetime = n->lifetime};
}

void qm_nat_set(qm_nat *n, uint32_t mappings, quicmig_duration lifetime) {
  uint64_t step = mappings ? qm_time_max(2 * lifetime / mappings, 1) : 0;

  n->lifetime = lifetime;
  n->step = qm_time_min(step, lifetime); /* one would never be ready */
  n->full_at = 0;
}

/* full_at as seen from now; one that is too far ahead belongs to another
 * clock. */
static uint64_t full_at(const budget *b, uint64_t stored, quicmig_tstamp now) {
  bool is_foreign = stored > qm_time_add(now, b->lifetime + b->step);

  return stored < now || is_foreign ? now : stored;
}

quicmig_tstamp qm_nat_ready_at(const qm_nat *n, quicmig_tstamp now) {
  budget b = read_budget(n);
  uint64_t next = qm_time_add(full_at(&b, n->full_at, now), b.step);

  return b.step ? qm_time_max(now, qm_time_since(next, b.lifetime)) : now;
}

void qm_nat_on_mapping(qm_nat *n, quicmig_tstamp now) {
  budget b = read_budget(n);
  uint64_t old = n->full_at, next;

  do {
    next = qm_time_add(full_at(&b, old, now), b.step);
    /* Those that nobody could refuse: the debt has an end. */
    next = qm_time_min(next, qm_time_add(now, b.lifetime + b.step));
  } while (!atomic_compare_exchange_weak(&n->full_at, &old, next));
}

uint32_t qm_nat_used(const qm_nat *n, quicmig_tstamp now) {
  budget b = read_budget(n);

  return b.step ? (uint32_t)((full_at(&b, n->full_at, now) - now) / b.step) : 0;
}
