/*
 * The sending half of a connection: packets that wait until QUIC takes them, at
 * most `limit`, and no more than the pool has left: so connections that stand
 * still never take all of it from the others.  When full, the newest is
 * dropped. Implements datagram_head and datagram_pop.  A packet too large for
 * one DATAGRAM goes in two halves, which are as long as each other, so that
 * they share one UDP_SEGMENT message.
 *
 * The oldest packet is
 *   WAITING > WHOLE > (gone)
 *           > FIRST > SECOND > (gone)
 */
#ifndef FORWARD_OUTBOUND_H
#define FORWARD_OUTBOUND_H

#include "counters.h"
#include "packets.h"

#define OUTBOUND_AGE ((uint64_t)5000000000) /* ns; older ones are dropped */

typedef enum outbound_stage {
  OUTBOUND_WAITING, /* no header yet */
  OUTBOUND_WHOLE,   /* offered as one DATAGRAM */
  OUTBOUND_FIRST,   /* its first half is offered */
  OUTBOUND_SECOND   /* its second half is */
} outbound_stage;

typedef struct outbound {
  pool *pool;
  counters *count;
  packet *oldest, *newest;
  uint32_t waiting, limit;
  uint16_t packet_id; /* of the next one that is split */
  outbound_stage stage;
  const uint8_t *head; /* what is offered */
  size_t head_len;
} outbound;

void outbound_init(outbound *o, pool *packets, uint32_t limit, counters *count);
/* Gives all packets back. */
void outbound_reset(outbound *o);

/* Queues k, which is then o's.  False: full, and k still the caller's. */
bool outbound_push(outbound *o, packet *k, uint64_t now);

/* What to send next, at most max bytes when it is first asked; the same until
 * outbound_pop().  Returns its length, SIZE_MAX: nothing. */
size_t outbound_head(outbound *o, size_t max, uint64_t now,
                     const uint8_t **data);
void outbound_pop(outbound *o, bool is_sent);

/* Another connection goes on with what waits. */
void outbound_restart(outbound *o);

#endif
