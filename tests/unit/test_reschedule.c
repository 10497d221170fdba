/* New options on the way, and the end of a connection. */
#include "driver.h"

static void reschedule(driver *d) {
  qm_engine_on_options(&d->e, &d->o, d->now);
  driver_run(d);
}

static void the_next_hop_is_drawn_anew(void **state) {
  static const struct row {
    const char *name;
    quicmig_duration interval, min, max;
  } rows[] = {
      {"sooner", 10 * S, 8 * S, 12 * S},
      {"later", 3600 * S, 2880 * S, 4320 * S},
      {"not at all", 0, NEVER, NEVER},
  };
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    driver d;

    driver_init(&d);
    driver_connect(&d);
    driver_sleep_until(&d, T0 + 200 * S);
    d.o.hop_interval = r->interval;
    reschedule(&d);
    row_true(r, qm_engine_deadline(&d.e) >= qm_time_add(d.now, r->min));
    row_true(r, qm_engine_deadline(&d.e) <= qm_time_add(d.now, r->max));
    row_string(r, driver_log(&d), "");
    row_equal(r, driver_hop(&d), 0); /* by hand always */
    row_equal(r, d.record.result, 0);
  }
}

static void not_before_the_handshake_is_confirmed(void **state) {
  driver d;

  (void)state;
  driver_init(&d);
  driver_begin(&d, 1);
  d.o.hop_interval = 10 * S;
  reschedule(&d);
  assert_true(qm_engine_deadline(&d.e) == NEVER);
  driver_confirm(&d, false, 8);
  assert_in_range(qm_engine_deadline(&d.e), T0 + 8 * S, T0 + 12 * S);
}

/* The header of quicmig_reschedule(): hop_... and drain are taken. */
static void schedule_and_drain_are_taken(void **state) {
  driver d;

  (void)state;
  driver_init(&d);
  driver_connect(&d);
  d.o.hop_bytes = 65536;
  d.o.hop_packets = 100;
  d.o.hop_min_gap = S;
  d.o.hop_backoff = 2 * S;
  d.o.hop_backoff_max = 3 * S;
  d.o.hop_quiet = 0;
  d.o.hop_jitter_pct = 0;
  d.o.hop_mode = QUICMIG_MODE_REBIND;
  d.o.drain = 5 * S;
  reschedule(&d);
  assert_int_equal(qm_engine_deadline(&d.e), T0 + 300 * S);
  driver_hop(&d);
  assert_int_equal(d.record.mode, QUICMIG_MODE_REBIND);
  assert_int_equal(driver_path(&d, 1)->close_at, T0 + 5 * S);
  driver_tx(&d, 2, 65536);
  assert_int_equal(qm_engine_deadline(&d.e), T0 + S);
}

/* ... and what sockets are made of is not. */
static void sockets_are_left_alone(void **state) {
  static const struct row {
    const char *name;
    size_t offset, width;
  } rows[] = {
#define ROW(f)                                                                 \
  {#f, offsetof(quicmig_options, f), sizeof(((quicmig_options *)0)->f)}
      ROW(max_sockets), ROW(local_port_lo), ROW(local_port_hi),  ROW(rcvbuf),
      ROW(sndbuf),      ROW(fwmark),        ROW(interface_name),
  };
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    quicmig_options before;
    driver d;

    driver_init(&d);
    driver_connect(&d);
    before = d.e.o;
    memset((uint8_t *)&d.o + r->offset, 3, r->width);
    if (r->width == sizeof(d.o.interface_name)) {
      memcpy(d.o.interface_name, "eth9", 5);
    }
    reschedule(&d);
    row_true(r, memcmp((uint8_t *)&before + r->offset,
                       (uint8_t *)&d.e.o + r->offset, r->width) == 0);
  }
}

