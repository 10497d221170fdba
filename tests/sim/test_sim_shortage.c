/* A machine with as many descriptors as a client holds: old sockets give way to
 * new ones, and nothing is lost. */
#include "rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

typedef struct world {
  rig r;
  sim_line line;
  size_t limit; /* sockets of the client's host */
  int err;
  uint64_t refused, shortages;
} world;

static world w;

static int too_many(void *arg, sim_call call, uint64_t index) {
  (void)arg;
  (void)index;
  if (call != SIM_OPEN || w.r.client_host.open < w.limit) {
    return 0;
  }
  w.refused++;
  return w.err;
}

static void on_event(rig_client *c, const quicmig_event *e) {
  (void)c;
  if (e->type == QUICMIG_EVENT_SHORTAGE) {
    w.shortages++;
    assert_int_equal(e->value, w.err);
  }
}

static rig_client *start(int err, size_t limit) {
  rig_init(&w.r, 0, false);
  sim_line_init(&w.r.world, &w.line, 10 * MS);
  w.limit = limit;
  w.err = err;
  w.refused = w.shortages = 0;
  w.r.client_host.fault = too_many;
  w.r.on_event = on_event;
  w.r.migration.hop_interval = SEC;
  w.r.migration.hop_quiet = 0;
  w.r.migration.drain = 60 * SEC;
  w.r.migration.max_sockets = 8;
  assert_int_equal(rig_start(&w.r, 1), 0);
  return &w.r.clients[0];
}

static void finish(void) {
  rig_finish(&w.r, SEC);
  assert_int_equal(rig_lost(&w.r), 0);
  rig_reset(&w.r);
}

/* Two descriptors: each hop needs that of the socket that drains. */
static void test_hops_go_on(void **state) {
  static const int errnos[] = {EMFILE, ENFILE, ENOBUFS, ENOMEM};
  size_t i;

  (void)state;
  for (i = 0; i < sizeof(errnos) / sizeof(errnos[0]); i++) {
    rig_client *c = start(errnos[i], 2);

    rig_run(&w.r, 20 * SEC);
    printf("errno %d: %llu hops, %llu refusals\n", errnos[i],
           (unsigned long long)rig_stats(c).hops,
           (unsigned long long)w.refused);
    assert_true(rig_stats(c).hops >= 18);
    assert_int_equal(rig_stats(c).hops_refused, 0);
    assert_true(w.shortages >= 17 && w.shortages == w.refused);
    assert_int_equal(rig_stats(c).sockets_peak, 2);
    finish();
  }
}

/* One descriptor: no hop can be made, and the connection stays. */
static void test_none_to_give(void **state) {
  rig_client *c = start(EMFILE, 1);

  (void)state;
  rig_run(&w.r, 20 * SEC);
  assert_int_equal(rig_stats(c).hops, 0);
  assert_in_range(c->results[-QUICMIG_ERR_SYSTEM], 3, 8); /* it backs off */
  assert_int_equal(c->last.sys_errno, EMFILE);
  assert_int_equal(w.shortages, 0);
  finish();
}

/* A path by hand needs one just as a hop does. */
static void test_path_by_hand(void **state) {
  rig_client *c = start(EMFILE, SIM_SOCKS);
  quicmig *m = quicmig_client_migrator(c->c);
  uint32_t id = 0, open;

  (void)state;
  rig_run(&w.r, 1500 * MS);
  open = rig_stats(c).sockets_open;
  assert_in_range(open, 2, 7); /* some drain, and there is a place */
  w.limit = open;
  assert_int_equal(quicmig_path_add(m, NULL, &id, w.r.world.now), 0);
  assert_int_equal(rig_stats(c).sockets_open, open);
  assert_int_equal(w.shortages, 1);
  finish();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_hops_go_on),
      cmocka_unit_test(test_none_to_give),
      cmocka_unit_test(test_path_by_hand),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
