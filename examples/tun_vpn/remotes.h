/* Where the server is: one address, and one of the other family if there is.
 * Names are resolved once, before the routes are there: later the question
 * might go into a tunnel that is down. */
#ifndef REMOTES_H
#define REMOTES_H

#include <sys/socket.h>

#include "config.h"

typedef struct remotes {
  struct sockaddr_storage rows[2];
  socklen_t lens[2]; /* 0: none */
} remotes;

/* Ends the program with one line if a name has no address. */
void remotes_find(remotes *r, const config *c);

#endif
