/* The engine over time: whole days, suspends, full tables, new options. */
#include "driver.h"

#define HOUR (3600 * S)

static void nothing_hops_before_the_handshake_is_confirmed(void **state) {
  driver d;

  (void)state;
  driver_init(&d);
  d.o.hop_packets = 100;
  driver_begin(&d, 1);
  assert_string_equal(driver_log(&d), "1:closed>spare 1:spare>probing");
  assert_int_equal(qm_engine_active(&d.e)->id, 1);
  assert_int_equal(qm_engine_tx(&d.e)->id, 1);
  for (d.now = T0; d.now < T0 + 200 * MS; d.now += MS) {
    driver_tx(&d, 1, 1200);
    assert_int_equal(driver_rx(&d, 1, 1200), 1);
  }
  assert_true(qm_engine_deadline(&d.e) == NEVER);
  d.now += 24 * HOUR;
  driver_on_time(&d);
  assert_string_equal(driver_log(&d), "");
  /* RFC 9000 section 9: no migration before the handshake is confirmed. */
  qm_engine_on_validated(&d.e, 1, d.now);
  qm_engine_on_failed(&d.e, 1, QUICMIG_ERR_VALIDATION_FAILED, d.now);
  driver_run(&d);
  assert_string_equal(driver_log(&d), "");
  d.e.o.hop_packets = 0;
  qm_engine_on_confirmed(&d.e, false, 8, d.now);
  driver_run(&d);
  assert_string_equal(driver_log(&d), "1:probing>active");
  assert_in_range(qm_engine_deadline(&d.e), d.now + 240 * S, d.now + 360 * S);
  qm_engine_on_confirmed(&d.e, true, 2, d.now); /* once is enough */
  driver_run(&d);
  assert_string_equal(driver_log(&d), "");
  assert_false(d.e.is_forbidden);
}

struct day {
  const char *name;
  quicmig_duration interval, min, max; /* of each gap */
  uint32_t mode, sockets;
  quicmig_duration tick; /* a packet this often; 0: idle */
};

/* Lives through `span`; checks every gap between two hops. */
static void live(driver *d, const struct day *r, quicmig_duration span) {
  quicmig_tstamp last = 0, end = d->now + span;
  uint32_t records = 0;

  while (d->now < end) {
    quicmig_tstamp next = qm_time_min(qm_engine_deadline(&d->e), end);

    if (r->tick && next > d->now + r->tick) {
      next = d->now + r->tick;
      driver_sleep_until(d, next);
      driver_tx(d, qm_engine_tx(&d->e)->id, 1200);
    } else {
      driver_sleep_until(d, next);
    }
    if (d->records != records) {
      records = d->records;
      row_equal(r, d->record.result, 0);
      row_true(r, !last || d->record.started_at - last >= r->min);
      row_true(r, !last || d->record.started_at - last <= r->max);
      last = d->record.started_at;
    }
    row_equal(r, d->opens - d->closes, d->e.paths.len);
    row_true(r, d->e.paths.len <= r->sockets);
  }
}

static void a_day_of_hops(void **state) {
  static const struct day rows[] = {
      {"idle", 300 * S, 240 * S, 360 * S, QUICMIG_MODE_MIGRATE, 4, 0},
      {"a packet a second", 300 * S, 240 * S, 360 * S, QUICMIG_MODE_MIGRATE, 4,
       S},
      {"rebind", 300 * S, 240 * S, 360 * S, QUICMIG_MODE_REBIND, 4, 0},
      {"two sockets", 300 * S, 240 * S, 360 * S, QUICMIG_MODE_MIGRATE, 2, 0},
      {"every minute: drains overlap", 60 * S, 48 * S, 72 * S,
       QUICMIG_MODE_MIGRATE, 16, 0},
  };
  const struct day *r;
  uint64_t seed = test_seed();

  (void)state;
  for (EACH_ROW(r, rows)) {
    driver d;

    driver_init(&d);
    d.o.hop_interval = r->interval;
    d.o.hop_mode = r->mode;
    d.o.max_sockets = r->sockets;
    driver_begin(&d, seed);
    driver_confirm(&d, false, 8);
    live(&d, r, 24 * HOUR);
    row_true(r, d.e.stats.hops >= 24 * HOUR / r->max - 1);
    row_true(r, d.e.stats.hops <= 24 * HOUR / r->min + 1);
    row_equal(r, d.records, d.e.stats.hops);
    row_equal(r, d.opens, d.e.stats.hops + 1);
    row_equal(r, d.events[QUICMIG_EVENT_CLOCK_JUMP], 0);
    /* All but the active one end. */
    d.e.o.hop_interval = 0;
    qm_engine_on_options(&d.e, &d.e.o, d.now);
    driver_sleep_until(&d, d.now + 60 * S);
    row_equal(r, d.opens - d.closes, 1);
    row_true(r, qm_engine_deadline(&d.e) == NEVER);
  }
}

