#include "hopreal.h"

#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hoppair.h"
#include "io/net.h"

#define MS QUICMIG_MILLISECOND
#define SEC QUICMIG_SECOND
#define ROUNDS_MAX 99
#define WARM_UP (500 * MS)
/* Before a turn the transfer gets going again, after it what is under way
 * arrives. */
#define TURN SEC
#define RUN_UP (100 * MS)
#define REST_MAX (300 * MS)
#define LINGER (300 * MS)
#define SEND_EVERY (2 * MS)
/* Between two hops whose CPU is measured: long enough for all that follows a
 * hop at this RTT.  With two sockets, so that there is one old one to look
 * at, as after real intervals: the library looks for a second. */
#define HOP_EVERY (50 * MS)

static uint64_t or_else(uint64_t chosen, uint64_t by_default) {
  return chosen ? chosen : by_default;
}

/*
 * --- goodput ---
 * One connection; seconds that begin with a hop and seconds without one take
 * turns.  So what else the machine does meets both alike, and so does where the
 * connection lies in memory, which alone makes two connections differ by
 * several percent.
 */

/* How long this thread was ready to run and had to wait for a core, in ns. */
static uint64_t run_delay(void) {
  unsigned long long cpu, delay = 0;
  FILE *f = fopen("/proc/thread-self/schedstat", "r");

  if (!f || fscanf(f, "%llu %llu", &cpu, &delay) != 2) {
    delay = 0;
  }
  if (f) {
    fclose(f);
  }
  return delay;
}

/* A second of the transfer, that after a hop or without one; Mbit/s.  Time in
 * which the thread waited for a core is not counted. */
static double turn(hoppair *p, bool has_hop) {
  uint64_t bytes, delay;
  double begin, took;

  hoppair_resume(p);
  hoppair_run(p, quicmig_clock() + RUN_UP, UINT64_MAX);
  bytes = p->stream_bytes;
  delay = run_delay();
  begin = bench_wall();
  if (has_hop) {
    p->bad_hops += !hoppair_hop(p);
  }
  hoppair_run(p, quicmig_clock() + TURN, UINT64_MAX);
  took = bench_wall() - begin - (double)(run_delay() - delay) / 1e9;
  bytes = p->stream_bytes - bytes;
  hoppair_pause(p, REST_MAX);
  return took > 0 ? (double)bytes * 8e-6 / took : 0;
}

static void run_rounds(hoppair *p, size_t rounds, uint64_t turns,
                       hopreal_goodput *g) {
  double none[ROUNDS_MAX], hops[ROUNDS_MAX], ratio[ROUNDS_MAX];
  uint64_t k;
  size_t i;

  for (i = 0; i < rounds; i++) {
    none[i] = hops[i] = 0;
    for (k = 0; k < 2 * turns; k++) { /* none, hop, hop, none, ... */
      bool has_hop = (k + 1) / 2 % 2 == 1;

      *(has_hop ? &hops[i] : &none[i]) += turn(p, has_hop) / (double)turns;
    }
    ratio[i] = none[i] > 0 ? hops[i] / none[i] : 0;
  }
  g->mbit_none = bench_spread_of(none, rounds);
  g->mbit_hops = bench_spread_of(hops, rounds);
  g->ratio = bench_spread_of(ratio, rounds);
}

hopreal_goodput hopreal_run_goodput(const bench_options *o, bool is_down) {
  size_t rounds = (size_t)or_else(o->rounds, o->is_short ? 1 : 5);
  uint64_t ms = or_else(o->ms, o->is_short ? 1000 : 4000);
  uint64_t turns = ms * MS < TURN ? 1 : ms * MS / TURN;
  hopreal_goodput g = {.is_good = false};
  hoppair p;

  hoppair_init(&p);
  p.is_down = is_down;
  p.has_stream = true;
  p.send_every = SEND_EVERY;
  p.migration.no_offload = o->no_offload;
  if (hoppair_start(&p)) {
    hoppair_run(&p, quicmig_clock() + WARM_UP, UINT64_MAX);
    run_rounds(&p, rounds, turns, &g);
    hoppair_run(&p, quicmig_clock() + LINGER, UINT64_MAX);
    g.is_good = !p.is_closed;
  }
  g.hops = p.hops;
  g.failed = p.bad_hops;
  g.sent = p.sent;
  g.lost = p.sent - p.received;
  g.blocked = p.blocked;
  hoppair_stop(&p);
  return g;
}

