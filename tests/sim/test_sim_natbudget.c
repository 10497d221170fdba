/* Many clients behind one NAT with a small table: hops keep to the budget of
 * mappings that the process has, whatever asks for them, and no mapping is
 * refused. */
#include "load.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define CLIENTS 20
#define LIFETIME (60 * SEC)

static struct world {
  rig r;
  sim_line line, beyond;
  sim_nat nat;
  uint64_t told;
} w;

static void note_event(rig_client *c, const quicmig_event *e) {
  (void)c;
  w.told += e->type == QUICMIG_EVENT_NAT_BUDGET;
}

typedef struct row {
  const char *name;
  uint32_t budget;               /* mappings; 0: no limit */
  quicmig_duration hop_interval; /* of each client */
  size_t lo, hi;                 /* mappings left behind, at most alive */
} row;

static const row rows[] = {
    {"no limit", 0, 2 * SEC, 450, 700},
    {"200", 200, 2 * SEC, 150, 200},
    {"40", 40, 2 * SEC, 30, 40},
    {"more than is asked for", 200, 60 * SEC, 10, 40},
};

/* The largest number of mappings that the NAT has at once; each lives for a
 * lifetime after its last packet. */
static size_t watch(void) {
  size_t most = 0, i;

  for (i = 0; i < 180; i++) {
    rig_run(&w.r, SEC);
    sim_nat_expire(&w.nat, w.r.world.now);
    most = w.nat.mappings > most ? w.nat.mappings : most;
  }
  return most;
}

static void run(const row *t) {
  quicmig_stats s;
  size_t most, i;

  memset(&w, 0, sizeof(w));
  rig_init(&w.r, 1, false);
  sim_line_init(&w.r.world, &w.line, 10 * MS);
  sim_nat_init(&w.r.world, &w.nat, "192.0.2.1");
  sim_line_init(&w.r.world, &w.beyond, 10 * MS);
  w.nat.timeout = LIFETIME;
  w.r.on_event = note_event;
  w.r.send_every = 100 * MS;
  w.r.migration.hop_interval = t->hop_interval;
  w.r.migration.drain = SEC;
  assert_int_equal(rig_start(&w.r, CLIENTS), 0);
  assert_int_equal(quicmig_nat_budget(t->budget, LIFETIME), 0);
  most = watch();
  rig_finish(&w.r, SEC);
  for (s.hops = 0, i = 0; i < CLIENTS; i++) {
    s.hops += rig_stats(&w.r.clients[i]).hops;
  }
  printf("  %-25s %zu mappings at most, %llu hops, told %llu times\n", t->name,
         most, (unsigned long long)s.hops, (unsigned long long)w.told);
  /* Besides those that are left behind each client uses one, and drains one. */
  assert_true(most >= t->lo && most <= t->hi + 2 * CLIENTS);
  assert_int_equal(rig_lost(&w.r), 0);
  assert_true((w.told != 0) == (t->budget && t->hop_interval < 60 * SEC));
  assert_int_equal(quicmig_nat_budget(0, LIFETIME), 0);
  rig_reset(&w.r);
  sim_nat_reset(&w.nat);
}

static void test_rows(void **state) {
  size_t i;

  (void)state;
  for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    run(&rows[i]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
