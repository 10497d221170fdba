/* Only what ngtcp2 has accepted decides anything.  A datagram that nobody
 * authenticated is counted, in whatever state it comes and on whatever path. */
#include "driver.h"

#define JUNK_MAX 1500

static void idle(driver *d) { driver_connect(d); }

static void unconfirmed(driver *d) { driver_begin(d, 1); }

static void after_a_hop(driver *d) {
  driver_connect(d);
  driver_hop(d);
}

static void probing(driver *d) {
  d->is_silent = true;
  after_a_hop(d);
}

static void settling(driver *d) {
  probing(d);
  qm_engine_on_validated(&d->e, 2, d->now);
  driver_run(d);
  assert_int_equal(d->e.hop.phase, QM_PHASE_SETTLING);
}

static void failed(driver *d) {
  probing(d);
  driver_sleep_until(d, d->now + 8 * S);
  assert_int_equal(driver_state(d, 2), QUICMIG_PATH_FAILED);
}

static void rebind_trial(driver *d) {
  d->o.hop_mode = QUICMIG_MODE_REBIND;
  probing(d);
  driver_tx(d, 2, 1200);
}

static void rebind_taken_back(driver *d) {
  rebind_trial(d);
  driver_sleep_until(d, d->now + S);
  assert_int_equal(driver_state(d, 2), QUICMIG_PATH_FAILED);
}

/* Path 1 went silent, the connection moved at once to path 2, which was not
 * heard yet: path 1 is the way back. */
static void alarm_unheard(driver *d) {
  driver_connect(d);
  driver_rx(d, 1, 100);
  d->now += 2 * S;
  d->is_silent = true;
  qm_engine_on_flight(&d->e, 12000, false, d->cc.pto, d->now);
  driver_sleep_until(d, d->now + 2 * d->cc.pto);
  qm_engine_on_validated(&d->e, 2, d->now); /* moved, not heard */
  driver_run(d);
  assert_int_equal(d->e.silence.left, 1);
}

static void adaptive(driver *d) {
  d->o.adaptive = 1;
  driver_connect(d);
}

static const struct row {
  const char *name;
  void (*begin)(driver *d);
} rows[] = {
    {"before the handshake is confirmed", unconfirmed},
    {"idle", idle},
    {"after a hop", after_a_hop},
    {"a path is being validated", probing},
    {"the record waits for a packet", settling},
    {"after a failed hop", failed},
    {"REBIND on trial", rebind_trial},
    {"REBIND taken back", rebind_taken_back},
    {"an alarm, the new path unheard", alarm_unheard},
    {"the adaptive policy", adaptive},
};

/* Counters are what junk may change. */
static void forget_counters(qm_engine *e) {
  qm_path *p = NULL;

  e->stats = (quicmig_stats){.size = 0};
  while ((p = qm_paths_next(&e->paths, p))) {
    p->meter = (qm_meter){.tx_packets = 0};
  }
}

static void junk_is_only_counted(void **state) {
  static driver d, before;
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    uint32_t id;
    size_t n;

    driver_init(&d);
    r->begin(&d);
    d.now += 7 * MS;
    driver_log(&d);
    forget_counters(&d.e);
    memcpy(&before, &d, sizeof(d));
    for (id = 1; id <= 2; id++) {
      for (n = 1; driver_has(&d, id) && n <= JUNK_MAX; n += 37) {
        driver_junk(&d, id, n);
        row_string(r, driver_log(&d), "");
      }
    }
    row_true(r, d.e.stats.rx_packets > 0);
    row_equal(r, qm_engine_deadline(&d.e), qm_engine_deadline(&before.e));
    forget_counters(&d.e);
    row_equal(r, memcmp(&d.e, &before.e, sizeof(d.e)), 0);
    row_equal(r, memcmp(d.slots, before.slots, sizeof(d.slots)), 0);
    row_equal(r, memcmp(&d.policy, &before.policy, sizeof(d.policy)), 0);
  }
}

/* And what is accepted does decide, in the states where it shall. */
static void a_genuine_packet_counts(void **state) {
  driver d;

  (void)state;
  driver_init(&d);
  rebind_trial(&d);
  driver_rx(&d, 2, 100);
  assert_int_equal(driver_state(&d, 2), QUICMIG_PATH_ACTIVE);
  driver_init(&d);
  settling(&d);
  driver_rx(&d, 2, 100);
  assert_int_equal(d.e.hop.phase, QM_PHASE_IDLE);
  driver_init(&d);
  alarm_unheard(&d);
  driver_rx(&d, 2, 100);
  assert_int_equal(d.e.silence.left, 0);
}

/* The packet that brings the PATH_RESPONSE does not end SETTLING: the silence
 * that traffic saw is known only with the next one. */
static void the_proof_itself_ends_nothing(void **state) {
  qm_arrival a;
  driver d;

  (void)state;
  driver_init(&d);
  probing(&d);
  (void)qm_engine_on_datagram(&d.e, driver_path(&d, 2), 1200, &a, d.now);
  qm_engine_on_validated(&d.e, 2, d.now);
  driver_run(&d);
  qm_engine_on_accepted(&d.e, &a, d.now);
  driver_run(&d);
  assert_int_equal(d.e.hop.phase, QM_PHASE_SETTLING);
  driver_rx(&d, 2, 100);
  assert_int_equal(d.e.hop.phase, QM_PHASE_IDLE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(junk_is_only_counted),
      cmocka_unit_test(a_genuine_packet_counts),
      cmocka_unit_test(the_proof_itself_ends_nothing),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
