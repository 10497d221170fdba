/* TCP connections through the tunnel must not agree on segments that do not fit
 * a DATAGRAM, whatever the hosts at both ends believe of the path. */
#ifndef MSS_H
#define MSS_H

#include "packet.h"

/* Lowers the maximum segment size (RFC 9293 section 3.7.1) in a SYN so that
 * packets of at most mtu bytes result; without the option the sender assumes
 * less anyway.  partial: the checksum is still to be completed and is left as
 * it is.  True: it was lowered. */
bool mss_clamp(uint8_t *p, size_t len, size_t mtu, bool partial);

#endif
