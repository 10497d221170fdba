/*
 * A station through which nothing, or little, passes at set times, in one
 * direction or in both: once, or again and again.
 */
#ifndef OUTAGE_H
#define OUTAGE_H

#include "sim.h"

typedef struct sim_outage_side {
  quicmig_tstamp from;     /* the first one begins; NEVER: none */
  quicmig_duration length; /* of each */
  quicmig_duration every;  /* from beginning to beginning; 0: only one */
  uint32_t ppm;            /* of a million packets are lost then; 0: all */
} sim_outage_side;

typedef struct sim_outage {
  sim_node node;
  sim_outage_side side[2];
  qm_rng rng;
} sim_outage;

/* None, until its sides are filled in. */
void sim_outage_init(sim *s, sim_outage *o);

/* Is there one in either direction? */
bool sim_outage_is_on(const sim_outage *o, quicmig_tstamp now);

/* One in the directions that are true, from now on. */
void sim_outage_now(sim *s, sim_outage *o, bool up, bool down,
                    quicmig_duration length);

#endif
