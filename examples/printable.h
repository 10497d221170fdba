/* Text that somebody else has written: a peer, a name server, a certificate, a
 * file. */
#ifndef PRINTABLE_H
#define PRINTABLE_H

#include <stddef.h>

/*
 * Text that comes from outside, such as the peer's reason or the name in its
 * certificate, on its way to a terminal or a log: all but printable ASCII
 * becomes `?`, so that it cannot move the cursor, change colours, or end the
 * line.  dest has `room` bytes, at least one; what does not fit is left out.
 * Returns dest.
 */
const char *printable(char *dest, size_t room, const char *text);

/* The same on its way into a JSON string: what is not printable ASCII becomes
 * \uXXXX, a byte that is no UTF-8 \ufffd (RFC 8259 section 7).  room: 12 bytes
 * a character, and one, are always enough. */
const char *printable_json(char *dest, size_t room, const char *text);

#endif
