#include "endpoint/blackhole.h"

/* Losses in a row that are no chance (MAX_PROBES of RFC 8899 section 5.1.2),
 * and how long none of them was acknowledged: ngtcp2's own probe, after one
 * PTO, was not answered either, or was. */
#define UNPROVEN_MIN 3
#define UNPROVEN_PTOS 2
/* In TRYING the first PTO does not count for on_progress(), and what was lost
 * in an outage is repeated before anything new is acknowledged. */
#define TRYING_PTOS 3

static void enter(qm_blackhole *b, qm_blackhole_state state) {
  b->has_tried = b->state == QM_BLACKHOLE_TRYING;
  b->state = (uint8_t)state;
  b->epoch++;
  b->unproven = 0;
  b->since = QUICMIG_NEVER;
}

void qm_blackhole_reset(qm_blackhole *b) {
  enter(b, QM_BLACKHOLE_CLEAR);
  b->has_tried = b->is_hole = false;
}

void qm_blackhole_on_large(qm_blackhole *b, quicmig_tstamp now) {
  if (b->since == QUICMIG_NEVER) {
    b->since = now;
  }
  if (b->unproven < UNPROVEN_MIN) {
    b->unproven++;
  }
}

void qm_blackhole_on_large_acked(qm_blackhole *b) {
  if (b->state == QM_BLACKHOLE_CLEAR) { /* the usual case */
    b->since = QUICMIG_NEVER;
    b->unproven = 0;
  } else {
    qm_blackhole_reset(b);
  }
}

void qm_blackhole_on_progress(qm_blackhole *b, quicmig_tstamp now) {
  if (b->state == QM_BLACKHOLE_TRYING &&
      now >= qm_time_add(b->tried_at, b->pto)) {
    qm_blackhole_reset(b);
  }
}

void qm_blackhole_on_refused(qm_blackhole *b) {
  if (b->state == QM_BLACKHOLE_CLEAR) {
    enter(b, QM_BLACKHOLE_SUSPECT);
  }
}

void qm_blackhole_on_written(qm_blackhole *b, uint64_t in_flight) {
  b->in_flight = in_flight;
}

void qm_blackhole_on_read(qm_blackhole *b, uint64_t in_flight,
                          quicmig_tstamp now) {
  if (in_flight < b->in_flight && b->state == QM_BLACKHOLE_SUSPECT) {
    if (b->has_tried) {
      b->is_hole = true;
    } else {
      enter(b, QM_BLACKHOLE_TRYING);
      b->tried_at = now;
    }
  }
  b->in_flight = in_flight;
}

/* When it has lasted long enough; NEVER: there is nothing to wait for. */
static quicmig_tstamp doubt_at(const qm_blackhole *b) {
  return b->state != QM_BLACKHOLE_SUSPECT && b->unproven >= UNPROVEN_MIN
             ? qm_time_add(b->since,
                           (b->state == QM_BLACKHOLE_TRYING ? TRYING_PTOS
                                                            : UNPROVEN_PTOS) *
                               b->pto)
             : QUICMIG_NEVER;
}

bool qm_blackhole_on_time(qm_blackhole *b, quicmig_duration pto,
                          quicmig_tstamp now) {
  b->pto = pto;
  if (b->is_hole) {
    qm_blackhole_reset(b);
    return true;
  }
  if (qm_time_is_due(doubt_at(b), now)) {
    enter(b, QM_BLACKHOLE_SUSPECT);
  }
  return false;
}

quicmig_tstamp qm_blackhole_deadline(const qm_blackhole *b) {
  return doubt_at(b);
}
