/*
 * Datagrams of handshakes that wait for their turn.  A step of a handshake
 * costs a server about as much time as a hundred packets of data.  So it
 * handles the packets of open connections as it reads them, puts those of
 * handshakes in here, and works them off later, the oldest first, for a bounded
 * time in each run (serveraccept.c).
 *
 * A datagram is refused, and counted as dropped, if
 *   - QM_BACKLOG_MAX datagrams wait,
 *   - QM_BACKLOG_PER_ID of its connection ID wait, or
 *   - there is no memory.
 * One that has waited for QM_BACKLOG_AGE is dropped when its turn comes.
 *
 * It keeps a datagram's bytes, ECN bits, addresses, socket and time of arrival,
 * and does not look into it.  Each one is an allocation of its own, made when
 * it is taken in and freed when it is done with: an empty backlog holds no
 * memory.  Pure: the time comes from the caller.
 */
#ifndef QM_BACKLOG_H
#define QM_BACKLOG_H

#include "base/list.h"
#include "base/mem.h"
#include "base/time.h"
#include "io/net.h"

/* Datagrams that wait, at most.  A handshake takes 0.3 to 1 ms, so the last one
 * waits for half a second, and its client sends again after one second. */
#define QM_BACKLOG_MAX 512
/* Those of one connection ID: what a client may send at once (the initial
 * window of RFC 9002 section 7.2). */
#define QM_BACKLOG_PER_ID 10
/* By then a client has sent its first packet again, after 1 and after 3 s (RFC
 * 9002 section 6.2), or has begun anew. */
#define QM_BACKLOG_AGE (3 * QUICMIG_SECOND)

/* Counters of datagrams by ID.  IDs that share one by chance share the limit:
 * with a full backlog nine strangers do once in 10^9 times. */
#define QM_BACKLOG_IDS 1024

typedef struct qm_waiting {
  qm_list link;
  uint64_t id;         /* a hash of the connection ID */
  quicmig_tstamp came; /* when it was taken in */
  uint32_t socket;     /* number of the one that it came by */
  qm_msg pkt;          /* one datagram, whose bytes follow this struct */
} qm_waiting;

typedef struct qm_backlog {
  const quicmig_mem *mem;
  qm_list queue; /* the oldest first */
  uint32_t n;
  uint64_t dropped;              /* refused, or too old */
  uint8_t by_id[QM_BACKLOG_IDS]; /* how many wait */
} qm_backlog;

void qm_backlog_init(qm_backlog *b, const quicmig_mem *mem);
void qm_backlog_reset(qm_backlog *b);

/* Copies pkt, a message of one datagram.  id: a hash of its connection ID with
 * a key that nobody knows.  False: refused. */
bool qm_backlog_add(qm_backlog *b, const qm_msg *pkt, uint64_t id,
                    uint32_t socket, quicmig_tstamp now);

/* Does a datagram of that ID wait?  Now and then true for one that does not. */
bool qm_backlog_has(const qm_backlog *b, uint64_t id);

static inline bool qm_backlog_is_empty(const qm_backlog *b) {
  return b->n == 0;
}

/* Takes out the oldest one that is not too old; the caller frees it with
 * qm_backlog_free().  NULL: none waits. */
qm_waiting *qm_backlog_take(qm_backlog *b, quicmig_tstamp now);
void qm_backlog_free(const qm_backlog *b, qm_waiting *w);

#endif
