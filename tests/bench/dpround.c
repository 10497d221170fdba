/* The measurement of one round, in a process of its own. */
#include "datapath.h"

#include <stdio.h>
#include <string.h>

#include "bare.h"
#include "count.h"
#include "endpair.h"
#include "udppair.h"

#define MS QUICMIG_MILLISECOND
/* For path MTU discovery and congestion windows to grow. */
#define WARM_UP (300 * MS)
/* Each kind's turn, and what it runs before, for the caches. */
#define SLICE_MS 30
#define LEAD (4 * MS)
/* To find out the size of packets. */
#define SAMPLE (10 * MS)

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define IS_SANITIZED true
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define IS_SANITIZED true
#endif
#ifndef IS_SANITIZED
#define IS_SANITIZED false
#endif

typedef struct bench {
  carrier *of[DP_KINDS];       /* DP_COPIED is the endpoint's again */
  uint64_t udp_size[DP_LOADS]; /* bytes of the UDP pair's packets */
} bench;

/* What is counted while a kind runs, each value only ever growing. */
typedef enum count {
  WALL, /* ns */
  CPU,
  SLEPT,
  SYSCALLS,
  ALLOCS,
  ALLOCS_OURS,
  BYTES,
  WAKEUPS,
  TX_PACKETS, /* of the sender */
  TX_BYTES,
  RX_PACKETS, /* of the receiver */
  ANSWERS,
  COUNTS
} count;

static void look(const carrier *c, uint64_t dest[COUNTS]) {
  const count_socket *tx = count_of(c->tx_fd), *rx = count_of(c->rx_fd);
  uint64_t values[COUNTS] = {
      [WALL] = quicmig_clock(),
      [CPU] = bench_cpu(),
      [SLEPT] = c->slept,
      [SYSCALLS] = count_now.sends + count_now.recvs + count_now.waits +
                   count_now.others,
      [ALLOCS] = count_has_allocations ? count_now.allocations : c->allocations,
      [ALLOCS_OURS] = c->allocations,
      [BYTES] = c->bytes,
      [WAKEUPS] = c->wakeups,
      [TX_PACKETS] = tx->tx_packets,
      [TX_BYTES] = tx->tx_bytes,
      [RX_PACKETS] = rx->rx_packets,
      [ANSWERS] = rx->tx_packets};

  memcpy(dest, values, sizeof(values));
}

/* One slice of a kind's time, added to sum. */
static void measure(carrier *c, carrier_load load, uint64_t ms,
                    uint64_t sum[COUNTS]) {
  uint64_t a[COUNTS], b[COUNTS];
  size_t i;

  carrier_run(c, load, LEAD);
  look(c, a);
  carrier_run(c, load, ms * MS);
  look(c, b);
  (void)carrier_settle(c);
  for (i = 0; i < COUNTS; i++) {
    sum[i] += b[i] - a[i];
  }
}

static void fill(double dest[DP_METRICS], const uint64_t sum[COUNTS]) {
  double packets = (double)sum[TX_PACKETS], bits = (double)sum[BYTES] * 8;
  double values[DP_METRICS] = {
      [DP_GOODPUT] = bits * 1e3 / (double)(sum[CPU] + sum[SLEPT]),
      [DP_WALL_GOODPUT] = bits * 1e3 / (double)sum[WALL],
      [DP_CPU] = (double)sum[CPU] / packets,
      [DP_SYSCALLS] = (double)sum[SYSCALLS] / packets,
      [DP_ALLOCS] = (double)sum[ALLOCS] / packets,
      [DP_ALLOCS_OURS] = (double)sum[ALLOCS_OURS] / packets,
      [DP_ANSWERS] = (double)sum[ANSWERS] / packets,
      [DP_PER_WAKEUP] = (double)sum[RX_PACKETS] / (double)sum[WAKEUPS],
      [DP_PACKET] = (double)sum[TX_BYTES] / packets,
      [DP_BUSY] = (double)sum[CPU] / (double)sum[WALL]};

  memcpy(dest, values, sizeof(values));
}

/* The endpoint beside every kind. */
static void compare(double k[DP_KINDS][DP_METRICS]) {
  const double *e = k[DP_ENDPOINT];
  size_t i;

  for (i = 0; i < DP_KINDS; i++) {
    k[i][DP_RATIO] = e[DP_GOODPUT] / k[i][DP_GOODPUT];
    k[i][DP_WALL_RATIO] = e[DP_WALL_GOODPUT] / k[i][DP_WALL_GOODPUT];
  }
}

