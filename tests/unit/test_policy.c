/* The adaptive policy step by step: dips, suspicion, trial, verdicts. */
#include "core/policy.h"

#include "table.h"

#define MS QUICMIG_MILLISECOND
#define S QUICMIG_SECOND
#define HOUR (3600 * S)
#define T0 (1000 * S)
#define MB 1000000ull
#define TICK (20 * MS)
#define LEAD (100 * MS)

static void feed(qm_policy *p, quicmig_tstamp *now, uint64_t rate,
                 quicmig_duration lasts) {
  quicmig_tstamp end = *now + lasts;

  for (; *now < end; *now += TICK) {
    qm_policy_on_rx(p, rate * (TICK / MS) / 1000, *now);
  }
  qm_policy_on_time(p, *now);
}

static void begin(qm_policy *p, quicmig_tstamp now) {
  qm_policy_init(p);
  qm_policy_on_flow(p, 50 * MS, now);
}

static quicmig_verdict next(qm_policy *p) {
  qm_news n = {.verdict = QUICMIG_VERDICT_NONE};

  qm_policy_next(p, &n);
  return n.verdict;
}

static void none_means_none(void **state) {
  (void)state;
  qm_policy_on_flow(NULL, 50 * MS, T0);
  qm_policy_on_tx(NULL, MB, T0);
  qm_policy_on_rx(NULL, MB, T0);
  qm_policy_on_time(NULL, T0);
  qm_policy_on_silence(NULL, T0);
  qm_policy_on_silence_end(NULL);
  qm_policy_on_cut(NULL, T0);
  qm_policy_on_return(NULL, MB, T0);
  assert_false(qm_policy_wants_hop(NULL, LEAD, T0));
  assert_true(qm_policy_deadline(NULL, LEAD) == QUICMIG_NEVER);
  assert_int_equal(next(NULL), QUICMIG_VERDICT_NONE);
}

static void a_dip_that_ends_teaches_patience(void **state) {
  quicmig_tstamp now = T0;
  qm_policy p;

  (void)state;
  begin(&p, now);
  p.quiet_until = now + 20 * S; /* as after an alarm */
  feed(&p, &now, MB, 10 * S);
  feed(&p, &now, MB / 20, 4 * S);
  feed(&p, &now, MB, 10 * S);
  assert_in_range(p.dip.known, 3500 * MS, 4500 * MS);
  feed(&p, &now, MB / 20, 6 * S);
  assert_int_equal(p.state, QM_POLICY_CALM);
  feed(&p, &now, MB / 20, 4 * S);
  assert_int_equal(p.state, QM_POLICY_SUSPECTING);
  assert_int_equal(next(&p), QUICMIG_VERDICT_SUSPECTED);
  /* The rate comes back before the hop is made. */
  feed(&p, &now, MB, 2 * S);
  assert_int_equal(p.state, QM_POLICY_CALM);
}

static void congestion_is_left_alone_for_an_hour(void **state) {
  quicmig_tstamp now = T0;
  qm_policy p;

  (void)state;
  begin(&p, now);
  feed(&p, &now, MB, 10 * S);
  feed(&p, &now, MB / 20, 2 * S);
  assert_true(qm_policy_wants_hop(&p, LEAD, now));
  assert_int_equal(next(&p), QUICMIG_VERDICT_SUSPECTED);
  qm_policy_on_flow(&p, 50 * MS, now);
  assert_int_equal(p.state, QM_POLICY_TRIAL);
  feed(&p, &now, MB / 20, 6 * S);
  assert_int_equal(next(&p), QUICMIG_VERDICT_CONGESTED);
  feed(&p, &now, MB, 60 * S);
  feed(&p, &now, MB / 20, 60 * S);
  assert_int_equal(p.state, QM_POLICY_CALM);
  feed(&p, &now, MB, HOUR);
  feed(&p, &now, MB / 20, 200 * S);
  assert_int_equal(p.state, QM_POLICY_SUSPECTING);
}

/* Hops for other reasons while the trial runs neither end nor prolong it for
 * ever. */
static void hops_during_a_trial(void **state) {
  quicmig_tstamp now = T0;
  qm_policy p;
  int i;

  (void)state;
  begin(&p, now);
  feed(&p, &now, MB, 10 * S);
  feed(&p, &now, MB / 20, 2 * S);
  next(&p);
  for (i = 0; i < 14; i++) {
    qm_policy_on_flow(&p, 50 * MS, now);
    feed(&p, &now, MB / 20, 2 * S);
    assert_int_equal(p.state, QM_POLICY_TRIAL);
  }
  qm_policy_on_flow(&p, 50 * MS, now);
  feed(&p, &now, MB / 20, 3 * S);
  assert_int_equal(p.state, QM_POLICY_CALM);
}

