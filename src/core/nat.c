#include "core/nat.h"

void qm_nat_set(qm_nat *n, uint32_t mappings, quicmig_duration lifetime) {
  n->lifetime = lifetime;
  n->step = mappings ? qm_time_max(2 * lifetime / mappings, 1) : 0;
  n->step = qm_time_min(n->step, lifetime); /* one would never be ready */
  n->full_at = 0;
}

/* full_at as seen from now; one that is too far ahead belongs to another
 * clock. */
static uint64_t full_at(const qm_nat *n, uint64_t stored, quicmig_tstamp now) {
  bool is_foreign = stored > qm_time_add(now, 2 * n->lifetime);

  return stored < now || is_foreign ? now : stored;
}

quicmig_tstamp qm_nat_ready_at(const qm_nat *n, quicmig_tstamp now) {
  uint64_t next = qm_time_add(full_at(n, n->full_at, now), n->step);

  return n->step == 0 || next <= qm_time_add(now, n->lifetime)
             ? now
             : next - n->lifetime;
}

void qm_nat_on_mapping(qm_nat *n, quicmig_tstamp now) {
  uint64_t old = n->full_at, next;

  do {
    next = qm_time_add(full_at(n, old, now), n->step);
    next = qm_time_min(next, qm_time_add(now, 2 * n->lifetime));
  } while (!atomic_compare_exchange_weak(&n->full_at, &old, next));
}

uint32_t qm_nat_used(const qm_nat *n, quicmig_tstamp now) {
  return n->step ? (uint32_t)((full_at(n, n->full_at, now) - now) / n->step)
                 : 0;
}
