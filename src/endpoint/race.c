#include "endpoint/race.h"

#include <assert.h>

#include "base/time.h"

void qm_race_init(qm_race *r, size_t n, quicmig_duration patience,
                  quicmig_tstamp now) {
  assert(n >= 1 && n <= QM_RACE_ADDRESSES);
  *r = (qm_race){.n = (uint8_t)n, .patience = patience, .next_at = now};
}

quicmig_tstamp qm_race_deadline(const qm_race *r) {
  quicmig_tstamp at = qm_race_has_more(r) ? r->next_at : QUICMIG_NEVER;
  unsigned i;

  for (i = 0; i < r->begun; i++) {
    at = qm_time_min(at, r->rows[i].again_at);
  }
  return at;
}

static int try_address(qm_race *r, unsigned i, quicmig_tstamp now) {
  quicmig_duration patience = r->patience << r->rows[i].tries++;

  r->rows[i].again_at = r->rows[i].tries < QM_RACE_TRIES
                            ? qm_time_add(now, patience)
                            : QUICMIG_NEVER;
  return (int)i;
}

int qm_race_next(qm_race *r, quicmig_tstamp now) {
  unsigned i;

  if (qm_race_has_more(r) && now >= r->next_at) {
    r->next_at = qm_time_add(now, QM_RACE_STAGGER);
    return try_address(r, r->begun++, now);
  }
  for (i = 0; i < r->begun; i++) {
    if (qm_time_is_due(r->rows[i].again_at, now)) {
      return try_address(r, i, now);
    }
  }
  return -1;
}

void qm_race_on_doubt(qm_race *r, quicmig_tstamp now) {
  r->next_at = qm_time_min(r->next_at, now);
}

void qm_race_on_failed(qm_race *r, unsigned address, bool is_final,
                       quicmig_tstamp now) {
  if (is_final) {
    r->rows[address].again_at = QUICMIG_NEVER;
  }
  qm_race_on_doubt(r, now);
}
