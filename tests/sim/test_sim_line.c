/*
 * Long hours on a phone's line: capacity that was recorded in a moving car
 * (trace.h), one like it that always runs, and the same with loss bursts of 2 s
 * and outages of 20 s.  With hops nothing dies, goodput is that of no hops, and
 * what the line does is not taken for a dead path more than once an hour.
 */
#include "load.h"
#include "outage.h"
#include "scale.h"
#include "trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))
#define HOUR (3600 * SEC)
#define DELAY (20 * MS)
#define GOODPUT 0.95 /* of that without hops */

typedef enum line_kind { MADE, RECORDED, ROUGH } line_kind;

typedef struct row {
  const char *name;
  line_kind line;
  load_kind load;
  uint64_t rate;                /* bytes a second; 0: as much as goes */
  quicmig_duration queue;       /* of the line */
  quicmig_duration interval;    /* of hops */
  quicmig_duration brief, full; /* how long */
  const char *waits_for;
} row;

#define UP LOAD_STREAM_UP
#define DOWN LOAD_STREAM_DOWN
#define CALL LOAD_DATAGRAM_UP

#define SLOW "a fresh window on a full queue takes more than a twentieth"

static const row rows[] = {
    {"made, call, 10 s", MADE, CALL, 8000, SEC, 10 * SEC, HOUR / 6, 2 * HOUR,
     NULL},
    {"made, bulk up, 10 s", MADE, UP, 0, SEC, 10 * SEC, HOUR / 20, 2 * HOUR,
     NULL},
    {"made, bulk down, 10 s", MADE, DOWN, 0, 200 * MS, 10 * SEC, HOUR / 30,
     2 * HOUR, NULL},
    {"made, call, 300 s", MADE, CALL, 8000, 2 * SEC, 300 * SEC, HOUR / 4,
     24 * HOUR, NULL},
    {"recorded, call, 10 s", RECORDED, CALL, 8000, SEC, 10 * SEC, HOUR / 6,
     2 * HOUR, NULL},
    {"recorded, bulk up, 10 s", RECORDED, UP, 0, SEC, 10 * SEC, HOUR / 20,
     2 * HOUR, SLOW},
    {"recorded, call, 300 s", RECORDED, CALL, 8000, 2 * SEC, 300 * SEC,
     HOUR / 4, 24 * HOUR, NULL},
    {"recorded, bulk up, 300 s", RECORDED, UP, 0, SEC, 300 * SEC, HOUR / 10,
     24 * HOUR, NULL},
    {"rough, call, 10 s", ROUGH, CALL, 8000, SEC, 10 * SEC, HOUR / 6, 2 * HOUR,
     NULL},
    {"rough, bulk up, 10 s", ROUGH, UP, 0, SEC, 10 * SEC, HOUR / 20, 2 * HOUR,
     NULL},
    {"rough, call, 300 s", ROUGH, CALL, 8000, SEC, 300 * SEC, HOUR / 4,
     24 * HOUR, NULL},
};

typedef struct outcome {
  uint64_t delivered, offered, hops, failed;
  uint64_t needless; /* hops out of a silence that was the line's */
  bool is_closed, is_skipped;
  int err;
} outcome;

static struct world {
  load l;
  sim_outage bursts, outages;
  sim_trace trace;
  uint64_t needless;
  quicmig_tstamp out_at; /* the last moment of an outage */
} w;

/* An outage of 20 s looks dead by any measure: a hop out of that is none that
 * could be spared. */
static void on_hop(rig_client *c, const quicmig_hop_record *h) {
  quicmig_tstamp now = c->r->world.now;

  w.l.hops[h->reason] += h->result == 0;
  if (w.l.is_noisy) {
    printf("    %.3f-%.3f s: %s %s, %u to %u\n", (double)h->started_at / 1e9,
           (double)now / 1e9, quicmig_reason_name((int)h->reason),
           quicmig_err_name(h->result), h->from_id, h->to_id);
  }
  if (sim_outage_is_on(&w.outages, now) ||
      sim_outage_is_on(&w.outages, now - 5 * SEC)) {
    return;
  }
  w.needless += h->reason == QUICMIG_REASON_DEGRADED ||
                h->reason == QUICMIG_REASON_STALL ||
                h->reason == QUICMIG_REASON_PATH_ERROR;
}

