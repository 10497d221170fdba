/*
 * The receiving half of a connection: DATAGRAMs become packets again.  Holds at
 * most so many first halves of split packets, each for INBOUND_WAIT; a packet's
 * id says in which place it waits, and a newer packet there drives an older one
 * out.  The memory is taken as fragments come.
 */
#ifndef FORWARD_INBOUND_H
#define FORWARD_INBOUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "counters.h"

#define INBOUND_SLOTS 64                    /* of a peer that is known */
#define INBOUND_STRANGER 8                  /* of anybody else */
#define INBOUND_PART_MAX 1500               /* bytes of one half */
#define INBOUND_WAIT ((uint64_t)1000000000) /* ns */

struct inbound_slot;

typedef struct inbound {
  struct inbound_slot *slots; /* n of them; NULL until the first fragment */
  size_t n, most;
  counters *count;
} inbound;

/* A packet, in one or two pieces that follow each other. */
typedef struct inbound_packet {
  uint64_t flow;
  const uint8_t *data[2];
  size_t len[2]; /* the second may be 0 */
} inbound_packet;

/* most: halves to keep, a power of two from 4 on. */
void inbound_init(inbound *in, size_t most, counters *count);
void inbound_reset(inbound *in);

/* Takes a DATAGRAM; true: *p is a packet now, valid until the next call and as
 * long as data is. */
bool inbound_take(inbound *in, const uint8_t *data, size_t len, uint64_t now,
                  inbound_packet *p);

#endif
