/*
 * Addresses on the device, and routes into it.  Routes stand in a table of
 * their own, numbered like the mark, and a rule sends there whatever does not
 * carry the mark: so the tunnel's own packets never go into the tunnel,
 * whatever is routed.  As with wg-quick, more specific routes of the main table
 * come first: the local network stays reachable.
 *
 * What is routed into the tunnel must never go past it in clear, also when
 * another program removes some of this.  The rules of a family, F, S and G
 * being numbers that follow from the mark M, X each route of the configuration:
 *
 *   0    goto 1                        (skipped while there is no 1)
 *   0    mark M: table main
 *   0    to X: unreachable
 *   1    mark M: nothing
 *   F    table main without its default route
 *   S    not mark M: table M
 *   G    mark M: table main
 *   G+1  to X: unreachable
 *
 *   S, or the routes of table M, are gone     G+1 ends what they would take
 *   `ip rule flush` has removed all but the
 *   rules with 0, which it always leaves      these end it: there is no 1
 *
 * The kernel tells of each loss, and what is missing is put back at once, but
 * for 1: that comes when nothing else was lost for a while.  Whoever removes
 * rules may be at it still.
 */
#ifndef ROUTING_H
#define ROUTING_H

#include <ev.h>

#include "config.h"
#include "rtnl.h"
#include "say.h"

#define ROUTING_WHY 512

typedef struct routing {
  const config *c;
  rtnl kernel;
  unsigned interface;   /* index of the device */
  struct ev_loop *loop; /* NULL: not watched */
  ev_io on_change;
  ev_timer pause;    /* after something was put back; the rule 1 is missing */
  double wait;       /* the next pause, s; 0: the last one is long ago */
  uint64_t put_back; /* rules and routes, in all */
  int error;         /* an errno, of the last one that could not be added */
  say_limit put, failed;
} routing;

/* The configured addresses.  False: one could not be set; it is logged. */
bool routing_add_addresses(const config *c, const char *device);

/* Are the table and the numbers of the rules nobody else's?  False: why says
 * what is in the way. */
bool routing_may_add(const config *c, char why[ROUTING_WHY]);

/* The configured routes and their rules.  False: one could not be set; it is
 * logged.  The caller ends it with routing_close() also then. */
bool routing_open(routing *r, const config *c, const char *device);

/* From now on they are put back when another program removes them. */
void routing_watch(routing *r, struct ev_loop *loop);

/* Ends the watching; the rules stay, and what is routed into the tunnel is
 * unreachable once the device is gone, until a client starts again. */
void routing_leave(routing *r);
/* The rules go too; the routes go with the device. */
void routing_close(routing *r);

/* Removes rules that a client has left which was killed.  Returns how many
 * there were, or a negative errno. */
int routing_clean(const config *c);

#endif
