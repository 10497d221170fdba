/* One attempt in MIGRATE mode, from its first action to its record. */
#include "driver.h"

/* 6 PTO, at least as of a path without a sample, and a second. */
#define GUARD (7144 * MS)
#define LINGER (10 * S)

static void open_silent(driver *d) {
  driver_init(d);
  d->is_silent = true;
  driver_connect(d);
}

/* RFC 9000 section 9: make before break, proven before data moves. */
static void a_success_from_end_to_end(void **state) {
  driver d;

  (void)state;
  open_silent(&d);
  assert_int_equal(driver_hop(&d), 0);
  assert_string_equal(driver_log(&d),
                      "open 2:closed>spare migrate:2 2:spare>probing");
  assert_int_equal(qm_engine_tx(&d.e)->id, 1); /* data stays */
  assert_int_equal(driver_rx(&d, 1, 1200), 1);
  assert_int_equal(driver_rx(&d, 2, 1200), 2); /* the PATH_RESPONSE */
  d.now += 30 * MS;
  driver_validated(&d, 2);
  assert_string_equal(driver_log(&d), "1:active>draining 2:probing>active");
  assert_int_equal(qm_engine_tx(&d.e)->id, 2);
  assert_int_equal(qm_engine_active(&d.e)->id, 2);
  d.now += 5 * MS;
  driver_rx(&d, 1, 100); /* late */
  assert_string_equal(driver_log(&d), "");
  d.now += 5 * MS;
  driver_rx(&d, 2, 100);
  assert_string_equal(driver_log(&d), "record:ok");
  driver_sleep_until(&d, T0 + 30 * MS + 60 * S - 1);
  assert_string_equal(driver_log(&d), "");
  driver_sleep_until(&d, T0 + 30 * MS + 60 * S);
  assert_string_equal(driver_log(&d), "1:draining>closed close:1");
  assert_int_equal(d.opens - d.closes, 1);
}

static void its_record_says_what_happened(void **state) {
  const quicmig_hop_record *r;
  driver d;

  (void)state;
  driver_init(&d);
  d.is_silent = true;
  d.open_time = 70 * US;
  driver_connect(&d);
  driver_hop(&d); /* PROBING from T0 + 70 us on */
  d.now = T0 + 10 * MS;
  driver_rx(&d, 1, 100);
  d.now = T0 + 25 * MS;
  driver_validated(&d, 2);
  d.now = T0 + 45 * MS;
  driver_rx(&d, 1, 100); /* 35 ms after the one before: the longest silence */
  d.now = T0 + 50 * MS;
  driver_rx(&d, 2, 100);
  r = &d.record;
  assert_int_equal(d.records, 1);
  assert_int_equal(r->seq, 1);
  assert_int_equal(r->reason, QUICMIG_REASON_MANUAL);
  assert_int_equal(r->mode, QUICMIG_MODE_MIGRATE);
  assert_int_equal(r->result, 0);
  assert_int_equal(r->from_id, 1);
  assert_int_equal(r->to_id, 2);
  assert_int_equal(r->from_port, 5001);
  assert_int_equal(r->to_port, 5002);
  assert_int_equal(r->late_packets, 1);
  assert_int_equal(r->rescued_packets, 1);
  assert_int_equal(r->started_at, T0);
  assert_int_equal(r->open_time, 70 * US);
  assert_int_equal(r->validate_time, 25 * MS - 70 * US);
  assert_int_equal(r->gap, 35 * MS);
  assert_int_equal(r->cwnd_before, 12000);
  assert_int_equal(r->srtt_before, 20 * MS);
  assert_in_range(r->next_at, T0 + 240 * S, T0 + 360 * S + 70 * US);
  assert_int_equal(d.e.stats.hops, 1);
  assert_int_equal(d.e.stats.hops_failed + d.e.stats.hops_refused, 0);
}

/* Nothing comes on the new path: the record does not wait for ever. */
static void settling_ends_by_itself(void **state) {
  driver d;

  (void)state;
  open_silent(&d);
  driver_hop(&d);
  driver_validated(&d, 2);
  driver_log(&d);
  assert_int_equal(qm_engine_deadline(&d.e), T0 + S);
  driver_sleep_until(&d, T0 + S - 1);
  assert_string_equal(driver_log(&d), "");
  driver_sleep_until(&d, T0 + S);
  assert_string_equal(driver_log(&d), "record:ok");
  driver_rx(&d, 2, 100);
  assert_string_equal(driver_log(&d), ""); /* one record an attempt */
}

