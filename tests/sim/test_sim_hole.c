/*
 * A hole opens at each packet of a hop, on the old path, on the new one or on
 * both, in one direction or in both, and heals after a while.  The connection
 * lives through it in either mode, and is as good as before soon afterwards; a
 * hole on the new path alone costs a MIGRATE hop nothing, unless packets have
 * passed there both ways, which may have proven it.
 */
#include "rig.h"
#include "scale.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define DELAY (10 * MS)
/* So many packets pass within a hop and what follows it at once. */
#define PACKETS 40
#define HOLE (2 * SEC)
#define CURED (8 * SEC) /* as good as before at the latest */

enum { OLD = 1, NEW = 2 };

static struct world {
  rig r;
  sim_line line;
  sim_filter filter;
  uint16_t old;        /* port before the hop */
  unsigned where;      /* OLD, NEW or both */
  bool in[2];          /* directions */
  bool has_passed[2];  /* a packet on the new path, before the hole healed */
  uint64_t seen, from; /* packets since the hop began; the hole opens at */
  bool is_open;
  quicmig_tstamp until;
} w;

static bool drops(void *arg, const sim_pkt *p) {
  unsigned which = sim_client_port(p) == w.old ? OLD : NEW;
  bool is_lost;

  (void)arg;
  if (!w.is_open) {
    return false;
  }
  if (w.seen++ == w.from) {
    w.until = w.r.world.now + HOLE;
  }
  is_lost = w.seen > w.from && w.r.world.now < w.until && (w.where & which) &&
            w.in[p->dir];
  if (which == NEW && !is_lost && w.r.world.now < w.until) {
    w.has_passed[p->dir] = true;
  }
  return is_lost;
}

typedef struct hole_case {
  uint32_t mode;
  unsigned where, dirs; /* 1: up, 2: down, 3: both */
  uint64_t from;
} hole_case;

static void start(const hole_case *t) {
  rig_init(&w.r, 3, false);
  sim_line_init(&w.r.world, &w.line, DELAY);
  sim_filter_init(&w.r.world, &w.filter, drops, NULL);
  w.r.migration.hop_interval = 3600 * SEC;
  w.r.migration.hop_mode = t->mode;
  w.r.migration.hop_backoff_max = 2 * SEC;
  w.is_open = false;
  assert_int_equal(rig_start(&w.r, 1), 0);
  rig_run(&w.r, 1500 * MS);
}

static void open_hole(const hole_case *t) {
  w.old = rig_port(&w.r.clients[0]);
  w.where = t->where;
  w.in[SIM_UP] = t->dirs & 1;
  w.in[SIM_DOWN] = t->dirs & 2;
  w.from = t->from;
  w.has_passed[SIM_UP] = w.has_passed[SIM_DOWN] = false;
  w.seen = 0;
  w.until = QUICMIG_NEVER;
  w.is_open = true;
}

static bool may_cost(const hole_case *t) {
  return t->where != NEW || t->mode != QUICMIG_MODE_MIGRATE ||
         (w.has_passed[SIM_UP] && w.has_passed[SIM_DOWN]);
}

static bool hole_row(const hole_case *t) {
  rig_client *c;
  uint64_t echoed;
  bool is_good;

  start(t);
  c = &w.r.clients[0];
  open_hole(t);
  assert_int_equal(quicmig_hop(quicmig_client_migrator(c->c), w.r.world.now),
                   0);
  rig_run(&w.r, HOLE + CURED);
  echoed = c->echoed;
  rig_run(&w.r, SEC);
  echoed = c->echoed - echoed;
  rig_finish(&w.r, 2 * SEC);
  is_good =
      !c->is_closed && echoed >= 90 && (may_cost(t) || rig_lost(&w.r) == 0);
  if (!is_good) {
    printf("%s, %s path, %s, at packet %llu: %s, %llu lost, %llu in the last "
           "second\n",
           t->mode == QUICMIG_MODE_REBIND ? "rebind" : "migrate",
           t->where == OLD   ? "old"
           : t->where == NEW ? "new"
                             : "either",
           t->dirs == 1   ? "up"
           : t->dirs == 2 ? "down"
                          : "both ways",
           (unsigned long long)t->from,
           c->is_closed ? quicmig_err_name(c->close.err) : "alive",
           (unsigned long long)rig_lost(&w.r), (unsigned long long)echoed);
  }
  rig_reset(&w.r);
  return is_good;
}

static void play(uint32_t mode) {
  unsigned bad = 0, cases = 0;
  hole_case t = {.mode = mode};

  for (t.where = OLD; t.where <= (OLD | NEW); t.where++) {
    for (t.dirs = 1; t.dirs <= 3; t.dirs++) {
      for (t.from = 0; t.from < PACKETS; t.from += scale(5, 1)) {
        bad += !hole_row(&t);
        cases++;
      }
    }
  }
  printf("%u cases\n", cases);
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
