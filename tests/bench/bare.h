/*
 * A bare ngtcp2 client and server as a carrier: what a program without this
 * library would write, for the endpoint to be compared with.  TLS, packet size,
 * windows, acknowledgements and the shape of the loop are the endpoint's; there
 * are no queues, and stream data lies in a buffer that outlives the stream.
 */
#ifndef BARE_H
#define BARE_H

#include "carrier.h"

/* Connected.  packet_size: of full packets, bytes of UDP payload.  NULL: it did
 * not work. */
carrier *bare_new(size_t size, size_t packet_size, bool has_offload);

/* The kernel has the offloads that bare_new() was asked for. */
bool bare_has_offload(const carrier *c);

/* Name of the cipher agreed on. */
const char *bare_cipher(const carrier *c);

#endif
