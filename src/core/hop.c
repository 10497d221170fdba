/* The life of one attempt to hop; see the states in engine.h. */
#include "core/engine.h"

#include <assert.h>

#define MS QUICMIG_MILLISECOND
/* How long the record waits for the first packet on the new path. */
#define SETTLE_MAX QUICMIG_SECOND
/* A path that failed by our own clock stays open this long: for ngtcp2's word,
 * or, after a REBIND, for what the peer has sent there. */
#define FAILED_LINGER (10 * QUICMIG_SECOND)
/* A REBIND is taken back after 3 PTO without an answer, in these bounds. */
#define REBIND_WAIT_MIN (200 * MS)
#define REBIND_WAIT_MAX (3 * QUICMIG_SECOND)
/* A draining socket is not closed before its time for a new one until three
 * times the smallest srtt have passed, in these bounds. */
#define DRAIN_FLOOR_MIN (20 * MS)
#define DRAIN_FLOOR_MAX QUICMIG_SECOND
/* With less in flight than a fresh window may send at once, the queue in front
 * of the bottleneck is not ours; and no queue is waited for any longer. */
#define HOLD_IN_FLIGHT 14720
#define HOLD_MAX (100 * MS)
/* No backoff is longer while the path is dead. */
#define URGENT_BACKOFF_MAX (2 * QUICMIG_SECOND)

static quicmig_duration clamp(quicmig_duration d, quicmig_duration lo,
                              quicmig_duration hi) {
  return d < lo ? lo : d > hi ? hi : d;
}

static void enter(qm_engine *e, qm_phase phase, quicmig_tstamp give_up,
                  quicmig_tstamp now) {
  e->hop.phase = (uint8_t)phase;
  e->hop.at = now;
  e->hop.give_up = give_up;
}

/* Fills the record's last fields and gives it out. */
static void finish(qm_engine *e, quicmig_tstamp now) {
  quicmig_hop_record *r = &e->hop.record;
  const qm_path *from = qm_paths_find(&e->paths, r->from_id);

  if (from && from->state == QUICMIG_PATH_DRAINING) {
    r->late_packets = from->meter.late;
    r->rescued_packets = from->meter.rescued;
  }
  r->gap = e->hop.gap.longest;
  r->next_at = qm_sched_deadline(&e->sched);
  enter(e, QM_PHASE_IDLE, QUICMIG_NEVER, now);
  qm_outbox_push(&e->out, (qm_action){.type = QM_ACT_RECORD});
}

bool qm_engine_is_urgent(uint32_t reason) {
  return reason == QUICMIG_REASON_DEGRADED ||
         reason == QUICMIG_REASON_NETWORK ||
         reason == QUICMIG_REASON_PATH_ERROR || reason == QUICMIG_REASON_STALL;
}

/* Does an attempt for this reason begin because nothing came back? */
static bool is_alarm(uint32_t reason) {
  return reason == QUICMIG_REASON_DEGRADED || reason == QUICMIG_REASON_STALL;
}

bool qm_engine_is_by_hand(const qm_engine *e) {
  return e->hop.record.reason == QUICMIG_REASON_MANUAL ||
         e->hop.record.reason == QUICMIG_REASON_EXPLICIT;
}

/* Does the failure say anything about the peer, or was it our own? */
static bool is_peers_doing(const qm_engine *e, int err) {
  return e->hop.record.mode == QUICMIG_MODE_MIGRATE &&
         (err == QUICMIG_ERR_VALIDATION_FAILED ||
          err == QUICMIG_ERR_NO_SPARE_ID);
}

/* A dead path is left as soon as possible; after a REBIND on trial the silence
 * was the trial's. */
static void back_off(qm_engine *e, quicmig_tstamp now) {
  const quicmig_hop_record *r = &e->hop.record;

  qm_sched_on_failure(&e->sched, now);
  if (qm_engine_is_urgent(r->reason) ||
      (r->mode == QUICMIG_MODE_MIGRATE && qm_engine_is_silent(e, now))) {
    qm_sched_hurry(&e->sched, qm_time_add(now, URGENT_BACKOFF_MAX));
  }
}

static void finish_bad(qm_engine *e, int err, int sys_errno,
                       quicmig_tstamp now) {
  e->hop.record.result = err;
  e->hop.record.sys_errno = sys_errno;
  e->stats.last_error = err;
  if (is_peers_doing(e, err) && qm_ledger_on_failure(&e->ledger)) {
    e->stats.peer_budget = e->ledger.budget;
    qm_outbox_push_event(&e->out, QUICMIG_EVENT_BUDGET_LEARNED,
                         e->ledger.budget);
  }
  if (!qm_engine_is_by_hand(e)) {
    back_off(e, now);
  }
  finish(e, now);
}

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

