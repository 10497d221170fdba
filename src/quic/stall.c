/*
 * A congestion window with no room for a full packet while nothing comes back:
 * the path is dead, or ngtcp2 waits for packets that nobody will acknowledge or
 * repeat.  (Two or three lost PATH_RESPONSEs fill the least window of two
 * packets; 1.11 and 1.24 neither repeat them nor probe because of them.)
 * Challenges do not fit either, so a validated hop is not possible: after three
 * PTOs without a word from the peer the connection moves at once and validates
 * afterwards (RFC 9000 section 9.2), which empties the window.  There is
 * nothing left to lose.
 */
#include "quic/migrator.h"
#include "quic/pacing.h"

#define SILENT_PTOS 3
#define PAUSED_PTOS 2
#define AGAIN_MIN QUICMIG_SECOND
#define MUTE_FACTOR 8
#define REBIND_SILENCE (5 * QUICMIG_SECOND)

/* A REBIND on trial fills the window too, and ends by itself.  The stall goes
 * on meanwhile: else each trial would begin it anew. */
static bool is_on_trial(const qm_attempt *a) {
  return a->phase == QM_PHASE_PROBING && a->record.mode == QUICMIG_MODE_REBIND;
}

static bool is_watched(const quicmig *m) {
  const qm_engine *e = &m->engine;

  return e->is_confirmed && !e->is_forbidden && qm_sched_is_wanted(&e->o) &&
         !is_on_trial(&e->hop) && qm_pacing_is_full(m->conn);
}

/* When the silence since the window became full has lasted long enough.  After
 * a REBIND that was taken back ngtcp2's next probe may be seconds away. */
static quicmig_tstamp silent_at(const quicmig *m) {
  quicmig_duration patience =
      qm_time_max(SILENT_PTOS * ngtcp2_conn_get_pto(m->conn),
                  qm_silence_patience(&m->engine.silence, 0));

  if (m->engine.o.hop_mode == QUICMIG_MODE_REBIND) {
    patience = qm_time_max(patience, REBIND_SILENCE);
  }
  return qm_time_add(qm_time_max(m->rx_at, m->full_at), patience);
}

/* No migration is made sooner, whatever the silence. */
static quicmig_tstamp allowed_at(const quicmig *m) {
  const qm_engine *e = &m->engine;
  quicmig_duration gap =
      qm_engine_gap_of(e, QUICMIG_MODE_MIGRATE, ngtcp2_conn_get_pto(m->conn));

  return e->sched.last_start ? qm_time_add(e->sched.last_start, gap)
                             : qm_engine_grown_up_at(e);
}

/* As qm_silence_on_pause(), and after that alarm if both are due. */
void qm_stall_on_pause(quicmig *m, quicmig_tstamp from) {
  quicmig_duration most = PAUSED_PTOS * ngtcp2_conn_get_pto(m->conn);
  quicmig_tstamp until =
      qm_silence_put_off(silent_at(m), most, from, m->clock.last);

  if (m->stall_at > from && m->stall_at < until) {
    m->stall_again = m->stall_at = until;
  }
}

bool qm_stall_is_now(const quicmig *m) {
  return is_watched(m) && silent_at(m) <= m->clock.last;
}

void qm_stall_on_window(quicmig *m) {
  bool is_now_full = qm_pacing_is_full(m->conn);

  qm_engine_on_window(&m->engine, is_now_full);
  if (!is_now_full) {
    m->full_at = QUICMIG_NEVER;
  } else if (m->full_at == QUICMIG_NEVER) {
    m->full_at = m->clock.last;
  }
  m->stall_at = is_watched(m)
                    ? qm_time_max(qm_time_max(silent_at(m), m->stall_again),
                                  allowed_at(m))
                    : QUICMIG_NEVER;
}

void qm_stall_on_time(quicmig *m) {
  quicmig_tstamp now = m->clock.last;
  qm_cc cc = qm_migrator_cc(m);
  quicmig_duration again = qm_time_max(SILENT_PTOS * cc.pto, AGAIN_MIN);

  if (!qm_time_is_due(m->stall_at, now)) {
    return;
  }
  m->stall_at = QUICMIG_NEVER; /* the next read or write looks again */
  if (qm_stall_is_now(m)) {
    /* Each time costs a connection ID, and a mute path gives no new ones. */
    if (!qm_engine_active(&m->engine)->is_heard) {
      again *= MUTE_FACTOR;
    }
    m->stall_again = qm_time_add(now, again);
    (void)qm_engine_hop(&m->engine, QUICMIG_REASON_STALL, &cc, now);
    qm_migrator_run(m);
  }
}
