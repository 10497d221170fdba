/* What udp_forward counts, at either end; see report.c for the names. */
#ifndef FORWARD_COUNTERS_H
#define FORWARD_COUNTERS_H

#include <stdint.h>

typedef struct counters {
  uint64_t packets_in;    /* read from the local side, and taken */
  uint64_t bytes_in;      /* their payload */
  uint64_t packets_out;   /* given to the local side's kernel */
  uint64_t bytes_out;     /* their payload */
  uint64_t fragmented;    /* taken packets that were split in two */
  uint64_t reassembled;   /* split packets that arrived whole */
  uint64_t incomplete;    /* split packets of which one half never came */
  uint64_t too_large;     /* over two fragments, or the path's MTU fell */
  uint64_t queue_full;    /* dropped: the connection is slower than that */
  uint64_t stale;         /* dropped: waited longer than QUEUE_AGE */
  uint64_t malformed;     /* DATAGRAMs that say nothing */
  uint64_t unknown_flow;  /* answers to a flow that has ended */
  uint64_t send_failed;   /* not taken by the local side's kernel */
  uint64_t flows_opened;  /* in all */
  uint64_t flows_refused; /* packets of flows beyond the limit */
  uint64_t flows_evicted; /* server: that gave way to another one */
  uint64_t connections;   /* connections that were established */
} counters;

#endif
