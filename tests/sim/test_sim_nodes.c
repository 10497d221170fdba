/* The stations of the simulated network that are not nice: they do what they
 * say, and a connection lives through the mild ones. */
#include "forge.h"
#include "narrow.h"
#include "outage.h"
#include "refusal.h"
#include "rig.h"
#include "trace.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct world {
  rig r;
  sim_line line;
  sim_late late;
  sim_outage outage;
  sim_narrow narrow;
  sim_refusal refusal;
  sim_trace trace;
  sim_forge up, down;
} w;

static rig_client *prepare(void) {
  rig_init(&w.r, 0, false);
  w.r.migration.hop_interval = 0;
  return &w.r.clients[0];
}

static void start(void) {
  assert_int_equal(rig_start(&w.r, 1), 0);
  assert_true(w.r.clients[0].is_connected);
}

static void finish(uint64_t lost_most) {
  rig_finish(&w.r, 3 * SEC);
  assert_false(w.r.clients[0].is_closed);
  assert_in_range(rig_lost(&w.r), 0, lost_most);
  rig_reset(&w.r);
}

static void test_late(void **state) {
  const sim_late_side side = {.late_ppm = 100000,
                              .lo = 5 * MS,
                              .hi = 30 * MS,
                              .twice_ppm = 50000,
                              .again_ppm = 50000};

  (void)state;
  prepare();
  sim_line_init(&w.r.world, &w.line, 10 * MS);
  sim_late_init(&w.r.world, &w.late);
  sim_late_set(&w.late, &side);
  start();
  rig_run(&w.r, 20 * SEC);
  printf("%llu held, %llu copied of %llu\n", (unsigned long long)w.late.held,
         (unsigned long long)w.late.copied,
         (unsigned long long)w.r.world.carried);
  assert_in_range(w.late.held, w.r.world.carried * 7 / 100,
                  w.r.world.carried * 13 / 100);
  assert_in_range(w.late.copied, w.r.world.carried * 7 / 100,
                  w.r.world.carried * 13 / 100);
  finish(0);
}

/* Half a second without one direction, every ten. */
static void test_outage(void **state) {
  rig_client *c = prepare();

  (void)state;
  sim_line_init(&w.r.world, &w.line, 10 * MS);
  sim_outage_init(&w.r.world, &w.outage);
  start();
  w.outage.side[SIM_UP] = (sim_outage_side){
      .from = w.r.world.now, .length = 500 * MS, .every = 10 * SEC};
  rig_run(&w.r, 30 * SEC);
  assert_in_range(w.outage.node.dropped[SIM_UP], 100, 400);
  assert_int_equal(w.outage.node.dropped[SIM_DOWN], 0);
  assert_in_range(c->gap_max, 500 * MS, 4 * SEC);
  finish(c->sent / 5);
}

static void test_narrow(void **state) {
  rig_client *c = prepare();

  (void)state;
  sim_line_init(&w.r.world, &w.line, 10 * MS);
  sim_narrow_init(&w.r.world, &w.narrow);
  w.r.client_host.mtu = 1300;
  start();
  rig_run(&w.r, 5 * SEC); /* path MTU discovery comes to 1300 upwards */
  assert_int_equal(w.narrow.node.dropped[SIM_UP], 0);
  sim_narrow_to(&w.r.world, &w.narrow, 150); /* less than a datagram has */
  rig_run(&w.r, SEC);
  assert_true(w.narrow.node.dropped[SIM_UP] > 10);
  sim_narrow_to(&w.r.world, &w.narrow, 0);
  rig_run(&w.r, 5 * SEC);
  finish(c->sent / 5);
}

static bool is_server_port(void *arg, const sim_sock *s) {
  (void)arg;
  return qm_addr_port(&s->remote) == 4433;
}

static void test_refusal(void **state) {
  rig_client *c = prepare();

  (void)state;
  sim_line_init(&w.r.world, &w.line, 10 * MS);
  start();
  sim_refusal_init(&w.r.client_host, &w.refusal, SIM_SEND, EPERM);
  w.refusal.ppm = 100000;
  w.refusal.is_meant = is_server_port;
  rig_run(&w.r, 10 * SEC);
  assert_in_range(w.refusal.refused, 20, 400);
  assert_true(c->echoed > 800);
  w.refusal.ppm = 0;
  finish(w.refusal.refused);
}

