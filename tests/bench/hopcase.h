/*
 * What hops cost on one simulated line: transfers with hops beside the same
 * transfers without.  All cases of a line and a direction are one group, which
 * shares the transfers without hops.
 */
#ifndef HOPCASE_H
#define HOPCASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench.h"

#define HOPCASE_MODES 2
#define HOPCASE_INTERVALS 6
#define HOPCASE_MAX (HOPCASE_MODES * HOPCASE_INTERVALS)

/* A bulk stream. */
typedef struct hopcase_goodput {
  /* Between the hops that were made.  Below the case's interval when that is
   * too long to be simulated three times. */
  uint64_t interval_s;
  uint64_t hops, failed;
  double mbit_none;  /* goodput without hops */
  double deficit_ms; /* what one hop costs, as time without any goodput */
  /* From a hop's start until 100 ms bring 95 % again, and so do the 500 ms
   * after them: the median hop; 0: it never fell below, -1: not before the
   * next hop. */
  double recovery_ms;
  bool is_good; /* the connection lived and no hop failed */
} hopcase_goodput;

/* Datagrams, in a transfer of their own. */
typedef struct hopcase_delay {
  uint64_t interval_s; /* between the hops that were made */
  uint64_t hops, failed;
  uint64_t sent, lost; /* lost: those that a full queue refused, too */
  /* One-way delay of those sent in the second after a hop began: percentiles
   * with hops less percentiles without. */
  double added_ms_p50, added_ms_p99, added_ms_max;
  bool is_good; /* as above */
} hopcase_delay;

typedef struct hopcase {
  uint64_t rate_mbit, rtt_ms, interval_s;
  bool is_down;
  uint32_t mode; /* quicmig_mode */
  hopcase_goodput goodput;
  hopcase_delay delay;
} hopcase;

/* Stream bytes with hops at the case's interval, in proportion to those without
 * hops.  From one hop's deficit where hops were made closer together. */
double hopcase_ratio(const hopcase *c);

typedef struct hopcase_group {
  uint64_t rate_mbit, rtt_ms;
  bool is_down;
  size_t n;
  hopcase cases[HOPCASE_MAX];
} hopcase_group;

/* The group's cases that o selects, to be measured. */
void hopcase_list(hopcase_group *g, const bench_options *o);

/* Measures them all. */
void hopcase_run(hopcase_group *g, const bench_options *o);

#endif
