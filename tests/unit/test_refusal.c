/* Hops that may not or cannot be: each with its record, and with no socket
 * left. */
#include "driver.h"

struct refusal {
  const char *name;
  bool is_unconfirmed, is_forbidden;
  bool is_too_soon; /* a hop was just made */
  bool is_full;     /* every socket is taken by a path that may not be closed */
  int open_err, open_errno, start_err;
  int want; /* the record's result */
  const char *log;
  uint32_t opens; /* sockets that were made, and closed again */
};

static const struct refusal refusals[] = {
    {.name = "not confirmed",
     .is_unconfirmed = true,
     .want = QUICMIG_ERR_NOT_CONFIRMED,
     .log = "record:not-confirmed"},
    {.name = "forbidden by the peer",
     .is_forbidden = true,
     .want = QUICMIG_ERR_PEER_FORBIDS,
     .log = "peer-forbids record:peer-forbids"},
    {.name = "too soon",
     .is_too_soon = true,
     .want = QUICMIG_ERR_TOO_SOON,
     .log = "record:too-soon"},
    {.name = "sockets exhausted",
     .is_full = true,
     .want = QUICMIG_ERR_SOCKETS_EXHAUSTED,
     .log = "record:sockets-exhausted"},
    {.name = "no spare ID, before a socket",
     .open_err = QUICMIG_ERR_NO_SPARE_ID,
     .want = QUICMIG_ERR_NO_SPARE_ID,
     .log = "open record:no-spare-id"},
    {.name = "no spare ID, after the socket",
     .start_err = QUICMIG_ERR_NO_SPARE_ID,
     .want = QUICMIG_ERR_NO_SPARE_ID,
     .log = "open 2:closed>spare migrate:2 2:spare>closed close:2 "
            "record:no-spare-id",
     .opens = 1},
    {.name = "too many files",
     .open_err = QUICMIG_ERR_SYSTEM,
     .open_errno = 24,
     .want = QUICMIG_ERR_SYSTEM,
     .log = "open record:system"},
    {.name = "no port",
     .open_err = QUICMIG_ERR_PORTS_EXHAUSTED,
     .want = QUICMIG_ERR_PORTS_EXHAUSTED,
     .log = "open record:ports-exhausted"},
    {.name = "no port allowed",
     .open_err = QUICMIG_ERR_PORTS_REFUSED,
     .open_errno = 13,
     .want = QUICMIG_ERR_PORTS_REFUSED,
     .log = "open record:ports-refused"},
    {.name = "refused by the application",
     .open_err = QUICMIG_ERR_APP_REFUSED,
     .want = QUICMIG_ERR_APP_REFUSED,
     .log = "open record:app-refused"},
    {.name = "no random bytes",
     .open_err = QUICMIG_ERR_RANDOM,
     .want = QUICMIG_ERR_RANDOM,
     .log = "open record:random"},
    {.name = "no memory in ngtcp2",
     .start_err = QUICMIG_ERR_NOMEM,
     .want = QUICMIG_ERR_NOMEM,
     .log = "open 2:closed>spare migrate:2 2:spare>closed close:2 "
            "record:no-memory",
     .opens = 1},
};

/* Brings the engine to where the next hop meets the refusal. */
static void open_refusal(driver *d, const struct refusal *r) {
  driver_init(d);
  d->o.max_sockets = r->is_full ? 2 : 4;
  driver_begin(d, 1);
  if (!r->is_unconfirmed) {
    driver_confirm(d, r->is_forbidden, 8);
  }
  if (r->is_too_soon) {
    driver_hop(d);
    d->now += 99 * MS;
  }
  if (r->is_full) {
    driver_add(d);
  }
  d->open_err = r->open_err;
  d->open_errno = r->open_errno;
  d->start_err = r->start_err;
  driver_log(d);
}

static void check_refusal(const struct refusal *r, quicmig_reason reason) {
  uint32_t opens, records, len;
  bool is_late = r->open_err || r->start_err; /* known after OPEN only */
  driver d;

  open_refusal(&d, r);
  opens = d.opens;
  records = d.records;
  len = d.e.paths.len;
  row_equal(r, qm_engine_hop(&d.e, reason, &d.cc, d.now),
            is_late ? 0 : r->want);
  driver_run(&d);
  row_string(r, driver_log(&d), r->log);
  row_equal(r, d.records, records + 1);
  row_equal(r, d.record.seq, records + 1);
  row_equal(r, d.record.reason, reason);
  row_equal(r, d.record.result, r->want);
  row_equal(r, d.record.sys_errno, r->open_errno);
  row_equal(r, d.record.to_id, r->opens ? len + 1 : 0);
  row_equal(r, d.opens - opens, r->opens);
  row_equal(r, d.opens - d.closes, len);
  row_equal(r, d.e.paths.len, len);
  row_equal(r, d.e.hop.phase, QM_PHASE_IDLE);
  row_equal(r, d.e.stats.hops_refused, 1);
  row_equal(r, d.e.stats.hops_failed, 0);
  row_equal(r, d.e.stats.last_error, r->want);
}

