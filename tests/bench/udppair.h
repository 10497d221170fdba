/* Two UDP sockets as a carrier, with the batches of a bare loop and neither
 * QUIC nor encryption: the physical limit of a loop of this shape. */
#ifndef UDPPAIR_H
#define UDPPAIR_H

#include "carrier.h"

/* Every load is packets of packet_size bytes.  NULL: it did not work. */
carrier *udppair_new(size_t packet_size);
/* Packets of this size from now on, at rest only. */
void udppair_set_size(carrier *c, size_t packet_size);

#endif
