/*
 * A line that becomes narrow: from a time on it swallows packets that are too
 * large, without a word, as a path does behind a firewall that drops ICMP.
 * What the host's own link takes is sim_host.mtu.
 */
#ifndef NARROW_H
#define NARROW_H

#include "sim.h"

typedef struct sim_narrow {
  sim_node node;
  size_t largest[2]; /* UDP payload that still passes; 0: all, by direction */
  quicmig_tstamp since; /* until then all pass */
  quicmig_tstamp until; /* and from then on; NEVER */
} sim_narrow;

/* Everything passes until `largest` is set. */
void sim_narrow_init(sim *s, sim_narrow *n);

/* In both directions, from now on. */
void sim_narrow_to(sim *s, sim_narrow *n, size_t largest);

#endif
