/*
 * Hops in bad weather, very many of them: packets that are late by 0.5-3 RTT
 * and overtaken, doubled, or lost.  No connection dies of it, whatever the
 * share, and most hops come off.
 */
#include "rig.h"
#include "scale.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))
#define DELAY (20 * MS)
#define RTT (2 * DELAY)
#define INTERVAL (400 * MS)
/* Hops of one connection, after which another one begins. */
#define LIFE 500

typedef struct row {
  const char *name;
  sim_late_side side;
  unsigned good;            /* percent of the attempts that come off at least */
  const char *waits_for[2]; /* by mode */
  size_t size;              /* of a datagram; 0: the rig's */
} row;

#define LATE(ppm)                                                              \
  { .late_ppm = (ppm), .lo = RTT / 2, .hi = 3 * RTT }
#define DOUBLED                                                                \
  { .twice_ppm = 25000, .again_ppm = 25000, .lo = RTT / 2, .hi = 3 * RTT }

static const row rows[] = {
    {"2 % late", LATE(20000), 90, {NULL, NULL}, 0},
    {"10 % late", LATE(100000), 90, {NULL, NULL}, 0},
    {"30 % late", LATE(300000), 80, {NULL, NULL}, 0},
    {"5 % doubled", DOUBLED, 95, {NULL, NULL}, 0},
    {"10 % lost", {.lost_ppm = 100000}, 60, {NULL, NULL}, 0},
    {"10 % lost, large", {.lost_ppm = 100000}, 60, {NULL, NULL}, 1000},
};

static struct world {
  rig r;
  sim_late late;
  sim_line line;
} w;

typedef struct tally {
  uint64_t hops, failed, refused, connections, dead, dumb;
} tally;

static void prepare(const row *t, uint32_t mode, uint64_t seed) {
  rig_init(&w.r, seed, false);
  sim_late_init(&w.r.world, &w.late);
  sim_line_init(&w.r.world, &w.line, DELAY);
  w.r.migration.hop_interval = INTERVAL;
  w.r.migration.hop_backoff = 200 * MS;
  w.r.migration.hop_backoff_max = 2 * SEC;
  w.r.migration.hop_mode = mode;
  w.r.send_every = 25 * MS;
  w.r.size = t->size ? t->size : w.r.size;
  assert_int_equal(rig_start(&w.r, 1), 0);
  sim_late_set(&w.late, &t->side); /* the handshake had none of it */
}

static void live(const row *t, uint32_t mode, uint64_t seed, uint64_t hops,
                 tally *sum) {
  quicmig_tstamp until;
  quicmig_stats s;
  rig_client *c;

  prepare(t, mode, seed);
  c = &w.r.clients[0];
  until = w.r.world.now + hops * 20 * INTERVAL;
  while (!c->is_closed && rig_stats(c).hops < hops && w.r.world.now < until) {
    rig_run(&w.r, SEC);
    sum->dumb += w.r.world.now - c->last_echo > 10 * SEC;
  }
  s = rig_stats(c);
  if (c->is_closed) {
    printf("  seed %llu: %s after %llu hops\n", (unsigned long long)seed,
           quicmig_err_name(c->close.err), (unsigned long long)s.hops);
    sum->dead++;
  }
  sum->connections++;
  sum->hops += s.hops;
  sum->failed += s.hops_failed;
  sum->refused += s.hops_refused;
  rig_reset(&w.r);
}

static bool weather_row(const row *t, uint32_t mode) {
  uint64_t most = scale(250, 100000), begun = 0, seed;
  const char *env = getenv("SIM_SEED");
  tally sum = {.hops = 0};

  printf("row: %s, %s\n", t->name,
         mode == QUICMIG_MODE_REBIND ? "rebind" : "migrate");
  if (scale_is_pending(t->waits_for[mode])) {
    return true;
  }
  for (seed = env ? strtoull(env, NULL, 0) : 1; begun < most; seed++) {
    uint64_t hops = most - begun < LIFE ? most - begun : LIFE;

    live(t, mode, seed, hops, &sum);
    begun += hops;
  }
  printf("  %llu hops of %llu connections, %llu failed, %llu refused, %llu "
         "dead, %llu s without an echo for 10 s\n",
         (unsigned long long)sum.hops, (unsigned long long)sum.connections,
         (unsigned long long)sum.failed, (unsigned long long)sum.refused,
         (unsigned long long)sum.dead, (unsigned long long)sum.dumb);
  return sum.dead == 0 && sum.dumb == 0 && sum.hops >= most &&
         sum.hops * 100 >= (sum.hops + sum.failed) * t->good;
}

static void play(uint32_t mode) {
  unsigned bad = 0;
  size_t i;

  for (i = 0; i < COUNT_OF(rows); i++) {
    bad += !weather_row(&rows[i], mode);
  }
  assert_int_equal(bad, 0);
}

static void test_migrate(void **state) {
  (void)state;
  play(QUICMIG_MODE_MIGRATE);
}

static void test_rebind(void **state) {
  (void)state;
  play(QUICMIG_MODE_REBIND);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_migrate),
                                     cmocka_unit_test(test_rebind)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
