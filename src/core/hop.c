/* How an attempt to hop begins, or why it does not. */
#include "core/attempt.h"

#include <assert.h>

/* A draining socket is not closed before its time for a new one until three
 * times the smallest srtt have passed, in these bounds. */
#define DRAIN_FLOOR_MIN (20 * QUICMIG_MILLISECOND)
#define DRAIN_FLOOR_MAX QUICMIG_SECOND

/* A path of the application's, or the way out of a stall: it empties ngtcp2's
 * window, which a REBIND would keep.  So also where a REBIND out of silence has
 * failed: its window may be full of what is never repeated.  And to another
 * network: there may be nothing to send that would prove a REBIND. */
static bool is_always_migrated(const qm_engine *e, quicmig_reason reason) {
  return reason == QUICMIG_REASON_EXPLICIT || reason == QUICMIG_REASON_STALL ||
         (reason == QUICMIG_REASON_DEGRADED && e->sched.failures &&
          !e->is_forbidden) ||
         (reason == QUICMIG_REASON_NETWORK && !e->is_forbidden);
}

uint32_t qm_engine_mode_of(const qm_engine *e, quicmig_reason reason) {
  return is_always_migrated(e, reason) ? QUICMIG_MODE_MIGRATE : e->o.hop_mode;
}

static void start_record(qm_engine *e, quicmig_reason reason, const qm_cc *cc,
                         quicmig_tstamp now) {
  const qm_path *from = qm_engine_active(e);
  uint64_t seq = e->hop.record.seq + 1;

  e->hop.timeout_us = 0;
  e->hop.previous_start = e->sched.last_start;
  e->hop.pto_us = qm_attempt_us(cc->pto);
  e->hop.base_us = qm_attempt_us(cc->min_rtt);
  e->hop.hold_us = 0;
  e->hop.is_sent = 0;
  e->hop.has_given_way = 0;
  qm_gap_start(&e->hop.gap, now);
  e->hop.record =
      (quicmig_hop_record){.size = sizeof(quicmig_hop_record),
                           .seq = seq,
                           .reason = reason,
                           .mode = qm_engine_mode_of(e, reason),
                           .from_id = from ? from->id : 0,
                           .from_port = from ? qm_addr_port(&from->local) : 0,
                           .from_remote_port = from ? from->remote_port : 0,
                           .started_at = now,
                           .cwnd_before = cc->cwnd,
                           .srtt_before = cc->srtt};
}

/* REBIND uses up no connection ID: what the peer's IDs ask for is not its
 * business. */
quicmig_duration qm_engine_gap_of(const qm_engine *e, uint32_t mode,
                                  quicmig_duration pto) {
  quicmig_duration gap = e->o.hop_min_gap;

  return mode == QUICMIG_MODE_REBIND
             ? gap
             : qm_time_max(gap, qm_ledger_gap(&e->ledger, pto));
}

quicmig_duration qm_engine_min_gap(const qm_engine *e, quicmig_duration pto) {
  return qm_engine_gap_of(
      e, e->is_confirmed ? e->o.hop_mode : QUICMIG_MODE_REBIND, pto);
}

/* How long a draining socket is kept although its place is wanted. */
static quicmig_duration drain_floor(qm_engine *e, const qm_cc *cc) {
  e->srtt_low = (uint32_t)qm_time_min(e->srtt_low, cc->srtt);
  return qm_time_clamp(3 * e->srtt_low, DRAIN_FLOOR_MIN, DRAIN_FLOOR_MAX);
}

int qm_engine_make_room(qm_engine *e, const qm_cc *cc, quicmig_tstamp now) {
  return qm_drain_make_room(&e->paths, drain_floor(e, cc), e->silence.left, now)
             ? 0
             : QUICMIG_ERR_SOCKETS_EXHAUSTED;
}

bool qm_engine_give_way(qm_engine *e, int sys_errno, const qm_cc *cc,
                        quicmig_tstamp now) {
  const qm_path *active = qm_engine_active(e);
  uint32_t last = active->is_heard ? 0 : qm_drain_newest(&e->paths);

  if (!qm_drain_give_way(&e->paths, drain_floor(e, cc), e->silence.left, last,
                         now)) {
    return false;
  }
  qm_outbox_push_event(&e->out, QUICMIG_EVENT_SHORTAGE, (uint64_t)sys_errno);
  return true;
}

