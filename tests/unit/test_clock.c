/* quicmig_clock() never goes back, whatever the kernel's does. */
#include <time.h>

static int read_clock(clockid_t id, struct timespec *ts);
#define clock_gettime read_clock
#include "io/clock.c"
#undef clock_gettime

#include "table.h"

#define MS QUICMIG_MILLISECOND

static quicmig_tstamp kernel; /* ns */

static int read_clock(clockid_t id, struct timespec *ts) {
  (void)id;
  ts->tv_sec = (time_t)(kernel / QUICMIG_SECOND);
  ts->tv_nsec = (long)(kernel % QUICMIG_SECOND);
  return 0;
}

/* After ten seconds of it the kernel's clock is moved by `step`, and 5 ms later
 * ours shows `wanted` more than at the step. */
static void a_step_back_is_time_that_stood_still(void **state) {
  static const struct row {
    const char *name;
    int64_t step, wanted;
  } rows[] = {
      {"none", 0, 5 * MS},
      {"a nanosecond back", -1, 5 * MS},
      {"1 ms back", -(int64_t)MS, 5 * MS},
      {"1 s back", -(int64_t)QUICMIG_SECOND, 5 * MS},
      {"an hour back", -3600 * (int64_t)QUICMIG_SECOND, 5 * MS},
      {"1 s forth: the machine slept", QUICMIG_SECOND, QUICMIG_SECOND + 5 * MS},
  };
  const struct row *r;

  (void)state;
  kernel = 100000 * QUICMIG_SECOND;
  for (EACH_ROW(r, rows)) {
    quicmig_tstamp before, then;

    kernel += 10 * QUICMIG_SECOND;
    before = quicmig_clock();
    kernel += (quicmig_tstamp)r->step;
    then = quicmig_clock();
    row_true(r, then >= before);
    kernel += 5 * MS;
    row_equal(r, quicmig_clock() - before, (uint64_t)r->wanted);
  }
}

/* Forth by 3 ms and back by 2, again and again: only the first counts. */
static void many_steps_add_up(void **state) {
  quicmig_tstamp before = quicmig_clock(), last = before;
  int i;

  (void)state;
  for (i = 0; i < 2000; i++) {
    kernel = i % 2 ? kernel - 2 * MS : kernel + 3 * MS;
    assert_true(quicmig_clock() >= last);
    last = quicmig_clock();
  }
  assert_int_equal(last - before, 1000 * 3 * MS);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_step_back_is_time_that_stood_still),
      cmocka_unit_test(many_steps_add_up),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
