/* A schedule against peers that forbid, keep IDs back or have enough of it. */
#include "driver.h"

#include <errno.h>

/* For good: one event, one record, no socket. */
static void a_forbidding_peer_stops_the_schedule(void **state) {
  driver d;

  (void)state;
  driver_init(&d);
  driver_begin(&d, 1);
  driver_confirm(&d, true, 8);
  driver_sleep_until(&d, T0 + 24 * 3600 * S);
  assert_int_equal(d.opens, 1);
  assert_int_equal(d.records, 1);
  assert_int_equal(d.record.result, QUICMIG_ERR_PEER_FORBIDS);
  assert_int_equal(d.record.reason, QUICMIG_REASON_INTERVAL);
  assert_true(d.record.next_at == NEVER);
  assert_int_equal(d.events[QUICMIG_EVENT_PEER_FORBIDS], 1);
  assert_true(qm_engine_deadline(&d.e) == NEVER);
  assert_string_equal(driver_log(&d), "peer-forbids record:peer-forbids");
}

/* "Scheduled hops stopped for good" is news once, whatever else asks. */
static void a_forbidding_peer_is_news_once(void **state) {
  driver d;

  (void)state;
  driver_init(&d);
  driver_begin(&d, 1);
  driver_confirm(&d, true, 8);
  driver_sleep_until(&d, T0 + 3600 * S);
  assert_int_equal(d.events[QUICMIG_EVENT_PEER_FORBIDS], 1);
  assert_int_equal(driver_hop(&d), QUICMIG_ERR_PEER_FORBIDS);
  assert_int_equal(d.record.result, QUICMIG_ERR_PEER_FORBIDS);
  assert_int_equal(d.events[QUICMIG_EVENT_PEER_FORBIDS], 1);
}

/* A path without a route fails each packet: an attempt that can never be made
 * must not be recorded each time. */
static void a_forbidding_peer_and_a_dead_path(void **state) {
  driver d;
  int i;

  (void)state;
  driver_init(&d);
  driver_begin(&d, 1);
  driver_confirm(&d, true, 8);
  for (i = 0; i < 1000; i++, d.now += MS) {
    driver_path_error(&d, 1, ENETUNREACH);
  }
  assert_int_equal(d.opens, 1);
  assert_true(d.records <= 2);
  assert_true(d.events[QUICMIG_EVENT_PEER_FORBIDS] <= 1);
}

/* Two IDs: the second is not free before the peer's probe of our old path has
 * timed out, 3 PTO after the hop.  One refusal teaches that. */
static void a_peer_with_two_ids_sets_the_pace(void **state) {
  static const struct row {
    const char *name;
    quicmig_duration pto, gap;
  } rows[] = {
      {"a quick path", 50 * MS, 4072 * MS},
      {"a slow path", 2 * S, 7 * S},
  };
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    uint32_t i, hops = (uint32_t)(60 * S / r->gap);
    driver d;

    driver_init(&d);
    d.o.hop_interval = S;
    d.cc.pto = r->pto;
    driver_begin(&d, 1);
    driver_confirm(&d, false, 2);
    driver_sleep_until(&d, T0 + 60 * S);
    row_equal(r, d.e.stats.hops_refused, 1);
    row_equal(r, d.e.stats.last_error, QUICMIG_ERR_TOO_SOON);
    row_equal(r, d.events[QUICMIG_EVENT_GAP_LEARNED], 1);
    row_equal(r, d.values[QUICMIG_EVENT_GAP_LEARNED], r->gap);
    row_true(r, d.e.stats.hops >= hops - 1 && d.e.stats.hops <= hops + 1);
    row_equal(r, d.opens, d.e.stats.hops + 1); /* none in vain */
    for (i = 1; i < 3; i++) {
      quicmig_tstamp last = d.e.sched.last_start;

      driver_sleep_until(&d, last + r->gap - 1);
      row_equal(r, d.e.sched.last_start, last);
      driver_sleep_until(&d, last + r->gap);
      row_equal(r, d.e.sched.last_start, last + r->gap);
    }
  }
}

