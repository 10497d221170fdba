/*
 * Stations of the simulated network.  Each is a struct with its settings in
 * front, made part of the chain by its _init function; settings may be changed
 * while the world runs.
 */
#ifndef NODES_H
#define NODES_H

#include "sim.h"

/* A line: delay, jitter, loss, reordering, duplication, and a rate with a
 * tail-drop queue.  Each direction on its own. */
typedef struct sim_line_side {
  quicmig_duration delay;
  quicmig_duration
      jitter; /* added, uniform; may reorder if keeps_order is off */
  bool keeps_order;
  uint32_t loss_ppm;      /* of a million packets */
  uint32_t reorder_ppm;   /* packets that are held back by 3 x delay */
  uint32_t duplicate_ppm; /* packets that arrive twice */
  uint64_t rate;          /* bits a second; 0: unlimited */
  size_t queue;           /* packets; 0: 1000 */
  quicmig_tstamp busy_until, last_out;
} sim_line_side;

typedef struct sim_line {
  sim_node node;
  sim_line_side side[2];
} sim_line;

/* The same delay both ways, no other trouble. */
void sim_line_init(sim *s, sim_line *l, quicmig_duration delay);

/* A filter: packets for which drops() is true vanish. */
typedef struct sim_filter {
  sim_node node;
  bool (*drops)(void *arg, const sim_pkt *p);
  void *arg;
} sim_filter;

void sim_filter_init(sim *s, sim_filter *f,
                     bool (*drops)(void *arg, const sim_pkt *p), void *arg);

/* An address- and port-restricted NAT.  A mapping keeps the outer address that
 * was set when it was made. */
typedef struct sim_nat {
  sim_node node;
  qm_addr outer;
  quicmig_duration timeout; /* of an unused mapping; 0: never */
  size_t limit;             /* mappings; 0: none */
  size_t mappings;
  struct sim_mapping {
    bool is_used;
    qm_addr inner, outer;
    quicmig_tstamp last;
  } * table;         /* by outer port */
  int32_t *by_inner; /* inner port > outer port, -1: none */
} sim_nat;

void sim_nat_init(sim *s, sim_nat *n, const char *outer);
void sim_nat_reset(sim_nat *n);

/* Forgets those that were not used for too long, so that `mappings` is true. */
void sim_nat_expire(sim_nat *n, quicmig_tstamp now);

/* Forgets every mapping: the next packet gets a new outer port. */
void sim_nat_rebind(sim_nat *n);

/* A policer: looks at each flow (4-tuple) on its own; after `bytes` or `age` of
 * a flow it drops it, or lets only every slow-th packet pass, or no more than a
 * token bucket of `rate` does. */
typedef struct sim_policer {
  sim_node node;
  uint64_t bytes;       /* 0: no such limit */
  quicmig_duration age; /* 0: no such limit */
  unsigned slow;        /* 0: drop all */
  uint64_t rate;        /* bits a second; 0: no bucket */
  bool is_blind[2];     /* does not count this direction's bytes */
  struct sim_flow {
    quicmig_tstamp since;
    uint64_t bytes, packets;
    quicmig_tstamp empty_at; /* the bucket's */
  } * flows;                 /* by the client's port */
} sim_policer;

void sim_policer_init(sim *s, sim_policer *p);
void sim_policer_reset(sim_policer *p);

/* A radio: now and then nothing passes either way for a while; what waited
 * comes all at once, in order. */
typedef struct sim_radio {
  sim_node node;
  quicmig_duration every;     /* mean time between pauses */
  quicmig_duration lo, hi;    /* a pause is drawn from */
  quicmig_duration jitter;    /* of each packet, uniform */
  quicmig_tstamp next, until; /* pause */
  quicmig_tstamp last_out[2];
} sim_radio;

void sim_radio_init(sim *s, sim_radio *r, quicmig_duration every);

/* Others' traffic in the queue of the line behind it: on and off by turns, of
 * random length. */
typedef struct sim_rivals {
  sim_node node;
  sim_line *line;
  unsigned share; /* of the line's rate while on, percent; may exceed 100 */
  quicmig_duration on, off; /* mean lengths */
  bool is_on;
  quicmig_tstamp turn, seen[2];
} sim_rivals;

/* Before sim_line_init() of the line. */
void sim_rivals_init(sim *s, sim_rivals *r, sim_line *line, unsigned share);

#endif
