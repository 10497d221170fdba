/* What makes the engine hop by itself beside the schedule: silence, the
 * adaptive policy; and what makes such a hop wait: the budget of NAT mappings,
 * backoff. */
#include "driver.h"

#define TICK (20 * MS)
#define MB 1000000ull

static driver d;
static qm_nat nat;

static void prepare(void) {
  driver_init(&d);
  d.o.hop_interval = 0;
  d.o.adaptive = 1;
}

static uint32_t active(void) { return d.e.active_id; }

/* So much is in flight; bytes come back on the active path. */
static void flight(uint64_t in_flight, bool is_acked) {
  if (is_acked) {
    driver_rx(&d, active(), 40);
  }
  qm_engine_on_flight(&d.e, in_flight, is_acked, d.cc.pto, d.now);
}

/* Traffic as if nothing were wrong. */
static void talk(uint64_t rate, quicmig_duration lasts) {
  quicmig_tstamp end = d.now + lasts;

  while (d.now < end) {
    driver_sleep_until(&d, d.now + TICK);
    driver_tx(&d, active(), rate * (TICK / MS) / 1000);
    flight(60000, true);
  }
}

static void talk_and_fall_silent(void) {
  talk(MB, S);
  driver_log(&d);
}

/* The RTT of a connection that has just begun is not known well. */
static void a_young_connection(void **state) {
  static const struct row {
    const char *name;
    quicmig_duration age, want;
  } rows[] = {{"young", 300 * MS, 700 * MS},
              {"a bit older", 950 * MS, 100 * MS},
              {"old", 2 * S, 100 * MS}};
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    quicmig_tstamp at;

    prepare();
    driver_connect(&d);
    talk(MB, r->age);
    at = d.now;
    driver_sleep_until(&d, at + 3 * S);
    row_equal(r, d.records, 1);
    row_equal(r, d.record.started_at, at + r->want);
  }
}

static void silence_is_left(void **state) {
  static const struct row {
    const char *name;
    quicmig_duration interval;
    uint32_t adaptive, ptos;
    quicmig_duration want; /* 0: no hop */
  } rows[] = {
      {"adaptive", 0, 1, 2, 100 * MS},
      {"scheduled", 300 * S, 0, 2, 100 * MS},
      {"five PTOs", 300 * S, 0, 5, 250 * MS},
      {"off", 300 * S, 0, 0, 0},
      {"nobody wants hops", 0, 0, 2, 0},
  };
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    quicmig_tstamp at;

    prepare();
    d.o.hop_interval = r->interval;
    d.o.adaptive = r->adaptive;
    d.o.degrade_ptos = r->ptos;
    driver_connect(&d);
    talk_and_fall_silent();
    at = d.now;
    driver_sleep_until(&d, at + 2 * S);
    row_equal(r, d.records, r->want != 0);
    row_equal(r, d.events[QUICMIG_EVENT_SILENCE], r->want != 0);
    if (r->want) {
      row_equal(r, d.values[QUICMIG_EVENT_SILENCE], d.cc.pto);
      row_equal(r, d.record.reason, QUICMIG_REASON_DEGRADED);
      row_equal(r, d.record.started_at, at + r->want);
    }
  }
}

/* A right alarm is told as a cut, once the old path had time to speak. */
static void a_cut_is_told(void **state) {
  (void)state;
  prepare();
  driver_connect(&d);
  talk_and_fall_silent();
  driver_sleep_until(&d, d.now + 150 * MS);
  assert_int_equal(d.records, 1);
  assert_int_equal(d.events[QUICMIG_EVENT_VERDICT], 0);
  driver_sleep_until(&d, d.now + 200 * MS);
  assert_int_equal(d.events[QUICMIG_EVENT_VERDICT], 1);
  assert_int_equal(d.policy.news[0].verdict, QUICMIG_VERDICT_CUT);
}

/* The old path speaks again: no verdict, and patience. */
static void a_false_alarm(void **state) {
  quicmig_tstamp at;

  (void)state;
  prepare();
  driver_connect(&d);
  talk_and_fall_silent();
  driver_sleep_until(&d, d.now + 150 * MS);
  driver_rx(&d, 1, 1300);
  driver_sleep_until(&d, d.now + S);
  assert_int_equal(d.events[QUICMIG_EVENT_VERDICT], 0);
  talk_and_fall_silent();
  at = d.now;
  driver_sleep_until(&d, at + S - MS);
  assert_int_equal(d.records, 1);
  driver_sleep_until(&d, at + S);
  assert_int_equal(d.records, 2);
}

/* The old path speaks again and the new one never did: back to the old socket,
 * without a new one and without a new mapping. */
static void back_to_the_old_path(void **state) {
  (void)state;
  prepare();
  qm_nat_set(&nat, 10, 600 * S);
  driver_connect(&d);
  d.e.nat = &nat;
  talk_and_fall_silent();
  d.is_silent = true;
  driver_sleep_until(&d, d.now + 100 * MS);
  driver_validated(&d, 2); /* moved at once */
  driver_tx(&d, 2, 1200);
  flight(1200, false);
  driver_rx(&d, 1, 1300);
  driver_tx(&d, 2, 1200);
  driver_log(&d);
  driver_sleep_until(&d, d.now + S);
  assert_string_equal(driver_log(&d),
                      "record:ok silence migrate:1 1:draining>probing");
  driver_validated(&d, 1);
  driver_rx(&d, 1, 1300);
  assert_int_equal(active(), 1);
  assert_int_equal(d.record.reason, QUICMIG_REASON_DEGRADED);
  assert_int_equal(d.record.from_id, 2);
  assert_int_equal(d.record.to_id, 1);
  assert_int_equal(driver_state(&d, 1), QUICMIG_PATH_ACTIVE);
  assert_int_equal(driver_state(&d, 2), QUICMIG_PATH_DRAINING);
  assert_int_equal(d.opens, 2);
  assert_int_equal(qm_nat_used(&nat, d.now), 0); /* one is rounded off */
}

