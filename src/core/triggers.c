/*
 * What makes a connection hop by itself: the schedule, silence on the path, a
 * path that the kernel has lost, the adaptive policy; and what makes such a hop
 * wait: room for a socket, the budget of NAT mappings.
 */
#include "core/engine.h"

#include <assert.h>

/* Between two ticks, more than the interval and this is a suspend or a jump. */
#define JUMP_MIN (10 * QUICMIG_SECOND)
/* A connection that has just begun has few samples of its RTT, and both ends
 * are busy with more than its packets. */
#define YOUNG_FOR QUICMIG_SECOND
/* A budget that is used up is told once in this time. */
#define NAT_TOLD_EVERY (60 * QUICMIG_SECOND)

void qm_engine_on_path_error(qm_engine *e, const qm_path *p, int sys_errno,
                             const qm_cc *cc, quicmig_tstamp now) {
  uint32_t now_ms = (uint32_t)(now / QUICMIG_MILLISECOND);

  if (sys_errno != e->path_errno || now_ms - e->path_errno_ms >= 1000) {
    e->path_errno = (int16_t)sys_errno;
    e->path_errno_ms = now_ms;
    qm_outbox_push_event(&e->out, QUICMIG_EVENT_SOCKET_ERROR,
                         (uint64_t)sys_errno);
  }
  if (e->is_forbidden && e->o.hop_mode == QUICMIG_MODE_MIGRATE) {
    return;
  }
  if (e->is_confirmed && p->id == e->tx_id && e->hop.phase == QM_PHASE_IDLE &&
      now >= e->sched.not_before) {
    (void)qm_engine_hop(e, QUICMIG_REASON_PATH_ERROR, cc, now);
  }
}

/* A hop that is later than a whole interval: the machine slept or the clock
 * jumped.  It is made once; the next gap counts from now. */
static void note_jump(qm_engine *e, quicmig_reason reason, quicmig_tstamp now) {
  quicmig_duration late = qm_time_since(now, qm_sched_deadline(&e->sched));
  bool is_timed =
      reason == QUICMIG_REASON_INTERVAL || reason == QUICMIG_REASON_RETRY;

  if (is_timed && late > qm_time_max(e->o.hop_interval, JUMP_MIN)) {
    qm_outbox_push_event(&e->out, QUICMIG_EVENT_CLOCK_JUMP, late);
  }
}

/* A hop for which there is no socket yet waits until the oldest one has drained
 * enough: that is no failure.  True: it waits. */
static bool waits_for_room(qm_engine *e, quicmig_reason reason, const qm_cc *cc,
                           quicmig_tstamp now) {
  quicmig_tstamp at = qm_engine_room_at(e, cc);

  if (at <= now || at == QUICMIG_NEVER || qm_engine_way_back(e, reason)) {
    return false;
  }
  e->sched.not_before = qm_time_max(e->sched.not_before, at);
  return true;
}

/* The same for a mapping in the NAT, unless the path is dead. */
static bool waits_for_nat(qm_engine *e, quicmig_reason reason,
                          quicmig_tstamp now) {
  quicmig_tstamp at = e->nat ? qm_nat_ready_at(e->nat, now) : now;

  if (at <= now || qm_engine_is_urgent(reason)) {
    return false;
  }
  e->nat_at = at;
  if (now >= e->nat_told_at) {
    e->nat_told_at = qm_time_add(now, NAT_TOLD_EVERY);
    qm_outbox_push_event(&e->out, QUICMIG_EVENT_NAT_BUDGET,
                         qm_nat_used(e->nat, now));
  }
  return true;
}

quicmig_tstamp qm_engine_grown_up_at(const qm_engine *e) {
  const qm_path *first = e->sched.last_start ? NULL : qm_engine_active(e);

  return first ? qm_time_add(first->active_at, YOUNG_FOR) : 0;
}

static quicmig_tstamp silence_at(const qm_engine *e) {
  quicmig_tstamp at = qm_sched_is_wanted(&e->o)
                          ? qm_silence_deadline(&e->silence, e->o.degrade_ptos)
                          : QUICMIG_NEVER;

  return qm_time_max(at, qm_engine_grown_up_at(e));
}

