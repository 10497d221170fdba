/*
 * A line whose capacity was recorded, in the format of Mahimahi: one line of
 * text is a time in ms at which one packet of up to 1500 bytes may leave, in
 * order; after the last one the recording begins again.  Packets wait for their
 * chance in a queue; one that finds it full is dropped.
 */
#ifndef TRACE_H
#define TRACE_H

#include "sim.h"

typedef struct sim_trace_side {
  uint32_t *at; /* ms from the beginning, in order; owned */
  size_t n;
  uint32_t period;          /* ms */
  quicmig_duration queue;   /* a packet may wait so long; 0: for ever */
  size_t packets;           /* so many may wait; 0: any number */
  quicmig_duration longest; /* that one has waited */
  quicmig_tstamp start;     /* of this round of the recording */
  size_t next;              /* chance that is not taken */
  quicmig_tstamp out[8192]; /* when the packets in the queue leave: a ring */
  size_t head, len;         /* of out */
} sim_trace_side;

typedef struct sim_trace {
  sim_node node;
  quicmig_duration delay; /* behind the queue, each way */
  sim_trace_side side[2];
} sim_trace;

/* A side without a recording passes everything at once. */
void sim_trace_init(sim *s, sim_trace *t, quicmig_duration delay);
void sim_trace_reset(sim_trace *t);

/* Reads a recording: file `name` of the folder that QUICMIG_TRACES names, else
 * of ../shared/data/cellular beside the project.  False: it is not there, and
 * why is printed. */
bool sim_trace_load(sim_trace *t, sim_dir dir, const char *name);

/* Makes one that is like a phone's in a moving car: two minutes with `mbit` on
 * average, changing all the time, and a pause of four seconds. */
void sim_trace_make(sim *s, sim_trace *t, sim_dir dir, unsigned mbit);

#endif
