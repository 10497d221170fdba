/* Hops so fast that many paths may still get what was under way: each is read,
 * whichever the loop is told of, and nothing goes round in circles. */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void test_many_live_paths(void **state) {
  static const struct {
    const char *name;
    uint32_t mode;
    quicmig_duration delay, every, jitter;
  } rows[] = {
      {"migrate", QUICMIG_MODE_MIGRATE, 50 * MS, 110 * MS, 0},
      {"migrate, reordered", QUICMIG_MODE_MIGRATE, 50 * MS, 200 * MS, 20 * MS},
      {"rebind", QUICMIG_MODE_REBIND, 20 * MS, 60 * MS, 0},
      {"rebind, reordered", QUICMIG_MODE_REBIND, 20 * MS, 60 * MS, 30 * MS},
  };
  size_t i;

  (void)state;
  for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    sim_line line;
    rig r;

    printf("row: %s\n", rows[i].name);
    rig_init(&r, 0, false);
    sim_line_init(&r.world, &line, rows[i].delay);
    line.side[SIM_UP].jitter = line.side[SIM_DOWN].jitter = rows[i].jitter;
    r.migration.hop_interval = rows[i].every;
    r.migration.hop_mode = rows[i].mode;
    r.migration.hop_min_gap = 50 * MS;
    r.migration.hop_jitter_pct = 0;
    r.migration.hop_quiet = 0;
    r.migration.max_sockets = 16;
    r.client_host.reads_newest_first = true;
    r.send_every = 5 * MS;
    assert_int_equal(rig_start(&r, 1), 0);
    rig_run(&r, 20 * SEC);
    rig_finish(&r, 3 * SEC);
    printf("  %llu hops, %llu of %llu lost\n",
           (unsigned long long)rig_stats(&r.clients[0]).hops,
           (unsigned long long)rig_lost(&r),
           (unsigned long long)r.clients[0].sent);
    assert_false(r.clients[0].is_closed);
    assert_true(rig_stats(&r.clients[0]).hops >= 40);
    assert_int_equal(rig_lost(&r), 0);
    rig_reset(&r);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_many_live_paths)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
