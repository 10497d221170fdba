/* How long packets may wait in the example VPN. */
#include "../../examples/tun_vpn/codel.c"

#include "table.h"

#define MS QUICMIG_MILLISECOND
#define T0 (1000 * QUICMIG_SECOND)

struct queue {
  const char *name;
  quicmig_duration wait, every;  /* of each packet, and between them */
  int few;                       /* whether hardly anything waits */
  unsigned packets, least, most; /* how many are offered, and dropped */
};

static void check_queue(const struct queue *r) {
  unsigned i, drops = 0;
  codel c = {.count = 0};

  for (i = 0; i < r->packets; i++) {
    quicmig_tstamp now = T0 + i * r->every;

    drops += codel_drops(&c, now, now - r->wait, r->few);
  }
  row_true(r, drops >= r->least);
  row_true(r, drops <= r->most);
}

static void long_waits_cost_packets(void **state) {
  static const struct queue rows[] = {
      {"short", 19 * MS, MS, 0, 10000, 0, 0},
      {"long, nothing behind", 500 * MS, MS, 1, 10000, 0, 0},
      {"not for long yet", 500 * MS, MS, 0, 100, 0, 0},
      {"one interval", 500 * MS, MS, 0, 102, 1, 1},
      {"a second", 500 * MS, MS, 0, 1000, 20, 30},
      {"ten seconds", 500 * MS, MS, 0, 10000, 1500, 3000},
      {"few packets", 500 * MS, 1000 * MS, 0, 10, 8, 9},
  };
  const struct queue *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    check_queue(r);
  }
}

static void a_short_wait_ends_it(void **state) {
  codel c = {.count = 0};
  quicmig_tstamp now = T0;

  (void)state;
  assert_false(codel_drops(&c, now, now - 50 * MS, false));
  now += 101 * MS;
  assert_true(codel_drops(&c, now, now - 50 * MS, false));
  assert_false(codel_drops(&c, now + MS, now, false));
  now += 99 * MS;
  assert_false(codel_drops(&c, now, now - 50 * MS, false));
  now += 101 * MS;
  assert_true(codel_drops(&c, now, now - 50 * MS, false));
}

/* Also when the time of the next drop is still to come. */
static void a_new_run_goes_on(void **state) {
  codel c = {.count = 0};
  quicmig_tstamp now = T0;
  int i;

  (void)state;
  for (i = 0; i < 1000; i++, now += MS) {
    (void)codel_drops(&c, now, now - 500 * MS, false);
  }
  assert_false(codel_drops(&c, now, now, false));
  c.count = 40;
  c.next = now + 200 * MS;
  (void)codel_drops(&c, now, now - 500 * MS, false);
  assert_true(codel_drops(&c, now + 100 * MS, now - 500 * MS, false));
  assert_int_equal(c.count, 38);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(long_waits_cost_packets),
      cmocka_unit_test(a_short_wait_ends_it),
      cmocka_unit_test(a_new_run_goes_on),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