/* What the peer forbids is MIGRATE only. */
static void the_mode_decides_what_is_forbidden(void **state) {
  driver d;

  (void)state;
  driver_init(&d);
  driver_begin(&d, 1);
  driver_confirm(&d, true, 8);
  driver_sleep_until(&d, T0 + 400 * S);
  assert_string_equal(driver_log(&d), "peer-forbids record:peer-forbids");
  d.o.hop_mode = QUICMIG_MODE_REBIND;
  reschedule(&d);
  driver_sleep_until(&d, T0 + 800 * S);
  assert_int_equal(d.e.stats.hops, 1);
  d.o.hop_mode = QUICMIG_MODE_MIGRATE;
  reschedule(&d);
  driver_sleep_until(&d, T0 + 24 * 3600 * S);
  assert_int_equal(d.e.stats.hops, 1);
  assert_true(qm_engine_deadline(&d.e) == NEVER);
}

/* An attempt that is under way ends as it began. */
static void an_attempt_is_not_disturbed(void **state) {
  driver d;

  (void)state;
  driver_init(&d);
  d.is_silent = true;
  driver_connect(&d);
  driver_hop(&d);
  driver_log(&d);
  d.o.hop_mode = QUICMIG_MODE_REBIND;
  d.o.hop_interval = 10 * S;
  reschedule(&d);
  assert_string_equal(driver_log(&d), "");
  assert_int_equal(qm_engine_deadline(&d.e), T0 + 7144 * MS);
  d.now += S;
  driver_validated(&d, 2);
  driver_rx(&d, 2, 100);
  assert_string_equal(driver_log(&d),
                      "1:active>draining 2:probing>active record:ok");
  assert_int_equal(d.record.mode, QUICMIG_MODE_MIGRATE);
  assert_in_range(d.record.next_at, T0 + 8 * S, T0 + 12 * S);
}

/* Failures under the old options do not count under the new ones. */
static void the_backoff_begins_anew(void **state) {
  driver d;

  (void)state;
  driver_init(&d);
  d.open_err = QUICMIG_ERR_SYSTEM;
  driver_connect(&d);
  driver_sleep_until(&d, T0 + 600 * S);
  assert_true(d.e.sched.failures > 5);
  d.o.hop_interval = 3600 * S;
  reschedule(&d);
  d.now = qm_engine_deadline(&d.e);
  assert_true(d.now >= T0 + 600 * S + 2880 * S);
  driver_on_time(&d);
  assert_int_equal(d.record.reason, QUICMIG_REASON_INTERVAL);
  assert_in_range(qm_engine_deadline(&d.e) - d.now, S, S + S / 4);
}

/* The connection ends while the record waits for its first packet: it is given
 * out, as the success it was.  Other attempts end with their connection. */
static void the_end_gives_out_the_record(void **state) {
  static const struct row {
    const char *name;
    bool has_attempt, is_validated;
    const char *log;
  } rows[] = {
      {"idle", false, false, ""},
      {"probing", true, false, ""},
      {"settling", true, true, "record:ok"},
  };
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    driver d;

    driver_init(&d);
    d.is_silent = true;
    driver_connect(&d);
    if (r->has_attempt) {
      driver_hop(&d);
    }
    if (r->is_validated) {
      driver_validated(&d, 2);
    }
    driver_log(&d);
    qm_engine_on_end(&d.e, d.now);
    qm_engine_on_end(&d.e, d.now);
    driver_run(&d);
    row_string(r, driver_log(&d), r->log);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_next_hop_is_drawn_anew),
      cmocka_unit_test(not_before_the_handshake_is_confirmed),
      cmocka_unit_test(schedule_and_drain_are_taken),
      cmocka_unit_test(sockets_are_left_alone),
      cmocka_unit_test(the_mode_decides_what_is_forbidden),
      cmocka_unit_test(an_attempt_is_not_disturbed),
      cmocka_unit_test(the_backoff_begins_anew),
      cmocka_unit_test(the_end_gives_out_the_record),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
