/* New ports that lead nowhere, in one direction or both: MIGRATE loses nothing,
 * REBIND comes back by itself; later ports are tried after a backoff. */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

typedef struct hole {
  uint16_t spared; /* the only port that works; 0: all do */
  bool in[2];      /* directions that lose */
  bool is_dark;    /* the network pauses: all is lost */
} hole;

static bool drops(void *arg, const sim_pkt *p) {
  const hole *h = arg;

  return h->is_dark ||
         (h->spared && h->in[p->dir] && sim_client_port(p) != h->spared);
}

typedef struct row {
  const char *name;
  uint32_t mode;
  bool up, down;
} row;

static const row rows[] = {
    {"migrate, up", QUICMIG_MODE_MIGRATE, true, false},
    {"migrate, down", QUICMIG_MODE_MIGRATE, false, true},
    {"migrate, both", QUICMIG_MODE_MIGRATE, true, true},
    {"rebind, up", QUICMIG_MODE_REBIND, true, false},
    {"rebind, down", QUICMIG_MODE_REBIND, false, true},
    {"rebind, both", QUICMIG_MODE_REBIND, true, true},
};

typedef struct world {
  rig r;
  sim_line line;
  sim_filter filter;
  hole hole;
} world;

static void start(world *w, const row *t) {
  rig *r = &w->r;

  rig_init(r, 0, false);
  w->hole = (hole){.spared = 0, .in = {t->up, t->down}};
  sim_line_init(&r->world, &w->line, 10 * MS);
  sim_filter_init(&r->world, &w->filter, drops, &w->hole);
  r->migration.hop_interval = 5 * SEC;
  r->migration.hop_mode = t->mode;
  r->stream_bytes = 200000;
  assert_int_equal(rig_start(r, 1), 0);
}

static void blackhole_row(const row *t) {
  static world w;
  quicmig_stats blocked, freed;
  rig_client *c = (start(&w, t), &w.r.clients[0]);
  uint64_t lost;

  w.hole.spared = rig_port(c);
  rig_run(&w.r, 40 * SEC);
  blocked = rig_stats(c);
  assert_int_equal(blocked.hops, 0);
  assert_in_range(blocked.hops_failed, 3, 9); /* tried again, ever less often */
  assert_int_equal(c->results[-QUICMIG_ERR_VALIDATION_FAILED],
                   blocked.hops_failed);
  assert_int_equal(rig_port(c), w.hole.spared);
  assert_true(blocked.sockets_open <= 2);
  lost = c->sent - c->echoed;

  w.hole.spared = 0;
  rig_run(&w.r, 60 * SEC);
  freed = rig_stats(c);
  assert_true(freed.hops >= 2);
  rig_finish(&w.r, 5 * SEC);
  assert_false(c->is_closed);
  assert_true(c->stream_done && !c->stream_bad);
  if (t->mode == QUICMIG_MODE_MIGRATE) {
    assert_int_equal(rig_lost(&w.r), 0);
  } else {
    /* Only what was sent into the holes: at most 3 s a failed trial, and no
     * more once the ports work. */
    printf("rebind: %llu of %llu lost in %llu trials\n",
           (unsigned long long)rig_lost(&w.r), (unsigned long long)c->sent,
           (unsigned long long)blocked.hops_failed);
    assert_true(rig_lost(&w.r) <= lost);
    assert_true(rig_lost(&w.r) <= blocked.hops_failed * 300);
  }
  rig_reset(&w.r);
}

static void test_rows(void **state) {
  size_t i;

  (void)state;
  for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    printf("row: %s\n", rows[i].name);
    blackhole_row(&rows[i]);
  }
}

static unsigned ways_back;

static void on_hop(rig_client *c, const quicmig_hop_record *h) {
  (void)c;
  ways_back += h->result == 0 && h->to_id < h->from_id;
}

/* How long the way back takes: the client's alarm after a second, or, where it
 * is the server that does not get through, the server's PTO on a path without a
 * sample (3 * 100 ms), doubled for a second and a third packet (RFC 9002
 * section 6.2.1). */
#define BACK_MAX (1500 * MS)

/* The network pauses, which looks like a dead path, and the new ports lead
 * nowhere: the connection goes back to the one that works. */
static void pause_row(const row *t, quicmig_duration pause) {
  static world w;
  rig_client *c = (start(&w, t), &w.r.clients[0]);
  quicmig_tstamp until;

  ways_back = 0;
  w.r.on_hop = on_hop;
  rig_run(&w.r, 8 * SEC);
  w.hole.spared = rig_port(c);
  w.hole.is_dark = true;
  rig_run(&w.r, pause);
  w.hole.is_dark = false;
  until = w.r.world.now + 10 * SEC;
  c->gap_max = 0;
  rig_run(&w.r, until - w.r.world.now);
  printf("pause %.1f s: %s: silent for %.3f s, %u attempts, %u back\n",
         (double)pause / (double)SEC, t->name, (double)c->gap_max / (double)SEC,
         (unsigned)c->last.seq, ways_back);
  assert_true(c->gap_max <= pause + qm_time_max(pause, BACK_MAX));
  assert_int_equal(rig_port(c), w.hole.spared);
  assert_true(c->last_echo >= until - 100 * MS);
  assert_true(ways_back > 0 || t->mode == QUICMIG_MODE_REBIND);
  rig_finish(&w.r, 5 * SEC);
  assert_true(c->stream_done && !c->stream_bad);
  rig_reset(&w.r);
}

static void test_pauses(void **state) {
  size_t i;

  (void)state;
  for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    pause_row(&rows[i], 400 * MS);
    pause_row(&rows[i], 3 * SEC);
  }
}

/* The old path dies instead, for good: the connection is kept only by the hop
 * that comes in time. */
static void test_old_path_dies(void **state) {
  static world w;
  static const row t = {"old", QUICMIG_MODE_MIGRATE, true, true};
  rig_client *c = (start(&w, &t), &w.r.clients[0]);
  uint64_t before;

  (void)state;
  w.hole.spared = 1; /* every port used so far and later: all dead */
  rig_run(&w.r, 8 * SEC);
  before = c->echoed;
  w.hole.spared = 0;
  rig_run(&w.r, 20 * SEC);
  assert_false(c->is_closed);
  assert_true(c->echoed > before + 100);
  rig_reset(&w.r);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows),
                                     cmocka_unit_test(test_pauses),
                                     cmocka_unit_test(test_old_path_dies)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
