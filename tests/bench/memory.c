/* What the migrator adds to a connection, beyond its sockets: the bytes of its
 * handle, and allocations while packets flow. */
#include <stdio.h>

#include "bench.h"
#include "rig.h"

#define BYTES_MAX 2048

int bench_memory(const bench_options *o) {
  uint64_t calls, packets;
  sim_line line;
  quicmig_stats before, after;
  rig_client *c;
  size_t bytes;
  bool is_good;
  rig r;

  rig_init(&r, 1, false);
  sim_line_init(&r.world, &line, 1 * MS);
  r.migration.hop_interval = 0;
  r.send_every = 1 * MS;
  if (rig_start(&r, 1) != 0) {
    return 1;
  }
  c = &r.clients[0];
  rig_run(&r, 5 * SEC); /* queues and ngtcp2's pools have grown */
  bytes = quicmig_memory(quicmig_client_migrator(c->c));
  before = rig_stats(c);
  calls = c->mem.calls;
  rig_run(&r, 10 * SEC);
  after = rig_stats(c);
  calls = c->mem.calls - calls;
  packets = after.tx_packets + after.rx_packets - before.tx_packets -
            before.rx_packets;
  is_good = bytes <= BYTES_MAX && calls * 100 <= packets;
  printf(o->is_json
             ? "{\"migrator_bytes\":%zu,\"packets\":%llu,\"allocations\":%llu,"
               "\"ok\":%s}\n"
             : "the migrator's handle: %zu bytes; %llu packets, %llu "
               "allocations by migrator, endpoint and ngtcp2; self-check: "
               "%s\n",
         bytes, (unsigned long long)packets, (unsigned long long)calls,
         is_good ? "true" : "false");
  rig_reset(&r);
  return is_good ? 0 : 1;
}
