/* The proof of a new path: validated, or given up. */
#include "core/attempt.h"
#include "core/pace.h"

#include <assert.h>

#define MS QUICMIG_MILLISECOND
/* How long the record waits for the first packet on the new path. */
#define SETTLE_MAX QUICMIG_SECOND
/* A path that failed by our own clock stays open this long: for ngtcp2's word,
 * which comes after three PTOs (RFC 9000 section 8.2.4), or, after a REBIND,
 * for what the peer has sent there. */
#define FAILED_LINGER (10 * QUICMIG_SECOND)
#define FAILED_PTOS 3
/* A REBIND is taken back after 3 PTO without an answer, in these bounds. */
#define REBIND_WAIT_MIN (200 * MS)
#define REBIND_WAIT_MAX (3 * QUICMIG_SECOND)
/* And when nothing could be sent for so long. */
#define REBIND_UNSENT_MAX QUICMIG_SECOND
/* No queue is waited for any longer.  (Nor any with only QM_PACE_FREE in
 * flight, what a fresh window may send at once: it is not ours.) */
#define HOLD_MAX (100 * MS)
#define HOLD_BITS 0x7ffffffu

static quicmig_duration timeout_of(const qm_attempt *a) {
  return a->timeout_us * QUICMIG_MICROSECOND;
}

void qm_engine_on_probing(qm_engine *e, quicmig_duration pto,
                          quicmig_tstamp now) {
  qm_path *p = qm_paths_find(&e->paths, e->hop.record.to_id);
  quicmig_duration limit =
      6 * qm_time_max(pto, QM_INITIAL_PTO) + QUICMIG_SECOND;

  assert(p && e->hop.phase == QM_PHASE_STARTING);
  qm_paths_move(&e->paths, p, QUICMIG_PATH_PROBING, now);
  if (e->hop.record.mode == QUICMIG_MODE_REBIND) {
    const qm_path *active = qm_engine_active(e);

    p->shown = active->shown;
    p->dcid_seq = active->dcid_seq;
    e->tx_id = p->id;
    e->hop.timeout_us =
        qm_attempt_us(qm_time_clamp(3 * pto, REBIND_WAIT_MIN, REBIND_WAIT_MAX));
    /* Out of silence there is something to send, or the window is full. */
    qm_attempt_enter(e, QM_PHASE_PROBING,
                     qm_time_add(now, qm_attempt_is_alarm(e->hop.record.reason)
                                          ? timeout_of(&e->hop)
                                          : REBIND_UNSENT_MAX),
                     now);
    return;
  }
  if (e->hop.timeout_us && timeout_of(&e->hop) < limit) {
    limit = timeout_of(&e->hop);
  } else {
    e->hop.timeout_us = 0; /* ours ends it, not the caller's */
  }
  qm_attempt_enter(e, QM_PHASE_PROBING, qm_time_add(now, limit), now);
}

/* The path before may have been silent: this one has answered.  One that was
 * moved to at once does so with its first packet. */
static void note_proof(qm_engine *e, quicmig_tstamp now) {
  qm_silence_on_proof(&e->silence, qm_time_since(now, e->hop.record.started_at),
                      now);
}

/* p carried the connection before: what it did then counts. */
static void resume(qm_engine *e, qm_path *p) {
  const qm_meter *m = &p->meter;

  qm_policy_on_return(e->policy, m->tx_bytes + m->rx_bytes, p->opened_at);
  qm_sched_on_return(&e->sched, m->tx_packets + m->rx_packets,
                     m->tx_bytes + m->rx_bytes);
  p->meter.late = p->meter.rescued = 0;
  p->draining_at = 0;
}

/* p carries the connection from now on, the old path drains. */
static void take_over(qm_engine *e, qm_path *p, quicmig_tstamp now) {
  qm_path *old = qm_engine_active(e);
  bool is_back = p->active_at != 0;

  qm_silence_on_move(&e->silence);
  qm_policy_on_flow(e->policy, e->hop.record.srtt_before, now);
  qm_drain_start(&e->paths, old, e->o.drain, now);
  qm_paths_move(&e->paths, p, QUICMIG_PATH_ACTIVE, now);
  e->active_id = e->tx_id = p->id;
  e->stats.hops++;
  qm_sched_on_success(&e->sched);
  if (is_back) {
    resume(e, p);
  }
  qm_ledger_on_success(&e->ledger);
  e->stats.peer_budget = e->ledger.budget;
}

/* The challenge has been through the queue: it took longer than the least RTT,
 * but a lost one says nothing. */
static void hold(qm_engine *e, const qm_path *from, const qm_path *p) {
  const qm_attempt *a = &e->hop;
  quicmig_duration base = a->base_us * QUICMIG_MICROSECOND;
  quicmig_duration rtt =
      qm_time_min(a->record.validate_time, a->record.srtt_before);

  if (base && rtt > base && e->silence.in_flight > QM_PACE_FREE &&
      from->home == p->home && a->record.reason != QUICMIG_REASON_EXPLICIT &&
      !qm_engine_is_urgent(a->record.reason)) {
    e->hop.hold_us =
        qm_attempt_us(qm_time_min(rtt - base, HOLD_MAX)) & HOLD_BITS;
  }
}

quicmig_tstamp qm_engine_held_until(const qm_engine *e) {
  const qm_path *p = e->hop.hold_us ? qm_engine_active(e) : NULL;

  return p ? qm_time_add(p->active_at, e->hop.hold_us * QUICMIG_MICROSECOND)
           : 0;
}

static bool is_trial(const qm_engine *e, const qm_path *p) {
  return e->hop.phase == QM_PHASE_PROBING && p->id == e->hop.record.to_id;
}

