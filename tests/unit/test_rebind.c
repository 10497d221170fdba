/* One attempt in REBIND mode: tried with data, taken back when unanswered. */
#include "driver.h"

#include <errno.h>

static void open_rebind(driver *d) {
  driver_init(d);
  d->o.hop_mode = QUICMIG_MODE_REBIND;
  d->is_silent = true;
  driver_connect(d);
}

static void data_moves_at_once(void **state) {
  driver d;

  (void)state;
  open_rebind(&d);
  qm_engine_on_id_used(&d.e, 7);
  assert_int_equal(driver_hop(&d), 0);
  assert_string_equal(driver_log(&d),
                      "open 2:closed>spare rebind:2 2:spare>probing");
  assert_int_equal(qm_engine_tx(&d.e)->id, 2);
  assert_int_equal(qm_engine_active(&d.e)->id, 1);
  /* ngtcp2 must not notice: the same address, the same connection ID. */
  assert_true(
      qm_addr_is_equal(&driver_path(&d, 2)->shown, &driver_path(&d, 1)->local));
  assert_int_equal(qm_addr_port(&driver_path(&d, 2)->local), 5002);
  assert_int_equal(driver_path(&d, 2)->dcid_seq, 7);
}

static void an_answer_proves_it(void **state) {
  driver d;

  (void)state;
  open_rebind(&d);
  driver_hop(&d);
  driver_log(&d);
  d.now += 10 * MS;
  driver_tx(&d, 2, 1200);
  d.now += 15 * MS;
  assert_int_equal(driver_rx(&d, 1, 100), 1); /* sent before: proves nothing */
  assert_string_equal(driver_log(&d), "");
  d.now += 5 * MS;
  assert_int_equal(driver_rx(&d, 2, 100), 2);
  assert_string_equal(driver_log(&d),
                      "1:active>draining 2:probing>active record:ok");
  assert_int_equal(qm_engine_tx(&d.e)->id, 2);
  assert_int_equal(qm_engine_active(&d.e)->id, 2);
  assert_int_equal(d.record.mode, QUICMIG_MODE_REBIND);
  assert_int_equal(d.record.validate_time, 30 * MS);
  assert_int_equal(d.record.gap, 25 * MS);
  assert_int_equal(d.e.stats.hops, 1);
  assert_int_equal(driver_path(&d, 1)->close_at, T0 + 30 * MS + 60 * S);
}

/* Three PTO from the first packet that went out, between 200 ms and 3 s.  The
 * socket stays for what the peer has sent there. */
static void it_is_taken_back(void **state) {
  static const struct row {
    const char *name;
    quicmig_duration pto, wait;
  } rows[] = {
      {"no sample: the floor", 0, 200 * MS},
      {"a quick path: the floor", 10 * MS, 200 * MS},
      {"three PTO", 100 * MS, 300 * MS},
      {"a slow path: the ceiling", 1001 * MS, 3 * S},
  };
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    quicmig_tstamp end = T0 + 40 * MS + r->wait;
    driver d;

    open_rebind(&d);
    d.cc.pto = r->pto;
    driver_hop(&d);
    driver_log(&d);
    d.now = T0 + 40 * MS;
    driver_tx(&d, 2, 1200);
    d.now = T0 + 90 * MS;
    driver_tx(&d, 2, 1200); /* more data buys no more time */
    row_equal(r, qm_engine_deadline(&d.e), end);
    driver_sleep_until(&d, end - 1);
    row_string(r, driver_log(&d), "");
    row_equal(r, qm_engine_tx(&d.e)->id, 2);
    driver_sleep_until(&d, end);
    row_string(r, driver_log(&d), "2:probing>failed record:validation-failed");
    row_equal(r, qm_engine_tx(&d.e)->id, 1);
    row_equal(r, driver_state(&d, 1), QUICMIG_PATH_ACTIVE);
    row_equal(r, d.e.stats.hops_failed, 1);
    row_equal(r, driver_rx(&d, 2, 1200), 2); /* late, and read all the same */
    row_equal(r, d.e.stats.late_rescued, 1);
    driver_sleep_until(&d, end + 10 * S);
    row_equal(r, driver_state(&d, 2), QUICMIG_PATH_CLOSED);
  }
}

/* On an idle connection a PING is wanted.  If nothing can be sent all the same,
 * the trial has an end of its own, which says nothing about the path. */
