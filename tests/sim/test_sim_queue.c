/* A sender keeps the queue of its bottleneck full and hops: the fresh window
 * must not be lost in front of that queue. */
#include "load.h"

#include "quic/migrator.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))
#define RTT (20 * MS)
#define LASTS (20 * SEC)

static struct world {
  load l;
  sim_line line;
} w;

typedef struct row {
  const char *name;
  load_kind kind;
  uint64_t rate;  /* bits a second */
  uint32_t queue; /* packets */
  unsigned least; /* percent of what passes without hops */
} row;

static const row rows[] = {
    {"20 Mbit/s, 20 ms", LOAD_STREAM_UP, 20000000, 35, 92},
    {"20 Mbit/s, 60 ms", LOAD_STREAM_UP, 20000000, 105, 88},
    {"20 Mbit/s, 20 ms, datagrams", LOAD_DATAGRAM_UP, 20000000, 35, 92},
    {"20 Mbit/s, 20 ms, down", LOAD_STREAM_DOWN, 20000000, 35, 95},
};

/* What arrives with a hop at each interval; 0: none. */
static uint64_t goodput(const row *t, quicmig_duration interval,
                        uint64_t *slowest) {
  uint64_t before, second, got;
  int i;

  load_init(&w.l, t->kind, 1);
  w.l.r.migration.adaptive = 0;
  w.l.r.migration.hop_interval = interval;
  sim_line_init(&w.l.r.world, &w.line, RTT / 2);
  w.line.side[SIM_UP].rate = w.line.side[SIM_DOWN].rate = t->rate;
  w.line.side[SIM_UP].queue = w.line.side[SIM_DOWN].queue = t->queue;
  load_start(&w.l);
  rig_run(&w.l.r, 3 * SEC);
  got = w.l.delivered;
  *slowest = UINT64_MAX;
  for (i = 0; i < (int)(LASTS / SEC); i++) {
    before = w.l.delivered;
    rig_run(&w.l.r, SEC);
    second = w.l.delivered - before;
    *slowest = second < *slowest ? second : *slowest;
  }
  got = w.l.delivered - got;
  assert_true(interval == 0 || load_hops(&w.l) >= 15);
  load_reset(&w.l);
  return got;
}

static void test_hops_over_a_full_queue(void **state) {
  size_t i;

  (void)state;
  for (i = 0; i < COUNT_OF(rows); i++) {
    const row *t = &rows[i];
    uint64_t slowest, calm = goodput(t, 0, &slowest);
    uint64_t got = goodput(t, SEC, &slowest);
    unsigned share = (unsigned)(got * 100 / calm);
    unsigned worst = (unsigned)(slowest * (LASTS / SEC) * 100 / calm);

    printf("  %-30s %3u %%, the worst second %3u %%\n", t->name, share, worst);
    assert_true(share >= t->least);
    assert_true(worst >= t->least / 2);
  }
}

/* The program closes while nothing may be written: the peer is told at once. */
static void test_close_meanwhile(void **state) {
  quicmig_client *c;
  const qm_engine *e;
  int i;

  (void)state;
  load_init(&w.l, LOAD_STREAM_UP, 1);
  w.l.r.migration.hop_interval = SEC;
  sim_line_init(&w.l.r.world, &w.line, RTT / 2);
  w.line.side[SIM_UP].rate = w.line.side[SIM_DOWN].rate = 20000000;
  w.line.side[SIM_UP].queue = w.line.side[SIM_DOWN].queue = 105;
  load_start(&w.l);
  c = w.l.r.clients[0].c;
  e = &quicmig_client_migrator(c)->engine;
  for (i = 0; i < 20000 && qm_engine_held_until(e) <= w.l.r.world.now; i++) {
    rig_run(&w.l.r, MS);
  }
  assert_true(qm_engine_held_until(e) > w.l.r.world.now + 2 * MS);
  quicmig_conn_close(quicmig_client_conn(c), 0, "");
  assert_int_equal(quicmig_client_run(c, -1, w.l.r.world.now),
                   QUICMIG_ERR_CLOSED);
  rig_run(&w.l.r, 200 * MS); /* the queue, and half an RTT */
  assert_int_equal(w.l.r.server_closed, 1);
  load_reset(&w.l);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_hops_over_a_full_queue),
      cmocka_unit_test(test_close_meanwhile)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
