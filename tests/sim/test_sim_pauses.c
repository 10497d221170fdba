/* A server with many clients stands still again and again, and looks at its
 * timers first when it goes on, then at its newest sockets.  More waits there
 * than it reads at once, and clients hopped in the meantime: nothing is lost,
 * nobody's hop fails, and nobody is thrown out. */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))
#define LO 4433
#define CLIENTS 20
#define PAUSES 6

typedef struct row {
  const char *name;
  uint16_t ports; /* of the server */
  uint32_t mode;
  quicmig_duration pause;
  bool may_fail; /* hops: it is longer than their validation may last */
} row;

static const row rows[] = {
    {"one port", 1, QUICMIG_MODE_MIGRATE, 300 * MS, false},
    {"10 ports", 10, QUICMIG_MODE_MIGRATE, 300 * MS, false},
    {"10 ports, long pauses", 10, QUICMIG_MODE_MIGRATE, 1200 * MS, true},
    {"100 ports", 100, QUICMIG_MODE_MIGRATE, 300 * MS, false},
    {"10 ports, REBIND", 10, QUICMIG_MODE_REBIND, 40 * MS, false},
    {"100 ports, REBIND", 100, QUICMIG_MODE_REBIND, 40 * MS, false},
};

static struct world {
  rig r;
  sim_line line;
  const row *row;
  quicmig_tstamp (*server_at)(void *arg);
  quicmig_tstamp paused_until;
  uint64_t failed;
} w;

static quicmig_tstamp server_at(void *arg) {
  return qm_time_max(w.server_at(arg), w.paused_until);
}

static void listen_range(rig *r, quicmig_server_config *cfg) {
  (void)r;
  cfg->port_hi = w.row->ports > 1 ? LO + w.row->ports - 1u : 0;
}

static void on_hop(rig_client *c, const quicmig_hop_record *h) {
  (void)c;
  w.failed += h->result != 0;
}

static void start(const row *t) {
  rig *r = &w.r;

  memset(&w, 0, sizeof(w));
  w.row = t;
  rig_init(r, 0, false);
  sim_line_init(&r->world, &w.line, 10 * MS);
  r->on_server_config = listen_range;
  r->on_hop = on_hop;
  r->migration.hop_interval = 800 * MS;
  r->migration.hop_mode = t->mode;
  r->migration.degrade_ptos = 0; /* a pause is no dead path */
  if (t->ports > 1) {
    r->migration.remote_port_lo = LO;
    r->migration.remote_port_hi = LO + t->ports - 1u;
  }
  r->send_every = 3 * MS;
  r->server_transport.datagram_queue = 1 << 20;
  assert_int_equal(rig_start(r, CLIENTS), 0);
  w.server_at = r->server_actor.deadline;
  r->server_actor.deadline = server_at;
  r->server_host.reads_newest_first = true;
}

static void run(const row *t) {
  uint64_t hops = 0;
  size_t i;

  start(t);
  for (i = 0; i < PAUSES; i++) {
    w.paused_until = w.r.world.now + t->pause;
    w.r.server_host.busy_until = w.paused_until + 1; /* the timers come first */
    rig_run(&w.r, t->pause + 1500 * MS);
  }
  rig_finish(&w.r, 8 * SEC); /* a window that has shrunk takes its time */
  for (i = 0; i < CLIENTS; i++) {
    hops += rig_stats(&w.r.clients[i]).hops;
    assert_false(w.r.clients[i].is_closed);
  }
  printf("%s: %llu hops, %llu failed, %llu datagrams lost\n", t->name,
         (unsigned long long)hops, (unsigned long long)w.failed,
         (unsigned long long)rig_lost(&w.r));
  assert_true(hops > PAUSES * CLIENTS);
  assert_int_equal(rig_lost(&w.r), 0);
  assert_true(t->may_fail || w.failed == 0);
  rig_reset(&w.r);
}

static void test_pauses(void **state) {
  size_t i;

  (void)state;
  for (i = 0; i < COUNT_OF(rows); i++) {
    run(&rows[i]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_pauses)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
