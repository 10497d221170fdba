/* A path that does without segmentation for a while. */
#include "io/txlack.h"

#include "table.h"

#define S QUICMIG_SECOND
#define PATH 7
#define OTHER 8

static void each_refusal_doubles_the_pause(void **state) {
  static const struct row {
    const char *name;
    quicmig_tstamp now;
  } rows[] = {
      {"at the beginning of time", 0},
      {"after a day", 86400 * S},
      {"where the short clock turns", ((uint64_t)1 << 59) - 30 * S},
      {"where half of it is over", ((uint64_t)1 << 58) - 30 * S},
  };
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    quicmig_tstamp now = r->now;
    quicmig_duration want = S;
    qm_txlack l = {.tries = 0};
    int i;

    for (i = 0; i < 20; i++) {
      row_true(r, !qm_txlack_is_on(&l, PATH, now));
      qm_txlack_on_refused(&l, PATH, now);
      row_true(r, qm_txlack_is_on(&l, PATH, now));
      row_true(r, !qm_txlack_is_on(&l, OTHER, now));
      qm_txlack_on_refused(&l, PATH, now + want / 2); /* was grouped before */
      qm_txlack_on_taken(&l, PATH, now + want / 2);
      row_true(r, qm_txlack_is_on(&l, PATH, now + want));
      now += want + S / 2;
      want = 2 * want < 600 * S ? 2 * want : 600 * S;
    }
  }
}

static void a_success_ends_it(void **state) {
  qm_txlack l = {.tries = 0};
  quicmig_tstamp now = 5 * S;
  int i;

  (void)state;
  for (i = 0; i < 5; i++, now += 3600 * S) { /* forgotten as well */
    qm_txlack_on_refused(&l, PATH, now);
    assert_false(qm_txlack_is_on(&l, PATH, now + 3 * S / 2));
  }
  qm_txlack_on_refused(&l, PATH, now);
  qm_txlack_on_refused(&l, PATH, now + 2 * S);
  qm_txlack_on_taken(&l, OTHER, now + 5 * S);
  assert_int_equal(l.tries, 2);
  qm_txlack_on_taken(&l, PATH, now + 5 * S);
  qm_txlack_on_refused(&l, PATH, now + 6 * S);
  assert_true(qm_txlack_is_on(&l, PATH, now + 7 * S));
  assert_false(qm_txlack_is_on(&l, PATH, now + 15 * S / 2));
}

static void another_path_takes_the_entry(void **state) {
  qm_txlack l = {.tries = 0};

  (void)state;
  assert_false(qm_txlack_is_on(&l, 0, 0));
  qm_txlack_on_refused(&l, PATH, 0);
  qm_txlack_on_refused(&l, PATH, 2 * S);
  qm_txlack_on_refused(&l, OTHER, 3 * S);
  assert_false(qm_txlack_is_on(&l, PATH, 3 * S));
  assert_true(qm_txlack_is_on(&l, OTHER, 4 * S));
  assert_false(qm_txlack_is_on(&l, OTHER, 9 * S / 2));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_refusal_doubles_the_pause),
      cmocka_unit_test(a_success_ends_it),
      cmocka_unit_test(another_path_takes_the_entry),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
