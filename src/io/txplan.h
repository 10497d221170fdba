/*
 * What to do with a packet that the kernel did not take.  Pure.
 */
#ifndef QM_TXPLAN_H
#define QM_TXPLAN_H

#include <quicmig/types.h>

/* After QM_TX_WAIT: a full socket buffer empties at this pace or faster. */
#define QM_TX_RETRY_AFTER QUICMIG_MILLISECOND

typedef enum qm_tx_verdict {
  QM_TX_WAIT,     /* the same packet again on the same path, later */
  QM_TX_AGAIN,    /* the same packet again now: a pending ICMP error was read */
  QM_TX_SKIP,     /* this packet is lost, as the network may lose it */
  QM_TX_PATH_DOWN /* lost, and the path has no route or address any more */
} qm_tx_verdict;

/* err: a positive errno from a send.  No value of it ends the connection. */
qm_tx_verdict qm_txplan_on_error(int err);

#endif
