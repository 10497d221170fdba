/*
 * A load on a rig of one client, in place of the echo: bytes go one way, on a
 * stream or as DATAGRAMs, as fast as they may or at a rate, all the time or by
 * turns; what arrives is counted, and so are hops and verdicts.
 *
 *   load_init > append nodes > change settings > load_start > rig_run ... >
 *   load_reset
 */
#ifndef LOAD_H
#define LOAD_H

#include "rig.h"

typedef enum load_kind {
  LOAD_STREAM_UP,
  LOAD_STREAM_DOWN,
  LOAD_DATAGRAM_UP,
  LOAD_DATAGRAM_DOWN
} load_kind;

typedef struct load {
  rig r; /* first: r.test is this */
  load_kind kind;
  /* Settings. */
  uint64_t total;           /* bytes to be delivered; 0: no end */
  uint64_t rate;            /* bytes a second offered; 0: as much as goes */
  quicmig_duration on, off; /* by turns; off 0: always on */
  bool is_random;           /* on and off are means */
  uint64_t trickle;         /* bytes a second offered while off */
  /* What was seen. */
  uint64_t offered, delivered;
  quicmig_tstamp begun_at, ended_at; /* 0: not yet */
  quicmig_tstamp last_at;            /* something was delivered */
  quicmig_duration gap_max;          /* longest time without; may be set to 0 */
  uint64_t hops[16];                 /* by reason; good ones */
  quicmig_hop_record last_hop;
  uint32_t verdicts[8], events[16];
  quicmig_event last_verdict;
  quicmig_tstamp learned_at; /* the first budget, 0: none */
  uint64_t learned_delivered;
  bool is_noisy; /* prints verdicts */
  /* Inside. */
  sim_actor actor;
  quicmig_stream *stream;
  quicmig_tstamp tick_at, turn_at;
  bool is_on, is_blocked, has_ended;
  uint64_t credit;
} load;

/* seed 0: as sim_init().  adaptive and nothing else moves the client. */
void load_init(load *l, load_kind kind, uint64_t seed);

/* Connects and begins. */
void load_start(load *l);

/* Runs until `total` has arrived, or for `most`; the time it took. */
quicmig_duration load_run(load *l, quicmig_duration most);

void load_reset(load *l);

/* Bytes a second. */
uint64_t load_goodput(uint64_t bytes, quicmig_duration took);

/* Hops that the library made by itself, whatever for. */
uint64_t load_hops(const load *l);

#endif
