/*
 * Packets between the local sockets and the connections.  A packet is read
 * where it then waits and from where it is encrypted: it is never copied.  All
 * come from one pool of a fixed size.
 */
#ifndef FORWARD_PACKETS_H
#define FORWARD_PACKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame.h"

/* What two fragments can carry at most, and one byte to notice more. */
#define PACKET_MAX 3001

typedef struct packet {
  struct packet *next;
  uint64_t flow;
  uint64_t read_at;
  size_t len;
  uint8_t head_room[FRAME_HEADER_MAX + 5]; /* just before data */
  uint8_t data[PACKET_MAX];
} packet;

typedef struct pool {
  packet *all;
  packet *free;    /* given back */
  size_t n, fresh; /* never used: from all[fresh] on, not even touched */
  size_t left;     /* not in use */
} pool;

/* False: out of memory. */
bool pool_init(pool *p, size_t packets);
void pool_reset(pool *p);
/* NULL: all are in use. */
packet *pool_get(pool *p);
void pool_put(pool *p, packet *k);

#endif
