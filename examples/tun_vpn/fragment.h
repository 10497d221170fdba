/* Cuts IPv4 packets that may be fragmented (RFC 791 section 3.2), as a router
 * does in front of a smaller link.  Pure. */
#ifndef FRAGMENT_H
#define FRAGMENT_H

#include "packet.h"

/* A packet that is being cut. */
typedef struct fragment {
  const uint8_t *packet;
  size_t len;
  size_t done; /* payload bytes given out */
} fragment;

/* False: may not be, or has options, which would need care. */
bool fragment_begin(fragment *f, const uint8_t *p, size_t len);

/* Writes the next fragment, of at most mtu bytes, to dest; returns its length,
 * 0: that was all. */
size_t fragment_next(fragment *f, size_t mtu, uint8_t *dest);

#endif