quicmig_tstamp qm_engine_room_at(qm_engine *e, const qm_cc *cc) {
  return qm_drain_room_at(&e->paths, drain_floor(e, cc), e->silence.left);
}

/* What forbids a hop before any socket is opened, or 0. */
static int check(const qm_engine *e, uint32_t mode, const qm_cc *cc,
                 quicmig_tstamp now) {
  if (!e->is_confirmed) {
    return QUICMIG_ERR_NOT_CONFIRMED;
  }
  if (e->is_forbidden && mode == QUICMIG_MODE_MIGRATE) {
    return QUICMIG_ERR_PEER_FORBIDS;
  }
  if (qm_sched_is_too_soon(&e->sched, qm_engine_gap_of(e, mode, cc->pto),
                           now)) {
    return QUICMIG_ERR_TOO_SOON;
  }
  if (e->nat && qm_nat_ready_at(e->nat, now) > now &&
      !qm_engine_is_urgent(e->hop.record.reason)) {
    return QUICMIG_ERR_NAT_BUDGET;
  }
  return 0;
}

/* Told once.  A schedule of REBINDs goes on: it asks nobody. */
static void note_forbidden(qm_engine *e) {
  if (e->o.hop_mode == QUICMIG_MODE_MIGRATE) {
    qm_sched_stop(&e->sched);
  }
  if (!e->is_forbidden_told) {
    e->is_forbidden_told = true;
    qm_outbox_push_event(&e->out, QUICMIG_EVENT_PEER_FORBIDS, 0);
  }
}

/* A refusal before any socket: it is recorded, and the schedule told. */
static int refuse(qm_engine *e, int err, const qm_cc *cc, quicmig_tstamp now) {
  quicmig_hop_record *r = &e->hop.record;

  e->stats.hops_refused++;
  e->stats.last_error = err;
  r->result = err;
  if (err == QUICMIG_ERR_PEER_FORBIDS) {
    note_forbidden(e);
  } else if (err == QUICMIG_ERR_TOO_SOON && !qm_engine_is_by_hand(e)) {
    quicmig_duration gap = qm_engine_gap_of(e, r->mode, cc->pto);

    if (gap != e->sched.gap) {
      qm_outbox_push_event(&e->out, QUICMIG_EVENT_GAP_LEARNED, gap);
    }
    qm_sched_on_too_soon(&e->sched, gap, now);
  } else if (!qm_engine_is_by_hand(e)) {
    qm_attempt_back_off(e, now);
  }
  qm_attempt_finish(e, now);
  return err;
}

static void tell_silence(qm_engine *e) {
  if (e->hop.record.reason == QUICMIG_REASON_DEGRADED) {
    qm_outbox_push_event(&e->out, QUICMIG_EVENT_SILENCE, e->silence.pto);
  }
}

/* From here on the attempt counts: the peer will see it. */
static void begin(qm_engine *e, qm_path *p, quicmig_tstamp now) {
  qm_engine_judge_silence(e, true, now);
  if (qm_attempt_is_alarm(e->hop.record.reason)) {
    qm_silence_on_alarm(&e->silence, e->active_id, e->o.degrade_ptos, now);
    qm_policy_on_silence(e->policy, now);
    tell_silence(e);
  } else if (e->policy && e->policy->state == QM_POLICY_SUSPECTING) {
    qm_silence_on_doubt(&e->silence, e->o.degrade_ptos, now);
  }
  e->hop.record.to_id = p->id;
  e->hop.record.to_port = qm_addr_port(&p->local);
  e->hop.record.to_remote_port = p->remote_port;
  if (e->nat && p->state == QUICMIG_PATH_SPARE) {
    qm_nat_on_mapping(e->nat, now);
  }
  qm_attempt_enter(e, QM_PHASE_STARTING, QUICMIG_NEVER, now);
  if (e->sched.gap) {
    /* Once learned it is respected, but as it is today. */
    e->sched.gap =
        qm_engine_gap_of(e, e->hop.record.mode, qm_attempt_pto(&e->hop));
  }
  qm_sched_on_start(&e->sched, now);
  qm_outbox_push(&e->out,
                 (qm_action){.type = e->hop.record.mode == QUICMIG_MODE_MIGRATE
                                         ? QM_ACT_MIGRATE
                                         : QM_ACT_REBIND,
                             .path = p->id});
}

