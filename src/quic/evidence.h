/*
 * Did ngtcp2 accept a packet of the datagram that it is given?
 *
 * ngtcp2_conn_read_pkt() returns 0 for genuine packets, junk, duplicates and
 * replays alike.  What tells them apart, the best first:
 *
 * - The program's decrypt callback says so (quicmig_on_decrypted()).  ngtcp2
 *   looks for duplicates only after decryption, and a replayed packet is
 *   decrypted too, so its number is compared with those seen before.  This
 *   works with every ngtcp2.
 * - Without that callback, from ngtcp2 1.16 on:
 *   ngtcp2_conn_info.pkt_recv grows.
 * - Without either: bytes in flight fall when something is acknowledged, and
 *   the expiry changes when there is something to acknowledge.  Junk changes
 *   neither, but not every genuine packet changes one.
 *
 * A packet number that is further behind the largest one than the window
 * reaches counts as seen.
 */
#ifndef QM_EVIDENCE_H
#define QM_EVIDENCE_H

#include <stdbool.h>

#include <ngtcp2/ngtcp2.h>

#include "base/time.h"
#include <quicmig/types.h>

#define QM_EVIDENCE_WORDS 3
/* Packet numbers that are told apart, from the largest one down. */
#define QM_EVIDENCE_WINDOW (64 * QM_EVIDENCE_WORDS)

typedef struct qm_evidence {
  uint64_t next; /* packet number after the largest one; 0: none yet */
  uint64_t seen[QM_EVIDENCE_WORDS]; /* bit i: next - 1 - i */
  bool is_hooked;                   /* the program reports decryption */
  bool is_new; /* a packet of the datagram at hand was not seen before */
} qm_evidence;

/* A 1-RTT packet of this number was decrypted.  True: for the first time. */
bool qm_evidence_note(qm_evidence *e, uint64_t number);

/* The number of a packet whose header ends with `bytes` bytes of it: the one
 * that is closest to `next` (RFC 9000 appendix A.3). */
uint64_t qm_evidence_number(uint64_t next, uint64_t truncated, unsigned bytes);

/* Of one call of ngtcp2_conn_read_pkt(): what ngtcp2 tells before, and whose
 * call it is made in, if a program's callback reads another connection. */
typedef struct qm_evidence_mark {
  qm_evidence *outer;
  uint64_t in_flight, received;
  quicmig_tstamp expiry;
} qm_evidence_mark;

/* ngtcp2_conn_read_pkt() is about to be called, on this thread; until the end
 * decrypted packets count for e. */
QUICMIG_EXTERN qm_evidence_mark qm_evidence_begin(qm_evidence *e,
                                                  ngtcp2_conn *conn);

/* It has returned.  True: a packet was accepted. */
QUICMIG_EXTERN bool qm_evidence_end(qm_evidence *e, ngtcp2_conn *conn,
                                    const qm_evidence_mark *before);

#endif
