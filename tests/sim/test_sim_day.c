/* Long runs: a day of hops at the default interval, and many connections. */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define HOUR (3600 * SEC)

typedef struct diary {
  quicmig_tstamp starts[4096];
  size_t n;
  quicmig_tstamp draining_at;
  quicmig_duration longest_drain, shortest_drain;
  uint64_t drains;
} diary;

static void note_hop(rig_client *c, const quicmig_hop_record *h) {
  diary *d = c->r->test;

  assert_int_equal(h->result, 0);
  assert_true(d->n < 4096);
  d->starts[d->n++] = h->started_at;
}

/* With one drain at a time its length is the time from DRAINING to CLOSED. */
static void note_drain(rig_client *c, const quicmig_event *e) {
  diary *d = c->r->test;
  quicmig_duration took = c->r->world.now - d->draining_at;

  if (e->type != QUICMIG_EVENT_PATH_STATE) {
    return;
  }
  if (e->to == QUICMIG_PATH_DRAINING) {
    d->draining_at = c->r->world.now;
  } else if (e->to == QUICMIG_PATH_CLOSED) {
    d->drains++;
    d->longest_drain = took > d->longest_drain ? took : d->longest_drain;
    d->shortest_drain = took < d->shortest_drain ? took : d->shortest_drain;
  }
}

static void test_day(void **state) {
  static diary d = {.shortest_drain = QUICMIG_NEVER};
  sim_line line;
  quicmig_stats s;
  rig_client *c;
  size_t i;
  rig r;

  (void)state;
  rig_init(&r, 0, false);
  sim_line_init(&r.world, &line, 25 * MS);
  r.test = &d;
  r.on_hop = note_hop;
  r.on_event = note_drain;
  r.send_every = SEC;
  assert_int_equal(rig_start(&r, 1), 0);
  c = &r.clients[0];
  rig_run(&r, 24 * HOUR);
  rig_finish(&r, 5 * SEC);
  s = rig_stats(c);
  printf("%zu hops, drains %.3f-%.3f s\n", d.n, (double)d.shortest_drain / 1e9,
         (double)d.longest_drain / 1e9);
  assert_false(c->is_closed);
  assert_int_equal(rig_lost(&r), 0);
  assert_in_range(d.n, 86400 / 360, 86400 / 240);
  assert_int_equal(s.hops, d.n);
  for (i = 1; i < d.n; i++) {
    assert_in_range(d.starts[i] - d.starts[i - 1], 240 * SEC, 360 * SEC);
  }
  assert_in_range(d.drains, d.n - 1, d.n);
  assert_in_range(d.shortest_drain, 60 * SEC, 60 * SEC + MS);
  assert_in_range(d.longest_drain, 60 * SEC, 60 * SEC + MS);
  assert_int_equal(s.sockets_peak, 2);
  rig_reset(&r);
}

static void note_instant(rig_client *c, const quicmig_hop_record *h) {
  diary *d = c->r->test;

  if (h->result == 0 && d->n < 4096) {
    d->starts[d->n++] = h->started_at;
  }
}

static int compare(const void *a, const void *b) {
  quicmig_tstamp x = *(const quicmig_tstamp *)a;
  quicmig_tstamp y = *(const quicmig_tstamp *)b;

  return (x > y) - (x < y);
}

static void test_two_hundred(void **state) {
  static diary d;
  sim_line line;
  quicmig_duration closest = QUICMIG_NEVER;
  size_t i, together = 0;
  rig r;

  (void)state;
  rig_init(&r, 0, false);
  sim_line_init(&r.world, &line, 25 * MS);
  r.test = &d;
  r.on_hop = note_instant;
  r.send_every = 10 * SEC;
  assert_int_equal(rig_start(&r, 200), 0);
  rig_run(&r, HOUR / 2);
  rig_finish(&r, 5 * SEC);
  assert_int_equal(rig_lost(&r), 0);
  assert_in_range(d.n, 200 * 5, 200 * 7);
  qsort(d.starts, d.n, sizeof(d.starts[0]), compare);
  for (i = 1; i < d.n; i++) {
    closest = qm_time_min(closest, d.starts[i] - d.starts[i - 1]);
    together += d.starts[i] == d.starts[i - 1];
  }
  printf("%zu hops of 200 connections, the closest two %llu ns apart\n", d.n,
         (unsigned long long)closest);
  /* All send at the same instants here, and a hop may wait for a quiet moment:
   * by chance two wait for the same one. */
  assert_true(together <= 3);
  rig_reset(&r);
}

/* Sleeps and clock jumps: one catch-up hop each. */
static void test_jumps(void **state) {
  static const struct {
    const char *name;
    int64_t by; /* seconds */
  } rows[] = {{"+1 s", 1},
              {"-1 s", -1},
              {"+20 s", 20},
              {"-1 h", -3600},
              {"-1 year", -31536000}};
  size_t i;

  (void)state;
  for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    sim_line line;
    quicmig_stats before, after;
    rig_client *c;
    rig r;

    printf("row: %s\n", rows[i].name);
    rig_init(&r, 0, false);
    r.world.now = 100000000 * SEC;
    sim_line_init(&r.world, &line, 5 * MS);
    r.migration.hop_interval = 10 * SEC;
    r.client_transport.idle_timeout = r.server_transport.idle_timeout =
        60 * SEC;
    assert_int_equal(rig_start(&r, 1), 0);
    c = &r.clients[0];
    rig_run(&r, 35 * SEC);
    before = rig_stats(c);
    r.world.now += (uint64_t)rows[i].by * SEC;
    r.next_send = r.world.now;
    line.side[SIM_UP].last_out = line.side[SIM_DOWN].last_out = 0;
    rig_run(&r, 2 * SEC);
    after = rig_stats(c);
    assert_false(c->is_closed);
    assert_in_range(after.hops, before.hops, before.hops + 1);
    rig_run(&r, 60 * SEC);
    after = rig_stats(c);
    assert_in_range(after.hops - before.hops, 4, 9);
    rig_reset(&r);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_day),
                                     cmocka_unit_test(test_two_hundred),
                                     cmocka_unit_test(test_jumps)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