static void nothing_sent_proves_nothing(void **state) {
  driver d;

  (void)state;
  open_rebind(&d);
  assert_false(qm_engine_wants_packet(&d.e));
  driver_hop(&d);
  driver_log(&d);
  assert_true(qm_engine_wants_packet(&d.e));
  driver_tx(&d, 1, 100); /* not on the path of the trial */
  assert_true(qm_engine_wants_packet(&d.e));
  driver_sleep_until(&d, T0 + S - 1);
  assert_string_equal(driver_log(&d), "");
  driver_sleep_until(&d, T0 + S);
  assert_string_equal(driver_log(&d), "2:probing>failed record:timeout");
  assert_false(qm_engine_wants_packet(&d.e));
  assert_int_equal(qm_engine_tx(&d.e)->id, 1);
  d.is_silent = false;
  d.now += S;
  assert_int_equal(driver_hop(&d), 0); /* a PING is sent and answered */
  assert_int_equal(d.record.result, 0);
  assert_false(qm_engine_wants_packet(&d.e));
  d.is_silent = true;
  d.now += S;
  assert_int_equal(driver_hop(&d), 0);
  driver_rx(&d, qm_engine_tx(&d.e)->id, 100); /* the peer speaks first */
  assert_int_equal(d.record.result, 0);
}

/* The kernel refuses what is sent on the new socket: there is no need to wait.
 * Its refusals elsewhere, or during a validated hop, are no reason. */
static void a_refusal_takes_it_back_at_once(void **state) {
  driver d;

  (void)state;
  open_rebind(&d);
  driver_hop(&d);
  driver_log(&d);
  qm_engine_on_tx_refused(&d.e, driver_path(&d, 1), EPERM, d.now);
  driver_run(&d);
  assert_string_equal(driver_log(&d), "");
  qm_engine_on_tx_refused(&d.e, driver_path(&d, 2), EPERM, d.now);
  driver_run(&d);
  assert_string_equal(driver_log(&d), "2:probing>failed record:system");
  assert_int_equal(d.record.sys_errno, EPERM);
  assert_int_equal(qm_engine_tx(&d.e)->id, 1);
  driver_sleep_until(&d, d.now + 10 * S);
  assert_false(driver_has(&d, 2));
  driver_init(&d);
  d.is_silent = true;
  driver_connect(&d);
  driver_hop(&d);
  driver_log(&d);
  qm_engine_on_tx_refused(&d.e, driver_path(&d, 2), EPERM, d.now);
  driver_run(&d);
  assert_string_equal(driver_log(&d), "");
}

/* While the window is full a REBIND could not send its first packet: scheduled
 * ones wait, and are made as soon as there is room.  MIGRATE does not wait, nor
 * does what somebody asks for. */
static void scheduled_hops_wait_for_room(void **state) {
  driver d;

  (void)state;
  driver_init(&d);
  d.o.hop_mode = QUICMIG_MODE_REBIND;
  d.o.hop_interval = S;
  driver_connect(&d);
  qm_engine_on_window(&d.e, true);
  assert_true(qm_engine_deadline(&d.e) == NEVER);
  driver_sleep_until(&d, T0 + 60 * S);
  assert_int_equal(d.records, 0);
  qm_engine_on_window(&d.e, false);
  assert_true(qm_engine_deadline(&d.e) <= d.now);
  driver_catch_up(&d);
  assert_int_equal(d.records, 1);
  assert_int_equal(d.record.result, 0);
  qm_engine_on_window(&d.e, true);
  d.now += S;
  assert_int_equal(driver_hop(&d), 0);
  driver_init(&d);
  d.o.hop_interval = S;
  driver_connect(&d);
  qm_engine_on_window(&d.e, true);
  driver_sleep_until(&d, T0 + 10 * S);
  assert_in_range(d.records, 8, 13);
}

/* As with MIGRATE, failures in a row after good hops speak of the peer. */
static void failures_in_a_row_teach_a_budget(void **state) {
  driver d;
  int i;

  (void)state;
  driver_init(&d);
  d.o.hop_mode = QUICMIG_MODE_REBIND;
  driver_connect(&d);
  driver_hop(&d);
  d.is_silent = true;
  for (i = 0; i < 3; i++) {
    d.now += 10 * S;
    assert_int_equal(d.events[QUICMIG_EVENT_BUDGET_LEARNED], 0);
    assert_int_equal(driver_hop(&d), 0);
    driver_tx(&d, qm_engine_tx(&d.e)->id, 100);
    driver_sleep_until(&d, d.now + S);
    assert_int_equal(d.record.result, QUICMIG_ERR_VALIDATION_FAILED);
  }
  assert_int_equal(d.events[QUICMIG_EVENT_BUDGET_LEARNED], 1);
  assert_int_equal(d.values[QUICMIG_EVENT_BUDGET_LEARNED], 1);
}

