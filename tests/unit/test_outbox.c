/*
 * The outbox: first in, first out; and how many actions each input adds, when
 * inputs come at random for a long time, compared with the sums in outbox.h.
 */
#include "driver.h"

#include "base/rng.h"

static void first_in_first_out(void **state) {
  qm_outbox o;
  qm_action a;
  uint64_t in = 0, out = 0;
  int i;

  (void)state;
  qm_outbox_init(&o);
  assert_false(qm_outbox_pop(&o, &a));
  for (i = 0; i < 100; i++) {
    while (qm_outbox_room(&o) > (size_t)i % 5) {
      qm_outbox_push_event(&o, QUICMIG_EVENT_NETWORK, in++);
    }
    while (o.len > i % 3) {
      assert_true(qm_outbox_pop(&o, &a));
      assert_int_equal(a.value, out++);
    }
  }
}

typedef enum input {
  CONFIRMED,
  HOP,
  SWITCH,
  OPENED,
  REFUSED,
  SHORTAGE,
  PROBING,
  VALIDATED,
  FAILED,
  ACCEPTED,
  TX_REFUSED,
  PATH_ERROR,
  TIME,
  END,
  INPUTS
} input;

static const struct bound {
  const char *name;
  uint32_t most; /* outbox.h */
} bounds[] = {
    [CONFIRMED] = {"confirmed", 1},
    [HOP] = {"hop", 3},
    [SWITCH] = {"switch", 2},
    [OPENED] = {"opened", 3},
    [REFUSED] = {"refused", 4},
    [SHORTAGE] = {"shortage", 4},
    [PROBING] = {"probing", 1},
    [VALIDATED] = {"validated", 4},
    [FAILED] = {"failed", 5},
    [ACCEPTED] = {"accepted", 3},
    [TX_REFUSED] = {"packets refused", 2},
    [PATH_ERROR] = {"path error", 4},
    [TIME] = {"time", QM_OUTBOX_MAX},
    [END] = {"end", 1},
};

typedef struct world {
  driver d;
  qm_rng rng;
  qm_nat nat;
  uint32_t seen[INPUTS];
  uint32_t before; /* waited when the input came */
} world;

static bool chance(world *w, uint64_t percent) {
  return qm_rng_range(&w->rng, 0, 99) < percent;
}

static void begin(world *w) { w->before = w->d.e.out.len; }

static void note(world *w, input i) {
  uint32_t added = w->d.e.out.len - w->before;

  w->seen[i] = added > w->seen[i] ? added : w->seen[i];
}

static void answer_open(world *w) {
  driver *d = &w->d;
  qm_addr local;
  int handle;

  begin(w);
  if (chance(w, 20)) {
    bool gives_way = qm_engine_on_shortage(&d->e, DRIVER_SHORT, &d->cc, d->now);

    note(w, SHORTAGE);
    if (gives_way) {
      return;
    }
  }
  if (chance(w, 10)) {
    qm_engine_on_refused(&d->e, QUICMIG_ERR_NO_SPARE_ID, 0, d->now);
    note(w, REFUSED);
    return;
  }
  handle = driver_socket(d, &local);
  qm_engine_on_opened(&d->e, &local, DRIVER_PEER, handle, d->now);
  note(w, OPENED);
}

static void answer_start(world *w, bool is_migrate) {
  driver *d = &w->d;

  begin(w);
  if (is_migrate && chance(w, 15)) {
    qm_engine_on_refused(&d->e, QUICMIG_ERR_NO_SPARE_ID, 0, d->now);
    note(w, REFUSED);
    return;
  }
  qm_engine_on_probing(&d->e, d->cc.pto, d->now);
  note(w, PROBING);
}

static void carry_out(world *w) {
  qm_action a;

  while (qm_engine_next(&w->d.e, &a)) {
    switch ((qm_action_type)a.type) {
    case QM_ACT_OPEN:
      answer_open(w);
      break;
    case QM_ACT_MIGRATE:
      answer_start(w, true);
      break;
    case QM_ACT_REBIND:
      answer_start(w, false);
      break;
    case QM_ACT_CLOSE:
      driver_close(&w->d, &a);
      break;
    case QM_ACT_RECORD:
      break;
    case QM_ACT_EVENT:
      if (a.event == QUICMIG_EVENT_VERDICT) {
        qm_news news;

        (void)qm_policy_next(w->d.e.policy, &news);
        w->d.e.news_told--;
      }
      break;
    }
  }
}

/* Any path; NULL if the draw finds none. */
static qm_path *draw_path(world *w) {
  return qm_paths_find(
      &w->d.e.paths,
      (uint32_t)qm_rng_range(&w->rng, w->d.opens > 20 ? w->d.opens - 20 : 1,
                             w->d.opens + 1));
}

/* The path that is on trial, mostly, or one that was. */
static qm_path *draw_trial(world *w) {
  qm_path *p = NULL;

  if (chance(w, 60)) {
    return qm_paths_find(&w->d.e.paths, w->d.e.hop.record.to_id);
  }
  while (chance(w, 50) && (p = qm_paths_next(&w->d.e.paths, p))) {
    if (p->state == QUICMIG_PATH_FAILED) {
      return p;
    }
  }
  return draw_path(w);
}

