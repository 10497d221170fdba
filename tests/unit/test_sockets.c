/* How many sockets are open, and for how long: drains, evictions, full tables,
 * and the outbox when everything ends at once. */
#include "driver.h"

#define HOUR (3600 * S)

static void a_drain_ends_on_time(void **state) {
  static const struct row {
    const char *name;
    quicmig_duration drain;
  } rows[] = {{"at once", 0},
              {"a second", S},
              {"the default", 60 * S},
              {"an hour", HOUR}};
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    driver d;

    driver_init(&d);
    d.o.drain = r->drain;
    d.o.hop_interval = 0;
    driver_connect(&d);
    driver_hop(&d);
    driver_log(&d);
    row_equal(r, driver_state(&d, 1), QUICMIG_PATH_DRAINING);
    row_equal(r, qm_engine_deadline(&d.e), T0 + r->drain);
    if (r->drain) {
      driver_sleep_until(&d, T0 + r->drain - 1);
      row_string(r, driver_log(&d), "");
    }
    driver_sleep_until(&d, T0 + r->drain);
    row_string(r, driver_log(&d), "1:draining>closed close:1");
    row_true(r, qm_engine_deadline(&d.e) == NEVER);
  }
}

/* A scheduled hop that finds every place taken waits for the oldest to have
 * drained its floor: no record, no failure, no busy loop. */
static void a_scheduled_hop_waits_for_a_place(void **state) {
  driver d;

  (void)state;
  driver_init(&d);
  d.o.max_sockets = 2;
  d.o.hop_interval = 100 * MS;
  d.o.hop_jitter_pct = 0;
  d.cc.srtt = 200 * MS; /* the floor: 600 ms */
  driver_connect(&d);
  driver_sleep_until(&d, T0 + 100 * MS);
  assert_int_equal(d.records, 1);
  driver_sleep_until(&d, T0 + 700 * MS - 1);
  assert_int_equal(d.records, 1);
  assert_int_equal(qm_engine_deadline(&d.e), T0 + 700 * MS);
  driver_sleep_until(&d, T0 + 700 * MS);
  assert_int_equal(d.records, 2);
  assert_int_equal(d.e.stats.hops, 2);
  assert_int_equal(d.e.stats.hops_refused, 0);
}

/* The next hop closes path 1 for its own, or cannot be made. */
static void check_eviction(driver *d, const char *name, bool is_evicted) {
  const struct { const char *name; } row = {name}, *r = &row;

  d->is_silent = true;
  row_equal(r, driver_hop(d), is_evicted ? 0 : QUICMIG_ERR_SOCKETS_EXHAUSTED);
  row_string(r, driver_log(d),
             is_evicted ? "1:draining>closed close:1 open "
                          "3:closed>spare migrate:3 3:spare>probing"
                        : "record:sockets-exhausted");
  row_equal(r, driver_has(d, 1), !is_evicted);
  row_equal(r, d->opens - d->closes, 2);
}

/* Two sockets: the next hop needs the place of the draining one, which it gets
 * after three times the smallest srtt, between 20 ms and 1 s. */
static void a_draining_path_keeps_its_place_for_a_floor(void **state) {
  static const struct row {
    const char *name;
    quicmig_duration first, then; /* srtt at the two hops */
    quicmig_duration at;
    bool is_evicted;
  } rows[] = {
      {"a quick path, early", 5 * MS, 5 * MS, 20 * MS - 1, false},
      {"a quick path, the least floor", 5 * MS, 5 * MS, 20 * MS, true},
      {"3 srtt, a nanosecond early", 20 * MS, 20 * MS, 60 * MS - 1, false},
      {"3 srtt", 20 * MS, 20 * MS, 60 * MS, true},
      {"the srtt fell", 333 * MS, 20 * MS, 60 * MS, true},
      /* ngtcp2 begins anew with 333 ms after a hop (RFC 9002 section 6.2.2). */
      {"the srtt was forgotten", 20 * MS, 333 * MS, 60 * MS, true},
      {"a slow path, early", 2 * S, 2 * S, S - 1, false},
      {"a slow path, the largest floor", 2 * S, 2 * S, S, true},
  };
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    driver d;

    driver_init(&d);
    d.o.max_sockets = 2;
    d.o.hop_min_gap = 10 * MS;
    d.cc.srtt = r->first;
    driver_connect(&d);
    driver_hop(&d);
    driver_log(&d);
    d.now = T0 + r->at;
    d.cc.srtt = r->then;
    check_eviction(&d, r->name, r->is_evicted);
  }
}

