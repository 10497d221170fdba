/* Late packets on old paths, packets that are not for ngtcp2, and paths that
 * the kernel lost. */
#include "driver.h"

#include <errno.h>

static const struct late {
  const char *name;
  uint32_t mode;
  bool is_retired;
  quicmig_duration after; /* the switch */
  size_t n;
  uint32_t as;
  uint32_t rescued;
} late_rows[] = {
    {"small, ID in use", QUICMIG_MODE_MIGRATE, false, 0, 100, 2, 1},
    {"reset-sized, ID in use", QUICMIG_MODE_MIGRATE, false, 0, 43, 2, 1},
    {"almost large, ID in use", QUICMIG_MODE_MIGRATE, false, 0, 1199, 2, 1},
    {"large, ID in use", QUICMIG_MODE_MIGRATE, false, 0, 1200, 1, 1},
    {"largest, ID in use", QUICMIG_MODE_MIGRATE, false, 0, 1500, 1, 1},
    {"largest, ID in use long", QUICMIG_MODE_MIGRATE, false, 2 * S, 1500, 1, 1},
    {"small, ID retired", QUICMIG_MODE_MIGRATE, true, 0, 100, 2, 1},
    {"small, much later", QUICMIG_MODE_MIGRATE, true, 30 * S, 100, 2, 1},
    {"too small for a challenge", QUICMIG_MODE_MIGRATE, true, 0, 1199, 2, 1},
    {"a possible challenge", QUICMIG_MODE_MIGRATE, true, 0, 1200, 1, 0},
    {"larger, from the flight", QUICMIG_MODE_MIGRATE, true, 0, 1201, 2, 1},
    {"just in flight", QUICMIG_MODE_MIGRATE, true, S - 1, 1500, 2, 1},
    {"no longer in flight", QUICMIG_MODE_MIGRATE, true, S, 1500, 1, 0},
    {"rebind, small", QUICMIG_MODE_REBIND, false, 0, 100, 1, 1},
    /* One address for ngtcp2: it never notices. */
    {"rebind, small, retired", QUICMIG_MODE_REBIND, true, 0, 100, 1, 1},
    {"rebind, large, retired", QUICMIG_MODE_REBIND, true, 9 * S, 1500, 1, 1},
};

/*
 * A packet of n bytes on the old path, 1, while 2 is active.  ngtcp2 is shown
 * the active path: there the stateless reset token of path 1's ID cannot match
 * (RFC 9000 section 10.3.1).  But not for a packet that may hold a
 * PATH_CHALLENGE, whose answer must leave on the path it came by (sections
 * 8.2.1 and 8.2.2): a large one while ngtcp2 still reads path 1, one of exactly
 * 1200 bytes, or a larger one that was not under way at the switch.
 */
static void late_packets(void **state) {
  const struct late *r;

  (void)state;
  for (EACH_ROW(r, late_rows)) {
    driver d;

    driver_init(&d);
    d.o.hop_mode = r->mode;
    driver_connect(&d);
    driver_hop(&d);
    row_equal(r, driver_state(&d, 1), QUICMIG_PATH_DRAINING);
    if (r->is_retired) {
      qm_engine_on_id_retired(&d.e, 0);
    }
    d.now = driver_path(&d, 1)->draining_at + r->after;
    row_equal(r, driver_rx(&d, 1, r->n), r->as);
    row_equal(r, driver_path(&d, 1)->meter.late, 1);
    row_equal(r, driver_path(&d, 1)->meter.rescued, r->rescued);
    row_equal(r, d.e.stats.late_packets, 1);
    row_equal(r, d.e.stats.late_rescued, r->rescued);
    row_equal(r, d.e.stats.rx_discarded, 0);
    row_equal(r, driver_rx(&d, 2, r->n), 2);
    row_equal(r, d.e.stats.late_packets, 1);
  }
}

/* Each path of a chain carries its own connection ID. */
static void only_the_retired_ids_path_is_retired(void **state) {
  driver d;
  int i;

  (void)state;
  driver_init(&d);
  driver_connect(&d);
  for (i = 0; i < 3; i++) { /* paths 1 - 4 with the IDs 0 - 3 */
    d.now += S;
    driver_hop(&d);
  }
  for (i = 0; i < 4; i++) {
    assert_int_equal(driver_path(&d, (uint32_t)i + 1)->dcid_seq, i);
  }
  qm_engine_on_id_retired(&d.e, 1);
  qm_engine_on_id_retired(&d.e, 77);
  for (i = 0; i < 4; i++) {
    assert_int_equal(driver_path(&d, (uint32_t)i + 1)->is_retired, i == 1);
  }
  /* The active path got another ID (the peer asked for it): the old one's end
   * is not the path's. */
  qm_engine_on_id_used(&d.e, 9);
  qm_engine_on_id_retired(&d.e, 3);
  assert_int_equal(driver_path(&d, 4)->dcid_seq, 9);
  assert_int_equal(driver_rx(&d, 4, 100), 4);
  d.now += S;
  driver_hop(&d);
  assert_false(driver_path(&d, 4)->is_retired);
  qm_engine_on_id_retired(&d.e, 9);
  assert_true(driver_path(&d, 4)->is_retired);
}