/* A peer that never gives another ID is asked less and less often. */
static void a_starving_peer_is_asked_seldom(void **state) {
  driver d;

  (void)state;
  driver_init(&d);
  d.o.hop_interval = S;
  d.open_err = QUICMIG_ERR_NO_SPARE_ID;
  driver_connect(&d);
  driver_sleep_until(&d, T0 + 3600 * S);
  /* 1 + 2 + ... + 256 s, then every 300 s or up to a quarter more. */
  assert_in_range(d.records, 9 + 8, 9 + 12);
  assert_int_equal(d.e.stats.hops_refused, d.records);
  assert_int_equal(d.opens, 1);
  assert_int_equal(d.record.result, QUICMIG_ERR_NO_SPARE_ID);
}

/* Sleeps until the next hop has ended. */
static void await_record(driver *d) {
  uint32_t before = d->records;

  while (d->records == before) {
    d->now = qm_engine_deadline(&d->e);
    assert_true(d->now != NEVER);
    driver_on_time(d);
  }
}

/* Refused `age` after the hop that took the last ID: twice that is waited for
 * from then on. */
static void a_starving_peer_teaches_a_gap(void **state) {
  driver d;

  (void)state;
  driver_init(&d);
  d.o.hop_interval = 2 * S;
  d.o.hop_jitter_pct = 0;
  driver_connect(&d);
  await_record(&d);
  assert_int_equal(d.record.result, 0);
  d.open_err = QUICMIG_ERR_NO_SPARE_ID;
  await_record(&d); /* 2 s later */
  assert_int_equal(d.record.result, QUICMIG_ERR_NO_SPARE_ID);
  d.open_err = 0;
  await_record(&d); /* the backoff was shorter than that */
  assert_int_equal(d.record.result, QUICMIG_ERR_TOO_SOON);
  assert_int_equal(d.values[QUICMIG_EVENT_GAP_LEARNED], 4 * S);
  await_record(&d);
  assert_int_equal(d.record.result, 0);
  assert_int_equal(d.record.started_at, T0 + 6 * S);
}

/* Nothing may depend on how long the machine has been up: without a hop before
 * it, a refusal tells nothing about a gap. */
static void what_is_learned_does_not_depend_on_the_clocks_origin(void **state) {
  static const struct row {
    const char *name;
    quicmig_tstamp uptime;
  } rows[] = {
      {"a second", S},
      {"a minute", 60 * S},
      {"a month", 30 * 86400 * S},
  };
  const struct row *r;
  quicmig_duration first = 0;

  (void)state;
  for (EACH_ROW(r, rows)) {
    driver d;

    driver_init(&d);
    d.now = r->uptime;
    d.open_err = QUICMIG_ERR_NO_SPARE_ID;
    driver_connect(&d);
    driver_hop(&d);
    row_equal(r, d.record.result, QUICMIG_ERR_NO_SPARE_ID);
    if (r == rows) {
      first = qm_ledger_gap(&d.e.ledger, 0);
    }
    row_equal(r, qm_ledger_gap(&d.e.ledger, 0), first);
  }
}

/* Three failures in a row after good hops: the peer has had enough. */
static void a_budget_is_learned_and_forgotten(void **state) {
  driver d;
  int i;

  (void)state;
  driver_init(&d);
  driver_connect(&d);
  for (i = 0; i < 2; i++) {
    await_record(&d);
  }
  assert_int_equal(d.e.stats.hops, 2);
  d.is_silent = true;
  for (i = 0; i < 2; i++) {
    await_record(&d);
    assert_int_equal(d.record.result, QUICMIG_ERR_VALIDATION_FAILED);
  }
  assert_int_equal(d.events[QUICMIG_EVENT_BUDGET_LEARNED], 0);
  assert_true(d.e.stats.peer_budget == UINT32_MAX);
  await_record(&d);
  assert_int_equal(d.events[QUICMIG_EVENT_BUDGET_LEARNED], 1);
  assert_int_equal(d.values[QUICMIG_EVENT_BUDGET_LEARNED], 2);
  assert_int_equal(d.e.stats.peer_budget, 2);
  await_record(&d);
  assert_int_equal(d.events[QUICMIG_EVENT_BUDGET_LEARNED], 1);
  d.is_silent = false;
  await_record(&d);
  assert_int_equal(d.record.result, 0);
  assert_true(d.e.stats.peer_budget == UINT32_MAX);
}

