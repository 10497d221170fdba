/*
 * Time arithmetic that cannot wrap.  QUICMIG_NEVER is the only "no deadline"
 * and stays NEVER under addition.
 */
#ifndef QM_TIME_H
#define QM_TIME_H

#include <stdbool.h>

#include <quicmig/types.h>

static inline quicmig_tstamp qm_time_add(quicmig_tstamp t, quicmig_duration d) {
  return t > QUICMIG_NEVER - d ? QUICMIG_NEVER : t + d;
}

/* a - b, or 0 when b is later. */
static inline quicmig_duration qm_time_since(quicmig_tstamp a,
                                             quicmig_tstamp b) {
  return a > b ? a - b : 0;
}

static inline quicmig_tstamp qm_time_min(quicmig_tstamp a, quicmig_tstamp b) {
  return a < b ? a : b;
}

static inline quicmig_tstamp qm_time_max(quicmig_tstamp a, quicmig_tstamp b) {
  return a > b ? a : b;
}

static inline quicmig_duration
qm_time_clamp(quicmig_duration d, quicmig_duration lo, quicmig_duration hi) {
  return d < lo ? lo : d > hi ? hi : d;
}

/* NEVER is never due. */
static inline bool qm_time_is_due(quicmig_tstamp deadline, quicmig_tstamp now) {
  return deadline != QUICMIG_NEVER && deadline <= now;
}

/*
 * A clock that never goes back, whatever the caller's does: a step back is as
 * if the clock had stood still.  inner = outer + offset.  While the library
 * works it may run ahead of the caller's last word, and waits for it then.
 */
typedef struct qm_clock_guard {
  quicmig_tstamp last; /* inner */
  quicmig_duration offset;
  quicmig_duration ahead; /* of what the caller said */
} qm_clock_guard;

static inline quicmig_tstamp qm_clock_guard_in(qm_clock_guard *g,
                                               quicmig_tstamp outer) {
  quicmig_tstamp said = g->last - g->ahead;
  quicmig_tstamp inner = qm_time_add(outer, g->offset);

  if (inner < said) {
    g->offset = said - outer;
    inner = said;
  }
  g->ahead = qm_time_since(g->last, inner);
  g->last = qm_time_max(g->last, inner);
  return g->last;
}

/* It is `worked` later than when the caller spoke. */
static inline void qm_clock_guard_work(qm_clock_guard *g,
                                       quicmig_duration worked) {
  if (worked > g->ahead) {
    g->last = qm_time_add(g->last, worked - g->ahead);
    g->ahead = worked;
  }
}

/* An inner deadline on the caller's clock. */
static inline quicmig_tstamp qm_clock_guard_out(const qm_clock_guard *g,
                                                quicmig_tstamp inner) {
  return inner == QUICMIG_NEVER ? inner : qm_time_since(inner, g->offset);
}

#endif
