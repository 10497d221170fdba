#include "core/ledger.h"

#define STARVED_GAP_MAX (60 * QUICMIG_SECOND)
/* Failures in a row after good hops that speak of a budget, not of bad luck. */
#define BUDGET_STREAK 3

void qm_ledger_init(qm_ledger *l) {
  *l = (qm_ledger){.peer_cid_limit = 2, .budget = QM_LEDGER_NO_BUDGET};
}

void qm_ledger_on_peer(qm_ledger *l, uint64_t active_connection_id_limit) {
  l->peer_cid_limit =
      active_connection_id_limit > 8 ? 8 : (uint32_t)active_connection_id_limit;
}

void qm_ledger_on_success(qm_ledger *l) {
  l->good++;
  l->bad = 0;
  if (l->budget != QM_LEDGER_NO_BUDGET && l->good > l->budget) {
    l->budget = QM_LEDGER_NO_BUDGET;
  }
  l->starved_gap -= l->starved_gap / 8;
}

bool qm_ledger_on_failure(qm_ledger *l) {
  l->bad++;
  if (l->good == 0 || l->bad != BUDGET_STREAK) {
    return false;
  }
  l->budget = l->good;
  return true;
}

void qm_ledger_on_starved(qm_ledger *l, quicmig_duration since) {
  quicmig_duration next = qm_time_max(l->starved_gap, since) * 2;

  l->starved_gap = next > STARVED_GAP_MAX ? STARVED_GAP_MAX : next;
}

quicmig_duration qm_ledger_gap(const qm_ledger *l, quicmig_duration pto) {
  quicmig_duration gap = l->starved_gap;

  if (l->peer_cid_limit < 3) {
    gap =
        qm_time_max(gap, 3 * qm_time_max(pto, QM_INITIAL_PTO) + QUICMIG_SECOND);
  }
  return gap;
}