/* As the layer above may answer at any time, in the order that ngtcp2 keeps:
 * only what it was told of can be proven or given up. */
static void be_told(world *w) {
  driver *d = &w->d;
  qm_path *p = draw_trial(w);
  qm_arrival a;

  if (!p) {
    return;
  }
  begin(w);
  switch (qm_rng_range(&w->rng, 0, 4)) {
  case 0:
    if (qm_path_is_held(p)) {
      qm_engine_on_validated(&d->e, p->id, d->now);
      note(w, VALIDATED);
    }
    break;
  case 1:
    if (qm_path_is_held(p)) {
      qm_engine_on_failed(&d->e, p->id, QUICMIG_ERR_VALIDATION_FAILED, d->now);
      note(w, FAILED);
    }
    break;
  case 2:
    qm_engine_on_tx(&d->e, p, 1, 1200, d->now);
    if (qm_engine_on_datagram(&d->e, p, 1200, &a, d->now)) {
      qm_engine_on_accepted(&d->e, &a, d->now);
    }
    note(w, ACCEPTED);
    break;
  case 3:
    qm_engine_on_tx_refused(&d->e, p, 1, d->now);
    note(w, TX_REFUSED);
    break;
  default:
    qm_engine_on_path_error(&d->e, p, 101, &d->cc, d->now);
    note(w, PATH_ERROR);
    break;
  }
}

static void be_asked(world *w) {
  driver *d = &w->d;
  qm_path *p = draw_path(w);

  begin(w);
  if (p && p->state == QUICMIG_PATH_SPARE) {
    (void)qm_engine_switch(&d->e, p, S, &d->cc, d->now);
    note(w, SWITCH);
  } else if (d->e.paths.len < d->e.paths.cap && chance(w, 10)) {
    (void)driver_add(d);
  } else {
    (void)qm_engine_hop(&d->e,
                        (quicmig_reason)qm_rng_range(&w->rng,
                                                     QUICMIG_REASON_INTERVAL,
                                                     QUICMIG_REASON_ADAPTIVE),
                        &d->cc, d->now);
    note(w, HOP);
  }
}

/* Verdicts wait, a budget is about to be learned, data is in flight. */
static void be_in_trouble(world *w) {
  driver *d = &w->d;

  if (d->e.policy && chance(w, 30)) {
    d->e.policy->n_news = QM_POLICY_NEWS;
  }
  if (chance(w, 30)) {
    d->e.ledger.bad = 2;
    d->e.ledger.good = 5;
  }
  qm_engine_on_flight(&d->e, chance(w, 60) ? 20000 : 0, chance(w, 30),
                      d->cc.pto, d->now);
}

static void pass_time(world *w) {
  static const quicmig_duration steps[] = {MS, 100 * MS, S, 10 * S, 3600 * S};
  driver *d = &w->d;

  d->now += qm_rng_range(&w->rng, 0, steps[qm_rng_range(&w->rng, 0, 4)]);
  begin(w);
  qm_engine_on_time(&d->e, &d->cc, d->now);
  note(w, TIME);
}

static void start(world *w) {
  driver *d = &w->d;

  driver_init(d);
  d->o.max_sockets = (uint32_t)qm_rng_range(&w->rng, 2, 16);
  d->o.hop_interval = qm_rng_range(&w->rng, 0, 3) * S;
  d->o.hop_min_gap = 10 * MS;
  d->o.drain = qm_rng_range(&w->rng, 0, 600) * S;
  d->o.hop_mode = chance(w, 50) ? QUICMIG_MODE_REBIND : QUICMIG_MODE_MIGRATE;
  d->o.adaptive = chance(w, 70);
  driver_begin(d, qm_rng_next(&w->rng));
  if (chance(w, 30)) {
    qm_nat_set(&w->nat, 2, 60 * S);
    d->e.nat = &w->nat;
  }
  begin(w);
  qm_engine_on_confirmed(&d->e, chance(w, 15), qm_rng_range(&w->rng, 2, 8),
                         d->now);
  note(w, CONFIRMED);
  carry_out(w);
}

static void live(world *w) {
  int i;

  start(w);
  for (i = 0; i < 3000 && w->d.opens < DRIVER_SOCKETS - 8; i++) {
    be_in_trouble(w);
    switch (qm_rng_range(&w->rng, 0, 3)) {
    case 0:
      be_asked(w);
      break;
    case 1:
      pass_time(w);
      break;
    default:
      be_told(w);
      break;
    }
    carry_out(w);
  }
  begin(w);
  qm_engine_on_end(&w->d.e, w->d.now);
  note(w, END);
}

static void no_input_adds_more_than_is_said(void **state) {
  static world w;
  int i;

  (void)state;
  qm_rng_init(&w.rng, test_seed());
  for (i = 0; i < 60; i++) {
    live(&w);
  }
  for (i = 0; i < INPUTS; i++) {
    print_message("%s: %u, said %u\n", bounds[i].name, w.seen[i],
                  bounds[i].most);
    row_true(&bounds[i], w.seen[i] <= bounds[i].most);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(first_in_first_out),
      cmocka_unit_test(no_input_adds_more_than_is_said),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
