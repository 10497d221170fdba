/*
 * Follows one client's address on a server.  Pure.  A new address is known
 * here from its first packet on, but told to nobody before it is validated
 * (RFC 9000 section 9.3).
 */
#ifndef QM_TRACKER_H
#define QM_TRACKER_H

#include "base/addr.h"
#include <quicmig/endpoint.h>

/* Addresses not validated yet; a flood of spoofed ones overwrites the oldest,
 * which only costs the SAME_ID flag of the event. */
#define QM_TRACKER_PENDING 4

typedef struct qm_tracked {
  qm_addr addr;
  uint64_t id; /* names the connection ID that the client used there */
} qm_tracked;

typedef struct qm_tracker {
  qm_tracked current; /* validated; addr.len 0: none yet */
  qm_tracked pending[QM_TRACKER_PENDING];
  qm_addr earlier[QM_TRACKER_PENDING]; /* validated once */
  uint8_t next_pending, next_earlier;
  uint64_t count;
} qm_tracker;

/* A packet to our connection ID `id` came from there. */
void qm_tracker_on_packet(qm_tracker *t, const qm_addr *from, uint64_t id);

/* The address is validated.  Fills *m and returns true if the client moved;
 * the first address is no move. */
bool qm_tracker_on_validated(qm_tracker *t, const qm_addr *addr,
                             quicmig_tstamp now, quicmig_migration *m);

/* Was this address validated some moves ago? */
bool qm_tracker_is_known(const qm_tracker *t, const qm_addr *addr);

#endif
