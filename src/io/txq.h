/*
 * Packets on their way to the kernel: written one behind the other into one
 * buffer, grouped into messages that one GSO send may carry, and accounted for
 * as the kernel takes them.  Pure: the owner sends what qm_txq_front() shows
 * and reports what came of it.
 *
 *   room > add > room > add > ...        until full, or nothing more to write
 *   front > on_sent | split | unmark | drop > front > ...    until it is empty
 *
 * A message has packets of one tag, ECN mark, remote and local address only,
 * all of one size but the last, which may be shorter.  A single packet takes no
 * shorter one behind it: it may be a probe of path MTU discovery, whose failure
 * must not look like that of GSO.
 */
#ifndef QM_TXQ_H
#define QM_TXQ_H

#include "io/net.h"

/* A whole send quantum of ngtcp2 (64 KiB) and the packet that oversteps it. */
#define QM_TXQ_BYTES (65536 + QUICMIG_MAX_PKTLEN)
/* The kernel wants headers and segments of one send in 65,535 bytes. */
#define QM_GSO_BYTES (65535 - 40 - 8)

typedef struct qm_txq {
  uint8_t *buf;
  size_t cap, used;
  size_t next, len; /* messages: done with, all */
  size_t count;     /* packets of the last message; 0: it takes no more */
  bool is_split;    /* the front message leaves datagram by datagram */
  qm_msg one;       /* its next datagram then */
  uint32_t tags[QM_MSGS_MAX]; /* the owner's: which socket */
  qm_msg msgs[QM_MSGS_MAX];
} qm_txq;

/* buf: cap bytes that outlive the queue. */
void qm_txq_init(qm_txq *q, uint8_t *buf, size_t cap);

static inline bool qm_txq_is_empty(const qm_txq *q) {
  return q->next == q->len;
}

/* Where the next packet is to be written, with QUICMIG_MAX_PKTLEN bytes of
 * room; NULL: full, it must be emptied first. */
uint8_t *qm_txq_room(const qm_txq *q);

/* A packet of `len` bytes was written there.  like: its ecn, family, local and
 * remote.  may_group: the socket does GSO. */
void qm_txq_add(qm_txq *q, uint32_t tag, const qm_msg *like, size_t len,
                bool may_group);

/* The oldest messages, all of one tag; *n of them, >= 1.  Not when empty. */
const qm_msg *qm_txq_front(const qm_txq *q, size_t *n);

/* The tag of these. */
uint32_t qm_txq_tag(const qm_txq *q);

/* The first n of these messages were taken.  An emptied queue may be filled
 * again. */
void qm_txq_on_sent(qm_txq *q, size_t n);

/* The front message: leaves datagram by datagram, leaves without ECN bits. */
void qm_txq_split(qm_txq *q);
void qm_txq_unmark(qm_txq *q);

/* The front message, or of a split one the next datagram, is given up; returns
 * how many datagrams that were. */
size_t qm_txq_drop(qm_txq *q);

/* Bytes of buffer that qm_txq_move() needs. */
size_t qm_txq_rest(const qm_txq *q);

/* Moves what is left to *to, an initialised empty queue with that much room. */
void qm_txq_move(qm_txq *q, qm_txq *to);

#endif