static bool is_rebind_trial(const qm_engine *e) {
  return e->hop.phase == QM_PHASE_PROBING &&
         e->hop.record.mode == QUICMIG_MODE_REBIND;
}

static void fail_trial(qm_engine *e, qm_path *p, int err, int sys_errno,
                       quicmig_tstamp now) {
  e->tx_id = e->active_id;
  e->stats.hops_failed++;
  qm_paths_move(&e->paths, p, QUICMIG_PATH_FAILED, now);
  p->close_at = qm_time_add(
      now, qm_time_max(FAILED_LINGER, FAILED_PTOS * qm_attempt_pto(&e->hop)));
  qm_attempt_fail(e, err, sys_errno, now);
}

/* Another path has taken over meanwhile. */
static void abort_trial(qm_engine *e, quicmig_tstamp now) {
  qm_path *p = qm_paths_find(&e->paths, e->hop.record.to_id);

  fail_trial(e, p, QUICMIG_ERR_ABORTED, 0, now);
}

void qm_engine_on_validated(qm_engine *e, uint32_t id, quicmig_tstamp now) {
  qm_path *p = qm_paths_find(&e->paths, id);

  if (!p ||
      (p->state != QUICMIG_PATH_PROBING && p->state != QUICMIG_PATH_FAILED) ||
      !e->is_confirmed) {
    return;
  }
  if (!is_trial(e, p) && e->hop.phase == QM_PHASE_PROBING) {
    abort_trial(e, now);
  }
  if (is_trial(e, p)) {
    e->hop.record.validate_time = qm_time_since(now, e->hop.at);
    qm_attempt_enter(e, QM_PHASE_SETTLING, qm_time_add(now, SETTLE_MAX), now);
    hold(e, qm_engine_active(e), p);
  }
  take_over(e, p, now);
  if (e->hop.record.validate_time && p->id == e->hop.record.to_id) {
    note_proof(e, now);
  }
}

void qm_engine_on_failed(qm_engine *e, uint32_t id, int err,
                         quicmig_tstamp now) {
  qm_path *p = qm_paths_find(&e->paths, id);

  if (!p || !e->is_confirmed) {
    return;
  }
  if (is_trial(e, p)) {
    fail_trial(e, p, err, 0, now);
  }
  if (p->state == QUICMIG_PATH_FAILED) {
    qm_paths_move(&e->paths, p, QUICMIG_PATH_CLOSED, now);
  }
}

/* The time of a REBIND trial runs from its first unanswered packet. */
void qm_hop_on_tx(qm_engine *e, const qm_path *p, quicmig_tstamp now) {
  if (is_trial(e, p) && is_rebind_trial(e) && !e->hop.is_sent) {
    e->hop.is_sent = 1;
    e->hop.give_up = qm_time_add(now, timeout_of(&e->hop));
  }
}

void qm_engine_on_tx_refused(qm_engine *e, qm_path *p, int sys_errno,
                             quicmig_tstamp now) {
  if (is_trial(e, p) && is_rebind_trial(e)) {
    fail_trial(e, p, QUICMIG_ERR_SYSTEM, sys_errno, now);
  }
}

bool qm_engine_wants_packet(const qm_engine *e) {
  return is_rebind_trial(e) && !e->hop.is_sent;
}

/* The packet that brought the proof does not end SETTLING: it came while the
 * phase was still PROBING. */
void qm_hop_on_accepted(qm_engine *e, qm_path *p, bool is_same_phase,
                        quicmig_tstamp now) {
  if (e->hop.phase != QM_PHASE_PROBING && e->hop.phase != QM_PHASE_SETTLING) {
    return;
  }
  qm_gap_on_rx(&e->hop.gap, now);
  if (p->id != e->hop.record.to_id || !is_same_phase) {
    return;
  }
  if (e->hop.phase == QM_PHASE_SETTLING) {
    if (!e->hop.record.validate_time) { /* moved at once: this is the proof */
      note_proof(e, now);
    }
    qm_attempt_finish(e, now);
  } else if (e->hop.record.mode == QUICMIG_MODE_REBIND) {
    e->hop.record.validate_time = qm_time_since(now, e->hop.at);
    take_over(e, p, now);
    note_proof(e, now);
    qm_attempt_finish(e, now);
  }
}

/* What it means that the trial's time is over: the path did not answer, or it
 * was not even asked; MIGRATE: the caller had less patience than ngtcp2. */
static int error_of_time(const qm_engine *e) {
  bool is_asked = e->hop.is_sent || qm_attempt_is_alarm(e->hop.record.reason);

  if (!is_rebind_trial(e)) {
    is_asked = !e->hop.timeout_us;
  }
  return is_asked ? QUICMIG_ERR_VALIDATION_FAILED : QUICMIG_ERR_TIMEOUT;
}

void qm_hop_on_time(qm_engine *e, quicmig_tstamp now) {
  bool is_over = qm_time_is_due(e->hop.give_up, now);
  qm_path *p;

  if (e->hop.phase == QM_PHASE_SETTLING) {
    if (is_over || qm_engine_is_silent(e, now)) {
      qm_attempt_finish(e, now);
    }
    return;
  }
  if (!is_over) {
    return;
  }
  assert(e->hop.phase == QM_PHASE_PROBING);
  p = qm_paths_find(&e->paths, e->hop.record.to_id);
  fail_trial(e, p, error_of_time(e), 0, now);
}

quicmig_tstamp qm_hop_deadline(const qm_engine *e) { return e->hop.give_up; }

void qm_engine_on_end(qm_engine *e, quicmig_tstamp now) {
  if (e->hop.phase == QM_PHASE_SETTLING) {
    qm_attempt_finish(e, now);
  }
}