static void start_record(qm_engine *e, quicmig_reason reason, const qm_cc *cc,
                         quicmig_tstamp now) {
  const qm_path *from = qm_engine_active(e);
  uint64_t seq = e->hop.record.seq + 1;

  e->hop.timeout = 0;
  e->hop.previous_start = e->sched.last_start;
  e->hop.pto = cc->pto;
  e->hop.base_us = (uint32_t)(qm_time_min(cc->min_rtt, QUICMIG_SECOND) /
                              QUICMIG_MICROSECOND);
  e->hop.hold_us = 0;
  qm_gap_start(&e->hop.gap, now);
  e->hop.record = (quicmig_hop_record){
      .size = sizeof(quicmig_hop_record),
      .seq = seq,
      .reason = reason,
      .mode =
          is_always_migrated(e, reason) ? QUICMIG_MODE_MIGRATE : e->o.hop_mode,
      .from_id = from ? from->id : 0,
      .from_port = from ? qm_addr_port(&from->local) : 0,
      .from_remote_port = from ? from->remote_port : 0,
      .started_at = now,
      .cwnd_before = cc->cwnd,
      .srtt_before = cc->srtt};
}

/* REBIND uses up no connection ID: what the peer's IDs ask for is not its
 * business. */
static quicmig_duration min_gap(const qm_engine *e, uint32_t mode,
                                quicmig_duration pto) {
  quicmig_duration gap = e->o.hop_min_gap;

  return mode == QUICMIG_MODE_REBIND
             ? gap
             : qm_time_max(gap, qm_ledger_gap(&e->ledger, pto));
}

quicmig_duration qm_engine_min_gap(const qm_engine *e, quicmig_duration pto) {
  return min_gap(e, e->is_confirmed ? e->o.hop_mode : QUICMIG_MODE_REBIND, pto);
}

/* How long a draining socket is kept although its place is wanted. */
static quicmig_duration drain_floor(qm_engine *e, const qm_cc *cc) {
  e->srtt_low = qm_time_min(e->srtt_low, cc->srtt);
  return clamp(3 * e->srtt_low, DRAIN_FLOOR_MIN, DRAIN_FLOOR_MAX);
}

int qm_engine_make_room(qm_engine *e, const qm_cc *cc, quicmig_tstamp now) {
  return qm_drain_make_room(&e->paths, drain_floor(e, cc), now)
             ? 0
             : QUICMIG_ERR_SOCKETS_EXHAUSTED;
}

quicmig_tstamp qm_engine_room_at(qm_engine *e, const qm_cc *cc) {
  return qm_drain_room_at(&e->paths, drain_floor(e, cc));
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
  if (qm_sched_is_too_soon(&e->sched, min_gap(e, mode, cc->pto), now)) {
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
    quicmig_duration gap = min_gap(e, r->mode, cc->pto);

    if (gap != e->sched.gap) {
      qm_outbox_push_event(&e->out, QUICMIG_EVENT_GAP_LEARNED, gap);
    }
    qm_sched_on_too_soon(&e->sched, gap, now);
  } else if (!qm_engine_is_by_hand(e)) {
    back_off(e, now);
  }
  finish(e, now);
  return err;
}

/* From here on the attempt counts: the peer will see it. */
static void begin(qm_engine *e, qm_path *p, quicmig_tstamp now) {
  qm_engine_judge_silence(e, true, now);
  if (is_alarm(e->hop.record.reason)) {
    qm_silence_on_alarm(&e->silence, e->active_id, e->o.degrade_ptos, now);
    qm_policy_on_silence(e->policy, now);
  } else if (e->policy && e->policy->state == QM_POLICY_SUSPECTING) {
    qm_silence_on_doubt(&e->silence, e->o.degrade_ptos, now);
  }
  e->hop.record.to_id = p->id;
  e->hop.record.to_port = qm_addr_port(&p->local);
  e->hop.record.to_remote_port = p->remote_port;
  if (e->nat && p->state == QUICMIG_PATH_SPARE) {
    qm_nat_on_mapping(e->nat, now);
  }
  enter(e, QM_PHASE_STARTING, QUICMIG_NEVER, now);
  if (e->sched.gap) {
    /* Once learned it is respected, but as it is today. */
    e->sched.gap = min_gap(e, e->hop.record.mode, e->hop.pto);
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
      is_alarm(reason) ? qm_silence_way_back(&e->silence, e->has_others) : 0;
  qm_path *p = id ? qm_paths_find(&e->paths, id) : NULL;

  return p && p->state == QUICMIG_PATH_DRAINING ? p : NULL;
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
  enter(e, QM_PHASE_OPENING, QUICMIG_NEVER, now);
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
  e->hop.timeout = timeout;
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
  finish_bad(e, err, sys_errno, now);
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
    e->hop.timeout = clamp(3 * pto, REBIND_WAIT_MIN, REBIND_WAIT_MAX);
    /* Over a dead path's full window nothing may ever be sent. */
    enter(e, QM_PHASE_PROBING,
          is_alarm(e->hop.record.reason) ? qm_time_add(now, e->hop.timeout)
                                         : QUICMIG_NEVER,
          now);
    return;
  }
  if (e->hop.timeout && e->hop.timeout < limit) {
    limit = e->hop.timeout;
  } else {
    e->hop.timeout = 0; /* ours ends it, not the caller's */
  }
  enter(e, QM_PHASE_PROBING, qm_time_add(now, limit), now);
}