/* A REBIND out of silence that fails is followed by a MIGRATE, which empties
 * the window; and no backoff is longer than two seconds. */
static void a_dead_network(void **state) {
  quicmig_tstamp end;
  uint32_t before;

  (void)state;
  prepare();
  d.o.hop_mode = QUICMIG_MODE_REBIND;
  driver_connect(&d);
  talk_and_fall_silent();
  d.is_silent = true;
  driver_sleep_until(&d, d.now + S);
  assert_int_equal(d.records, 1);
  assert_int_equal(d.record.mode, QUICMIG_MODE_REBIND);
  assert_int_equal(d.record.result, QUICMIG_ERR_VALIDATION_FAILED);
  end = d.now + 60 * S;
  before = d.records;
  while (d.now < end) {
    driver_sleep_until(&d, d.now + TICK);
    if (d.e.hop.phase == QM_PHASE_PROBING &&
        d.e.hop.record.mode == QUICMIG_MODE_MIGRATE) {
      driver_failed(&d, d.e.hop.record.to_id, QUICMIG_ERR_VALIDATION_FAILED);
    }
  }
  assert_int_equal(d.record.mode, QUICMIG_MODE_MIGRATE);
  assert_int_equal(d.record.reason, QUICMIG_REASON_DEGRADED);
  assert_in_range(d.records - before, 25, 70);
}

static void a_slow_flow_is_left(void **state) {
  (void)state;
  prepare();
  driver_connect(&d);
  talk(MB, 10 * S);
  talk(MB / 20, 2 * S);
  assert_int_equal(d.records, 1);
  assert_int_equal(d.record.reason, QUICMIG_REASON_ADAPTIVE);
  assert_int_equal(d.events[QUICMIG_EVENT_VERDICT], 1); /* suspected */
  talk(MB, 5 * S);
  assert_int_equal(d.events[QUICMIG_EVENT_VERDICT], 2); /* throttled */
  /* After that suspicion an alarm takes its time. */
  talk_and_fall_silent();
  driver_sleep_until(&d, d.now + 900 * MS);
  assert_int_equal(d.records, 1);
}

/* --- NAT mappings --- */

static void use_up(void) {
  while (qm_nat_ready_at(&nat, d.now) <= d.now) {
    qm_nat_on_mapping(&nat, d.now);
  }
}

static void mappings_are_waited_for(void **state) {
  quicmig_tstamp at;

  (void)state;
  prepare();
  d.o.hop_interval = 10 * S;
  d.o.hop_jitter_pct = 0;
  driver_connect(&d);
  qm_nat_set(&nat, 10, 600 * S);
  d.e.nat = &nat;
  use_up();
  at = qm_nat_ready_at(&nat, d.now);
  assert_int_equal(driver_hop(&d), QUICMIG_ERR_NAT_BUDGET);
  driver_log(&d);
  driver_sleep_until(&d, at - MS);
  assert_int_equal(d.records, 1); /* the refusal */
  assert_in_range(d.events[QUICMIG_EVENT_NAT_BUDGET], 1, 1 + 120 / 60);
  driver_sleep_until(&d, at);
  assert_int_equal(d.records, 2);
  assert_int_equal(d.record.result, 0);
  assert_int_equal(d.record.reason, QUICMIG_REASON_INTERVAL);
}

static void a_dead_path_waits_for_no_mapping(void **state) {
  (void)state;
  prepare();
  driver_connect(&d);
  qm_nat_set(&nat, 10, 600 * S);
  d.e.nat = &nat;
  talk_and_fall_silent();
  use_up();
  driver_sleep_until(&d, d.now + 200 * MS);
  assert_int_equal(d.records, 1);
  assert_int_equal(d.record.result, 0);
  assert_int_equal(d.events[QUICMIG_EVENT_NAT_BUDGET], 0);
}

/* The policy learned a budget; the NAT's has the last word. */
static void the_policy_waits_too(void **state) {
  (void)state;
  prepare();
  driver_connect(&d);
  qm_nat_set(&nat, 10, 600 * S);
  d.e.nat = &nat;
  d.policy.budget.most.bytes = 2 * MB;
  talk(MB, 600 * S);
  print_message("%u hops\n", d.records);
  assert_in_range(d.records, 8, 10);
  assert_true(d.events[QUICMIG_EVENT_NAT_BUDGET] >= 4);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_young_connection),
      cmocka_unit_test(silence_is_left),
      cmocka_unit_test(back_to_the_old_path),
      cmocka_unit_test(a_cut_is_told),
      cmocka_unit_test(a_false_alarm),
      cmocka_unit_test(a_dead_network),
      cmocka_unit_test(a_slow_flow_is_left),
      cmocka_unit_test(mappings_are_waited_for),
      cmocka_unit_test(a_dead_path_waits_for_no_mapping),
      cmocka_unit_test(the_policy_waits_too),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
