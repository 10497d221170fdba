/*
 * What is known of the peer's willingness to be migrated to: its limits, the
 * minimum gap they imply, and a budget learned from what became of the hops.
 *
 * ngtcp2 keeps the connection IDs themselves and does not tell how many are
 * unused; it is asked before each hop (check_migration() in quic/).
 */
#ifndef QM_LEDGER_H
#define QM_LEDGER_H

#include <stdbool.h>

#include "base/time.h"

#define QM_LEDGER_NO_BUDGET UINT32_MAX

/* PTO of a path without a sample: 333 ms + 4 x 166.5 ms and max_ack_delay 25 ms
 * (RFC 9002 sections 6.2.1 and 6.2.2). */
#define QM_INITIAL_PTO (1024 * QUICMIG_MILLISECOND)

typedef struct qm_ledger {
  uint32_t peer_cid_limit;      /* the peer's active_connection_id_limit */
  uint32_t good;                /* hops that succeeded */
  uint32_t bad;                 /* refused or failed since the last good one */
  uint32_t budget;              /* learned, or QM_LEDGER_NO_BUDGET */
  quicmig_duration starved_gap; /* learned from NO_SPARE_ID; 0: none */
} qm_ledger;

void qm_ledger_init(qm_ledger *l);
void qm_ledger_on_peer(qm_ledger *l, uint64_t active_connection_id_limit);
void qm_ledger_on_success(qm_ledger *l);

/* A hop failed, or the peer had no ID.  Returns true when this taught a
 * budget. */
bool qm_ledger_on_failure(qm_ledger *l);

/* A hop was refused because no ID was spare, `since` after the attempt before
 * it started; 0: there was none. */
void qm_ledger_on_starved(qm_ledger *l, quicmig_duration since);

/*
 * The minimum gap between two validated hops.  A peer with fewer than three IDs
 * of ours keeps the one of our old path until its probe of that path has timed
 * out (3 PTO), and cannot follow us before.
 */
quicmig_duration qm_ledger_gap(const qm_ledger *l, quicmig_duration pto);

#endif