/* --- CPU --- */

/* A port that may be bound without privilege. */
static bool bind_random(int fd) {
  struct sockaddr_in a = {.sin_family = AF_INET};
  uint16_t draw;
  unsigned tries;

  for (tries = 0; tries < 64; tries++) {
    if (qm_net_kernel.random(NULL, &draw, sizeof(draw)) != 0) {
      return false;
    }
    a.sin_port = htons((uint16_t)(1024 + draw % (65536 - 1024)));
    if (bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0) {
      return true;
    }
  }
  return false;
}

/* What a program without this library would do to change its port. */
static bool open_and_close(const struct sockaddr_storage *peer,
                           const quicmig_options *o, hopcalls *sum) {
  const qm_sock_config c = {.family = AF_INET,
                            .no_offload = o->no_offload,
                            .rcvbuf = o->rcvbuf,
                            .sndbuf = o->sndbuf};
  hopcalls start = hopcalls_start();
  uint32_t lacks;
  bool is_good;
  int fd;

  if (qm_net_kernel.open(NULL, &c, &fd, &lacks) != 0) {
    return false;
  }
  is_good = bind_random(fd) && connect(fd, (const struct sockaddr *)peer,
                                       sizeof(struct sockaddr_in)) == 0;
  is_good &= close(fd) == 0;
  hopcalls_stop(&start, sum);
  return is_good;
}

/* n hops, and a bare socket after each. */
static bool hop_and_open(hoppair *p, uint64_t n, hopcalls *bare) {
  struct sockaddr_storage peer;
  bool is_good = true;
  uint64_t i;

  quicmig_server_address(p->server, &peer);
  p->meter = *bare = (hopcalls){.cpu_ns = 0};
  p->runs = 0;
  for (i = 0; i < n && is_good; i++) {
    quicmig_tstamp begin = quicmig_clock();

    is_good = hoppair_hop(p);
    hoppair_run(p, begin + HOP_EVERY, UINT64_MAX);
    is_good &= open_and_close(&peer, &p->migration, bare);
  }
  return is_good && !p->is_closed;
}

static double per(uint64_t sum, uint64_t n) { return (double)sum / (double)n; }

hopreal_cpu hopreal_run_cpu(const bench_options *o) {
  double hop[ROUNDS_MAX], sockets[ROUNDS_MAX], ratio[ROUNDS_MAX];
  size_t rounds = (size_t)or_else(o->rounds, o->is_short ? 2 : 5), i;
  uint64_t n = or_else(o->hops, o->is_short ? 20 : 100);
  hopreal_cpu c = {.is_good = true};
  hopcalls bare;
  hoppair p;

  hoppair_init(&p);
  p.migration.hop_min_gap = 10 * MS;
  p.migration.max_sockets = 2;
  p.migration.no_offload = o->no_offload;
  c.is_good = hoppair_start(&p);
  for (i = 0; i < rounds && c.is_good; i++) {
    c.is_good = hop_and_open(&p, n, &bare);
    hop[i] = per(p.meter.cpu_ns, n) / 1000;
    sockets[i] = per(bare.cpu_ns, n) / 1000;
    ratio[i] = hop[i] / sockets[i];
  }
  if (c.is_good) {
    c.us_hop = bench_spread_of(hop, rounds);
    c.us_sockets = bench_spread_of(sockets, rounds);
    c.ratio = bench_spread_of(ratio, rounds);
    c.syscalls_hop = per(p.meter.syscalls, n);
    c.syscalls_sockets = per(bare.syscalls, n);
    c.wakeups_hop = per(p.runs, n);
  }
  c.hops = p.hops;
  c.failed = p.bad_hops;
  hoppair_stop(&p);
  return c;
}