static void a_burst_is_no_recovery(void **state) {
  quicmig_tstamp now = T0;
  qm_policy p;

  (void)state;
  begin(&p, now);
  feed(&p, &now, MB, 10 * S);
  feed(&p, &now, MB / 20, 2 * S);
  next(&p);
  qm_policy_on_flow(&p, 50 * MS, now);
  feed(&p, &now, MB, S);
  feed(&p, &now, MB / 20, 6 * S);
  assert_int_equal(next(&p), QUICMIG_VERDICT_CONGESTED);
}

static void cuts_teach_too(void **state) {
  quicmig_tstamp now = T0;
  qm_policy p;
  int i;

  (void)state;
  begin(&p, now);
  for (i = 0; i < 2; i++) {
    feed(&p, &now, MB, 10 * S);
    qm_policy_on_silence(&p, now);
    qm_policy_on_flow(&p, 50 * MS, now);
    qm_policy_on_silence_end(&p);
    qm_policy_on_cut(&p, now);
    assert_int_equal(next(&p), QUICMIG_VERDICT_CUT);
  }
  assert_int_equal(next(&p), QUICMIG_VERDICT_BYTES_LEARNED);
  feed(&p, &now, MB, 8 * S);
  assert_false(qm_policy_wants_hop(&p, LEAD, now));
  feed(&p, &now, MB, 500 * MS);
  assert_true(qm_policy_wants_hop(&p, LEAD, now));
}

/* One false alarm an hour, of whichever kind: silence counts. */
static void silence_counts(void **state) {
  quicmig_tstamp now = T0;
  qm_policy p;

  (void)state;
  begin(&p, now);
  qm_policy_on_silence(&p, now);
  feed(&p, &now, MB, 10 * S);
  feed(&p, &now, MB / 20, 100 * S);
  assert_int_equal(p.state, QM_POLICY_CALM);
}

/* A dip at the place of an alarm: nobody knows how long that would have been.
 */
static void a_dip_that_fits_an_alarm(void **state) {
  static const struct row {
    const char *name;
    quicmig_duration dip;
    qm_policy_state want;
  } rows[] = {{"a short one", 7 * S, QM_POLICY_CALM},
              {"a long one", 10 * S, QM_POLICY_SUSPECTING}};
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    quicmig_tstamp now = T0;
    qm_policy p;

    begin(&p, now);
    feed(&p, &now, MB, 10 * S);
    qm_policy_on_silence(&p, now);
    qm_policy_on_flow(&p, 50 * MS, now);
    feed(&p, &now, MB, 10 * S);
    feed(&p, &now, MB / 20, r->dip);
    row_equal(r, p.state, r->want);
  }
}

/* Back to an old port: what it has carried counts, and tests nothing. */
static void an_old_flow_is_not_fresh(void **state) {
  quicmig_tstamp now = T0;
  qm_policy p;

  (void)state;
  begin(&p, now);
  feed(&p, &now, MB, 10 * S);
  feed(&p, &now, MB / 20, 2 * S);
  assert_int_equal(p.state, QM_POLICY_SUSPECTING);
  qm_policy_on_flow(&p, 50 * MS, now);
  qm_policy_on_return(&p, 3 * MB, now - 7 * S);
  assert_int_equal(p.state, QM_POLICY_CALM);
  feed(&p, &now, MB, 5 * S);
  assert_int_equal(next(&p), QUICMIG_VERDICT_SUSPECTED);
  assert_int_equal(next(&p), QUICMIG_VERDICT_NONE);
  assert_in_range(p.good.bytes, 7 * MB, 8 * MB);
  assert_in_range(p.good.age, 11 * S, 12 * S);
}

static void a_jump_is_no_dip(void **state) {
  quicmig_tstamp now = T0;
  qm_policy p;

  (void)state;
  begin(&p, now);
  feed(&p, &now, MB, 10 * S);
  now += 10 * HOUR;
  feed(&p, &now, MB, 10 * S);
  now += 366 * 24 * HOUR;
  feed(&p, &now, MB, 10 * S);
  qm_policy_on_time(&p, QUICMIG_NEVER - 1);
  assert_int_equal(next(&p), QUICMIG_VERDICT_NONE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(none_means_none),
      cmocka_unit_test(a_dip_that_ends_teaches_patience),
      cmocka_unit_test(congestion_is_left_alone_for_an_hour),
      cmocka_unit_test(hops_during_a_trial),
      cmocka_unit_test(a_burst_is_no_recovery),
      cmocka_unit_test(cuts_teach_too),
      cmocka_unit_test(silence_counts),
      cmocka_unit_test(a_dip_that_fits_an_alarm),
      cmocka_unit_test(an_old_flow_is_not_fresh),
      cmocka_unit_test(a_jump_is_no_dip),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
