/* Flows that are cut or slowed after so much, or so long: with nothing but
 * adaptive the client finds out and hops before it happens.  Each load both
 * ways, on a stream and as DATAGRAMs. */
#include "load.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))
#define MB 1000000ull
#define MBIT 1000000ull

static struct world {
  load l;
  sim_line line;
  sim_policer policer;
} w;

static const char *const kinds[] = {"stream up", "stream down", "datagrams up",
                                    "datagrams down"};

typedef struct row {
  const char *name;
  uint64_t line;  /* bits a second */
  uint64_t bytes; /* the flow's limit, */
  quicmig_duration age;
  bool is_cut;   /* else slowed to a tenth */
  bool is_blind; /* to what comes down */
  uint64_t total;
  /* Percent of the free goodput: in all, and once learned (0: not asked). */
  unsigned all, learned;
} row;

static const row rows[] = {
    {"cut after 10 MB", 10 * MBIT, 10 * MB, 0, true, false, 200 * MB, 90, 95},
    {"slowed after 10 MB", 10 * MBIT, 10 * MB, 0, false, false, 200 * MB, 80,
     95},
    {"slowed after 60 s", 10 * MBIT, 0, 60 * SEC, false, false, 200 * MB, 80,
     0},
};

static const row one_way = {
    "cut after 10 MB up", 10 * MBIT, 10 * MB, 0, true, true, 100 * MB, 80, 90};

static const row fast = {"cut after 10 MB, 50 Mbit/s",
                         50 * MBIT,
                         10 * MB,
                         0,
                         true,
                         false,
                         150 * MB,
                         80,
                         90};

/* Learning takes some seconds, in which 50 MB could have passed. */
static const row fast_slowed = {"slowed after 10 MB, 100 Mbit/s",
                                100 * MBIT,
                                10 * MB,
                                0,
                                false,
                                false,
                                200 * MB,
                                72,
                                90};

static void prepare(const row *t, load_kind kind) {
  load_init(&w.l, kind, 1);
  sim_line_init(&w.l.r.world, &w.line, 10 * MS);
  w.line.side[SIM_UP].rate = w.line.side[SIM_DOWN].rate = t->line;
  w.line.side[SIM_UP].queue = w.line.side[SIM_DOWN].queue = 100;
  sim_policer_init(&w.l.r.world, &w.policer);
}

static void clean_up(void) {
  load_reset(&w.l);
  sim_policer_reset(&w.policer);
}

/* What the line gives when nobody interferes. */
static uint64_t free_goodput(const row *t, load_kind kind) {
  uint64_t got;

  prepare(t, kind);
  w.l.total = 30 * MB;
  load_start(&w.l);
  got = load_goodput(w.l.total, load_run(&w.l, 600 * SEC));
  assert_true(w.l.has_ended);
  assert_int_equal(load_hops(&w.l), 0);
  clean_up();
  return got;
}

static unsigned percent_of(uint64_t part, uint64_t whole) {
  return (unsigned)(part * 100 / whole);
}

static void transfer(const row *t, load_kind kind, uint64_t free) {
  unsigned all, learned = 0;

  prepare(t, kind);
  w.policer.bytes = t->bytes;
  w.policer.age = t->age;
  w.policer.is_blind[SIM_DOWN] = t->is_blind;
  w.policer.rate = t->is_cut ? 0 : t->line / 10;
  w.l.total = t->total;
  load_start(&w.l);
  all = percent_of(load_goodput(t->total, load_run(&w.l, 900 * SEC)), free);
  if (w.l.learned_at) {
    learned = percent_of(load_goodput(w.l.delivered - w.l.learned_delivered,
                                      w.l.ended_at - w.l.learned_at),
                         free);
  }
  printf("  %-26s %-14s %3u %%, once learned %3u %%, %llu hops, %llu of them "
         "out of silence\n",
         t->name, kinds[kind], all, learned,
         (unsigned long long)load_hops(&w.l),
         (unsigned long long)w.l.hops[QUICMIG_REASON_DEGRADED]);
  assert_true(w.l.has_ended);
  assert_true(all >= t->all);
  assert_true(learned >= t->learned);
  assert_int_equal(w.l.verdicts[QUICMIG_VERDICT_CONGESTED], 0);
  clean_up();
}

static void test_rows(void **state) {
  size_t i, kind;

  (void)state;
  for (kind = 0; kind < COUNT_OF(kinds); kind++) {
    uint64_t free = free_goodput(&rows[0], (load_kind)kind);

    printf("free: %.3f MB/s\n", (double)free / 1e6);
    for (i = 0; i < COUNT_OF(rows); i++) {
      transfer(&rows[i], (load_kind)kind, free);
    }
  }
}

static void test_policer_that_counts_one_way(void **state) {
  (void)state;
  transfer(&one_way, LOAD_STREAM_UP, free_goodput(&one_way, LOAD_STREAM_UP));
}

/* A flow lasts for 1.6 s: what a fresh congestion window costs shows. */
static void test_fast(void **state) {
  (void)state;
  transfer(&fast, LOAD_STREAM_UP, free_goodput(&fast, LOAD_STREAM_UP));
  transfer(&fast, LOAD_STREAM_DOWN, free_goodput(&fast, LOAD_STREAM_DOWN));
  transfer(&fast_slowed, LOAD_STREAM_UP,
           free_goodput(&fast_slowed, LOAD_STREAM_UP));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_rows),
      cmocka_unit_test(test_policer_that_counts_one_way),
      cmocka_unit_test(test_fast)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
