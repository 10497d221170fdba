/*
 * The whole machine stands still for a moment, again and again, with both ends
 * of the connection on it (a virtual machine's host is busy): more than two
 * PTOs, and nothing was acknowledged.  That is no dead path: nobody hops.  A
 * path that dies is left as soon as ever afterwards.
 */
#include "load.h"

#include "quic/migrator.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))
#define FREEZES 40
#define SEEDS 4

typedef struct row {
  const char *name;
  load_kind kind;
  uint64_t rate; /* bytes a second; 0: as much as goes */
  quicmig_duration rtt;
  quicmig_duration shortest, longest;
  bool has_no_alarm; /* degrade_ptos 0: only a full window tells */
} row;

static const row rows[] = {
    {"stream up", LOAD_STREAM_UP, 0, 2 * MS, 40 * MS, 150 * MS, false},
    {"stream down", LOAD_STREAM_DOWN, 0, 2 * MS, 40 * MS, 150 * MS, false},
    {"datagrams up", LOAD_DATAGRAM_UP, 125000, 2 * MS, 40 * MS, 150 * MS,
     false},
    {"datagrams down", LOAD_DATAGRAM_DOWN, 125000, 2 * MS, 40 * MS, 150 * MS,
     false},
    {"stream up, far", LOAD_STREAM_UP, 0, 40 * MS, 100 * MS, 400 * MS, false},
    {"datagrams up, far", LOAD_DATAGRAM_UP, 125000, 40 * MS, 100 * MS, 400 * MS,
     false},
    {"stream up, no alarms", LOAD_STREAM_UP, 0, 2 * MS, 200 * MS, 900 * MS,
     true},
};

typedef quicmig_tstamp (*deadline)(void *arg);

static struct world {
  load l;
  sim_line line;
  sim_filter filter;
  uint16_t blocked; /* the client's port; 0: none */
  quicmig_tstamp frozen_until;
  deadline client_at, server_at, offer_at;
} w;

static quicmig_tstamp client_at(void *arg) {
  return qm_time_max(w.client_at(arg), w.frozen_until);
}

static quicmig_tstamp server_at(void *arg) {
  return qm_time_max(w.server_at(arg), w.frozen_until);
}

static quicmig_tstamp offer_at(void *arg) {
  return qm_time_max(w.offer_at(arg), w.frozen_until);
}

static deadline replace(sim_actor *a, deadline by) {
  deadline old = a->deadline;

  a->deadline = by;
  return old;
}

static bool is_blocked(void *arg, const sim_pkt *p) {
  (void)arg;
  return w.blocked && sim_client_port(p) == w.blocked;
}

static void start(const row *t, uint64_t seed) {
  rig *r = &w.l.r;

  memset(&w, 0, sizeof(w));
  load_init(&w.l, t->kind, seed);
  w.l.rate = t->rate;
  r->migration.adaptive = 0;
  if (t->has_no_alarm) {
    r->migration.degrade_ptos = 0;
  }
  r->migration.hop_interval = 3600 * SEC;
  sim_filter_init(&r->world, &w.filter, is_blocked, NULL);
  sim_line_init(&r->world, &w.line, t->rtt / 2);
  w.line.side[SIM_UP].rate = w.line.side[SIM_DOWN].rate = 2500000;
  w.line.side[SIM_UP].queue = w.line.side[SIM_DOWN].queue = 40;
  load_start(&w.l);
  w.client_at = replace(&r->client_actor, client_at);
  w.server_at = replace(&r->server_actor, server_at);
  w.offer_at = replace(&w.l.actor, offer_at);
}

/* Whoever wakes finds that time has passed before it finds packets. */
static void freeze(const row *t) {
  rig *r = &w.l.r;

  w.frozen_until =
      r->world.now + qm_rng_range(&r->world.rng, t->shortest, t->longest);
  r->client_host.busy_until = r->server_host.busy_until = w.frozen_until + 1;
  rig_run(r, qm_rng_range(&r->world.rng, 500 * MS, 1500 * MS));
}

/* Upwards within three PTOs and a round trip; downwards the server's window is
 * full of what was lost, and its own timer has to end that. */
static void block(const row *t) {
  rig *r = &w.l.r;
  bool is_up = t->kind == LOAD_STREAM_UP || t->kind == LOAD_DATAGRAM_UP;
  quicmig_duration pto;

  rig_run(r, 5 * SEC);
  pto = quicmig_client_migrator(r->clients[0].c)->engine.silence.pto;
  w.blocked = rig_port(&r->clients[0]);
  w.l.gap_max = 0;
  rig_run(r, 3 * SEC);
  printf("  blocked: %.1f ms of silence, PTO %.1f ms\n",
         (double)w.l.gap_max / MS, (double)pto / MS);
  assert_true(r->world.now - w.l.last_at < SEC);
  assert_true(w.l.gap_max <= (is_up ? 3 * pto + t->rtt : 2 * SEC));
}

static void run(const row *t, uint64_t seed) {
  size_t i;

  start(t, seed);
  rig_run(&w.l.r, 2 * SEC);
  for (i = 0; i < FREEZES; i++) {
    freeze(t);
  }
  printf("%s: %llu hops for no reason\n", t->name,
         (unsigned long long)load_hops(&w.l));
  assert_int_equal(load_hops(&w.l), 0);
  block(t);
  load_reset(&w.l);
}

static void test_freezes(void **state) {
  uint64_t seed;
  size_t i;

  (void)state;
  for (i = 0; i < COUNT_OF(rows); i++) {
    for (seed = 1; seed <= SEEDS; seed++) {
      run(&rows[i], seed);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_freezes)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
