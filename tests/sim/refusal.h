/*
 * A kernel that refuses: a share of one kind of calls fails with an errno, on
 * all sockets or on those that a test picks (a firewall refuses new flows, a
 * full table the first packet of each).  It is the host's fault() function.
 */
#ifndef REFUSAL_H
#define REFUSAL_H

#include "sim.h"

typedef struct sim_refusal {
  /* Settings, to be changed while the world runs. */
  sim_call call;
  int err;
  uint32_t ppm;               /* of a million calls; 0: none */
  quicmig_tstamp from, until; /* and only then */
  /* May this socket's call fail?  NULL: any may. */
  bool (*is_meant)(void *arg, const sim_sock *s);
  void *arg;
  /* What was seen. */
  uint64_t refused;
  /* Inside. */
  sim_host *host;
  qm_rng rng;
} sim_refusal;

/* Refuses every call of that kind, at all times, on every socket. */
void sim_refusal_init(sim_host *h, sim_refusal *r, sim_call call, int err);

#endif
