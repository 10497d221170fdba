/* The client: one connection, made again when it ends, and its hops. */
#ifndef CLIENT_H
#define CLIENT_H

#include "config.h"

/* Runs until INT or TERM; takes over *c.  Returns the exit status. */
int client_run(const config *c, const char *file);

/* Removes what a client has left that was killed.  Returns the exit status. */
int client_clean(const config *c);

#endif
