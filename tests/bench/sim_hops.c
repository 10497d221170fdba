/*
 * Hops as fast as the simulated network carries them: on each core one
 * connection with a hop every 30 virtual ms and a datagram a hop.  Packets
 * stay at 1200 bytes, so that path MTU discovery, which each hop restarts, does
 * not take the time.
 */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "rig.h"

#define INTERVAL (30 * MS)
#define JOBS_MAX 16

typedef struct result {
  uint64_t hops, failed, sent, lost, heap_10, heap_100;
  uint32_t sockets_peak;
  bool is_good;
} result;

/* Runs until the connection has hopped n times in all, or is gone. */
static void run_to(rig *r, uint64_t n) {
  while (!r->clients[0].is_closed && rig_stats(&r->clients[0]).hops < n) {
    rig_run(r, SEC);
  }
}

static void set_up(rig *r, sim_line *line, uint64_t seed) {
  rig_init(r, seed, false);
  sim_line_init(&r->world, line, 1 * MS);
  r->migration.hop_interval = INTERVAL;
  r->migration.hop_min_gap = 10 * MS;
  r->client_transport.max_udp_payload = 1200;
  r->server_transport.max_udp_payload = 1200;
  r->send_every = INTERVAL;
}

static result run_connection(uint64_t hops, uint64_t seed) {
  result x = {.is_good = false};
  sim_line line;
  quicmig_stats s;
  rig r;

  set_up(&r, &line, seed);
  if (rig_start(&r, 1) == 0) {
    run_to(&r, hops / 10);
    x.heap_10 = bench_heap();
    run_to(&r, hops);
    x.heap_100 = bench_heap();
    rig_finish(&r, 2 * SEC);
    s = rig_stats(&r.clients[0]);
    x.hops = s.hops;
    x.failed = s.hops_failed + s.hops_refused;
    x.sent = r.clients[0].sent;
    x.lost = rig_lost(&r);
    x.sockets_peak = s.sockets_peak;
    x.is_good = x.hops >= hops && x.failed == 0 && x.lost == 0 &&
                x.sockets_peak <= r.migration.max_sockets &&
                x.heap_100 <= x.heap_10 + x.heap_10 / 100;
  }
  rig_reset(&r);
  return x;
}

/* A connection in a process of its own; returns where its result is read. */
static int start_job(uint64_t hops, uint64_t seed) {
  int ends[2];
  result x;

  if (pipe(ends) != 0) {
    return -1;
  }
  if (fork() == 0) {
    x = run_connection(hops, seed);
    _exit(write(ends[1], &x, sizeof(x)) == sizeof(x) ? 0 : 1);
  }
  close(ends[1]);
  return ends[0];
}

/* The sum over the jobs; the heap of the one that grew most. */
static result collect(const int *fds, long jobs) {
  result sum = {.is_good = true}, x;
  long i;

  for (i = 0; i < jobs; i++) {
    memset(&x, 0, sizeof(x));
    if (fds[i] < 0 || read(fds[i], &x, sizeof(x)) != sizeof(x)) {
      x.is_good = false;
    }
    sum.hops += x.hops;
    sum.failed += x.failed;
    sum.sent += x.sent;
    sum.lost += x.lost;
    sum.is_good &= x.is_good;
    if (i == 0 || x.heap_100 - x.heap_10 > sum.heap_100 - sum.heap_10) {
      sum.heap_10 = x.heap_10;
      sum.heap_100 = x.heap_100;
    }
    if (x.sockets_peak > sum.sockets_peak) {
      sum.sockets_peak = x.sockets_peak;
    }
    close(fds[i]);
  }
  while (wait(NULL) > 0) {
  }
  return sum;
}

int bench_sim_hops(const bench_options *o) {
  long jobs = sysconf(_SC_NPROCESSORS_ONLN), i;
  double begin = bench_wall(), wall;
  int fds[JOBS_MAX];
  result x;

  jobs = jobs < 1 ? 1 : jobs > JOBS_MAX ? JOBS_MAX : jobs;
  for (i = 0; i < jobs; i++) {
    fds[i] = start_job((o->hops + (uint64_t)jobs - 1) / (uint64_t)jobs,
                       (uint64_t)i + 1);
  }
  x = collect(fds, jobs);
  wall = bench_wall() - begin;
  printf(o->is_json
             ? "{\"hops\":%llu,\"connections\":%ld,\"hops_failed\":%llu,"
               "\"datagrams_sent\":%llu,\"datagrams_lost\":%llu,"
               "\"wall_s\":%.2f,\"us_per_hop\":%.1f,\"heap_10pct\":%llu,"
               "\"heap_100pct\":%llu,\"sockets_peak\":%u,\"ok\":%s}\n"
             : "%llu hops of %ld connections, %llu failed; %llu datagrams, "
               "%llu lost; %.2f s, %.1f us a hop; heap at 10 %%: %llu, at 100 "
               "%%: %llu bytes; at most %u sockets each; self-check: %s\n",
         (unsigned long long)x.hops, jobs, (unsigned long long)x.failed,
         (unsigned long long)x.sent, (unsigned long long)x.lost, wall,
         wall * 1e6 / (double)x.hops, (unsigned long long)x.heap_10,
         (unsigned long long)x.heap_100, x.sockets_peak,
         x.is_good ? "true" : "false");
  return x.is_good ? 0 : 1;
}