static void counts_every_packet(void **state) {
  const quicmig_stats *s;
  driver d;

  (void)state;
  driver_init(&d);
  driver_connect(&d);
  driver_tx(&d, 1, 1200);
  driver_tx(&d, 1, 30);
  driver_rx(&d, 1, 500);
  s = &d.e.stats;
  assert_int_equal(s->tx_packets, 2);
  assert_int_equal(s->tx_bytes, 1230);
  assert_int_equal(s->rx_packets, 1);
  assert_int_equal(s->rx_bytes, 500);
  assert_int_equal(driver_path(&d, 1)->meter.tx_bytes, 1230);
  assert_int_equal(driver_path(&d, 1)->meter.rx_bytes, 500);
  qm_engine_on_tx_dropped(&d.e, 1);
  qm_engine_on_rx_discarded(&d.e);
  assert_int_equal(s->tx_dropped, 1);
  assert_int_equal(s->rx_discarded, 1);
}

/* Nothing was sent there, so nothing that arrives is an answer. */
static void a_spare_path_is_not_read(void **state) {
  driver d;

  (void)state;
  driver_init(&d);
  driver_connect(&d);
  assert_int_equal(driver_rx(&d, driver_add(&d), 100), 0);
  assert_int_equal(d.e.stats.rx_discarded, 1);
  assert_int_equal(d.e.stats.late_packets, 0);
}

static void a_lost_path_is_left_at_once(void **state) {
  driver d;

  (void)state;
  driver_init(&d);
  d.is_silent = true;
  driver_connect(&d);
  driver_path_error(&d, 1, ENETUNREACH);
  assert_string_equal(
      driver_log(&d),
      "socket-error open 2:closed>spare migrate:2 2:spare>probing");
  assert_int_equal(d.values[QUICMIG_EVENT_SOCKET_ERROR], ENETUNREACH);
  driver_path_error(&d, 1, ENETUNREACH); /* already at it, and told */
  assert_string_equal(driver_log(&d), "");
  driver_path_error(&d, 1, EHOSTUNREACH); /* news */
  assert_string_equal(driver_log(&d), "socket-error");
  driver_validated(&d, 2);
  driver_rx(&d, 2, 100);
  assert_int_equal(d.record.reason, QUICMIG_REASON_PATH_ERROR);
}

static void errors_that_start_nothing(void **state) {
  driver d;

  (void)state;
  driver_init(&d);
  driver_begin(&d, 1);
  driver_log(&d);
  driver_path_error(&d, 1, ENETUNREACH); /* before the handshake's end */
  assert_string_equal(driver_log(&d), "socket-error");
  driver_confirm(&d, false, 8);
  driver_hop(&d);
  d.now += 10 * S;
  driver_log(&d);
  driver_path_error(&d, 1, ENETUNREACH); /* a draining path */
  assert_string_equal(driver_log(&d), "socket-error");
  assert_int_equal(d.records, 1);
}

/* The whole network is gone: every packet fails, and no socket can be opened.
 * A thousand errors a second are one attempt and its backoff. */
static void a_lost_network_is_no_busy_loop(void **state) {
  static const struct row {
    const char *name;
    int open_err;
    uint32_t peer_limit;
  } rows[] = {
      {"nothing opens", QUICMIG_ERR_SYSTEM, 8},
      {"no spare ID", QUICMIG_ERR_NO_SPARE_ID, 8},
      {"it opens, and nothing is proven", 0, 8},
      {"a peer with two IDs", 0, 2},
  };
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    quicmig_tstamp end = T0 + 60 * S;
    driver d;

    driver_init(&d);
    driver_begin(&d, 1);
    driver_confirm(&d, false, r->peer_limit);
    driver_hop(&d); /* so that there is a last start */
    d.now += 200 * MS;
    d.is_silent = true;
    d.open_err = r->open_err;
    while (d.now < end) {
      driver_path_error(&d, qm_engine_active(&d.e)->id, ENETUNREACH);
      driver_sleep_until(&d, d.now + 10 * MS);
    }
    /* At once, then after 1, 2, 4, 8, 16 and 32 s. */
    row_true(r, d.records >= 3 && d.records <= 9);
    row_true(r, d.opens - d.closes == d.e.paths.len);
  }
}

/* A quarrel between two dead paths: each hop succeeds, each path fails. */
static void a_path_error_respects_the_minimum_gap(void **state) {
  driver d;
  int i;

  (void)state;
  driver_init(&d);
  driver_connect(&d);
  for (i = 0; i < 1000; i++, d.now += MS) {
    driver_path_error(&d, qm_engine_active(&d.e)->id, ENETUNREACH);
  }
  assert_int_equal(d.e.stats.hops, 10);
  assert_int_equal(d.e.stats.hops_refused, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(late_packets),
      cmocka_unit_test(only_the_retired_ids_path_is_retired),
      cmocka_unit_test(counts_every_packet),
      cmocka_unit_test(a_spare_path_is_not_read),
      cmocka_unit_test(a_lost_path_is_left_at_once),
      cmocka_unit_test(errors_that_start_nothing),
      cmocka_unit_test(a_lost_network_is_no_busy_loop),
      cmocka_unit_test(a_path_error_respects_the_minimum_gap),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
