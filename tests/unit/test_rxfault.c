/* Reads that fail in a row: how many it takes, and for how long. */
#include "io/rxfault.h"

#include "table.h"

static void pauses(void **state) {
  static const struct row {
    const char *name;
    bool is_paused;
    unsigned ms;
  } rows[] = {
      {"none", false, 0},  {"one", false, 0},     {"two", false, 0},
      {"three", true, 2},  {"four", true, 16},    {"five", true, 128},
      {"six", true, 1024}, {"seven", true, 1024}, {"eight", true, 1024},
  };
  const struct row *r;
  uint8_t n = 0;

  (void)state;
  for (EACH_ROW(r, rows)) {
    row_equal(r, qm_rxfault_is_paused(n), r->is_paused);
    if (r->is_paused) {
      row_equal(r, qm_rxfault_pause(n), r->ms * QUICMIG_MILLISECOND);
    }
    n = qm_rxfault_next(n);
    row_true(r, n < 8); /* three bits */
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(pauses)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
