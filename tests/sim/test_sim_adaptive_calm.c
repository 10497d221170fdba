/* Nobody slows or cuts flows, but the network or the application looks like it
 * at times: no more than one needless hop an hour, whatever its reason. */
#include "load.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))
#define HOURS 2 /* or CALM_HOURS, and CALM_SEEDS, from the environment */

static struct world {
  load l;
  sim_radio radio;
  sim_rivals rivals;
  sim_line line;
} w;

typedef struct row {
  const char *name;
  load_kind kind;
  uint64_t rate; /* bytes a second offered; 0: as much as goes */
  quicmig_duration on, off;
  bool is_random;
  unsigned share; /* of the others while they are there, percent */
  uint32_t loss_ppm;
  quicmig_duration pause; /* of the radio, mean time between */
  uint64_t seeds;
} row;

#define SPARSE 12000 /* ten packets a second */
#define BUSY 36000   /* nearly all of the line */

static const row rows[] = {
    {"congestion", LOAD_STREAM_UP, 0, 0, 0, false, 95, 0, 0, 1},
    {"congestion", LOAD_STREAM_DOWN, 0, 0, 0, false, 95, 0, 0, 1},
    {"congestion, datagrams", LOAD_DATAGRAM_UP, 20000, 0, 0, false, 95, 0, 0,
     1},
    {"loss 1 %", LOAD_STREAM_UP, 0, 0, 0, false, 0, 10000, 0, 1},
    {"loss 5 %", LOAD_STREAM_DOWN, 0, 0, 0, false, 0, 50000, 0, 1},
    {"loss 5 %, sparse", LOAD_DATAGRAM_UP, SPARSE, 0, 0, false, 0, 50000, 0, 1},
    {"loss 10 %, sparse", LOAD_DATAGRAM_DOWN, SPARSE, 0, 0, false, 0, 100000, 0,
     1},
    {"radio", LOAD_STREAM_UP, 0, 0, 0, false, 0, 0, 5 * SEC, 1},
    {"radio", LOAD_STREAM_DOWN, 0, 0, 0, false, 0, 0, 5 * SEC, 1},
    {"radio, sparse", LOAD_DATAGRAM_UP, SPARSE, 0, 0, false, 0, 0, 5 * SEC, 1},
    {"radio, sparse", LOAD_DATAGRAM_DOWN, SPARSE, 0, 0, false, 0, 0, 5 * SEC,
     1},
    {"1 s of 3 s", LOAD_STREAM_DOWN, BUSY, 1 * SEC, 2 * SEC, false, 0, 0, 0, 1},
    {"4 s of 11 s", LOAD_DATAGRAM_UP, BUSY, 4 * SEC, 7 * SEC, false, 0, 0, 0,
     1},
    {"20 s of a minute", LOAD_DATAGRAM_DOWN, BUSY, 20 * SEC, 40 * SEC, true, 0,
     0, 0, 2},
    {"idle", LOAD_DATAGRAM_UP, 1200, 1 * SEC, 30 * SEC, false, 0, 0, 0, 2},
};

static void prepare(const row *t, uint64_t seed) {
  load_init(&w.l, t->kind, seed);
  if (t->pause) {
    sim_radio_init(&w.l.r.world, &w.radio, t->pause);
  }
  if (t->share) {
    sim_rivals_init(&w.l.r.world, &w.rivals, &w.line, t->share);
  }
  sim_line_init(&w.l.r.world, &w.line, 20 * MS);
  w.line.side[SIM_UP].rate = w.line.side[SIM_DOWN].rate = 300000;
  w.line.side[SIM_UP].queue = w.line.side[SIM_DOWN].queue = 15;
  w.line.side[SIM_UP].loss_ppm = w.line.side[SIM_DOWN].loss_ppm = t->loss_ppm;
  w.l.rate = t->rate;
  w.l.on = t->on;
  w.l.off = t->off;
  w.l.is_random = t->is_random;
  w.l.trickle = t->rate == BUSY ? 4000 : 0;
}

static uint64_t from_env(const char *name, uint64_t otherwise) {
  const char *given = getenv(name);

  return given ? strtoull(given, NULL, 0) : otherwise;
}

static void run(const row *t, uint64_t seed, uint64_t hours) {
  prepare(t, seed);
  load_start(&w.l);
  load_run(&w.l, hours * 3600 * SEC);
  printf("  %-22s seed %llu: %llu hops in %llu h, %llu out of silence; %u "
         "congested, %u throttled\n",
         t->name, (unsigned long long)seed, (unsigned long long)load_hops(&w.l),
         (unsigned long long)hours,
         (unsigned long long)w.l.hops[QUICMIG_REASON_DEGRADED],
         w.l.verdicts[QUICMIG_VERDICT_CONGESTED],
         w.l.verdicts[QUICMIG_VERDICT_THROTTLED]);
  assert_false(w.l.r.clients[0].is_closed);
  assert_true(load_hops(&w.l) <= hours);
  assert_int_equal(w.l.learned_at, 0);
  load_reset(&w.l);
}

static void test_rows(void **state) {
  uint64_t seed, hours = from_env("CALM_HOURS", HOURS);
  size_t i;

  (void)state;
  for (i = 0; i < COUNT_OF(rows); i++) {
    for (seed = 1; seed <= from_env("CALM_SEEDS", rows[i].seeds); seed++) {
      run(&rows[i], seed, hours);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
