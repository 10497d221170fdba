/* The client: one connection, made again when it ends, and its hops. */
#ifndef CLIENT_H
#define CLIENT_H

#include "config.h"

/* Runs until INT or TERM; takes over *c.  Returns the exit status. */
int client_run(const config *c, const char *file);

#endif
