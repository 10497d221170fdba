/* After a hop over a full queue nothing is written until it has drained. */
#include "driver.h"

static void holds_for_the_queue(void **state) {
  static const struct row {
    const char *name;
    quicmig_duration base, srtt, took; /* least RTT, before, of the challenge */
    uint64_t in_flight;
    quicmig_reason reason;
    uint8_t home;          /* of the new path; the old one's is 0 */
    quicmig_duration want; /* from the switch on; 0: no hold */
  } rows[] = {
      {"a full queue", 20 * MS, 45 * MS, 40 * MS, 99999,
       QUICMIG_REASON_INTERVAL, 0, 20 * MS},
      {"a challenge was repeated", 20 * MS, 45 * MS, 300 * MS, 99999,
       QUICMIG_REASON_INTERVAL, 0, 25 * MS},
      {"a huge queue", 20 * MS, 900 * MS, 800 * MS, 99999, QUICMIG_REASON_BYTES,
       0, 100 * MS},
      {"no queue", 20 * MS, 21 * MS, 20 * MS, 99999, QUICMIG_REASON_INTERVAL, 0,
       0},
      {"somebody else's queue", 20 * MS, 45 * MS, 40 * MS, 14720,
       QUICMIG_REASON_INTERVAL, 0, 0},
      {"the RTT is not known", 0, 45 * MS, 40 * MS, 99999,
       QUICMIG_REASON_INTERVAL, 0, 0},
      {"the old path is dead", 20 * MS, 45 * MS, 40 * MS, 99999,
       QUICMIG_REASON_PATH_ERROR, 0, 0},
      {"another network", 20 * MS, 45 * MS, 40 * MS, 99999,
       QUICMIG_REASON_INTERVAL, 1, 0},
  };
  const struct row *r;
  driver d;

  (void)state;
  for (EACH_ROW(r, rows)) {
    driver_init(&d);
    d.is_silent = true;
    driver_connect(&d);
    d.cc.min_rtt = r->base;
    d.cc.srtt = r->srtt;
    d.now += 5 * S;
    driver_rx(&d, 1, 100);
    qm_engine_on_flight(&d.e, r->in_flight, true, d.cc.pto, d.now);
    row_equal(r, qm_engine_hop(&d.e, r->reason, &d.cc, d.now), 0);
    driver_run(&d);
    driver_path(&d, 2)->home = r->home;
    d.now += r->took;
    driver_validated(&d, 2);
    row_equal(r, qm_engine_held_until(&d.e), r->want ? d.now + r->want : 0);
    driver_rx(&d, 2, 100);
    row_equal(r, qm_engine_held_until(&d.e), r->want ? d.now + r->want : 0);
    d.now += 5 * S;
    d.cc.min_rtt = 0;
    driver_hop(&d);
    row_equal(r, qm_engine_held_until(&d.e), 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(holds_for_the_queue)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
