/* What flows that were cut or slowed teach about the next ones. */
#include "core/budget.h"

#include "table.h"

#define S QUICMIG_SECOND
#define HOUR (3600 * S)
#define T0 (1000 * S)
#define MB 1000000ull
#define NONE QUICMIG_VERDICT_NONE
#define BYTES QUICMIG_VERDICT_BYTES_LEARNED
#define AGE QUICMIG_VERDICT_AGE_LEARNED

typedef struct row {
  const char *name;
  qm_flow ends[6]; /* bytes 0: no more */
  quicmig_verdict last;
  qm_flow most;
} row;

static const row rows[] = {
    {"one end", {{10 * MB, 8 * S}}, NONE, {0, 0}},
    {"alike in bytes",
     {{10 * MB, 8 * S}, {10 * MB, 20 * S}},
     BYTES,
     {10 * MB, 0}},
    {"alike in age", {{10 * MB, 60 * S}, {50 * MB, 61 * S}}, AGE, {0, 60 * S}},
    {"alike in both: bytes",
     {{10 * MB, 8 * S}, {11 * MB, 9 * S}},
     BYTES,
     {10 * MB, 0}},
    {"the lesser of the two",
     {{11 * MB, 8 * S}, {10 * MB, 20 * S}},
     BYTES,
     {10 * MB, 0}},
    {"not alike", {{10 * MB, 8 * S}, {20 * MB, 20 * S}}, NONE, {0, 0}},
    {"just alike", {{10 * MB, 8 * S}, {12 * MB, 30 * S}}, BYTES, {10 * MB, 0}},
    {"just not", {{10 * MB, 8 * S}, {13 * MB, 30 * S}}, NONE, {0, 0}},
    {"another one between them",
     {{10 * MB, 8 * S}, {3 * MB, 50 * S}, {10 * MB, 20 * S}},
     BYTES,
     {10 * MB, 0}},
    {"four others between them",
     {{10 * MB, 8 * S},
      {90 * MB, 50 * S},
      {40 * MB, 80 * S},
      {2 * MB, 120 * S},
      {1 * MB, 300 * S},
      {10 * MB, 20 * S}},
     NONE,
     {0, 0}},
    {"bytes were guessed, it is age",
     {{10 * MB, 60 * S}, {10 * MB, 61 * S}, {5 * MB, 60 * S}},
     AGE,
     {0, 60 * S}},
    {"bytes were guessed rightly",
     {{10 * MB, 8 * S}, {10 * MB, 8 * S}, {10 * MB, 40 * S}},
     BYTES,
     {10 * MB, 0}},
    {"two budgets",
     {{10 * MB, 8 * S}, {10 * MB, 20 * S}, {3 * MB, 60 * S}, {4 * MB, 60 * S}},
     AGE,
     {10 * MB, 60 * S}},
    {"a lower one",
     {{10 * MB, 8 * S}, {10 * MB, 20 * S}, {5 * MB, 11 * S}, {5 * MB, 30 * S}},
     BYTES,
     {5 * MB, 0}},
    {"too little", {{100000, 8 * S}, {100000, 20 * S}}, NONE, {0, 0}},
    {"too young", {{10 * MB, 2 * S}, {50 * MB, 2 * S}}, NONE, {0, 0}},
    {"huge",
     {{UINT64_MAX / 2, 8 * S}, {UINT64_MAX / 2, 20 * S}},
     BYTES,
     {UINT64_MAX / 2, 0}},
};

static quicmig_verdict teach(qm_budget *b, const qm_flow *ends, size_t n) {
  quicmig_verdict v = NONE;
  size_t i;

  qm_budget_init(b);
  for (i = 0; i < n && ends[i].bytes; i++) {
    v = qm_budget_on_end(b, &ends[i], T0 + i * 60 * S);
  }
  return v;
}

static void lessons(void **state) {
  const row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    qm_budget b;

    row_equal(r, teach(&b, r->ends, COUNT_OF(r->ends)), r->last);
    row_equal(r, b.most.bytes, r->most.bytes);
    row_equal(r, b.most.age, r->most.age);
  }
}

