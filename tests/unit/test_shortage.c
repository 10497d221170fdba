/* A hop for whose socket there is no descriptor, and which old socket gives way
 * to it. */
#include "driver.h"

/* Paths 1 to n drain, the last of them for a second, and n + 1 is active. */
static void drain(driver *d, uint32_t n) {
  driver_init(d);
  d->o.max_sockets = 16;
  d->o.hop_min_gap = 10 * MS;
  driver_connect(d);
  for (; n; n--) {
    assert_int_equal(driver_hop(d), 0);
    d->now += S;
  }
  driver_log(d);
}

struct row {
  const char *name;
  uint32_t draining;
  quicmig_duration pause; /* before the last hop, instead of a second */
  uint32_t shortages;
  uint32_t fallback; /* the path to go back to; 0: none */
  bool is_unheard;   /* the active path was moved to at once */
  const char *log;
};

#define MOVES(n) " open " #n ":closed>spare migrate:" #n " " #n ":spare>probing"
#define REFUSED " record:system"

static const struct row rows[] = {
    {"the oldest of three", 3, S, 1, 0, false,
     "open 1:draining>closed close:1 shortage" MOVES(5)},
    {"the only one", 1, S, 1, 0, false,
     "open 1:draining>closed close:1 shortage" MOVES(3)},
    {"none drains", 0, S, 1, 0, false, "open" REFUSED},
    {"one that has just begun to drain", 1, 59 * MS, 1, 0, false,
     "open" REFUSED},
    {"one that has drained for its floor", 1, 60 * MS, 1, 0, false,
     "open 1:draining>closed close:1 shortage" MOVES(3)},
    {"the next one, if the oldest is the way back", 3, S, 1, 1, false,
     "open 2:draining>closed close:2 shortage" MOVES(5)},
    {"only the way back drains", 1, S, 1, 1, false, "open" REFUSED},
    {"only what was heard last drains", 1, S, 1, 0, true, "open" REFUSED},
    {"the oldest, not what was heard last", 2, S, 1, 0, true,
     "open 1:draining>closed close:1 shortage" MOVES(4)},
    {"once an attempt", 3, S, 2, 0, false,
     "open 1:draining>closed close:1 shortage open" REFUSED},
};

static void the_oldest_gives_way(void **state) {
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    driver d;
    uint64_t hops;

    drain(&d, r->draining);
    d.now += r->pause - S;
    hops = d.e.stats.hops;
    d.e.silence.left = r->fallback;
    qm_engine_active(&d.e)->is_heard = !r->is_unheard;
    d.is_silent = true;
    d.shortages = r->shortages;
    row_equal(r, driver_hop(&d), 0);
    row_string(r, driver_log(&d), r->log);
    row_equal(r, driver_state(&d, (uint32_t)hops + 1), QUICMIG_PATH_ACTIVE);
    row_equal(r, d.opens - d.closes, d.e.paths.len);
    if (d.events[QUICMIG_EVENT_SHORTAGE]) {
      row_equal(r, d.values[QUICMIG_EVENT_SHORTAGE], DRIVER_SHORT);
    }
  }
}

/* The record says what it was, and the schedule backs off. */
static void without_any_the_hop_backs_off(void **state) {
  driver d;

  (void)state;
  driver_init(&d);
  d.o.hop_interval = 10 * S;
  d.o.hop_jitter_pct = 0;
  driver_connect(&d);
  d.shortages = 2;
  driver_sleep_until(&d, T0 + 10 * S);
  assert_int_equal(d.record.result, QUICMIG_ERR_SYSTEM);
  assert_int_equal(d.record.sys_errno, DRIVER_SHORT);
  assert_in_range(d.record.next_at - d.now, S, 5 * S / 4);
  driver_sleep_until(&d, T0 + 20 * S);
  assert_int_equal(d.records, 3);
  assert_int_equal(d.record.result, 0);
}

/* A REBIND that failed may still be read, but its socket can go; a MIGRATE that
 * failed is ngtcp2's still. */
static void failed_paths(void **state) {
  static const struct {
    const char *name;
    uint32_t mode;
    bool gives_way;
  } modes[] = {{"a failed REBIND", QUICMIG_MODE_REBIND, true},
               {"a failed MIGRATE", QUICMIG_MODE_MIGRATE, false}},
    *r;

  (void)state;
  for (EACH_ROW(r, modes)) {
    driver d;

    driver_init(&d);
    d.o.hop_mode = r->mode;
    d.o.hop_interval = 0;
    driver_connect(&d);
    d.is_silent = true;
    driver_hop(&d);
    driver_sleep_until(&d, d.e.hop.give_up);
    row_equal(r, driver_state(&d, 2), QUICMIG_PATH_FAILED);
    d.now += 2 * S;
    d.shortages = 1;
    driver_hop(&d);
    row_equal(r, driver_has(&d, 2), !r->gives_way);
    row_equal(r, driver_has(&d, 3), r->gives_way);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_oldest_gives_way),
      cmocka_unit_test(without_any_the_hop_backs_off),
      cmocka_unit_test(failed_paths),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
