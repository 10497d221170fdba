/*
 * CoDel (RFC 8289): keeps the wait in a queue short, by dropping a packet now
 * and then while it has been long for a while, which TCP understands.  A tunnel
 * that buffers megabytes would otherwise be slow for everybody on a slow line.
 */
#ifndef CODEL_H
#define CODEL_H

#include <stdbool.h>

#include <quicmig/types.h>

#define CODEL_TARGET (20 * QUICMIG_MILLISECOND)
#define CODEL_INTERVAL (100 * QUICMIG_MILLISECOND)

typedef struct codel {
  quicmig_tstamp above_at; /* when the wait will have been long; 0: it is not */
  quicmig_tstamp next;     /* when to drop again, while dropping */
  uint32_t count;          /* drops in this run */
  bool is_dropping;
} codel;

/* Should the oldest packet be dropped now, that has waited since then? is_last:
 * hardly anything waits behind it. */
bool codel_drops(codel *c, quicmig_tstamp now, quicmig_tstamp since,
                 bool is_last);

#endif