static void ngtcp2_gives_up(void **state) {
  static const struct row {
    const char *name; /* of the error */
    int err;
    const char *log;
  } rows[] = {
      {"validation-failed", QUICMIG_ERR_VALIDATION_FAILED,
       "2:probing>failed record:validation-failed 2:failed>closed close:2"},
      {"aborted", QUICMIG_ERR_ABORTED,
       "2:probing>failed record:aborted 2:failed>closed close:2"},
  };
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    driver d;

    open_silent(&d);
    driver_hop(&d);
    driver_log(&d);
    d.now += 3 * S;
    driver_failed(&d, 2, r->err);
    row_string(r, driver_log(&d), r->log);
    row_equal(r, d.record.result, r->err);
    row_equal(r, d.record.to_id, 2);
    row_equal(r, qm_engine_tx(&d.e)->id, 1);
    row_equal(r, driver_state(&d, 1), QUICMIG_PATH_ACTIVE);
    row_equal(r, d.e.stats.hops_failed, 1);
    row_equal(r, d.e.stats.last_error, r->err);
    row_equal(r, d.opens - d.closes, 1);
    driver_failed(&d, 2, r->err); /* again: too late */
    driver_validated(&d, 2);
    row_string(r, driver_log(&d), "");
  }
}

/* ngtcp2 says nothing: our own clock ends the attempt, and its path waits for
 * ngtcp2's word a little longer, unread. */
static void our_guard_ends_it(void **state) {
  static const struct row {
    const char *name;
    quicmig_duration pto, guard;
  } rows[] = {
      {"a quick path", 50 * MS, GUARD},
      {"no sample", 0, GUARD},
      {"a slow path", 2 * S, 13 * S},
  };
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    driver d;

    open_silent(&d);
    d.cc.pto = r->pto;
    driver_hop(&d);
    driver_log(&d);
    row_equal(r, qm_engine_deadline(&d.e), T0 + r->guard);
    driver_sleep_until(&d, T0 + r->guard - 1);
    row_string(r, driver_log(&d), "");
    driver_sleep_until(&d, T0 + r->guard);
    row_string(r, driver_log(&d), "2:probing>failed record:validation-failed");
    row_equal(r, driver_rx(&d, 2, 100), 0);
    row_equal(r, d.e.stats.rx_discarded, 1);
    driver_sleep_until(&d, T0 + r->guard + LINGER - 1);
    row_string(r, driver_log(&d), "");
    driver_sleep_until(&d, T0 + r->guard + LINGER);
    row_string(r, driver_log(&d), "2:failed>closed close:2");
    row_equal(r, driver_state(&d, 1), QUICMIG_PATH_ACTIVE);
  }
}

static void ngtcp2s_word_ends_a_failed_path_early(void **state) {
  driver d;

  (void)state;
  open_silent(&d);
  driver_hop(&d);
  driver_sleep_until(&d, T0 + GUARD + S);
  driver_log(&d);
  driver_failed(&d, 2, QUICMIG_ERR_VALIDATION_FAILED);
  assert_string_equal(driver_log(&d), "2:failed>closed close:2");
  assert_int_equal(d.records, 1);
  assert_int_equal(d.e.stats.hops_failed, 1);
}

static void the_callers_timeout(void **state) {
  driver d;

  (void)state;
  open_silent(&d);
  assert_int_equal(driver_add(&d), 2);
  driver_log(&d);
  assert_int_equal(driver_switch(&d, 2, 500 * MS), 0);
  assert_string_equal(driver_log(&d), "migrate:2 2:spare>probing");
  driver_sleep_until(&d, T0 + 500 * MS - 1);
  assert_string_equal(driver_log(&d), "");
  driver_sleep_until(&d, T0 + 500 * MS);
  assert_string_equal(driver_log(&d), "2:probing>failed record:timeout");
  assert_int_equal(d.record.reason, QUICMIG_REASON_EXPLICIT);
  assert_int_equal(qm_engine_tx(&d.e)->id, 1);
}

/* The header of quicmig_path_switch(): 0 leaves it to ngtcp2; and
 * QUICMIG_ERR_TIMEOUT means that the caller's own timeout passed. */
static void only_the_callers_timeout_is_called_one(void **state) {
  static const struct row {
    const char *name;
    quicmig_duration timeout;
    int want;
  } rows[] = {
      {"none", 0, QUICMIG_ERR_VALIDATION_FAILED},
      {"shorter than our guard", 500 * MS, QUICMIG_ERR_TIMEOUT},
      {"longer: our guard was first", 60 * S, QUICMIG_ERR_VALIDATION_FAILED},
  };
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    driver d;

    open_silent(&d);
    driver_switch(&d, driver_add(&d), r->timeout);
    driver_sleep_until(&d, T0 + GUARD);
    row_equal(r, d.records, 1);
    row_equal(r, d.record.result, r->want);
  }
}

/* Our caller gave up after a second; ngtcp2 does after three PTOs, and holds
 * the path until then. */
static void a_failed_path_stays_as_long_as_ngtcp2_may_hold_it(void **state) {
  static const struct row {
    const char *name;
    quicmig_duration pto, lasts;
  } rows[] = {{"a short PTO", 50 * MS, 10 * S}, {"a long one", 5 * S, 15 * S}};
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    driver d;

    driver_init(&d);
    d.cc.pto = r->pto;
    d.is_silent = true;
    driver_connect(&d);
    driver_switch(&d, driver_add(&d), S);
    driver_sleep_until(&d, T0 + S + r->lasts - 1);
    row_equal(r, driver_state(&d, 2), QUICMIG_PATH_FAILED);
    driver_sleep_until(&d, T0 + S + r->lasts);
    row_true(r, !driver_has(&d, 2));
  }
}

