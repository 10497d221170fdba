/* The budget of NAT mappings: half at once, all of it within a lifetime. */
#include "core/nat.h"

#include <pthread.h>
#include <quicmig/quicmig.h>
#include <time.h>

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

/* Urgent hops are made all the same; the debt is no more than one mapping
 * beyond the lifetime. */
static void debt_is_bounded(void **state) {
  qm_nat n = {.full_at = 0};
  int i;

  (void)state;
  qm_nat_set(&n, 10, 60 * S);
  for (i = 0; i < 1000; i++) {
    qm_nat_on_mapping(&n, T0);
  }
  assert_true(qm_nat_ready_at(&n, T0) <= T0 + 2 * 12 * S); /* two of ten */
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

/* Two handles whose clocks differ, by turns: neither waits for more than two
 * mappings to come back, whatever the other has used. */
static void clocks_that_differ(void **state) {
  static const quicmig_duration leads[] = {1,       90 * S,  179 * S, 181 * S,
                                           250 * S, 359 * S, 361 * S, 3600 * S};
  static const int used[] = {1, 100, 2048, 5000};
  const quicmig_duration most = 2 * (360 * S / 4096);
  size_t i, k;
  int j;

  (void)state;
  for (i = 0; i < COUNT_OF(leads); i++) {
    for (k = 0; k < COUNT_OF(used); k++) {
      qm_nat n = QM_NAT_INIT(4096, 180 * S);
      quicmig_tstamp ahead = T0 + leads[i];

      for (j = 0; j < used[k]; j++) {
        qm_nat_on_mapping(&n, ahead);
      }
      assert_true(qm_nat_ready_at(&n, T0) <= T0 + most);
      assert_true(leads[i] <= 180 * S || qm_nat_ready_at(&n, T0) == T0);
      qm_nat_on_mapping(&n, T0);
      assert_true(qm_nat_ready_at(&n, ahead) <= ahead + most);
    }
  }
}

static void the_process_budget(void **state) {
  static const struct {
    const char *name;
    uint32_t mappings;
    quicmig_duration lifetime;
    int rv;
  } table[] = {
      {"one", 1, 60 * S, QUICMIG_ERR_INVALID_ARGUMENT},
      {"two", 2, 60 * S, 0},
      {"no limit", 0, 60 * S, 0},
      {"too short", 10, S - 1, QUICMIG_ERR_INVALID_ARGUMENT},
      {"too long", 10, 3600 * S + 1, QUICMIG_ERR_INVALID_ARGUMENT},
      {"the default", 4096, 180 * S, 0},
  };
  size_t i;

  (void)state;
  for (i = 0; i < COUNT_OF(table); i++) {
    row_equal(&table[i],
              quicmig_nat_budget(table[i].mappings, table[i].lifetime),
              table[i].rv);
  }
}

/* --- threads --- */

static qm_nat shared = QM_NAT_INIT(4096, 180 * S);
static atomic_bool is_over;

static void *change(void *arg) {
  quicmig_duration lifetime = *(const quicmig_duration *)arg;

  while (!is_over) {
    qm_nat_set(&shared, 0, lifetime);
    qm_nat_set(&shared, 4096, lifetime);
    qm_nat_set(&shared, 16, lifetime);
  }
  return NULL;
}

static bool has_passed(const struct timespec *since, int64_t ms) {
  struct timespec now;

  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (now.tv_sec - since->tv_sec) * 1000 +
             (now.tv_nsec - since->tv_nsec) / 1000000 >=
         ms;
}

/* Two threads change the budget while a third one asks: no answer is absurd. */
static void threads(void **state) {
  static quicmig_duration lifetimes[] = {S, 3600 * S};
  uint64_t asked = 0, worst = 0;
  pthread_t t[COUNT_OF(lifetimes)];
  struct timespec since;
  size_t i;

  (void)state;
  for (i = 0; i < COUNT_OF(t); i++) {
    assert_int_equal(pthread_create(&t[i], NULL, change, &lifetimes[i]), 0);
  }
  (void)clock_gettime(CLOCK_MONOTONIC, &since);
  while (asked % 1024 || !has_passed(&since, 100)) {
    qm_nat_on_mapping(&shared, T0);
    worst = qm_time_max(worst, qm_nat_ready_at(&shared, T0));
    (void)qm_nat_used(&shared, T0);
    asked++;
  }
  is_over = true;
  for (i = 0; i < COUNT_OF(t); i++) {
    assert_int_equal(pthread_join(t[i], NULL), 0);
  }
  print_message("asked %" PRIu64 " times, at worst %" PRIu64 " s away\n", asked,
                (worst - T0) / S);
  assert_true(worst <= T0 + 3600 * S);
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
      cmocka_unit_test(clocks_that_differ),
      cmocka_unit_test(the_process_budget),
      cmocka_unit_test(threads),
      cmocka_unit_test(the_end_of_time),
      cmocka_unit_test(a_new_budget_forgets),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