/* A day in which no hop ever succeeds leaks nothing either. */
static void a_day_of_failures(void **state) {
  driver d;

  (void)state;
  driver_init(&d);
  d.is_silent = true;
  driver_connect(&d);
  driver_sleep_until(&d, T0 + 24 * HOUR);
  assert_int_equal(d.e.stats.hops, 0);
  assert_int_equal(d.e.stats.hops_failed, d.records);
  assert_in_range(d.records, 24 * 12 / 5 * 4, 24 * 12 + 10);
  assert_true(d.opens - d.closes <= 2);
  assert_int_equal(qm_engine_tx(&d.e)->id, 1);
}

/* Asleep: one hop on waking, and the next a whole gap later. */
static void a_suspend_is_made_up_for_once(void **state) {
  static const struct row {
    const char *name;
    quicmig_duration late; /* than the hop's deadline */
    uint32_t jumps;
  } rows[] = {
      {"late, as loops are", 10 * MS, 0},
      {"an interval late", 300 * S, 0},
      {"more than an interval", 300 * S + 1, 1},
      {"a night", 8 * HOUR, 1},
      {"a year", 366 * 24 * HOUR, 1},
  };
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    quicmig_tstamp woke;
    driver d;

    driver_init(&d);
    driver_connect(&d);
    d.now = woke = qm_engine_deadline(&d.e) + r->late;
    driver_catch_up(&d);
    row_equal(r, d.records, 1);
    row_equal(r, d.record.started_at, woke);
    row_equal(r, d.record.result, 0);
    row_equal(r, d.events[QUICMIG_EVENT_CLOCK_JUMP], r->jumps);
    row_equal(r, d.values[QUICMIG_EVENT_CLOCK_JUMP], r->jumps ? r->late : 0);
    driver_sleep_until(&d, woke + 240 * S - 1);
    row_equal(r, d.records, 1);
    driver_sleep_until(&d, woke + 360 * S);
    row_equal(r, d.records, 2);
  }
}

/* Bytes that trigger a hop long after the last one are no clock jump. */
static void a_trigger_is_no_clock_jump(void **state) {
  static const struct row {
    const char *name;
    quicmig_duration interval;
    bool has_hopped; /* before */
  } rows[] = {
      {"the first hop", 300 * S, false},
      {"the first hop, no interval", 0, false},
      {"a later hop, no interval", 0, true},
  };
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    driver d;

    driver_init(&d);
    d.o.hop_interval = r->interval;
    d.o.hop_bytes = 65536;
    driver_connect(&d);
    if (r->has_hopped) {
      driver_hop(&d);
    }
    driver_sleep_until(&d, T0 + 100 * S);
    driver_tx(&d, qm_engine_tx(&d.e)->id, 65536);
    driver_catch_up(&d);
    row_equal(r, d.record.reason, QUICMIG_REASON_BYTES);
    row_equal(r, d.record.started_at, T0 + 100 * S);
    row_equal(r, d.events[QUICMIG_EVENT_CLOCK_JUMP], 0);
  }
}

static void packets_and_bytes_trigger_hops(void **state) {
  driver d;
  int i;

  (void)state;
  driver_init(&d);
  d.o.hop_interval = 0;
  d.o.hop_packets = 100;
  driver_connect(&d);
  for (i = 0; i < 1000; i++) { /* both directions count */
    d.now += 10 * MS;
    if (i % 2) {
      driver_tx(&d, qm_engine_tx(&d.e)->id, 100);
    } else {
      driver_rx(&d, qm_engine_tx(&d.e)->id, 100);
    }
    driver_catch_up(&d);
  }
  assert_int_equal(d.e.stats.hops, 10);
  assert_int_equal(d.record.reason, QUICMIG_REASON_PACKETS);
}

/* Calling early or twice is harmless, in every phase. */
static void time_may_pass_twice(void **state) {
  static const struct row {
    const char *name;
    int steps; /* of a hop that are made before */
  } rows[] = {{"idle", 0}, {"probing", 1}, {"settling", 2}, {"draining", 3}};
  const struct row *r;
  int i;

  (void)state;
  for (EACH_ROW(r, rows)) {
    quicmig_tstamp at;
    driver d;

    driver_init(&d);
    d.is_silent = true;
    driver_connect(&d);
    if (r->steps > 0) {
      driver_hop(&d);
    }
    if (r->steps > 1) {
      driver_validated(&d, 2);
    }
    if (r->steps > 2) {
      driver_rx(&d, 2, 100);
    }
    driver_log(&d);
    at = qm_engine_deadline(&d.e);
    for (i = 0; i < 20; i++) {
      driver_on_time(&d);
      row_string(r, driver_log(&d), "");
      row_equal(r, qm_engine_deadline(&d.e), at);
      if (i % 2) {
        d.now += (at - d.now) / 2;
      }
    }
    d.now = at;
    driver_on_time(&d);
    row_true(r, strlen(driver_log(&d)) > 0);
    driver_on_time(&d);
    row_string(r, driver_log(&d), "");
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_hops_before_the_handshake_is_confirmed),
      cmocka_unit_test(a_day_of_hops),
      cmocka_unit_test(a_day_of_failures),
      cmocka_unit_test(a_suspend_is_made_up_for_once),
      cmocka_unit_test(a_trigger_is_no_clock_jump),
      cmocka_unit_test(packets_and_bytes_trigger_hops),
      cmocka_unit_test(time_may_pass_twice),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
