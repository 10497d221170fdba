/* Subcommands of quicmig_bench.  Each prints its figures, as a table or as one
 * JSON object, and returns 0 if its self-check holds, else 1. */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the command line may choose; 0: the subcommand's own default, or all
 * there are. */
typedef struct bench_options {
  uint64_t hops;
  uint64_t rounds;       /* interleaved repetitions, 1 - 99 */
  uint64_t ms;           /* of each measurement, 10 - 600,000 */
  uint64_t size;         /* bytes of a datagram, 16 - 1,400 */
  uint64_t rate_mbit;    /* 1 - 10,000 */
  uint64_t rtt_ms;       /* 1 - 1,000 */
  uint64_t interval_s;   /* 1 - 3,600 */
  uint64_t connections;  /* 1 - 10,000 */
  const char *direction; /* "up", "down" or NULL */
  const char *mode;      /* "migrate", "rebind" or NULL */
  uint32_t no_offload;   /* QUICMIG_NO_... */
  bool is_short;         /* a few seconds, for the self-checks alone */
  bool is_json;
} bench_options;

/* Hops in the simulated network: time, losses, heap and sockets. */
int bench_sim_hops(const bench_options *o);
/* Hops over real loopback sockets: failures, descriptors, memory. */
int bench_real_hops(const bench_options *o);
/* What the migrator costs a connection, in bytes and allocations. */
int bench_memory(const bench_options *o);
/* Throughput beside bare ngtcp2 and bare UDP. */
int bench_datapath(const bench_options *o);
/* What hops cost, simulated and on real sockets. */
int bench_hop(const bench_options *o);
/* Throughput over time across hops, for plot.sh. */
int bench_trace(const bench_options *o);
/* Costs as the number of connections grows. */
int bench_scale(const bench_options *o);

/* Handshakes that nobody follows up: silence of others, memory. */
int bench_flood(const bench_options *o);

/* Wall time in seconds, bytes of live heap, resident pages in KiB. */
double bench_wall(void);
uint64_t bench_heap(void);
uint64_t bench_rss_kib(void);

/* CPU time of this thread in ns, user and system. */
uint64_t bench_cpu(void);

/* Median, least and greatest of n values, which are sorted in place. */
typedef struct bench_spread {
  double median, min, max;
} bench_spread;

bench_spread bench_spread_of(double *values, size_t n);

#endif
