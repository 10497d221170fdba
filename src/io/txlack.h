/*
 * A path whose messages leave datagram by datagram for a while, because the
 * kernel refused a message of several.  What refused it may be gone soon (an
 * address, a device without checksum offload, a smaller MTU), and it was this
 * path's alone: so the path tries again after a second, and after twice as long
 * each time it is refused again, 10 minutes at most.  One success ends it.
 * Pure.  There is one entry for as many paths as the owner likes, which holds
 * the one that was refused last.
 */
#ifndef QM_TXLACK_H
#define QM_TXLACK_H

#include <stdbool.h>

#include <quicmig/types.h>

#define QM_TXLACK_FIRST QUICMIG_SECOND
#define QM_TXLACK_MAX (600 * QUICMIG_SECOND)
/* So long after its end it is forgotten, and the next one is a first. */
#define QM_TXLACK_MEMORY (600 * QUICMIG_SECOND)

typedef struct qm_txlack {
  uint32_t until; /* in units of 2^27 ns, modulo 2^32 */
  uint16_t path;  /* the owner's name for it */
  uint16_t tries; /* refused so often in a row; 0: the entry is free */
} qm_txlack;

/* Does the path do without now? */
bool qm_txlack_is_on(const qm_txlack *l, uint16_t path, quicmig_tstamp now);

/* A message of several datagrams was refused, or taken. */
void qm_txlack_on_refused(qm_txlack *l, uint16_t path, quicmig_tstamp now);
void qm_txlack_on_taken(qm_txlack *l, uint16_t path, quicmig_tstamp now);

#endif
