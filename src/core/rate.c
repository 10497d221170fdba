#include "core/rate.h"

#define SLOT_MIN (62500 * QUICMIG_MICROSECOND)
#define SLOTS_PER_RTT 8
#define RING (QM_RATE_LONG + 1)

void qm_rate_start(qm_rate *r, quicmig_duration rtt, quicmig_tstamp now) {
  *r = (qm_rate){.slot = qm_time_max(SLOT_MIN, rtt / SLOTS_PER_RTT), .at = now};
}

bool qm_rate_on_time(qm_rate *r, quicmig_tstamp now) {
  uint64_t over = qm_time_since(now, r->at) / r->slot, i;

  for (i = 0; i < over && i < RING; i++) {
    r->n++;
    r->bytes[r->n % RING] = 0;
  }
  r->at += over * r->slot;
  return over != 0;
}

uint64_t qm_rate_of(const qm_rate *r, uint32_t slots) {
  uint64_t sum = 0;
  uint32_t i;

  for (i = 1; i <= slots && i <= r->n; i++) {
    sum += r->bytes[(r->n - i) % RING];
  }
  return (uint64_t)((double)sum * (double)QUICMIG_SECOND /
                    (double)(r->slot * slots));
}

uint32_t qm_rate_busy(const qm_rate *r) {
  uint32_t busy = 0, i;

  for (i = 1; i <= QM_RATE_LONG && i <= r->n; i++) {
    busy += r->bytes[(r->n - i) % RING] != 0;
  }
  return busy;
}
