/* The answer to a packet that is larger than the tunnel takes: ICMP
 * fragmentation needed (RFC 1191) or ICMPv6 packet too big (RFC 4443). */
#ifndef TOOBIG_H
#define TOOBIG_H

#include "packet.h"

#define TOOBIG_MAX 1280

/* Writes to reply, of TOOBIG_MAX bytes, what tells the sender of p that mtu
 * bytes fit.  It comes as from p's destination: the tunnel has no address that
 * the sender's kernel would not take for its own.  Returns the reply's length;
 * 0: p must not be answered (it may be fragmented, is itself ICMP's error,
 * came from or went to no single host, RFC 1122 section 3.2.2). */
size_t toobig_reply(uint8_t *reply, const uint8_t *p, size_t len, size_t mtu);

#endif
