/* The server: the connections of the clients that the configuration names. */
#ifndef SERVER_H
#define SERVER_H

#include "config.h"

/* Runs until INT or TERM; takes over *c.  Returns the exit status. */
int server_run(const config *c, const char *file);

#endif
