#include "io/txlack.h"

#define UNIT ((quicmig_duration)1 << 27)

static uint32_t units(uint64_t ns) { return (uint32_t)(ns / UNIT); }

/* Less than 0: it is over since. */
static int32_t left(const qm_txlack *l, quicmig_tstamp now) {
  return (int32_t)(l->until - units(now));
}

static bool is_it(const qm_txlack *l, uint16_t path) {
  return l->tries && l->path == path;
}

bool qm_txlack_is_on(const qm_txlack *l, uint16_t path, quicmig_tstamp now) {
  return is_it(l, path) && left(l, now) > 0;
}

static bool is_forgotten(const qm_txlack *l, quicmig_tstamp now) {
  return left(l, now) < -(int32_t)(QM_TXLACK_MEMORY / UNIT);
}

void qm_txlack_on_refused(qm_txlack *l, uint16_t path, quicmig_tstamp now) {
  uint16_t tries = is_it(l, path) && !is_forgotten(l, now) ? l->tries : 0;
  quicmig_duration pause = QM_TXLACK_FIRST << (tries < 16 ? tries : 16);

  if (qm_txlack_is_on(l, path, now)) { /* grouped before the refusal */
    return;
  }
  pause = pause < QM_TXLACK_MAX ? pause : QM_TXLACK_MAX;
  *l = (qm_txlack){.until = units(now) + units(pause) + 2,
                   .path = path,
                   .tries = (uint16_t)(tries < 16 ? tries + 1 : tries)};
}

void qm_txlack_on_taken(qm_txlack *l, uint16_t path, quicmig_tstamp now) {
  if (is_it(l, path) && left(l, now) <= 0) {
    l->tries = 0;
  }
}
