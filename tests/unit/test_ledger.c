/* What is learned of a peer: its limit, the gap, a budget. */
#include "core/ledger.h"

#include "table.h"

#define MS QUICMIG_MILLISECOND
#define S QUICMIG_SECOND

/* With two IDs the peer keeps one for our old path until its probe there has
 * timed out, 3 PTO later (RFC 9000 sections 8.2.4 and 9.3.3); a PTO without a
 * sample is 1024 ms. */
static void the_gap_follows_the_peers_limit(void **state) {
  static const struct row {
    const char *name;
    uint64_t limit;
    quicmig_duration pto, want;
  } rows[] = {
      {"two IDs, a quick path", 2, 20 * MS, 4072 * MS},
      {"two IDs, no sample", 2, 0, 4072 * MS},
      {"two IDs, exactly the initial PTO", 2, 1024 * MS, 4072 * MS},
      {"two IDs, a slow path", 2, 2000 * MS, 7000 * MS},
      {"less than the RFC allows", 0, 20 * MS, 4072 * MS},
      {"three IDs", 3, 20 * MS, 0},
      {"three IDs, a slow path", 3, 2000 * MS, 0},
      {"eight IDs", 8, 20 * MS, 0},
      {"2^62 - 1 IDs", (1ull << 62) - 1, 20 * MS, 0},
      {"a multiple of 2^32", 1ull << 32, 20 * MS, 0},
  };
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    qm_ledger l;

    qm_ledger_init(&l);
    qm_ledger_on_peer(&l, r->limit);
    row_true(r, l.peer_cid_limit <= 8);
    row_equal(r, qm_ledger_gap(&l, r->pto), r->want);
  }
}

/* RFC 9000 section 18.2: absent, active_connection_id_limit is 2. */
static void begins_with_the_default_limit(void **state) {
  qm_ledger l;

  (void)state;
  qm_ledger_init(&l);
  assert_int_equal(l.peer_cid_limit, 2);
  assert_true(l.budget == QM_LEDGER_NO_BUDGET);
  assert_int_equal(qm_ledger_gap(&l, 0), 4072 * MS);
}

static void starving_doubles_the_gap_up_to_a_minute(void **state) {
  static const quicmig_duration want[] = {6 * S,  12 * S, 24 * S,
                                          48 * S, 60 * S, 60 * S};
  qm_ledger l;
  size_t i;

  (void)state;
  qm_ledger_init(&l);
  qm_ledger_on_peer(&l, 8);
  for (i = 0; i < COUNT_OF(want); i++) {
    qm_ledger_on_starved(&l, 3 * S);
    assert_int_equal(qm_ledger_gap(&l, 0), want[i]);
  }
  /* The peer's limit asks for less: the larger wins. */
  qm_ledger_on_peer(&l, 2);
  assert_int_equal(qm_ledger_gap(&l, 0), 60 * S);
}

static void starving_after_a_long_time_teaches_that_time(void **state) {
  qm_ledger l;

  (void)state;
  qm_ledger_init(&l);
  qm_ledger_on_peer(&l, 8);
  qm_ledger_on_starved(&l, 3 * S);
  qm_ledger_on_starved(&l, 10 * S);
  assert_int_equal(qm_ledger_gap(&l, 0), 20 * S);
}

static void success_lets_the_gap_shrink(void **state) {
  quicmig_duration before, now;
  qm_ledger l;
  int i;

  (void)state;
  qm_ledger_init(&l);
  qm_ledger_on_peer(&l, 8);
  qm_ledger_on_starved(&l, 4 * S);
  qm_ledger_on_success(&l);
  assert_int_equal(qm_ledger_gap(&l, 0), 7 * S);
  before = qm_ledger_gap(&l, 0);
  for (i = 0; i < 100; i++, before = now) {
    qm_ledger_on_success(&l);
    now = qm_ledger_gap(&l, 0);
    assert_true(now <= before);
  }
  assert_true(before < MS);
}

/* g: a good hop, b: a bad one. */
static void three_bad_after_good_teach_a_budget(void **state) {
  static const struct row {
    const char *name;   /* what happened */
    const char *taught; /* T where the budget was taught */
    uint32_t budget;
  } rows[] = {
      {"bbbbbb", "......", QM_LEDGER_NO_BUDGET}, /* never worked: no budget */
      {"gbb", "...", QM_LEDGER_NO_BUDGET},
      {"gggbbb", ".....T", 3},
      {"gggbbbbbb", ".....T...", 3},                   /* taught once */
      {"gbbgbbgbb", ".........", QM_LEDGER_NO_BUDGET}, /* bad luck */
      {"ggbbbg", "....T.", QM_LEDGER_NO_BUDGET}, /* it goes on after all */
      {"ggbbbgbbb", "....T...T", 3},
  };
  const struct row *r;
  size_t i;

  (void)state;
  for (EACH_ROW(r, rows)) {
    qm_ledger l;

    qm_ledger_init(&l);
    for (i = 0; i < strlen(r->name); i++) {
      bool taught = false;

      if (r->name[i] == 'g') {
        qm_ledger_on_success(&l);
      } else {
        taught = qm_ledger_on_failure(&l);
      }
      row_equal(r, taught, r->taught[i] == 'T');
    }
    row_equal(r, l.budget, r->budget);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_gap_follows_the_peers_limit),
      cmocka_unit_test(begins_with_the_default_limit),
      cmocka_unit_test(starving_doubles_the_gap_up_to_a_minute),
      cmocka_unit_test(starving_after_a_long_time_teaches_that_time),
      cmocka_unit_test(success_lets_the_gap_shrink),
      cmocka_unit_test(three_bad_after_good_teach_a_budget),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
