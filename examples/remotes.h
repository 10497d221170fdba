/*
 * Where a server is, for a client that connects again and again: the addresses
 * of its names.  They are kept, because later a name server may only be
 * reachable through the tunnel that waits for this connection, and asked for
 * again when they have led nowhere: the server may have moved (dynamic DNS).
 */
#ifndef REMOTES_H
#define REMOTES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#define REMOTES_MAX 8
#define REMOTES_HOSTS 2

typedef struct remotes {
  struct sockaddr_storage rows[REMOTES_MAX];
  size_t n;
  unsigned failures; /* attempts to connect since the last good one */
} remotes;

/*
 * Before an attempt to connect: asks for the addresses of up to REMOTES_HOSTS
 * hosts if none are known or the last attempt failed, but then every second
 * time, because the question may block for long.  Without an answer what was
 * known stays.  False: nothing is known, quicmig_last_error_text() says why.
 */
bool remotes_update(remotes *r, const char *const *hosts, size_t n_hosts,
                    unsigned port);

#endif