static void every_refusal_leaves_a_record_and_no_socket(void **state) {
  const struct refusal *r;

  (void)state;
  for (EACH_ROW(r, refusals)) {
    check_refusal(r, QUICMIG_REASON_MANUAL);
    if (!r->is_too_soon) { /* the schedule learns the gap and says so: below */
      check_refusal(r, QUICMIG_REASON_INTERVAL);
    }
  }
}

/* The application asked, so it decides about another try: the schedule stays.
 */
static void a_refusal_by_hand_leaves_the_schedule(void **state) {
  const struct refusal *r;

  (void)state;
  for (EACH_ROW(r, refusals)) {
    quicmig_tstamp before;
    driver d;

    if (r->is_forbidden) {
      continue; /* that ends it */
    }
    open_refusal(&d, r);
    before = qm_sched_deadline(&d.e.sched);
    driver_hop(&d);
    if (r->opens == 0) {
      row_equal(r, qm_sched_deadline(&d.e.sched), before);
    }
  }
}

static void a_refusal_of_the_schedule_backs_off(void **state) {
  const struct refusal *r;

  (void)state;
  for (EACH_ROW(r, refusals)) {
    quicmig_tstamp at;
    driver d;

    if (r->is_forbidden || r->is_unconfirmed || r->is_too_soon) {
      continue;
    }
    open_refusal(&d, r);
    (void)qm_engine_hop(&d.e, QUICMIG_REASON_INTERVAL, &d.cc, d.now);
    driver_run(&d);
    at = qm_engine_deadline(&d.e);
    row_true(r, at >= d.now + S && at <= d.now + S + S / 4);
    row_equal(r, d.record.next_at, at);
    driver_sleep_until(&d, at - 1);
    row_equal(r, d.records, 1);
    driver_sleep_until(&d, at);
    row_equal(r, d.records, 2);
    row_equal(r, d.record.reason, QUICMIG_REASON_RETRY);
    row_true(r, qm_engine_deadline(&d.e) >= at + 2 * S);
  }
}

/* What the application opened stays open when ngtcp2 does not take it. */
static void a_refused_switch_keeps_its_path(void **state) {
  driver d;
  uint32_t id;

  (void)state;
  driver_init(&d);
  driver_connect(&d);
  id = driver_add(&d);
  driver_log(&d);
  d.start_err = QUICMIG_ERR_NO_SPARE_ID;
  assert_int_equal(driver_switch(&d, id, 0), 0);
  assert_string_equal(driver_log(&d), "migrate:2 record:no-spare-id");
  assert_int_equal(driver_state(&d, id), QUICMIG_PATH_SPARE);
  assert_int_equal(d.record.to_id, id);
  d.start_err = 0;
  d.now += 3600 * S;
  assert_int_equal(driver_switch(&d, id, 0), 0);
  assert_int_equal(driver_state(&d, id), QUICMIG_PATH_ACTIVE);
}

static void a_switch_meets_the_same_refusals(void **state) {
  static const struct refusal rows[] = {
      {.name = "not confirmed",
       .is_unconfirmed = true,
       .want = QUICMIG_ERR_NOT_CONFIRMED,
       .log = "record:not-confirmed"},
      {.name = "forbidden",
       .is_forbidden = true,
       .want = QUICMIG_ERR_PEER_FORBIDS,
       .log = "peer-forbids record:peer-forbids"},
      {.name = "too soon",
       .is_too_soon = true,
       .want = QUICMIG_ERR_TOO_SOON,
       .log = "record:too-soon"},
  };
  const struct refusal *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    uint32_t id;
    driver d;

    open_refusal(&d, r);
    id = driver_add(&d);
    driver_log(&d);
    row_equal(r, driver_switch(&d, id, 0), r->want);
    row_string(r, driver_log(&d), r->log);
    row_equal(r, d.record.reason, QUICMIG_REASON_EXPLICIT);
    row_equal(r, driver_state(&d, id), QUICMIG_PATH_SPARE);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_refusal_leaves_a_record_and_no_socket),
      cmocka_unit_test(a_refusal_by_hand_leaves_the_schedule),
      cmocka_unit_test(a_refusal_of_the_schedule_backs_off),
      cmocka_unit_test(a_refused_switch_keeps_its_path),
      cmocka_unit_test(a_switch_meets_the_same_refusals),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
