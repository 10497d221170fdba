/* Subcommands of quicmig_bench.  Each prints its figures, as a table or as one
 * JSON object, and returns 0 if its self-check holds, else 1. */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stdint.h>

typedef struct bench_options {
  uint64_t hops;
  bool is_json;
} bench_options;

/* Hops in the simulated network: time, losses, heap and sockets. */
int bench_sim_hops(const bench_options *o);
/* Hops over real loopback sockets: failures, descriptors, memory. */
int bench_real_hops(const bench_options *o);
/* What the migrator costs a connection, in bytes and allocations. */
int bench_memory(const bench_options *o);

/* Wall time in seconds, bytes of live heap, resident pages in KiB. */
double bench_wall(void);
uint64_t bench_heap(void);
uint64_t bench_rss_kib(void);

#endif
