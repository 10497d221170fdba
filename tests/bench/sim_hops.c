/* Hops as fast as the simulated network carries them: one connection, a hop
 * every 200 virtual ms, ten datagrams a second. */
#include <stdio.h>

#include "bench.h"
#include "rig.h"

#define INTERVAL (200 * MS)

/* Runs until the connection has hopped n times in all, or is gone. */
static void run_to(rig *r, uint64_t n) {
  while (!r->clients[0].is_closed && rig_stats(&r->clients[0]).hops < n) {
    rig_run(r, 10 * SEC);
  }
}

int bench_sim_hops(const bench_options *o) {
  uint64_t heap_10, heap_100, lost;
  double begin, wall;
  sim_line line;
  quicmig_stats s;
  rig_client *c;
  bool is_good;
  rig r;

  rig_init(&r, 1, false);
  sim_line_init(&r.world, &line, 1 * MS);
  r.migration.hop_interval = INTERVAL;
  r.send_every = 100 * MS;
  if (rig_start(&r, 1) != 0) {
    return 1;
  }
  c = &r.clients[0];
  begin = bench_wall();
  run_to(&r, o->hops / 10);
  heap_10 = bench_heap();
  run_to(&r, o->hops);
  heap_100 = bench_heap();
  wall = bench_wall() - begin;
  rig_finish(&r, 2 * SEC);
  s = rig_stats(c);
  lost = rig_lost(&r);
  is_good = s.hops >= o->hops && s.hops_failed + s.hops_refused == 0 &&
            lost == 0 && s.sockets_peak <= r.migration.max_sockets &&
            heap_100 <= heap_10 + heap_10 / 100;
  printf(o->is_json
             ? "{\"hops\":%llu,\"hops_failed\":%llu,\"datagrams_sent\":%llu,"
               "\"datagrams_lost\":%llu,\"wall_s\":%.2f,\"us_per_hop\":%.1f,"
               "\"heap_10pct\":%llu,\"heap_100pct\":%llu,\"sockets_peak\":%u,"
               "\"ok\":%s}\n"
             : "%llu hops, %llu failed; %llu datagrams, %llu lost; %.2f s, "
               "%.1f us a hop; heap at 10 %%: %llu, at 100 %%: %llu bytes; at "
               "most %u sockets; self-check: %s\n",
         (unsigned long long)s.hops,
         (unsigned long long)(s.hops_failed + s.hops_refused),
         (unsigned long long)c->sent, (unsigned long long)lost, wall,
         wall * 1e6 / (double)s.hops, (unsigned long long)heap_10,
         (unsigned long long)heap_100, s.sockets_peak,
         is_good ? "true" : "false");
  rig_reset(&r);
  return is_good ? 0 : 1;
}