/* HOUSE: REBIND works where the peer forbids active migration, and needs no
 * fresh connection ID nor the gap of a peer with few of them. */
static void works_where_migration_does_not(void **state) {
  driver d;
  int i;

  (void)state;
  driver_init(&d);
  d.o.hop_mode = QUICMIG_MODE_REBIND;
  d.o.hop_interval = 200 * MS;
  driver_begin(&d, 1);
  driver_confirm(&d, true, 2);
  for (i = 0; i < 10; i++) {
    d.now += 100 * MS;
    assert_int_equal(driver_hop(&d), 0);
    assert_int_equal(d.record.result, 0);
  }
  assert_int_equal(d.e.stats.hops, 10);
  assert_int_equal(d.events[QUICMIG_EVENT_PEER_FORBIDS], 0);
  driver_sleep_until(&d, d.now + 10 * S);
  assert_in_range(d.e.stats.hops, 10 + 40, 10 + 64);
  assert_int_equal(d.e.stats.hops_refused, 0);
}

/* A switch is always MIGRATE: that it is refused must not stop hops which are
 * not. */
static void a_forbidden_switch_does_not_stop_it(void **state) {
  driver d;

  (void)state;
  driver_init(&d);
  d.o.hop_mode = QUICMIG_MODE_REBIND;
  driver_begin(&d, 1);
  driver_confirm(&d, true, 8);
  assert_int_equal(driver_switch(&d, driver_add(&d), 0),
                   QUICMIG_ERR_PEER_FORBIDS);
  assert_int_equal(d.record.result, QUICMIG_ERR_PEER_FORBIDS);
  assert_true(qm_engine_deadline(&d.e) <= T0 + 360 * S);
  driver_sleep_until(&d, T0 + 3600 * S);
  assert_in_range(d.e.stats.hops, 10, 15);
}

/* Hop after hop the connection goes by its first address. */
static void a_chain_of_hops_shows_one_address(void **state) {
  driver d;
  int i;

  (void)state;
  driver_init(&d);
  d.o.hop_mode = QUICMIG_MODE_REBIND;
  driver_connect(&d);
  for (i = 0; i < 8; i++) {
    d.now += S;
    assert_int_equal(driver_hop(&d), 0);
    assert_int_equal(d.record.result, 0);
    assert_int_equal(d.record.from_port, 5001 + i);
    assert_int_equal(d.record.to_port, 5002 + i);
    assert_int_equal(qm_addr_port(&qm_engine_active(&d.e)->shown), 5001);
  }
}

/* A path given up by the caller's timeout is proven after all, while a trial is
 * open that has sent nothing. */
static void a_late_success_ends_the_trial(void **state) {
  uint32_t late;
  driver d;

  (void)state;
  open_rebind(&d);
  late = driver_add(&d);
  assert_int_equal(driver_switch(&d, late, 50 * MS), 0);
  driver_sleep_until(&d, d.now + 60 * MS);
  assert_int_equal(driver_state(&d, late), QUICMIG_PATH_FAILED);
  d.now += 200 * MS;
  assert_int_equal(driver_hop(&d), 0);
  driver_validated(&d, late);
  assert_int_equal(d.record.result, QUICMIG_ERR_ABORTED);
  assert_int_equal(qm_engine_tx(&d.e)->id, late);
  assert_int_equal(qm_engine_active(&d.e)->id, late);
  d.now += 200 * MS;
  assert_int_equal(driver_hop(&d), 0); /* not busy for ever */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(data_moves_at_once),
      cmocka_unit_test(an_answer_proves_it),
      cmocka_unit_test(it_is_taken_back),
      cmocka_unit_test(nothing_sent_proves_nothing),
      cmocka_unit_test(a_refusal_takes_it_back_at_once),
      cmocka_unit_test(scheduled_hops_wait_for_room),
      cmocka_unit_test(failures_in_a_row_teach_a_budget),
      cmocka_unit_test(works_where_migration_does_not),
      cmocka_unit_test(a_forbidden_switch_does_not_stop_it),
      cmocka_unit_test(a_chain_of_hops_shows_one_address),
      cmocka_unit_test(a_late_success_ends_the_trial),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
