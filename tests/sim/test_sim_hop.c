/* A hop on a quiet, a slow and a troubled line: nothing is lost that the
 * network itself did not lose. */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

typedef struct row {
  const char *name;
  uint32_t mode;
  quicmig_duration delay, jitter;
  uint32_t reorder_ppm, duplicate_ppm;
  uint64_t rate;
  bool is_v6;
} row;

static const row rows[] = {
    {"clean 1 ms", QUICMIG_MODE_MIGRATE, 1 * MS, 0, 0, 0, 0, false},
    {"clean 1 ms, IPv6", QUICMIG_MODE_MIGRATE, 1 * MS, 0, 0, 0, 0, true},
    {"clean 50 ms", QUICMIG_MODE_MIGRATE, 50 * MS, 0, 0, 0, 0, false},
    {"clean 150 ms", QUICMIG_MODE_MIGRATE, 150 * MS, 0, 0, 0, 0, false},
    {"jitter", QUICMIG_MODE_MIGRATE, 20 * MS, 10 * MS, 0, 0, 0, false},
    {"reordering", QUICMIG_MODE_MIGRATE, 10 * MS, 0, 20000, 0, 0, false},
    {"duplicates", QUICMIG_MODE_MIGRATE, 10 * MS, 0, 0, 50000, 0, false},
    {"10 Mbit/s", QUICMIG_MODE_MIGRATE, 10 * MS, 0, 0, 0, 10000000, false},
    {"rebind 1 ms", QUICMIG_MODE_REBIND, 1 * MS, 0, 0, 0, 0, false},
    {"rebind 50 ms", QUICMIG_MODE_REBIND, 50 * MS, 0, 0, 0, 0, false},
    {"rebind jitter", QUICMIG_MODE_REBIND, 20 * MS, 10 * MS, 0, 0, 0, true},
};

static void set_line(sim_line *l, const row *w) {
  int i;

  for (i = 0; i < 2; i++) {
    l->side[i].jitter = w->jitter;
    l->side[i].reorder_ppm = w->reorder_ppm;
    l->side[i].duplicate_ppm = w->duplicate_ppm;
    l->side[i].rate = w->rate;
  }
}

static void hop_row(const row *w) {
  sim_line line;
  rig_client *c;
  quicmig_stats s;
  rig r;

  rig_init(&r, 0, w->is_v6);
  sim_line_init(&r.world, &line, w->delay);
  set_line(&line, w);
  r.migration.hop_interval = 2 * SEC;
  r.migration.hop_mode = w->mode;
  r.stream_bytes = 300000;
  assert_int_equal(rig_start(&r, 1), 0);
  c = &r.clients[0];
  assert_true(c->is_connected);
  rig_run(&r, 60 * SEC);
  rig_finish(&r, 3 * SEC);
  s = rig_stats(c);
  assert_false(c->is_closed);
  assert_int_equal(rig_lost(&r), 0);
  assert_true(c->sent >= 5990);
  assert_true(c->stream_done && !c->stream_bad);
  assert_in_range(s.hops, 25, 40);
  assert_int_equal(s.hops_failed + s.hops_refused, 0);
  assert_in_range(r.migrations, s.hops - 1, s.hops);
  assert_int_equal(r.migrations_ip, 0);
  assert_int_equal(r.migrations_same_id,
                   w->mode == QUICMIG_MODE_REBIND ? r.migrations : 0);
  assert_in_range(s.sockets_peak, 2, 4);
  assert_int_equal(s.sockets_open, r.client_host.open);
  rig_reset(&r);
}

static void test_rows(void **state) {
  size_t i;

  (void)state;
  for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    printf("row: %s\n", rows[i].name);
    hop_row(&rows[i]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
