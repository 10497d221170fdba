/* The budget of NAT mappings: half at once, all of it within a lifetime. */
#include "core/nat.h"

#include "table.h"

#define MS QUICMIG_MILLISECOND
#define S QUICMIG_SECOND
#define T0 (1000 * S)

typedef struct row {
  const char *name;
  uint32_t mappings;
  quicmig_duration lifetime;
  uint32_t at_once;      /* before the next has to wait */
  quicmig_duration wait; /* for that */
} row;

static const row rows[] = {
    {"two", 2, 10 * S, 1, 10 * S},
    {"ten in ten seconds", 10, 10 * S, 5, 2 * S},
    {"the default", 4096, 180 * S, 2048, 360 * S / 4096},
    {"a million", 1000000, 3600 * S, 500000, 7200 * S / 1000000},
    {"one: as two", 1, 10 * S, 1, 10 * S},
};

static uint32_t use_all(qm_nat *n, quicmig_tstamp now) {
  uint32_t used = 0;

  while (qm_nat_ready_at(n, now) <= now && used < 2000000) {
    qm_nat_on_mapping(n, now);
    used++;
  }
  return used;
}

static void half_at_once(void **state) {
  const row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    qm_nat n = {.full_at = 0};

    qm_nat_set(&n, r->mappings, r->lifetime);
    row_equal(r, qm_nat_used(&n, T0), 0);
    row_equal(r, use_all(&n, T0), r->at_once);
    row_equal(r, qm_nat_used(&n, T0), r->at_once);
    row_true(r, qm_nat_ready_at(&n, T0) > T0);
    row_true(r, qm_nat_ready_at(&n, T0) <= T0 + r->wait);
    row_equal(r, qm_nat_used(&n, T0 + r->lifetime), 0);
  }
}

/* Whoever takes each mapping as soon as it may has never more of them alive
 * than the budget: counted in every window of a lifetime. */
static void never_more_than_all_of_it(void **state) {
  enum { MAPPINGS = 40, TURNS = 400 };
  static quicmig_tstamp made[TURNS];
  qm_nat n = {.full_at = 0};
  quicmig_tstamp now = T0;
  int i, k = 0;

  (void)state;
  qm_nat_set(&n, MAPPINGS, 60 * S);
  for (i = 0; i < TURNS; i++) {
    now = qm_nat_ready_at(&n, now);
    qm_nat_on_mapping(&n, now);
    made[i] = now;
    while (made[k] + 60 * S <= now) {
      k++;
    }
    assert_true(i - k + 1 <= MAPPINGS);
  }
  /* And no less than nearly all of it in the long run. */
  assert_in_range(made[TURNS - 1] - made[0], (TURNS / MAPPINGS - 1) * 60 * S,
                  2 * TURNS / MAPPINGS * 60 * S);
}

static void no_limit(void **state) {
  qm_nat n = {.full_at = 0};
  int i;

  (void)state;
  qm_nat_set(&n, 0, 60 * S);
  for (i = 0; i < 100000; i++) {
    assert_int_equal(qm_nat_ready_at(&n, T0), T0);
    qm_nat_on_mapping(&n, T0);
  }
  assert_int_equal(qm_nat_used(&n, T0), 0);
}

/* Urgent hops are made all the same; the debt is no longer than a lifetime. */
static void debt_is_bounded(void **state) {
  qm_nat n = {.full_at = 0};
  int i;

  (void)state;
  qm_nat_set(&n, 10, 60 * S);
  for (i = 0; i < 1000; i++) {
    qm_nat_on_mapping(&n, T0);
  }
  assert_true(qm_nat_ready_at(&n, T0) <= T0 + 2 * 60 * S);
  assert_int_equal(qm_nat_used(&n, T0 + 120 * S), 0);
}

/* Two programs' clocks in one process, or a clock that was set back. */
static void another_clock(void **state) {
  qm_nat n = {.full_at = 0};

  (void)state;
  qm_nat_set(&n, 10, 60 * S);
  use_all(&n, 1000000 * S);
  assert_int_equal(qm_nat_ready_at(&n, T0), T0);
  assert_int_equal(qm_nat_used(&n, T0), 0);
  assert_int_equal(use_all(&n, T0), 5);
}

static void the_end_of_time(void **state) {
  qm_nat n = {.full_at = 0};

  (void)state;
  qm_nat_set(&n, 10, 60 * S);
  assert_true(use_all(&n, QUICMIG_NEVER - 1) <= 2000000);
}

static void a_new_budget_forgets(void **state) {
  qm_nat n = QM_NAT_INIT(10, 60 * S);

  (void)state;
  assert_int_equal(use_all(&n, T0), 5);
  qm_nat_set(&n, 20, 60 * S);
  assert_int_equal(use_all(&n, T0), 10);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(half_at_once),
      cmocka_unit_test(never_more_than_all_of_it),
      cmocka_unit_test(no_limit),
      cmocka_unit_test(debt_is_bounded),
      cmocka_unit_test(another_clock),
      cmocka_unit_test(the_end_of_time),
      cmocka_unit_test(a_new_budget_forgets),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
