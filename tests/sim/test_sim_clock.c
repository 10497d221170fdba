/*
 * The clock that the client or the server is told steps, at each moment of a
 * hop and between hops, by little and by much, forwards and backwards.  A step
 * back is as if the clock had stood still; a step forward costs one hop at most
 * and is no silence of the path.  The connection lives, in either mode.
 */
#include "rig.h"
#include "scale.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))
#define DELAY (10 * MS)
#define INTERVAL (5 * SEC)
#define SPAN (120 * MS) /* of a hop, and what follows it at once */
#define FULL_STEP (2 * MS)
#define BEGINNING (100000000 * SEC) /* so that a year back is after zero */

static const struct step {
  const char *name;
  int64_t by; /* ns */
} steps[] = {
    {"-1 year", -31536000 * (int64_t)SEC},
    {"-1 h", -3600 * (int64_t)SEC},
    {"-1 s", -1 * (int64_t)SEC},
    {"-1 ms", -1 * (int64_t)MS},
    {"+1 ms", MS},
    {"+100 ms", 100 * MS},
    {"+1 s", SEC},
    {"+20 s", 20 * SEC}, /* less than the idle timeout */
};

static struct world {
  rig r;
  sim_line line;
} w;

typedef struct clock_case {
  uint32_t mode;
  bool of_server;
  const struct step *step;
  quicmig_duration at; /* after the beginning of a hop */
} clock_case;

static void start(const clock_case *t) {
  rig_init(&w.r, 17, false);
  w.r.world.now = BEGINNING;
  sim_line_init(&w.r.world, &w.line, DELAY);
  w.r.migration.hop_interval = INTERVAL;
  w.r.migration.hop_mode = t->mode;
  w.r.send_every = 20 * MS;
  w.r.client_transport.idle_timeout = w.r.server_transport.idle_timeout =
      60 * SEC;
  assert_int_equal(rig_start(&w.r, 1), 0);
  rig_run(&w.r, 1500 * MS);
}

static void complain(const clock_case *t, uint64_t echoed, uint64_t hops) {
  const rig_client *c = &w.r.clients[0];

  printf("%s, %s of the %s, %.0f ms after a hop began: %s, %llu in the last "
         "second, %llu hops, %llu lost\n",
         t->mode == QUICMIG_MODE_REBIND ? "rebind" : "migrate", t->step->name,
         t->of_server ? "server" : "client", (double)t->at / 1e6,
         c->is_closed ? quicmig_err_name(c->close.err) : "alive",
         (unsigned long long)echoed, (unsigned long long)hops,
         (unsigned long long)rig_lost(&w.r));
}

/* What is known, and not mended yet. */
static const char *fault_of(const clock_case *t) {
  return t->mode == QUICMIG_MODE_REBIND && t->of_server &&
                 t->step->by > (int64_t)SEC
             ? "a step in a path's first RTT sample: the pacer believes it"
             : NULL;
}

static bool clock_row(const clock_case *t) {
  uint64_t echoed, hops;
  rig_client *c;
  bool is_good;

  start(t);
  c = &w.r.clients[0];
  (void)quicmig_hop(quicmig_client_migrator(c->c), rig_client_now(&w.r));
  rig_run(&w.r, t->at);
  if (t->of_server) {
    w.r.server_skew += t->step->by;
  } else {
    w.r.client_skew += t->step->by;
  }
  rig_run(&w.r, 2 * SEC);
  hops = rig_stats(c).hops;
  rig_run(&w.r, 9 * SEC);
  echoed = c->echoed;
  rig_run(&w.r, SEC);
  echoed = c->echoed - echoed;
  /* The one by hand, unless a step put an end to its time, and one that is due;
   * then the schedule goes on. */
  is_good = !c->is_closed && echoed >= 45 &&
            hops >= (t->step->by < (int64_t)SEC) && hops <= 2 &&
            rig_stats(c).hops > hops;
  if (!is_good) {
    complain(t, echoed, hops);
  }
  rig_reset(&w.r);
  return is_good || scale_is_pending(fault_of(t));
}

static void play(uint32_t mode, bool of_server) {
  quicmig_duration every = scale(SPAN / 4, FULL_STEP);
  clock_case t = {.mode = mode, .of_server = of_server};
  unsigned bad = 0, cases = 0;
  size_t i;

  for (i = 0; i < COUNT_OF(steps); i++) {
    for (t.at = 0; t.at <= SPAN; t.at += every) {
      t.step = &steps[i];
      bad += !clock_row(&t);
      cases++;
    }
  }
  printf("%u cases\n", cases);
  assert_int_equal(bad, 0);
}

static void test_client(void **state) {
  (void)state;
  play(QUICMIG_MODE_MIGRATE, false);
  play(QUICMIG_MODE_REBIND, false);
}

static void test_server(void **state) {
  (void)state;
  play(QUICMIG_MODE_MIGRATE, true);
  play(QUICMIG_MODE_REBIND, true);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_client),
                                     cmocka_unit_test(test_server)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