/* The path before may have been silent: this one has answered.  One that was
 * moved to at once does so with its first packet. */
static void note_proof(qm_engine *e, quicmig_tstamp now) {
  qm_silence_on_proof(&e->silence, qm_time_since(now, e->hop.record.started_at),
                      now);
}

/* p carries the connection from now on, the old path drains. */
static void take_over(qm_engine *e, qm_path *p, quicmig_tstamp now) {
  qm_path *old = qm_engine_active(e);

  qm_silence_on_move(&e->silence);
  qm_policy_on_flow(e->policy, e->hop.record.srtt_before, now);
  qm_drain_start(&e->paths, old, e->o.drain, now);
  qm_paths_move(&e->paths, p, QUICMIG_PATH_ACTIVE, now);
  e->active_id = e->tx_id = p->id;
  e->stats.hops++;
  qm_sched_on_success(&e->sched);
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

  if (base && rtt > base && e->silence.in_flight > HOLD_IN_FLIGHT &&
      from->home == p->home && !qm_engine_is_urgent(a->record.reason)) {
    e->hop.hold_us =
        (uint32_t)(qm_time_min(rtt - base, HOLD_MAX) / QUICMIG_MICROSECOND);
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

static void fail_trial(qm_engine *e, qm_path *p, int err, quicmig_tstamp now) {
  e->tx_id = e->active_id;
  e->stats.hops_failed++;
  qm_paths_move(&e->paths, p, QUICMIG_PATH_FAILED, now);
  finish_bad(e, err, 0, now);
}

/* Another path has taken over meanwhile. */
static void abort_trial(qm_engine *e, quicmig_tstamp now) {
  qm_path *p = qm_paths_find(&e->paths, e->hop.record.to_id);

  fail_trial(e, p, QUICMIG_ERR_ABORTED, now);
  p->close_at = qm_time_add(now, FAILED_LINGER);
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
    enter(e, QM_PHASE_SETTLING, qm_time_add(now, SETTLE_MAX), now);
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
    fail_trial(e, p, err, now);
  }
  if (p->state == QUICMIG_PATH_FAILED) {
    qm_paths_move(&e->paths, p, QUICMIG_PATH_CLOSED, now);
  }
}

/* The clock of a REBIND trial runs from its first unanswered packet. */
void qm_hop_on_tx(qm_engine *e, const qm_path *p, quicmig_tstamp now) {
  if (is_trial(e, p) && e->hop.record.mode == QUICMIG_MODE_REBIND &&
      e->hop.give_up == QUICMIG_NEVER) {
    e->hop.give_up = qm_time_add(now, e->hop.timeout);
  }
}

void qm_hop_on_rx(qm_engine *e, qm_path *p, quicmig_tstamp now) {
  if (e->hop.phase != QM_PHASE_PROBING && e->hop.phase != QM_PHASE_SETTLING) {
    return;
  }
  qm_gap_on_rx(&e->hop.gap, now);
  if (p->id != e->hop.record.to_id) {
    return;
  }
  if (e->hop.phase == QM_PHASE_SETTLING) {
    if (!e->hop.record.validate_time) { /* moved at once: this is the proof */
      note_proof(e, now);
    }
    finish(e, now);
  } else if (e->hop.record.mode == QUICMIG_MODE_REBIND) {
    e->hop.record.validate_time = qm_time_since(now, e->hop.at);
    take_over(e, p, now);
    note_proof(e, now);
    finish(e, now);
  }
}

void qm_hop_on_time(qm_engine *e, quicmig_tstamp now) {
  bool is_over = qm_time_is_due(e->hop.give_up, now);
  qm_path *p;

  if (e->hop.phase == QM_PHASE_SETTLING) {
    if (is_over || qm_engine_is_silent(e, now)) {
      finish(e, now);
    }
    return;
  }
  if (!is_over) {
    return;
  }
  assert(e->hop.phase == QM_PHASE_PROBING);
  p = qm_paths_find(&e->paths, e->hop.record.to_id);
  fail_trial(e, p,
             e->hop.timeout && e->hop.record.mode == QUICMIG_MODE_MIGRATE
                 ? QUICMIG_ERR_TIMEOUT
                 : QUICMIG_ERR_VALIDATION_FAILED,
             now);
  p->close_at = qm_time_add(now, FAILED_LINGER);
}

quicmig_tstamp qm_hop_deadline(const qm_engine *e) { return e->hop.give_up; }

void qm_engine_on_end(qm_engine *e, quicmig_tstamp now) {
  if (e->hop.phase == QM_PHASE_SETTLING) {
    finish(e, now);
  }
}
