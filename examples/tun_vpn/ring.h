/*
 * Packets on their way from the TUN into a connection, bounded, oldest first.
 * They are read from the kernel straight into the ring and cut into segments
 * there, at the moment when QUIC asks for the next one: nothing is copied.
 */
#ifndef RING_H
#define RING_H

#include <quicmig/types.h>

#include "split.h"

/* Room for the virtio header and the largest packet. */
#define RING_ROOM (sizeof(struct virtio_net_hdr) + PACKET_MAX)

typedef struct ring {
  uint8_t *buf;
  size_t size;
  size_t head, tail; /* offsets of the oldest record and of the free space */
  size_t wrap;       /* where the last record before the end ends */
  size_t used;       /* bytes of all records */
  size_t room;       /* offset that ring_room() gave */
  bool is_cut;       /* split holds the head record */
  uint8_t *packet;   /* its current packet, packet_len bytes; 0: none */
  size_t packet_len;
  uint64_t uncut; /* records that ring_head() dropped */
  split cut;
} ring;

/* size: bytes, more than two of the largest packets.  False: no memory. */
bool ring_init(ring *r, size_t size);
void ring_reset(ring *r);

/* Place for RING_ROOM bytes, for the next packet with its virtio header; NULL
 * when full.  Nothing is taken before ring_commit(). */
uint8_t *ring_room(ring *r);

/* n bytes were written to ring_room()'s place. */
void ring_commit(ring *r, size_t n, quicmig_tstamp now);

/* The oldest packet, of at most max bytes if it is a segment; SIZE_MAX: none.
 * The same until ring_pop() or ring_drop_before().  What cannot be sent is
 * dropped on the way. */
size_t ring_head(ring *r, size_t max, const uint8_t **packet);
void ring_pop(ring *r);

/* Drops what was read before that time, also the rest of what has been cut.
 * Returns how many records. */
size_t ring_drop_before(ring *r, quicmig_tstamp when);

/* When the oldest packet was read; QUICMIG_NEVER: there is none, or some of its
 * segments have been taken. */
quicmig_tstamp ring_since(const ring *r);

#endif
