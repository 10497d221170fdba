/* The last runs of a client or a server: what ends tells its peers, also when
 * the kernel's buffers are full at that moment. */
#ifndef GOODBYE_H
#define GOODBYE_H

#include <quicmig/endpoint.h>

/* Closes the connection and runs until the kernel has taken that, three PTOs at
 * most; c is to be freed then. */
void goodbye_client(quicmig_client *c, const char *reason);

/* The same for all connections of a server. */
void goodbye_server(quicmig_server *s, const char *reason);

#endif
