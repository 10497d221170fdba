/* libquicmig-endpoint as a carrier: a client that sends to a server, used as
 * its header tells. */
#ifndef ENDPAIR_H
#define ENDPAIR_H

#include "carrier.h"

/* Connected, path MTU discovery not yet done.  no_offload: QUICMIG_NO_...
 * NULL: it did not work, quicmig_last_error_text() may tell why. */
carrier *endpair_new(size_t size, uint32_t no_offload);

/* The client's end, for what the library itself counts. */
quicmig_client *endpair_client(carrier *c);

/* Streams are lent (quicmig_stream_lend()), not copied. */
bool endpair_is_lending(const carrier *c);

#endif
