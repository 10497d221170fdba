/*
 * What to do with a message that the kernel did not take.  Pure.
 */
#ifndef QM_TXPLAN_H
#define QM_TXPLAN_H

#include "io/net.h"

/* After QM_TX_WAIT: a full socket buffer empties at this pace or faster. */
#define QM_TX_RETRY_AFTER QUICMIG_MILLISECOND

typedef enum qm_tx_verdict {
  QM_TX_WAIT,   /* the same message again on the same path, later */
  QM_TX_AGAIN,  /* the same message again now: a pending ICMP error was read */
  QM_TX_SPLIT,  /* datagram by datagram: some of them are too large */
  QM_TX_NO_GSO, /* the same, and no GSO on this path for a while: qm_txlack */
  QM_TX_UNMARK, /* the same message again now, without ECN bits */
  QM_TX_SKIP,   /* this datagram is lost, as the network may lose it */
  QM_TX_PATH_DOWN /* lost, and the path has no route or address any more */
} qm_tx_verdict;

/* err: a positive errno from sending m.  No value of it ends the connection. */
qm_tx_verdict qm_txplan_on_error(int err, const qm_msg *m);

/* Does the errno of a send or receive say that route or address are gone? */
bool qm_txplan_is_path_down(int err);

#endif