static void the_oldest_is_evicted_first(void **state) {
  driver d;
  uint32_t i;

  (void)state;
  driver_init(&d);
  d.o.drain = HOUR;
  driver_connect(&d);
  for (i = 1; i <= 20; i++) {
    assert_int_equal(driver_hop(&d), 0);
    assert_int_equal(driver_state(&d, i), QUICMIG_PATH_DRAINING);
    assert_int_equal(d.e.paths.len, i < 4 ? i + 1 : 4);
    assert_false(driver_has(&d, i < 3 ? 0 : i - 3));
    assert_true(i < 3 || driver_has(&d, i - 2));
    d.now += S;
  }
}

/* A FAILED path is not evicted: ngtcp2 may still hold it.  With two sockets the
 * schedule waits for its end, and then goes on. */
static void a_failed_path_keeps_its_place(void **state) {
  driver d;

  (void)state;
  driver_init(&d);
  d.o.max_sockets = 2;
  d.is_silent = true;
  driver_connect(&d);
  (void)qm_engine_hop(&d.e, QUICMIG_REASON_INTERVAL, &d.cc, d.now);
  driver_run(&d);
  driver_sleep_until(&d, T0 + 7144 * MS);
  assert_int_equal(driver_state(&d, 2), QUICMIG_PATH_FAILED);
  d.is_silent = false;
  driver_sleep_until(&d, T0 + 17144 * MS - 1);
  assert_int_equal(d.record.result, QUICMIG_ERR_SOCKETS_EXHAUSTED);
  assert_in_range(d.records, 3, 5);
  assert_int_equal(d.opens, 2);
  driver_sleep_until(&d, T0 + 60 * S);
  assert_int_equal(d.e.stats.hops, 1);
  assert_int_equal(driver_state(&d, 3), QUICMIG_PATH_ACTIVE);
}

static void sixteen_sockets_and_not_one_more(void **state) {
  driver d;
  int i;

  (void)state;
  driver_init(&d);
  d.o.max_sockets = 16;
  d.o.drain = HOUR;
  driver_connect(&d);
  for (i = 0; i < 100; i++) {
    d.now += 100 * MS;
    assert_int_equal(driver_hop(&d), 0);
    assert_int_equal(d.opens - d.closes, d.e.paths.len);
    assert_true(d.e.paths.len <= 16);
  }
  assert_int_equal(d.e.paths.len, 16);
  assert_int_equal(d.e.stats.hops, 100);
}

struct waking {
  const char *name;
  uint32_t mode;
  bool has_attempt, is_validated, has_sent;
  uint32_t records; /* from waking on */
};

/* Sixteen sockets, the last one in the phase that the row names. */
static void fill(driver *d, const struct waking *r) {
  int i;

  driver_init(d);
  d->o.max_sockets = 16;
  d->o.drain = HOUR;
  d->o.hop_mode = r->mode;
  driver_connect(d);
  for (i = 0; i < 14; i++, d->now += S) {
    driver_hop(d);
  }
  d->is_silent = r->has_attempt;
  driver_hop(d);
  row_equal(r, d->e.paths.len, 16);
  if (r->has_sent) {
    driver_tx(d, 16, 1200);
  }
  if (r->is_validated) {
    driver_validated(d, 16);
  }
  /* So that a failure also teaches a budget: one event more. */
  d->e.ledger.bad = 2;
  d->is_silent = false;
}

/* A machine that sleeps for two days with sixteen sockets: all drains, the
 * attempt and the next hop are due in the same instant. */
static void everything_may_end_at_once(void **state) {
  static const struct waking rows[] = {
      {"idle", QUICMIG_MODE_MIGRATE, false, false, false, 1},
      {"probing", QUICMIG_MODE_MIGRATE, true, false, false, 2},
      {"settling", QUICMIG_MODE_MIGRATE, true, true, false, 2},
      {"rebind, trial", QUICMIG_MODE_REBIND, true, false, true, 2},
      {"rebind, idle", QUICMIG_MODE_REBIND, false, false, false, 1},
  };
  const struct waking *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    uint32_t records;
    driver d;

    fill(&d, r);
    records = d.records;
    d.now += 48 * HOUR;
    driver_catch_up(&d);
    row_equal(r, d.records - records, r->records);
    row_true(r, d.longest_out <= QM_OUTBOX_MAX);
    row_true(r, d.e.paths.len <= 3); /* active, draining, failed */
    row_equal(r, d.opens - d.closes, d.e.paths.len);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_drain_ends_on_time),
      cmocka_unit_test(a_scheduled_hop_waits_for_a_place),
      cmocka_unit_test(a_draining_path_keeps_its_place_for_a_floor),
      cmocka_unit_test(the_oldest_is_evicted_first),
      cmocka_unit_test(a_failed_path_keeps_its_place),
      cmocka_unit_test(sixteen_sockets_and_not_one_more),
      cmocka_unit_test(everything_may_end_at_once),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
