/* The hop scheduler after refusals, failures, suspends and clock steps. */
#include "core/sched.h"

#include "table.h"

#define MS QUICMIG_MILLISECOND
#define S QUICMIG_SECOND
#define NEVER QUICMIG_NEVER
#define NONE QUICMIG_REASON_INITIAL
#define T0 (1000 * S)

typedef struct fixture {
  quicmig_options o;
  qm_sched s;
} fixture;

static void open_sched(fixture *f, uint64_t seed) {
  quicmig_options_default(&f->o);
  f->o.hop_jitter_pct = 0;
  qm_sched_init(&f->s, &f->o, seed);
  qm_sched_start(&f->s, T0);
}

struct backoff {
  const char *name;
  quicmig_duration first, max;
  int failures;
  quicmig_duration base; /* of the last wait; up to a quarter more */
};

static void check_backoff(const struct backoff *r, uint64_t seed) {
  quicmig_duration min = NEVER, max = 0, wait;
  uint64_t i;
  int k;

  for (i = 0; i < 200; i++) {
    quicmig_tstamp now = T0;
    fixture f;

    open_sched(&f, seed + i);
    f.o.hop_backoff = r->first;
    f.o.hop_backoff_max = r->max;
    for (k = 1; k < r->failures; k++) {
      qm_sched_on_failure(&f.s, now);
      now = qm_sched_deadline(&f.s);
    }
    qm_sched_on_failure(&f.s, now);
    wait = qm_sched_deadline(&f.s) - now;
    row_true(r, wait >= r->base && wait <= r->base + r->base / 4);
    row_equal(r, qm_sched_reason(&f.s, now + wait - 1), NONE);
    row_equal(r, qm_sched_reason(&f.s, now + wait), QUICMIG_REASON_RETRY);
    min = qm_time_min(min, wait);
    max = qm_time_max(max, wait);
  }
  row_true(r, max - min > r->base / 8); /* they do not come back together */
}

static void backoff_doubles_and_caps(void **state) {
  static const struct backoff rows[] = {
      {"first", S, 300 * S, 1, S},
      {"second", S, 300 * S, 2, 2 * S},
      {"third", S, 300 * S, 3, 4 * S},
      {"ninth", S, 300 * S, 9, 256 * S},
      {"tenth: capped", S, 300 * S, 10, 300 * S},
      {"the hundredth", S, 300 * S, 100, 300 * S},
      {"never grows", 5 * S, 5 * S, 4, 5 * S},
      {"the longest there is", 3600 * S, 86400 * S, 50, 86400 * S},
      {"100 ms", 100 * MS, 86400 * S, 2, 200 * MS},
  };
  const struct backoff *r;
  uint64_t seed = test_seed();

  (void)state;
  for (EACH_ROW(r, rows)) {
    check_backoff(r, seed);
  }
}

static void success_ends_the_backoff(void **state) {
  quicmig_tstamp at = T0;
  fixture f;
  int i;

  (void)state;
  open_sched(&f, 1);
  for (i = 0; i < 5; i++) {
    qm_sched_on_failure(&f.s, at);
    at = qm_sched_deadline(&f.s);
  }
  qm_sched_on_start(&f.s, at);
  qm_sched_on_success(&f.s);
  assert_int_equal(qm_sched_deadline(&f.s), at + 300 * S);
  assert_int_equal(qm_sched_reason(&f.s, at + 299 * S), NONE);
  qm_sched_on_failure(&f.s, at + 300 * S);
  assert_in_range(qm_sched_deadline(&f.s) - at, 301 * S, 301250 * MS);
}

/* A hop that started and failed backs off from its end, not from its start. */
static void a_failure_after_a_start_backs_off_from_its_end(void **state) {
  fixture f;

  (void)state;
  open_sched(&f, 1);
  qm_sched_on_start(&f.s, T0 + 300 * S);
  qm_sched_on_failure(&f.s, T0 + 307 * S);
  assert_in_range(qm_sched_deadline(&f.s), T0 + 308 * S, T0 + 308250 * MS);
}

static void no_trigger_gets_round_the_backoff(void **state) {
  quicmig_tstamp at;
  fixture f;

  (void)state;
  open_sched(&f, 1);
  f.o.hop_packets = 100;
  f.s.packets = 1000;
  qm_sched_on_failure(&f.s, T0);
  at = qm_sched_deadline(&f.s);
  assert_true(at >= T0 + S);
  assert_int_equal(qm_sched_reason(&f.s, at - 1), NONE);
  assert_int_equal(qm_sched_reason(&f.s, at), QUICMIG_REASON_RETRY);
}

/* The backoff of a schedule that has no interval is made up for all the same.
 */
static void a_trigger_alone_is_retried(void **state) {
  quicmig_tstamp at;
  fixture f;

  (void)state;
  open_sched(&f, 1);
  f.o.hop_interval = 0;
  f.o.hop_packets = 100;
  qm_sched_start(&f.s, T0);
  f.s.packets = 100;
  qm_sched_on_failure(&f.s, T0);
  at = qm_sched_deadline(&f.s);
  assert_int_equal(qm_sched_reason(&f.s, at), QUICMIG_REASON_RETRY);
  qm_sched_on_start(&f.s, at);
  qm_sched_on_success(&f.s);
  assert_true(qm_sched_deadline(&f.s) == NEVER);
}

