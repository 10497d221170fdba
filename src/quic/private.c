#include "quic/private.h"

#include <assert.h>

#include "quic/migrator.h"

quicmig_tstamp qm_migrator_now(const quicmig *m) { return m->clock.last; }

quicmig_tstamp qm_migrator_outer(const quicmig *m, quicmig_tstamp inner) {
  return qm_clock_guard_out(&m->clock, inner);
}

const quicmig_options *qm_migrator_options(const quicmig *m) {
  return &m->engine.o;
}

size_t qm_migrator_remotes(const quicmig *m, qm_addr remotes[QM_REMOTES]) {
  size_t i;

  for (i = 0; i < m->homes.n_remotes; i++) {
    remotes[i] = m->homes.remotes[i];
  }
  return i;
}

void qm_migrator_pace(quicmig *m) { m->is_paced_here = true; }

bool qm_migrator_is_inside(const quicmig *m) { return m->is_inside; }

void qm_migrator_set_inside(quicmig *m, bool is_inside) {
  assert(m->is_inside != is_inside);
  m->is_inside = is_inside;
}

bool qm_migrator_is_validating(quicmig *m) {
  bool is_probed = m->is_probed;

  m->is_probed = false;
  return is_probed || m->engine.hop.phase != QM_PHASE_IDLE;
}

size_t qm_migrator_take_too_large(quicmig *m) {
  size_t n = m->too_large;

  m->too_large = 0;
  return n;
}

bool qm_migrator_is_holding(const quicmig *m) { return m->hold != NULL; }
