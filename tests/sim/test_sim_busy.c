/* The program was busy elsewhere for 400 ms and runs its timers before it reads
 * its sockets: the acknowledgements that wait there are no silence, and what
 * they are about is not lost. */
#include "load.h"

#include "quic/migrator.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))
#define BUSY (400 * MS)

static struct world {
  load l;
  sim_line line;
  quicmig_tstamp (*client_at)(void *arg);
  quicmig_tstamp (*load_at)(void *arg);
  quicmig_tstamp busy_until;
} w;

typedef struct row {
  const char *name;
  load_kind kind;
  uint64_t rate; /* bytes a second offered; 0: as much as goes */
} row;

static const row rows[] = {
    {"upload", LOAD_STREAM_UP, 0},
    {"slow upload", LOAD_STREAM_UP, 50000},
    {"datagrams", LOAD_DATAGRAM_UP, 125000},
    {"few datagrams", LOAD_DATAGRAM_UP, 12000},
    {"download", LOAD_STREAM_DOWN, 0},
    {"datagrams downwards", LOAD_DATAGRAM_DOWN, 125000},
};

static quicmig_tstamp client_at(void *arg) {
  return qm_time_max(w.client_at(arg), w.busy_until);
}

/* The load is a part of the program, unless the server offers it. */
static quicmig_tstamp load_at(void *arg) {
  return w.l.kind == LOAD_STREAM_UP || w.l.kind == LOAD_DATAGRAM_UP
             ? qm_time_max(w.load_at(arg), w.busy_until)
             : w.load_at(arg);
}

static void prepare(const row *t) {
  rig *r = &w.l.r;

  memset(&w, 0, sizeof(w));
  load_init(&w.l, t->kind, 1);
  w.l.rate = t->rate;
  sim_line_init(&r->world, &w.line, 10 * MS);
  w.line.side[SIM_UP].rate = w.line.side[SIM_DOWN].rate = 10000000;
  /* No window of these seconds fills it: what shrinks one is not the line. */
  w.line.side[SIM_UP].queue = w.line.side[SIM_DOWN].queue = 400;
  load_start(&w.l);
  w.client_at = r->client_actor.deadline;
  w.load_at = w.l.actor.deadline;
  r->client_actor.deadline = client_at;
  w.l.actor.deadline = load_at;
}

static void be_busy(void) {
  rig *r = &w.l.r;

  w.busy_until = r->world.now + BUSY;
  r->client_host.busy_until = w.busy_until + 1; /* the timers come first */
  rig_run(r, BUSY + 1600 * MS);
}

static uint64_t window(void) {
  return qm_migrator_cc(quicmig_client_migrator(w.l.r.clients[0].c)).cwnd;
}

static void run(const row *t) {
  const rig_client *c;
  uint64_t delivered, cwnd;
  int i;

  prepare(t);
  c = &w.l.r.clients[0];
  rig_run(&w.l.r, 4 * SEC);
  for (i = 0; i < 5; i++) {
    delivered = w.l.delivered;
    cwnd = window();
    be_busy();
    assert_true(w.l.delivered > delivered);
    assert_true(window() >= cwnd);
  }
  printf("%s: %llu degraded, %llu stall, %llu failed\n", t->name,
         (unsigned long long)w.l.hops[QUICMIG_REASON_DEGRADED],
         (unsigned long long)w.l.hops[QUICMIG_REASON_STALL],
         (unsigned long long)rig_stats(c).hops_failed);
  assert_int_equal(w.l.hops[QUICMIG_REASON_DEGRADED], 0);
  assert_int_equal(w.l.hops[QUICMIG_REASON_STALL], 0);
  assert_int_equal(rig_stats(c).hops_failed, 0);
  assert_false(c->is_closed);
  load_reset(&w.l);
}

static void test_busy(void **state) {
  size_t i;

  (void)state;
  for (i = 0; i < COUNT_OF(rows); i++) {
    run(&rows[i]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_busy)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
