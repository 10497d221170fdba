/* What an attempt to hop is, and how it ends. */
#include "core/attempt.h"

/* No backoff is longer while the path is dead. */
#define URGENT_BACKOFF_MAX (2 * QUICMIG_SECOND)

void qm_attempt_enter(qm_engine *e, qm_phase phase, quicmig_tstamp give_up,
                      quicmig_tstamp now) {
  e->hop.phase = phase;
  e->hop.at = now;
  e->hop.give_up = give_up;
}

void qm_attempt_finish(qm_engine *e, quicmig_tstamp now) {
  quicmig_hop_record *r = &e->hop.record;
  const qm_path *from = qm_paths_find(&e->paths, r->from_id);

  if (from && from->state == QUICMIG_PATH_DRAINING) {
    r->late_packets = from->meter.late;
    r->rescued_packets = from->meter.rescued;
  }
  r->gap = e->hop.gap.longest;
  r->next_at = qm_sched_deadline(&e->sched);
  qm_attempt_enter(e, QM_PHASE_IDLE, QUICMIG_NEVER, now);
  qm_outbox_push(&e->out, (qm_action){.type = QM_ACT_RECORD});
}

bool qm_engine_is_urgent(uint32_t reason) {
  return reason == QUICMIG_REASON_DEGRADED ||
         reason == QUICMIG_REASON_NETWORK ||
         reason == QUICMIG_REASON_PATH_ERROR || reason == QUICMIG_REASON_STALL;
}

bool qm_attempt_is_alarm(uint32_t reason) {
  return reason == QUICMIG_REASON_DEGRADED || reason == QUICMIG_REASON_STALL;
}

bool qm_engine_is_by_hand(const qm_engine *e) {
  return e->hop.record.reason == QUICMIG_REASON_MANUAL ||
         e->hop.record.reason == QUICMIG_REASON_EXPLICIT;
}

/* Does the failure say anything about the peer, or was it our own? */
static bool is_peers_doing(int err) {
  return err == QUICMIG_ERR_VALIDATION_FAILED || err == QUICMIG_ERR_NO_SPARE_ID;
}

/* A REBIND towards a peer that forbids migration may fail because the peer does
 * not listen, however often it is tried.  An old path that was only out of
 * order comes back without a hop. */
static bool is_unwelcome(const qm_engine *e) {
  return e->is_forbidden && e->hop.record.mode == QUICMIG_MODE_REBIND;
}

/* A dead path is left as soon as possible; after a REBIND on trial the silence
 * was the trial's. */
void qm_attempt_back_off(qm_engine *e, quicmig_tstamp now) {
  const quicmig_hop_record *r = &e->hop.record;

  qm_sched_on_failure(&e->sched, now);
  if ((qm_engine_is_urgent(r->reason) && !is_unwelcome(e)) ||
      (r->mode == QUICMIG_MODE_MIGRATE && qm_engine_is_silent(e, now))) {
    qm_sched_hurry(&e->sched, qm_time_add(now, URGENT_BACKOFF_MAX));
  }
}

void qm_attempt_fail(qm_engine *e, int err, int sys_errno, quicmig_tstamp now) {
  e->hop.record.result = err;
  e->hop.record.sys_errno = sys_errno;
  e->stats.last_error = err;
  if (is_peers_doing(err) && qm_ledger_on_failure(&e->ledger)) {
    e->stats.peer_budget = e->ledger.budget;
    qm_outbox_push_event(&e->out, QUICMIG_EVENT_BUDGET_LEARNED,
                         e->ledger.budget);
  }
  if (!qm_engine_is_by_hand(e)) {
    qm_attempt_back_off(e, now);
  }
  qm_attempt_finish(e, now);
}
