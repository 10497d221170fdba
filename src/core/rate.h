/*
 * How much a flow moves: bytes in slots of a sixteenth of a second, or of an
 * eighth of the RTT where that is longer; the last sixteen complete slots are
 * kept.  Slots end by themselves as time passes.
 */
#ifndef QM_RATE_H
#define QM_RATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/time.h"

#define QM_RATE_LONG 16 /* slots of the long look: a second */
#define QM_RATE_SHORT 8 /* and of the short one */

typedef struct qm_rate {
  quicmig_duration slot;
  quicmig_tstamp at;                /* start of the current slot */
  uint64_t bytes[QM_RATE_LONG + 1]; /* a ring, the current one included */
  uint32_t n;                       /* complete slots since the start */
} qm_rate;

/* A flow begins on a path of that RTT. */
void qm_rate_start(qm_rate *r, quicmig_duration rtt, quicmig_tstamp now);

/* Ends the slots that are over; true if there were any. */
bool qm_rate_on_time(qm_rate *r, quicmig_tstamp now);

/* After qm_rate_on_time(now).  True: the current slot was empty before. */
static inline bool qm_rate_on_bytes(qm_rate *r, size_t n) {
  uint64_t *slot = &r->bytes[r->n % (QM_RATE_LONG + 1)];
  bool is_first = *slot == 0;

  *slot += n;
  return is_first && n != 0;
}

/* Bytes a second over the last `slots` slots, 1 - QM_RATE_LONG; those before
 * the start count as empty. */
uint64_t qm_rate_of(const qm_rate *r, uint32_t slots);

/* Bytes of the last complete slot; 0 before there is one. */
static inline uint64_t qm_rate_last(const qm_rate *r) {
  return r->n ? r->bytes[(r->n - 1) % (QM_RATE_LONG + 1)] : 0;
}

/* Of the long look's slots, how many were not empty. */
uint32_t qm_rate_busy(const qm_rate *r);

#endif
