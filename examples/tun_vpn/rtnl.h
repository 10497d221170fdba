/*
 * Rules and routes of the kernel, by rtnetlink(7) and not by ip(8): when
 * another program has removed them, they are back within a millisecond.
 *
 * Two sockets: one asks and waits for the answer, one hears what others do.
 */
#ifndef RTNL_H
#define RTNL_H

#include <stdbool.h>
#include <stdint.h>

typedef struct rtnl {
  int ask, hear; /* descriptors, -1: not open */
  uint32_t port; /* of ask: our own changes are no news */
  uint32_t sequence;
} rtnl;

/* All of a family: bits is 0. */
typedef struct rtnl_prefix {
  bool is_v6;
  uint8_t bits;
  uint8_t bytes[16]; /* IPv4: the first four */
} rtnl_prefix;

#define RTNL_MAIN 254 /* the table main */

typedef enum rtnl_action {
  RTNL_LOOKUP,           /* in table */
  RTNL_MAIN_BUT_DEFAULT, /* in main, where a default route does not count */
  RTNL_GOTO,       /* the first rule of preference `target`, if there is one */
  RTNL_NOP,        /* the next rule */
  RTNL_UNREACHABLE /* the packet ends here */
} rtnl_action;

typedef struct rtnl_rule {
  uint32_t preference;
  rtnl_action action;
  uint32_t table, target;
  uint32_t mark;  /* of the packet; 0: any */
  bool is_unlike; /* any other mark */
  rtnl_prefix to; /* its destination */
} rtnl_rule;

/* "ADDRESS/BITS" or "ADDRESS".  False: neither. */
bool rtnl_parse(rtnl_prefix *p, const char *text);

/* Returns 0 or an errno. */
int rtnl_open(rtnl *n);
void rtnl_close(rtnl *n);

/* Return 0 or an errno: EEXIST, ENOENT among them. */
int rtnl_add_rule(rtnl *n, const rtnl_rule *r);
int rtnl_remove_rule(rtnl *n, const rtnl_rule *r);
int rtnl_add_route(rtnl *n, const rtnl_prefix *to, unsigned interface,
                   uint32_t table);

/* Empties hear.  Has another program removed a rule, or a route of the table,
 * or was the interface changed? */
bool rtnl_heard(rtnl *n, unsigned interface, uint32_t table);

#endif