static bool make_line(const row *t) {
  sim *s = &w.l.r.world;

  sim_outage_init(s, &w.bursts);
  sim_outage_init(s, &w.outages);
  sim_trace_init(s, &w.trace, DELAY);
  if (t->line == RECORDED) {
    if (!sim_trace_load(&w.trace, SIM_UP, "ATT-LTE-driving-2016.up") ||
        !sim_trace_load(&w.trace, SIM_DOWN, "ATT-LTE-driving-2016.down")) {
      return false;
    }
  } else {
    sim_trace_make(s, &w.trace, SIM_UP, 2);
    sim_trace_make(s, &w.trace, SIM_DOWN, 6);
  }
  w.trace.side[SIM_UP].queue = w.trace.side[SIM_DOWN].queue =
      t->queue + 5 * SEC; /* the pause does not empty it */
  w.trace.side[SIM_UP].packets = w.trace.side[SIM_DOWN].packets =
      (size_t)(t->queue * 160 / SEC) + 16;
  return true;
}

static void be_rough(void) {
  quicmig_tstamp now = w.l.r.world.now;

  w.bursts.side[SIM_UP] = w.bursts.side[SIM_DOWN] =
      (sim_outage_side){.from = now + 40 * SEC,
                        .length = 2 * SEC,
                        .every = 97 * SEC,
                        .ppm = 700000};
  w.outages.side[SIM_UP] = w.outages.side[SIM_DOWN] = (sim_outage_side){
      .from = now + 80 * SEC, .length = 20 * SEC, .every = 611 * SEC};
}

static outcome play(const row *t, quicmig_duration interval) {
  rig_client *c;
  outcome o = {.hops = 0};

  load_init(&w.l, t->load, 5);
  w.needless = 0;
  w.l.rate = t->rate;
  w.l.r.migration.adaptive = 0;
  w.l.r.migration.hop_interval = interval;
  w.l.r.on_hop = on_hop;
  w.l.r.client_transport.idle_timeout = w.l.r.server_transport.idle_timeout =
      t->line == ROUGH ? 60 * SEC : 30 * SEC;
  o.is_skipped = !make_line(t);
  if (!o.is_skipped) {
    load_start(&w.l);
    if (t->line == ROUGH) {
      be_rough();
    }
    rig_run(&w.l.r, scale(t->brief, t->full));
    c = &w.l.r.clients[0];
    o.delivered = w.l.delivered;
    o.offered = w.l.offered;
    o.hops = rig_stats(c).hops;
    o.failed = rig_stats(c).hops_failed;
    o.needless = w.needless;
    o.is_closed = c->is_closed;
    o.err = c->close.err;
  }
  load_reset(&w.l);
  sim_trace_reset(&w.trace);
  return o;
}

static bool line_row(const row *t) {
  quicmig_duration took = scale(t->brief, t->full);
  uint64_t hours = took > 2 * HOUR ? took / HOUR : 2; /* as the full form */
  outcome with, without;
  double share;

  printf("row: %s\n", t->name);
  with = play(t, t->interval);
  if (with.is_skipped) {
    return true;
  }
  without = play(t, 0);
  share = (double)with.delivered / (double)without.delivered;
  printf("  %.1f h: %.3f of the goodput, %.0f kB/s; %llu hops, %llu failed, "
         "%llu needless; %s, without hops %s\n",
         (double)took / (double)HOUR, share,
         (double)without.delivered / 1e3 / ((double)took / 1e9),
         (unsigned long long)with.hops, (unsigned long long)with.failed,
         (unsigned long long)with.needless,
         with.is_closed ? quicmig_err_name(with.err) : "alive",
         without.is_closed ? quicmig_err_name(without.err) : "alive");
  if (with.is_closed) {
    return false;
  }
  return scale_is_pending(t->waits_for) ||
         (share >= GOODPUT && with.needless <= hours);
}

static void play_all(line_kind line) {
  unsigned bad = 0;
  size_t i;

  for (i = 0; i < COUNT_OF(rows); i++) {
    if (rows[i].line == line) {
      bad += !line_row(&rows[i]);
    }
  }
  assert_int_equal(bad, 0);
}

static void test_made(void **state) {
  (void)state;
  play_all(MADE);
}

static void test_recorded(void **state) {
  (void)state;
  play_all(RECORDED);
}

static void test_rough(void **state) {
  (void)state;
  play_all(ROUGH);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_made),
                                     cmocka_unit_test(test_recorded),
                                     cmocka_unit_test(test_rough)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
