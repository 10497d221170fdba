/*
 * Addresses on the device, and routes into it.  Routes stand in a table of
 * their own, numbered like the mark, and a rule sends there whatever does not
 * carry the mark: so the tunnel's own packets never go into the tunnel,
 * whatever is routed.  As with wg-quick, more specific routes of the main table
 * come first: the local network stays reachable.
 */
#ifndef ROUTING_H
#define ROUTING_H

#include "config.h"

#define ROUTING_WHY 512

/* The configured addresses.  False: one could not be set; it is logged. */
bool routing_add_addresses(const config *c, const char *device);

/* What this process has added: by family, IPv4 first. */
typedef struct routing {
  bool has_rules[2];
} routing;

/* Are the table and the numbers of the rules nobody else's?  False: why says
 * what is in the way. */
bool routing_may_add(const config *c, char why[ROUTING_WHY]);

/* The configured routes and their rules.  False: as above; call
 * routing_remove() also then. */
bool routing_add_routes(routing *r, const config *c, const char *device);

/* The rules that were added; addresses and routes go with the device. */
void routing_remove(routing *r, const config *c);

#endif