static void too_soon_is_measured_from_the_last_start(void **state) {
  static const struct row {
    const char *name;
    quicmig_tstamp start; /* 0: none */
    quicmig_duration gap, at;
    bool want;
  } rows[] = {
      {"no start yet", 0, 3600 * S, T0, false},
      {"a nanosecond early", T0, 5 * S, T0 + 5 * S - 1, true},
      {"exactly", T0, 5 * S, T0 + 5 * S, false},
      {"at the start", T0, 5 * S, T0, true},
      {"no gap", T0, 0, T0, false},
      {"an endless gap", T0, NEVER, T0 + 86400 * S, true},
  };
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    fixture f;

    open_sched(&f, 1);
    if (r->start) {
      qm_sched_on_start(&f.s, r->start);
    }
    row_equal(r, qm_sched_is_too_soon(&f.s, r->gap, r->at), r->want);
  }
}

static void too_soon_waits_once_and_learns(void **state) {
  fixture f;

  (void)state;
  open_sched(&f, 1);
  f.o.hop_interval = S;
  qm_sched_start(&f.s, T0);
  qm_sched_on_start(&f.s, T0 + S);
  qm_sched_on_success(&f.s);
  assert_int_equal(qm_sched_deadline(&f.s), T0 + 2 * S);
  qm_sched_on_too_soon(&f.s, 4072 * MS, T0 + 2 * S);
  assert_int_equal(qm_sched_deadline(&f.s), T0 + 5072 * MS);
  assert_int_equal(qm_sched_reason(&f.s, T0 + 5072 * MS - 1), NONE);
  assert_int_equal(qm_sched_reason(&f.s, T0 + 5072 * MS),
                   QUICMIG_REASON_INTERVAL);
  assert_int_equal(f.s.failures, 0); /* no backoff */
  /* From now on the gap is respected without being told. */
  qm_sched_on_start(&f.s, T0 + 6 * S);
  assert_int_equal(qm_sched_deadline(&f.s), T0 + 10072 * MS);
}

/* Asleep for `late` after the hop was due: one hop, and the next a whole gap
 * after it. */
static void a_suspend_gives_one_hop(void **state) {
  static const struct row {
    const char *name;
    quicmig_duration late;
  } rows[] = {
      {"an hour", 3600 * S},
      {"a night", 8 * 3600 * S},
      {"a year", 366 * 86400 * S},
  };
  const struct row *r;
  uint64_t seed = test_seed();

  (void)state;
  for (EACH_ROW(r, rows)) {
    quicmig_tstamp now;
    fixture f;

    open_sched(&f, seed);
    f.o.hop_jitter_pct = 20;
    qm_sched_start(&f.s, T0);
    now = qm_sched_deadline(&f.s) + r->late;
    row_equal(r, qm_sched_reason(&f.s, now), QUICMIG_REASON_INTERVAL);
    qm_sched_on_start(&f.s, now);
    qm_sched_on_success(&f.s);
    row_equal(r, qm_sched_reason(&f.s, now), NONE);
    row_equal(r, qm_sched_reason(&f.s, now + 240 * S - 1), NONE);
    row_true(r, qm_sched_deadline(&f.s) >= now + 240 * S);
    row_true(r, f.s.due <= now + 360 * S);
  }
}

/* The caller's clock steps back by `step` a hundred seconds into the gap: the
 * hop is 200 s of its clock later, neither at once nor after the step. */
static void a_clock_step_back_costs_nothing(void **state) {
  static const struct row {
    const char *name;
    quicmig_duration step;
  } rows[] = {
      {"a nanosecond", 1},
      {"an hour, to before the start", 900 * S},
      {"to zero", T0 + 100 * S},
  };
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    qm_clock_guard g = {.last = T0};
    quicmig_tstamp outer = T0 + 100 * S;
    fixture f;

    open_sched(&f, 1);
    qm_clock_guard_in(&g, outer);
    outer -= r->step;
    row_equal(r, qm_sched_reason(&f.s, qm_clock_guard_in(&g, outer)), NONE);
    row_equal(r, qm_clock_guard_out(&g, qm_sched_deadline(&f.s)),
              outer + 200 * S);
    outer += 200 * S;
    row_equal(r, qm_sched_reason(&f.s, qm_clock_guard_in(&g, outer - 1)), NONE);
    row_equal(r, qm_sched_reason(&f.s, qm_clock_guard_in(&g, outer)),
              QUICMIG_REASON_INTERVAL);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(backoff_doubles_and_caps),
      cmocka_unit_test(success_ends_the_backoff),
      cmocka_unit_test(a_failure_after_a_start_backs_off_from_its_end),
      cmocka_unit_test(no_trigger_gets_round_the_backoff),
      cmocka_unit_test(a_trigger_alone_is_retried),
      cmocka_unit_test(too_soon_is_measured_from_the_last_start),
      cmocka_unit_test(too_soon_waits_once_and_learns),
      cmocka_unit_test(a_suspend_gives_one_hop),
      cmocka_unit_test(a_clock_step_back_costs_nothing),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