typedef struct limit {
  const char *name;
  qm_flow most;
  uint64_t rate;
  quicmig_duration lead;
  qm_flow want;
} limit;

static const limit limits[] = {
    {"none", {0, 0}, MB, S, {0, 0}},
    {"slow", {10 * MB, 0}, 0, 0, {8500000, 0}},
    {"a reserve for the hop", {10 * MB, 0}, MB, 500 * S / 1000, {8 * MB, 0}},
    {"4 Gbit/s: no more than half of it",
     {10 * MB, 0},
     500 * MB,
     S,
     {4250000, 0}},
    {"age", {0, 60 * S}, MB, S, {0, 50 * S}},
    {"a long hop", {0, 10 * S}, MB, 60 * S, {0, 4250 * S / 1000}},
    {"both", {10 * MB, 60 * S}, 0, 0, {8500000, 51 * S}},
};

static void limits_leave_time_for_the_hop(void **state) {
  const limit *r;

  (void)state;
  for (EACH_ROW(r, limits)) {
    qm_budget b;
    qm_flow got;

    qm_budget_init(&b);
    b.most = r->most;
    got = qm_budget_limit(&b, r->rate, r->lead);
    row_equal(r, got.bytes, r->want.bytes);
    row_equal(r, got.age, r->want.age);
  }
}

static void forgets_slowly(void **state) {
  static const qm_flow ends[] = {{10 * MB, 8 * S}, {10 * MB, 20 * S}, {0, 0}};
  quicmig_tstamp at = T0 + 60 * S + HOUR;
  qm_budget b;
  int i;

  (void)state;
  teach(&b, ends, 2);
  assert_int_equal(qm_budget_on_time(&b, at - 1), NONE);
  assert_int_equal(qm_budget_on_time(&b, at), QUICMIG_VERDICT_RELAXED);
  assert_int_equal(b.most.bytes, 12500000);
  assert_int_equal(qm_budget_on_time(&b, at), NONE);
  /* It shows itself: all eight hours begin anew. */
  assert_int_equal(qm_budget_on_end(&b, &ends[0], at), BYTES);
  assert_int_equal(b.most.bytes, 10 * MB);
  for (i = 1; i <= 8; i++) {
    assert_int_equal(qm_budget_on_time(&b, at + (uint64_t)i * HOUR),
                     QUICMIG_VERDICT_RELAXED);
    assert_true(b.most.bytes > 10 * MB);
  }
  assert_int_equal(qm_budget_on_time(&b, at + 9 * HOUR),
                   QUICMIG_VERDICT_RELAXED);
  assert_int_equal(b.most.bytes, 0);
  assert_true(b.ease_at == QUICMIG_NEVER);
}

/* A single end is forgotten too, without a word. */
static void forgets_an_end(void **state) {
  static const qm_flow end = {10 * MB, 8 * S};
  qm_budget b;

  (void)state;
  teach(&b, &end, 1);
  assert_true(qm_budget_fits(&b, &end));
  assert_int_equal(qm_budget_on_time(&b, T0 + 2 * HOUR), NONE);
  assert_false(qm_budget_fits(&b, &end));
}

static void a_mistake_leaves_only_the_budget(void **state) {
  static const qm_flow ends[] = {{10 * MB, 8 * S}, {10 * MB, 20 * S}};
  qm_budget b;

  (void)state;
  teach(&b, ends, 2);
  assert_true(qm_budget_fits(&b, &(qm_flow){9 * MB, 100 * S}));
  assert_true(qm_budget_fits(&b, &(qm_flow){90 * MB, 21 * S}));
  assert_false(qm_budget_fits(&b, &(qm_flow){90 * MB, 100 * S}));
  qm_budget_on_mistake(&b);
  assert_false(qm_budget_fits(&b, &ends[0]));
  assert_int_equal(b.most.bytes, 10 * MB);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lessons),
      cmocka_unit_test(limits_leave_time_for_the_hop),
      cmocka_unit_test(forgets_slowly),
      cmocka_unit_test(forgets_an_end),
      cmocka_unit_test(a_mistake_leaves_only_the_budget),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
