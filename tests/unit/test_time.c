/* Time arithmetic at its edges, and the clock that never goes back. */
#include "base/time.h"

#include "table.h"

#define NEVER QUICMIG_NEVER
#define S QUICMIG_SECOND

static void add_saturates_at_never(void **state) {
  static const struct row {
    const char *name;
    quicmig_tstamp t;
    quicmig_duration d;
    quicmig_tstamp want;
  } rows[] = {
      {"plain", 5, 7, 12},
      {"nothing", 5, 0, 5},
      {"to the last instant", NEVER - 2, 1, NEVER - 1},
      {"exactly to never", NEVER - 1, 1, NEVER},
      {"past never", NEVER - 1, 2, NEVER},
      {"never stays never", NEVER, 1, NEVER},
      {"an endless duration", 1, NEVER, NEVER},
      {"both endless", NEVER, NEVER, NEVER},
  };
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    row_equal(r, qm_time_add(r->t, r->d), r->want);
  }
}

static void compares(void **state) {
  static const struct row {
    const char *name;
    quicmig_tstamp a, b;
    quicmig_duration since;
    quicmig_tstamp min, max;
  } rows[] = {
      {"a later", 9, 4, 5, 4, 9},
      {"b later", 4, 9, 0, 4, 9},
      {"equal", 4, 4, 0, 4, 4},
      {"never against zero", NEVER, 0, NEVER, 0, NEVER},
  };
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    row_equal(r, qm_time_since(r->a, r->b), r->since);
    row_equal(r, qm_time_min(r->a, r->b), r->min);
    row_equal(r, qm_time_max(r->a, r->b), r->max);
  }
}

static void never_is_never_due(void **state) {
  static const struct row {
    const char *name;
    quicmig_tstamp deadline, now;
    bool want;
  } rows[] = {
      {"one ns early", 10, 9, false},
      {"on time", 10, 10, true},
      {"late", 10, 11, true},
      {"zero is due at zero", 0, 0, true},
      {"never, early", NEVER, 0, false},
      {"never at never", NEVER, NEVER, false},
  };
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    row_equal(r, qm_time_is_due(r->deadline, r->now), r->want);
  }
}

/* The caller's clock, and what we make of it, step by step. */
static void guard_never_goes_back(void **state) {
  static const struct row {
    const char *name;
    quicmig_tstamp outer[5], inner[5];
  } rows[] = {
      {"forward only", {10, 20, 20, 35, 50}, {10, 20, 20, 35, 50}},
      {"a step back stands still", {10, 20, 5, 6, 9}, {10, 20, 20, 21, 24}},
      {"back to zero", {100, 0, 1, 2, 50}, {100, 100, 101, 102, 150}},
      {"two steps back", {100, 90, 95, 10, 20}, {100, 100, 105, 105, 115}},
      {"back, then forward past the old time",
       {100, 40, 200, 210, 220},
       {100, 100, 260, 270, 280}},
  };
  const struct row *r;
  size_t i;

  (void)state;
  for (EACH_ROW(r, rows)) {
    qm_clock_guard g = {.last = 0};

    for (i = 0; i < 5; i++) {
      row_equal(r, qm_clock_guard_in(&g, r->outer[i]), r->inner[i]);
    }
  }
}

/* A deadline handed out after a step back comes when the caller's own clock
 * says so. */
static void guard_translates_deadlines(void **state) {
  qm_clock_guard g = {.last = 0};
  quicmig_tstamp inner;

  (void)state;
  assert_int_equal(qm_clock_guard_out(&g, 7 * S), 7 * S);
  assert_true(qm_clock_guard_out(&g, NEVER) == NEVER);
  inner = qm_clock_guard_in(&g, 1000 * S);
  inner = qm_clock_guard_in(&g, 400 * S);
  assert_int_equal(inner, 1000 * S);
  assert_int_equal(qm_clock_guard_out(&g, inner + 300 * S), 700 * S);
  assert_int_equal(qm_clock_guard_in(&g, 700 * S), 1300 * S);
  /* In the past of the caller's clock: as early as it can say. */
  assert_int_equal(qm_clock_guard_out(&g, 1), 0);
  assert_true(qm_clock_guard_out(&g, NEVER) == NEVER);
}

/* The library works, the caller speaks, its clock may step back: each row is
 * one call, in order. */
static void guard_runs_ahead_and_waits(void **state) {
  static const struct row {
    const char *name;
    quicmig_duration worked; /* 0: the caller says `said` */
    quicmig_tstamp said, want;
  } rows[] = {
      {"the caller speaks", 0, 1000, 1000},
      {"work", 50, 0, 1050},
      {"less work, counted from the same word", 20, 0, 1050},
      {"more of it", 80, 0, 1080},
      {"the caller is not there yet: it stands still", 0, 1010, 1080},
      {"still not", 0, 1080, 1080},
      {"now it is", 0, 1100, 1100},
      {"work again", 10, 0, 1110},
      {"a real step back: as if it had stood still", 0, 600, 1110},
      {"and went on from its last word", 0, 605, 1110},
      {"until it has caught up", 0, 620, 1120},
  };
  qm_clock_guard g = {.last = 0};
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    if (r->worked) {
      qm_clock_guard_work(&g, r->worked);
    } else {
      row_equal(r, qm_clock_guard_in(&g, r->said), r->want);
    }
    row_equal(r, g.last, r->want);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(add_saturates_at_never),
      cmocka_unit_test(compares),
      cmocka_unit_test(never_is_never_due),
      cmocka_unit_test(guard_never_goes_back),
      cmocka_unit_test(guard_translates_deadlines),
      cmocka_unit_test(guard_runs_ahead_and_waits),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