qm_path *qm_engine_way_back(const qm_engine *e, uint32_t reason) {
  uint32_t id =
      qm_attempt_is_alarm(reason) ? qm_silence_way_back(&e->silence) : 0;
  qm_path *p = id ? qm_paths_find(&e->paths, id) : NULL;

  return p && p->state == QUICMIG_PATH_DRAINING && !e->is_forbidden ? p : NULL;
}

/* The connection has moved in vain, and goes back the same way. */
static int go_back(qm_engine *e, qm_path *p, const qm_cc *cc,
                   quicmig_tstamp now) {
  int err = check(e, QUICMIG_MODE_MIGRATE, cc, now);

  e->hop.record.mode = QUICMIG_MODE_MIGRATE;
  if (err != 0) {
    return refuse(e, err, cc, now);
  }
  begin(e, p, now);
  return 0;
}

int qm_engine_hop(qm_engine *e, quicmig_reason reason, const qm_cc *cc,
                  quicmig_tstamp now) {
  qm_path *back = qm_engine_way_back(e, reason);
  int err;

  if (e->hop.phase != QM_PHASE_IDLE) {
    return QUICMIG_ERR_BUSY;
  }
  start_record(e, reason, cc, now);
  if (back) {
    return go_back(e, back, cc, now);
  }
  err = check(e, e->hop.record.mode, cc, now);
  if (err == 0) {
    err = qm_engine_make_room(e, cc, now);
  }
  if (err != 0) {
    return refuse(e, err, cc, now);
  }
  qm_attempt_enter(e, QM_PHASE_OPENING, QUICMIG_NEVER, now);
  qm_outbox_push(&e->out, (qm_action){.type = QM_ACT_OPEN});
  return 0;
}

int qm_engine_switch(qm_engine *e, qm_path *p, quicmig_duration timeout,
                     const qm_cc *cc, quicmig_tstamp now) {
  int err;

  if (e->hop.phase != QM_PHASE_IDLE) {
    return QUICMIG_ERR_BUSY;
  }
  start_record(e, QUICMIG_REASON_EXPLICIT, cc, now);
  err = check(e, QUICMIG_MODE_MIGRATE, cc, now);
  if (err != 0) {
    return refuse(e, err, cc, now);
  }
  e->hop.timeout_us = qm_attempt_us(timeout);
  begin(e, p, now);
  return 0;
}

void qm_engine_on_opened(qm_engine *e, const qm_addr *local,
                         uint16_t remote_port, int handle, quicmig_tstamp now) {
  qm_path *p = qm_paths_add(&e->paths, local, remote_port, handle, now);

  assert(p && e->hop.phase == QM_PHASE_OPENING);
  e->hop.record.open_time = qm_time_since(now, e->hop.at);
  begin(e, p, now);
}

/* Once an attempt: another thread may have taken what was given up, and then it
 * is not to cost the next one too. */
bool qm_engine_on_shortage(qm_engine *e, int sys_errno, const qm_cc *cc,
                           quicmig_tstamp now) {
  assert(e->hop.phase == QM_PHASE_OPENING);
  if (e->hop.has_given_way || !qm_engine_give_way(e, sys_errno, cc, now)) {
    return false;
  }
  e->hop.has_given_way = 1;
  qm_outbox_push(&e->out, (qm_action){.type = QM_ACT_OPEN});
  return true;
}

void qm_engine_on_refused(qm_engine *e, int err, int sys_errno,
                          quicmig_tstamp now) {
  qm_path *p = qm_paths_find(&e->paths, e->hop.record.to_id);

  assert(e->hop.phase == QM_PHASE_OPENING || e->hop.phase == QM_PHASE_STARTING);
  if (p && p->state == QUICMIG_PATH_SPARE &&
      e->hop.record.reason != QUICMIG_REASON_EXPLICIT) {
    qm_paths_move(&e->paths, p, QUICMIG_PATH_CLOSED, now);
  }
  if (err == QUICMIG_ERR_NO_SPARE_ID) {
    quicmig_tstamp previous = e->hop.previous_start;

    qm_ledger_on_starved(&e->ledger,
                         previous ? qm_time_since(now, previous) : 0);
  }
  e->stats.hops_refused++;
  qm_attempt_fail(e, err, sys_errno, now);
}