/* A timeout belongs to its switch, not to the hops after it. */
static void a_timeout_is_forgotten(void **state) {
  driver d;

  (void)state;
  open_silent(&d);
  driver_switch(&d, driver_add(&d), 500 * MS);
  driver_validated(&d, 2);
  driver_rx(&d, 2, 100);
  d.now = T0 + S;
  assert_int_equal(driver_hop(&d), 0);
  assert_int_equal(qm_engine_deadline(&d.e), T0 + S + GUARD);
  driver_sleep_until(&d, T0 + S + GUARD);
  assert_int_equal(d.record.result, QUICMIG_ERR_VALIDATION_FAILED);
}

/* The peer's answer may come by another path, RFC 9000 section 8.2.2: ngtcp2
 * switches although our clock had given up. */
static void open_late_success(driver *d) {
  open_silent(d);
  driver_switch(d, driver_add(d), 500 * MS);
  driver_sleep_until(d, T0 + 700 * MS);
  driver_log(d);
  driver_validated(d, 2);
}

static void a_late_success_is_one_after_all(void **state) {
  driver d;

  (void)state;
  open_late_success(&d);
  assert_int_equal(strncmp(d.log, "1:active>draining 2:failed>active", 33), 0);
  assert_int_equal(qm_engine_tx(&d.e)->id, 2);
  assert_int_equal(d.e.stats.hops, 1);
  assert_int_equal(d.e.stats.hops_failed, 1);
  assert_int_equal(d.records, 1); /* one attempt, one record */
  /* The time it would have been closed at means nothing now. */
  driver_sleep_until(&d, T0 + 100 * S);
  assert_int_equal(driver_state(&d, 2), QUICMIG_PATH_ACTIVE);
  assert_int_equal(driver_state(&d, 1), QUICMIG_PATH_CLOSED);
}

/* The active path's socket must be watched, or nothing is received any more. */
static void a_late_success_is_read_again(void **state) {
  driver d;

  (void)state;
  open_late_success(&d);
  assert_int_equal(driver_state(&d, 2), QUICMIG_PATH_ACTIVE);
  assert_true(d.is_watched[driver_path(&d, 2)->handle]);
}

static void one_attempt_at_a_time(void **state) {
  uint32_t spare;
  driver d;

  (void)state;
  open_silent(&d);
  spare = driver_add(&d);
  driver_hop(&d);
  driver_log(&d);
  assert_int_equal(driver_hop(&d), QUICMIG_ERR_BUSY);
  assert_int_equal(driver_switch(&d, spare, 0), QUICMIG_ERR_BUSY);
  assert_string_equal(driver_log(&d), ""); /* and no record */
  driver_validated(&d, 3);
  driver_log(&d);
  assert_int_equal(driver_hop(&d), QUICMIG_ERR_BUSY); /* SETTLING */
  driver_rx(&d, 3, 100);
  assert_string_equal(driver_log(&d), "record:ok");
  assert_int_equal(d.record.seq, 1);
}

/* News about paths that no attempt waits for. */
static void stray_news_changes_nothing(void **state) {
  driver d;

  (void)state;
  open_silent(&d);
  driver_hop(&d);
  driver_validated(&d, 2);
  driver_rx(&d, 2, 100);
  driver_add(&d);
  driver_log(&d);
  driver_validated(&d, 99);
  driver_failed(&d, 99, QUICMIG_ERR_ABORTED);
  driver_validated(&d, 1); /* DRAINING */
  driver_failed(&d, 1, QUICMIG_ERR_ABORTED);
  driver_validated(&d, 2); /* ACTIVE */
  driver_failed(&d, 2, QUICMIG_ERR_ABORTED);
  driver_validated(&d, 3); /* SPARE */
  driver_failed(&d, 3, QUICMIG_ERR_ABORTED);
  assert_string_equal(driver_log(&d), "");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_success_from_end_to_end),
      cmocka_unit_test(its_record_says_what_happened),
      cmocka_unit_test(settling_ends_by_itself),
      cmocka_unit_test(ngtcp2_gives_up),
      cmocka_unit_test(our_guard_ends_it),
      cmocka_unit_test(ngtcp2s_word_ends_a_failed_path_early),
      cmocka_unit_test(the_callers_timeout),
      cmocka_unit_test(only_the_callers_timeout_is_called_one),
      cmocka_unit_test(a_failed_path_stays_as_long_as_ngtcp2_may_hold_it),
      cmocka_unit_test(a_timeout_is_forgotten),
      cmocka_unit_test(a_late_success_is_one_after_all),
      cmocka_unit_test(a_late_success_is_read_again),
      cmocka_unit_test(one_attempt_at_a_time),
      cmocka_unit_test(stray_news_changes_nothing),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