static void show_trace(const char *name, rig_client *c) {
  printf("%s: %llu of %llu came back, waited for %.2f s up, %.2f s down\n",
         name, (unsigned long long)c->echoed, (unsigned long long)c->sent,
         (double)w.trace.side[SIM_UP].longest / 1e9,
         (double)w.trace.side[SIM_DOWN].longest / 1e9);
}

/* The synthetic phone's line has one pause in two minutes. */
static void test_made_trace(void **state) {
  rig_client *c = prepare();

  (void)state;
  sim_trace_init(&w.r.world, &w.trace, 20 * MS);
  sim_trace_make(&w.r.world, &w.trace, SIM_UP, 2);
  sim_trace_make(&w.r.world, &w.trace, SIM_DOWN, 8);
  w.trace.side[SIM_UP].queue = w.trace.side[SIM_DOWN].queue = 5 * SEC;
  start();
  rig_run(&w.r, 120 * SEC);
  show_trace("made", c);
  assert_in_range(w.trace.side[SIM_UP].longest, 3 * SEC, 5 * SEC);
  assert_in_range(c->gap_max, 4 * SEC, 6 * SEC);
  sim_trace_reset(&w.trace);
  w.trace.side[SIM_UP].n = w.trace.side[SIM_DOWN].n = 0;
  finish(c->sent / 10);
}

static void test_recorded_trace(void **state) {
  rig_client *c = prepare();

  (void)state;
  sim_trace_init(&w.r.world, &w.trace, 20 * MS);
  if (!sim_trace_load(&w.trace, SIM_UP, "ATT-LTE-driving-2016.up") ||
      !sim_trace_load(&w.trace, SIM_DOWN, "ATT-LTE-driving-2016.down")) {
    sim_trace_reset(&w.trace);
    rig_reset(&w.r);
    skip();
  }
  w.trace.side[SIM_UP].queue = w.trace.side[SIM_DOWN].queue = 5 * SEC;
  start();
  rig_run(&w.r, 240 * SEC);
  show_trace("recorded", c);
  assert_in_range(w.trace.side[SIM_UP].longest, 3 * SEC, 5 * SEC);
  sim_trace_reset(&w.trace);
  w.trace.side[SIM_UP].n = w.trace.side[SIM_DOWN].n = 0;
  finish(c->sent / 10);
}

/* One connection stands still beside; every kind but the server's own resets
 * is made, both ways. */
static int owner_of(void *arg, uint16_t port) {
  rig *r = arg;
  int fd = r->client_host.by_port[port];

  return fd < 0 ? -1 : r->owner[fd];
}

static void test_forge(void **state) {
  sim_forge *f[2] = {&w.up, &w.down};
  size_t i, k;

  (void)state;
  prepare();
  sim_forge_init(&w.r.world, &w.down, SIM_DOWN);
  sim_line_init(&w.r.world, &w.line, 10 * MS);
  sim_forge_init(&w.r.world, &w.up, SIM_UP);
  for (i = 0; i < 2; i++) {
    f[i]->burst = 1;
    f[i]->every = 50 * MS;
    f[i]->owner = owner_of;
    f[i]->arg = &w.r;
  }
  assert_int_equal(rig_start(&w.r, 2), 0);
  rig_run(&w.r, 10 * SEC);
  for (i = 0; i < 2; i++) {
    for (k = 0; k < SIM_FORGE_TOKEN; k++) {
      printf("%s %llu, ", sim_forge_name((sim_forgery)k),
             (unsigned long long)f[i]->made[k]);
      assert_true(f[i]->made[k] > 10);
    }
    printf("%s\n", i ? "down" : "up");
  }
  finish(0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_late),       cmocka_unit_test(test_outage),
      cmocka_unit_test(test_narrow),     cmocka_unit_test(test_refusal),
      cmocka_unit_test(test_made_trace), cmocka_unit_test(test_recorded_trace),
      cmocka_unit_test(test_forge)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
