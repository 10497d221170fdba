/*
 * One packet of somebody without keys, at each index: before each packet of a
 * connection's life from the first one to some time after a hop, of each kind,
 * towards the client and towards the server, in both modes.  Nothing comes of
 * it.
 */
#include "forge.h"
#include "rig.h"
#include "scale.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define DELAY (10 * MS)
#define HANDSHAKE 30 /* packets, and a little more */
#define HOP 40       /* from the beginning of a hop */

static struct world {
  rig r;
  sim_forge up, down;
  sim_line line;
} w;

typedef struct injection {
  uint32_t mode;
  sim_dir dir;
  sim_forgery kind;
  bool is_in_hop; /* index counts from the beginning of the hop */
  uint64_t index;
} injection;

static void place(const injection *t, bool is_in_hop) {
  sim_forge *f = t->dir == SIM_UP ? &w.up : &w.down;

  if (t->is_in_hop == is_in_hop) {
    f->at_kind = t->kind;
    f->at = f->passed + t->index;
  }
}

/* False: something came of it. */
static bool play(const injection *t, uint64_t *made) {
  rig_client *c;
  bool is_good;

  rig_init(&w.r, 9, false);
  sim_forge_init(&w.r.world, &w.down, SIM_DOWN);
  sim_line_init(&w.r.world, &w.line, DELAY);
  sim_forge_init(&w.r.world, &w.up, SIM_UP);
  w.r.migration.hop_interval = 3600 * SEC;
  w.r.migration.hop_mode = t->mode;
  place(t, false);
  if (rig_start(&w.r, 1) != 0) {
    return false;
  }
  c = &w.r.clients[0];
  rig_run(&w.r, 200 * MS);
  place(t, true);
  (void)quicmig_hop(quicmig_client_migrator(c->c), w.r.world.now);
  rig_run(&w.r, 1500 * MS);
  rig_finish(&w.r, 500 * MS);
  is_good = c->is_connected && !c->is_closed && rig_lost(&w.r) == 0 &&
            rig_stats(c).hops == 1 && rig_stats(c).hops_failed == 0 &&
            c->results[0] == 1;
  if (!is_good) {
    printf("%s towards the %s, %s, %s, before packet %llu: %s, %llu lost, "
           "%llu hops\n",
           sim_forge_name(t->kind), t->dir == SIM_UP ? "server" : "client",
           t->mode == QUICMIG_MODE_REBIND ? "rebind" : "migrate",
           t->is_in_hop ? "hop" : "handshake", (unsigned long long)t->index,
           c->is_closed ? quicmig_err_name(c->close.err) : "alive",
           (unsigned long long)rig_lost(&w.r),
           (unsigned long long)rig_stats(c).hops);
  }
  *made += w.up.total + w.down.total;
  rig_reset(&w.r);
  return is_good;
}

static void play_all(bool is_in_hop, uint32_t mode) {
  uint64_t most = is_in_hop ? HOP : HANDSHAKE, step = scale(7, 1), made = 0;
  injection t = {.is_in_hop = is_in_hop, .mode = mode};
  unsigned bad = 0, cases = 0, kind, dir;

  for (dir = 0; dir < 2; dir++) {
    for (kind = 0; kind < SIM_FORGE_TOKEN; kind++) {
      for (t.index = kind % step; t.index < most; t.index += step) {
        t.dir = (sim_dir)dir;
        t.kind = (sim_forgery)kind;
        if (kind != SIM_FORGE_SPLICE) { /* there is no other connection */
          bad += !play(&t, &made);
          cases++;
        }
      }
    }
  }
  printf("%u cases, %llu forged\n", cases, (unsigned long long)made);
  assert_true(made * 10 > cases * 8u);
  assert_int_equal(bad, 0);
}

static void test_handshake(void **state) {
  (void)state;
  play_all(false, QUICMIG_MODE_MIGRATE);
}

static void test_migrate(void **state) {
  (void)state;
  play_all(true, QUICMIG_MODE_MIGRATE);
}

static void test_rebind(void **state) {
  (void)state;
  play_all(true, QUICMIG_MODE_REBIND);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_handshake),
                                     cmocka_unit_test(test_migrate),
                                     cmocka_unit_test(test_rebind)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
