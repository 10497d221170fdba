/*
 * A station that is unkind to some packets: it holds a share of them back, each
 * for a time of its own, so that they are overtaken, and sends a share twice,
 * the copy at once or late.  Each direction on its own.  Where the line behind
 * it keeps the order, the held packets are late by that time all the same.
 */
#ifndef LATE_H
#define LATE_H

#include "sim.h"

typedef struct sim_late_side {
  uint32_t late_ppm;       /* of a million packets: held back */
  quicmig_duration lo, hi; /* for a time drawn from this range */
  uint32_t twice_ppm;      /* arrive twice, one copy behind the other */
  uint32_t again_ppm;      /* arrive a second time, late */
  uint32_t lost_ppm;       /* do not arrive */
} sim_late_side;

typedef struct sim_late {
  sim_node node;
  sim_late_side side[2];
  qm_rng rng;            /* its own: the rest of the world is as without it */
  uint64_t held, copied; /* packets */
} sim_late;

/* Does nothing until its sides are filled in. */
void sim_late_init(sim *s, sim_late *l);

/* The same in both directions. */
void sim_late_set(sim_late *l, const sim_late_side *side);

#endif
