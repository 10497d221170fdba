/* The figures of `quicmig_bench datapath` on their way from the measurement to
 * the report. */
#ifndef DATAPATH_H
#define DATAPATH_H

#include "bench.h"

#define DATAPATH_ROUNDS_MAX 99

/* In this order in every table. */
typedef enum dp_kind {
  DP_ENDPOINT,
  DP_SINGLE, /* bare ngtcp2, a system call a packet */
  DP_GSO,    /* bare ngtcp2, batches */
  DP_UDP,    /* no QUIC */
  DP_COPIED, /* the endpoint, data copied into its queues */
  DP_KINDS
} dp_kind;

typedef enum dp_metric {
  /* Payload bytes that came out, Mbit/s.  Its time is what the thread had on
   * the CPU and what it slept for want of work, so that other programs do not
   * count. */
  DP_GOODPUT,
  DP_WALL_GOODPUT, /* the same by the clock on the wall */
  DP_CPU,          /* CPU ns of both ends a data packet */
  DP_SYSCALLS,     /* of both ends a data packet */
  DP_ALLOCS,       /* of the process a data packet; library's if unknown */
  DP_ALLOCS_OURS,  /* by library and ngtcp2, without GnuTLS, a data packet */
  DP_ANSWERS,      /* packets back, acknowledgements, a data packet */
  DP_PER_WAKEUP,   /* data packets received each time poll told of some */
  DP_PACKET,       /* bytes of UDP payload of a data packet on average */
  DP_BUSY,         /* share of wall time on the CPU */
  DP_RATIO,        /* goodput of the endpoint to this kind's, same round */
  DP_WALL_RATIO,   /* the same by the clock on the wall */
  DP_METRICS
} dp_metric;

/* DATAGRAMs, or one stream. */
enum { DP_DATAGRAM, DP_STREAM, DP_LOADS };

/* What one process measured: each kind once. */
typedef struct dp_round {
  uint64_t packet_size; /* of a full packet, as path MTU discovery found it */
  uint64_t sent[DP_KINDS], lost[DP_KINDS]; /* DATAGRAMs, warm-ups included */
  double values[DP_LOADS][DP_KINDS][DP_METRICS];
  bool is_measured[DP_LOADS][DP_KINDS];
  bool has_gso, is_lending, has_allocations, is_sanitized;
  char cipher[32];
  char failure[96]; /* "": none */
} dp_round;

typedef struct dp_kind_result {
  bool is_measured;
  uint64_t sent, lost;         /* over the rounds */
  bench_spread of[DP_METRICS]; /* likewise */
} dp_kind_result;

typedef struct dp_result {
  uint64_t rounds, ms, size;
  uint32_t no_offload;
  bool is_short;
  const dp_round *last; /* for what all rounds have in common */
  dp_kind_result of[DP_LOADS][DP_KINDS];
  const char *failure; /* why the self-check failed; NULL: it holds */
} dp_result;

/* dpround.c: one round, which begins with another kind each time.  ms and size
 * of *o are set.  False: no connection, which has been told. */
bool datapath_round(const bench_options *o, uint64_t round, dp_round *r);

/* datapathreport.c: sets failure, prints, returns the exit status. */
int datapath_report(dp_result *r, bool is_json);

#endif