bool qm_engine_is_silent(const qm_engine *e, quicmig_tstamp now) {
  return qm_time_is_due(silence_at(e), now);
}

void qm_engine_judge_silence(qm_engine *e, bool is_over, quicmig_tstamp now) {
  qm_silence_verdict v = qm_silence_on_time(&e->silence, is_over, now);

  if (v != QM_SILENCE_OPEN) {
    qm_policy_on_silence_end(e->policy);
  }
  if (v == QM_SILENCE_RIGHT) {
    qm_policy_on_cut(e->policy, now);
  }
}

/* How long a hop takes: one PTO to prove the path, and one in reserve. */
static quicmig_duration lead(const qm_engine *e) { return 2 * e->silence.pto; }

/* A REBIND would have nothing to prove itself with: it waits for an
 * acknowledgement, or for the way out of a stall. */
static bool waits_for_window(const qm_engine *e) {
  return e->is_full && e->o.hop_mode == QUICMIG_MODE_REBIND;
}

static quicmig_reason find_reason(const qm_engine *e, quicmig_tstamp now) {
  if (!e->sched.is_running || now < e->sched.not_before) {
    return QUICMIG_REASON_INITIAL;
  }
  if (qm_engine_is_silent(e, now)) {
    return QUICMIG_REASON_DEGRADED;
  }
  if (now < e->nat_at || waits_for_window(e)) {
    return QUICMIG_REASON_INITIAL;
  }
  return qm_policy_wants_hop(e->policy, lead(e), now)
             ? QUICMIG_REASON_ADAPTIVE
             : qm_sched_reason(&e->sched, now);
}

static_assert(QM_OUTBOX_NEWS == QM_POLICY_NEWS, "see core/outbox.h");

static bool has_news(const qm_engine *e) {
  return e->policy && e->news_told < e->policy->n_news;
}

/* One event for each verdict; the policy keeps the evidence until it is told.
 */
static void tell_news(qm_engine *e) {
  while (has_news(e)) {
    e->news_told++;
    qm_outbox_push_event(&e->out, QUICMIG_EVENT_VERDICT, 0);
  }
}

void qm_engine_on_time(qm_engine *e, const qm_cc *cc, quicmig_tstamp now) {
  uint8_t phase = e->hop.phase;
  quicmig_reason reason;

  qm_hop_on_time(e, now);
  qm_drain_on_time(&e->paths, now);
  qm_engine_judge_silence(e, false, now);
  qm_policy_on_time(e->policy, now);
  tell_news(e);
  /* The record of an attempt that has just ended must be given out first. */
  if (!e->is_confirmed || phase != QM_PHASE_IDLE) {
    return;
  }
  reason = find_reason(e, now);
  if (reason != QUICMIG_REASON_INITIAL && !waits_for_room(e, reason, cc, now) &&
      !waits_for_nat(e, reason, now)) {
    note_jump(e, reason, now);
    (void)qm_engine_hop(e, reason, cc, now);
  }
}

/* When something may ask for a hop; IDLE only. */
static quicmig_tstamp trigger_at(const qm_engine *e) {
  quicmig_tstamp at, urgent;

  if (!e->is_confirmed || !e->sched.is_running) {
    return QUICMIG_NEVER;
  }
  at = qm_time_min(qm_sched_deadline(&e->sched),
                   qm_policy_deadline(e->policy, lead(e)));
  at = waits_for_window(e) ? QUICMIG_NEVER : qm_time_max(at, e->nat_at);
  urgent = silence_at(e);
  return qm_time_max(qm_time_min(at, urgent), e->sched.not_before);
}

quicmig_tstamp qm_engine_deadline(const qm_engine *e) {
  quicmig_tstamp at = qm_drain_deadline(&e->paths);

  at = qm_time_min(at, qm_hop_deadline(e));
  at = qm_time_min(at, qm_silence_judge_at(&e->silence));
  if (has_news(e)) {
    at = 0;
  }
  if (e->hop.phase == QM_PHASE_SETTLING) {
    at = qm_time_min(at, silence_at(e));
  }
  return e->hop.phase == QM_PHASE_IDLE ? qm_time_min(at, trigger_at(e)) : at;
}