/* After a failure: a second, two, four; then the plain interval again. */
static void failures_back_off_and_success_ends_it(void **state) {
  quicmig_duration base = S;
  driver d;
  int i;

  (void)state;
  driver_init(&d);
  d.is_silent = true;
  driver_connect(&d);
  await_record(&d);
  for (i = 0; i < 4; i++, base *= 2) {
    quicmig_tstamp failed_at = d.now;

    await_record(&d);
    assert_int_equal(d.record.reason, QUICMIG_REASON_RETRY);
    assert_in_range(d.record.started_at - failed_at, base, base + base / 4);
  }
  d.is_silent = false;
  await_record(&d);
  assert_int_equal(d.record.result, 0);
  assert_in_range(d.record.next_at - d.record.started_at, 240 * S, 360 * S);
  await_record(&d);
  assert_int_equal(d.record.reason, QUICMIG_REASON_INTERVAL);
}

/* Our own troubles say nothing about the peer. */
static void our_own_errors_teach_no_budget(void **state) {
  static const int errors[] = {QUICMIG_ERR_SYSTEM, QUICMIG_ERR_APP_REFUSED,
                               QUICMIG_ERR_PORTS_EXHAUSTED,
                               QUICMIG_ERR_PORTS_REFUSED, QUICMIG_ERR_NOMEM};
  size_t i, k;

  (void)state;
  for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
    driver d;

    driver_init(&d);
    driver_connect(&d);
    driver_hop(&d);
    d.open_err = errors[i];
    for (k = 0; k < 5; k++) {
      d.now += S;
      assert_int_equal(driver_hop(&d), 0);
      assert_int_equal(d.record.result, errors[i]);
    }
    assert_int_equal(d.events[QUICMIG_EVENT_BUDGET_LEARNED], 0);
    assert_true(d.e.stats.peer_budget == QM_LEDGER_NO_BUDGET);
  }
}

/* A peer that ran out of IDs for a while slows the schedule for a while. */
static void a_learned_gap_shrinks_again(void **state) {
  uint32_t before;
  driver d;

  (void)state;
  driver_init(&d);
  d.o.hop_interval = 200 * MS;
  d.o.hop_jitter_pct = 0;
  d.o.hop_backoff = 100 * MS;
  d.o.max_sockets = 16;
  d.o.drain = S;
  driver_connect(&d);
  driver_sleep_until(&d, T0 + 2 * S);
  d.open_err = QUICMIG_ERR_NO_SPARE_ID;
  driver_sleep_until(&d, T0 + 6 * S);
  d.open_err = 0;
  assert_true(qm_engine_min_gap(&d.e, d.cc.pto) > S);
  driver_sleep_until(&d, T0 + 600 * S);
  before = (uint32_t)d.e.stats.hops;
  driver_sleep_until(&d, T0 + 620 * S);
  assert_true(d.e.stats.hops - before >= 90);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_forbidding_peer_stops_the_schedule),
      cmocka_unit_test(a_forbidding_peer_is_news_once),
      cmocka_unit_test(a_forbidding_peer_and_a_dead_path),
      cmocka_unit_test(a_peer_with_two_ids_sets_the_pace),
      cmocka_unit_test(a_starving_peer_is_asked_seldom),
      cmocka_unit_test(a_starving_peer_teaches_a_gap),
      cmocka_unit_test(what_is_learned_does_not_depend_on_the_clocks_origin),
      cmocka_unit_test(a_budget_is_learned_and_forgotten),
      cmocka_unit_test(our_own_errors_teach_no_budget),
      cmocka_unit_test(a_learned_gap_shrinks_again),
      cmocka_unit_test(failures_back_off_and_success_ends_it),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