/* Slice by slice, so that no kind has a moment of the machine to itself. */
static void run_load(bench *b, int load, uint64_t ms, uint64_t round,
                     dp_round *r) {
  static const carrier_load plain[DP_LOADS] = {CARRIER_DATAGRAMS,
                                               CARRIER_STREAM};
  static const carrier_load copied[DP_LOADS] = {CARRIER_QUEUED, CARRIER_COPIED};
  uint64_t sums[DP_KINDS][COUNTS] = {{0}};
  uint64_t slices = (ms + SLICE_MS - 1) / SLICE_MS;
  size_t i;

  udppair_set_size(b->of[DP_UDP], b->udp_size[load]);
  for (i = 0; i < DP_KINDS * slices; i++) {
    size_t kind = (i + round) % DP_KINDS;

    if (r->is_measured[load][kind]) {
      measure(b->of[kind], kind == DP_COPIED ? copied[load] : plain[load],
              ms / slices, sums[kind]);
    }
  }
  for (i = 0; i < DP_KINDS; i++) {
    fill(r->values[load][i], sums[i]);
  }
  compare(r->values[load]);
}

/* The average size of the data packets that c sends under load. */
static uint64_t packet_size(carrier *c, carrier_load load, bool is_largest) {
  count_socket *s = count_of(c->tx_fd), before;

  s->tx_largest = 0;
  before = *s;
  carrier_run(c, load, SAMPLE);
  (void)carrier_settle(c);
  return is_largest ? s->tx_largest
                    : (s->tx_bytes - before.tx_bytes) /
                          (s->tx_packets - before.tx_packets + 1);
}

/* Makes the endpoint and, once it has found its packet size, the others. */
static bool make(bench *b, const bench_options *o, dp_round *r) {
  carrier *e = endpair_new(o->size, o->no_offload);
  size_t i;

  b->of[DP_ENDPOINT] = b->of[DP_COPIED] = e;
  if (!e) {
    return false;
  }
  carrier_run(e, CARRIER_STREAM, WARM_UP);
  (void)carrier_settle(e);
  r->packet_size = packet_size(e, CARRIER_STREAM, true);
  b->udp_size[DP_STREAM] = r->packet_size;
  b->udp_size[DP_DATAGRAM] = packet_size(e, CARRIER_DATAGRAMS, false);
  b->of[DP_SINGLE] = bare_new(o->size, r->packet_size, false);
  b->of[DP_GSO] = bare_new(o->size, r->packet_size, true);
  b->of[DP_UDP] = udppair_new(r->packet_size);
  if (!b->of[DP_SINGLE] || !b->of[DP_GSO] || !b->of[DP_UDP]) {
    return false;
  }
  r->has_gso = bare_has_offload(b->of[DP_GSO]);
  snprintf(r->cipher, sizeof(r->cipher), "%s", bare_cipher(b->of[DP_GSO]));
  r->is_lending = endpair_is_lending(e);
  for (i = DP_SINGLE; i <= DP_GSO; i++) {
    carrier_run(b->of[i], CARRIER_STREAM, WARM_UP);
    (void)carrier_settle(b->of[i]);
  }
  return true;
}

static void run_all(bench *b, uint64_t ms, uint64_t round, dp_round *r) {
  size_t i;

  for (i = 0; i < DP_KINDS; i++) {
    r->is_measured[DP_DATAGRAM][i] = true;
    r->is_measured[DP_STREAM][i] = i != DP_COPIED || r->is_lending;
  }
  run_load(b, DP_DATAGRAM, ms, round, r);
  run_load(b, DP_STREAM, ms, round, r);
  for (i = 0; i < DP_COPIED; i++) {
    r->sent[i] = b->of[i]->sent;
    r->lost[i] = b->of[i]->sent - b->of[i]->received;
  }
}

/* Does the library's own count of packets agree with that of the system calls?
 */
static bool is_agreed(const bench *b) {
  carrier *e = b->of[DP_ENDPOINT];
  const count_socket *s = count_of(e->tx_fd);
  quicmig_stats q = {.size = sizeof(q)};

  quicmig_get_stats(quicmig_client_migrator(endpair_client(e)), &q);
  return q.tx_packets == s->tx_packets && q.tx_bytes == s->tx_bytes &&
         q.rx_packets == s->rx_packets;
}

static const char *find_failure(const bench *b) {
  size_t i;

  for (i = 0; i < DP_COPIED; i++) {
    if (b->of[i]->is_broken) {
      return "a connection broke or carried wrong bytes";
    }
    if (!carrier_settle(b->of[i]) && i != DP_UDP) {
      return "a connection did not come to rest";
    }
  }
  return is_agreed(b) ? "" : "quicmig_stats disagrees with the system calls";
}

bool datapath_round(const bench_options *o, uint64_t round, dp_round *r) {
  bench b = {.of = {NULL}};
  bool is_made;
  size_t i;

  *r = (dp_round){.is_sanitized = IS_SANITIZED,
                  .has_allocations = count_has_allocations};
  is_made = make(&b, o, r);
  if (is_made) {
    run_all(&b, o->ms, round, r);
    snprintf(r->failure, sizeof(r->failure), "%s", find_failure(&b));
  } else {
    fprintf(stderr, "quicmig_bench: no connection: %s\n",
            quicmig_last_error_text());
  }
  for (i = 0; i < DP_COPIED; i++) {
    if (b.of[i]) {
      b.of[i]->ops->free(b.of[i]);
    }
  }
  return is_made;
}
