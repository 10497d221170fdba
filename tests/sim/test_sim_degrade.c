/* The port in use is blocked without notice: data flows again on another one
 * within three PTOs and a round trip, whichever way was blocked, whichever way
 * the data flows, near and far. */
#include "load.h"

#include "endpoint/conn.h"
#include "quic/migrator.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

static struct world {
  load l;
  sim_filter filter;
  sim_line line;
  uint16_t blocked; /* 0: none */
  bool in[2];       /* directions */
} w;

static bool is_blocked(void *arg, const sim_pkt *p) {
  (void)arg;
  return w.blocked && w.in[p->dir] && sim_client_port(p) == w.blocked;
}

typedef struct block {
  const char *name;
  bool up, down;
} block;

static const block blocks[] = {
    {"up", true, false}, {"down", false, true}, {"both", true, true}};

typedef struct row {
  const char *name;
  load_kind kind;
  uint64_t rate; /* bytes a second; 0: as much as goes */
} row;

static const row rows[] = {
    {"stream up", LOAD_STREAM_UP, 0},
    {"stream down", LOAD_STREAM_DOWN, 0},
    {"datagrams up", LOAD_DATAGRAM_UP, 0},
    {"datagrams down", LOAD_DATAGRAM_DOWN, 0},
    {"datagrams up, 1 Mbit/s", LOAD_DATAGRAM_UP, 125000},
    {"datagrams down, 1 Mbit/s", LOAD_DATAGRAM_DOWN, 125000},
};

static void prepare(const row *t, quicmig_duration rtt) {
  load_init(&w.l, t->kind, 1);
  w.blocked = 0;
  sim_filter_init(&w.l.r.world, &w.filter, is_blocked, NULL);
  sim_line_init(&w.l.r.world, &w.line, rtt / 2);
  w.line.side[SIM_UP].rate = w.line.side[SIM_DOWN].rate = 10000000;
  w.line.side[SIM_UP].queue = w.line.side[SIM_DOWN].queue = 40;
  w.l.rate = t->rate;
}

static qm_engine *engine(void) {
  return &quicmig_client_migrator(w.l.r.clients[0].c)->engine;
}

/* How long nothing may come.  A server whose window is full of what was lost
 * sends again when its own timer says so, which doubles (RFC 9002 section
 * 6.2.1): one PTO after the block, two more after that, and four more.  The
 * client is there in time for the third, and for the second if its own idea of
 * a PTO is no larger. */
static quicmig_duration limit_of(const row *t, quicmig_duration rtt) {
  quicmig_duration pto = engine()->silence.pto;
  quicmig_duration servers = ngtcp2_conn_get_pto(w.l.r.server_conn->conn);
  bool is_down = t->kind == LOAD_STREAM_DOWN || t->kind == LOAD_DATAGRAM_DOWN;

  return is_down ? qm_time_max(3 * pto + rtt, 8 * servers) : 3 * pto + rtt;
}

/* Blocks the port in use, for long enough to see what comes of it. */
static void cut(const row *t, const block *b, quicmig_duration rtt) {
  quicmig_duration pto = engine()->silence.pto, limit = limit_of(t, rtt);
  uint64_t alarms =
      w.l.hops[QUICMIG_REASON_DEGRADED] + w.l.hops[QUICMIG_REASON_ADAPTIVE];

  w.in[SIM_UP] = b->up;
  w.in[SIM_DOWN] = b->down;
  w.blocked = rig_port(&w.l.r.clients[0]);
  w.l.gap_max = 0;
  rig_run(&w.l.r, 3 * SEC + 10 * pto);
  printf("  %-25s %-5s rtt %3.0f ms: %.3f s, %.1f PTO, of %.3f s\n", t->name,
         b->name, (double)rtt / (double)MS, (double)w.l.gap_max / (double)SEC,
         (double)w.l.gap_max / (double)pto, (double)limit / (double)SEC);
  /* Or it knew by then how long a port lives here, and was gone already. */
  assert_true(w.l.hops[QUICMIG_REASON_DEGRADED] +
                  w.l.hops[QUICMIG_REASON_ADAPTIVE] >
              alarms);
  assert_true(w.l.gap_max <= limit);
  assert_true(w.l.last_at >= w.l.r.world.now - 2 * rtt - pto);
}

static void test_one_block(void **state) {
  static const quicmig_duration rtts[] = {10 * MS, 50 * MS, 200 * MS};
  size_t i, k, n;

  (void)state;
  for (i = 0; i < COUNT_OF(rows); i++) {
    for (k = 0; k < COUNT_OF(blocks); k++) {
      for (n = 0; n < COUNT_OF(rtts); n++) {
        prepare(&rows[i], rtts[n]);
        load_start(&w.l);
        rig_run(&w.l.r, 5 * SEC);
        cut(&rows[i], &blocks[k], rtts[n]);
        load_reset(&w.l);
      }
    }
  }
}

/* Each port is blocked in its turn, a dozen in a minute: a right alarm is none
 * against the next one. */
static void test_many_blocks(void **state) {
  const row *t = &rows[2];
  int i;

  (void)state;
  prepare(t, 50 * MS);
  load_start(&w.l);
  for (i = 0; i < 12; i++) {
    rig_run(&w.l.r, 2 * SEC);
    cut(t, &blocks[2], 50 * MS);
  }
  load_reset(&w.l);
}

/* Nothing passes on any port for a while: what follows is not a storm, and the
 * data flows again when the network does. */
static bool is_dark(void *arg, const sim_pkt *p) {
  (void)arg;
  (void)p;
  return w.blocked;
}

static void test_outage(void **state) {
  static const quicmig_duration lengths[] = {300 * MS, 2 * SEC, 20 * SEC};
  size_t i;

  (void)state;
  for (i = 0; i < COUNT_OF(lengths); i++) {
    prepare(&rows[2], 50 * MS);
    w.filter.drops = is_dark;
    load_start(&w.l);
    rig_run(&w.l.r, 5 * SEC);
    w.blocked = 1;
    rig_run(&w.l.r, lengths[i]);
    w.blocked = 0;
    rig_run(&w.l.r, lengths[i] + 5 * SEC);
    printf("  dark for %4.1f s: %llu hops\n", (double)lengths[i] / (double)SEC,
           (unsigned long long)load_hops(&w.l));
    assert_true(load_hops(&w.l) <= 1 + lengths[i] / SEC);
    assert_true(w.l.last_at >= w.l.r.world.now - SEC);
    load_reset(&w.l);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_one_block),
                                     cmocka_unit_test(test_many_blocks),
                                     cmocka_unit_test(test_outage)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
