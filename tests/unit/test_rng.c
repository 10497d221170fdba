/* The seeded generator: its known answers, its bounds, its spread. */
#include "base/rng.h"

#include "table.h"

/* splitmix64 as published: the first five outputs for seed 1234567. */
static void gives_the_published_sequence(void **state) {
  static const uint64_t want[] = {6457827717110365317u, 3203168211198807973u,
                                  9817491932198370423u, 4593380528125082431u,
                                  16408922859458223821u};
  qm_rng r;
  size_t i;

  (void)state;
  qm_rng_init(&r, 1234567);
  for (i = 0; i < COUNT_OF(want); i++) {
    assert_true(qm_rng_next(&r) == want[i]);
  }
}

static void same_seed_same_numbers(void **state) {
  qm_rng a, b, c;
  int i, differing = 0;

  (void)state;
  qm_rng_init(&a, 7);
  qm_rng_init(&b, 7);
  qm_rng_init(&c, 8);
  for (i = 0; i < 64; i++) {
    uint64_t x = qm_rng_next(&a);

    assert_true(x == qm_rng_next(&b));
    differing += x != qm_rng_next(&c);
  }
  assert_int_equal(differing, 64);
}

static void stays_in_its_range(void **state) {
  static const struct row {
    const char *name;
    uint64_t lo, hi;
    bool reaches_ends; /* small enough to see both ends in 2000 draws */
  } rows[] = {
      {"one value", 42, 42, true},
      {"zero only", 0, 0, true},
      {"two values", 0, 1, true},
      {"a die", 1, 6, true},
      {"far from zero", 1ull << 40, (1ull << 40) + 9, true},
      {"up to the last value", UINT64_MAX - 3, UINT64_MAX, true},
      {"just over half of all", 0, (UINT64_MAX / 2) + 1, false},
      {"everything", 0, UINT64_MAX, false},
  };
  const struct row *r;
  uint64_t seed = test_seed();
  int i;

  (void)state;
  for (EACH_ROW(r, rows)) {
    uint64_t min = UINT64_MAX, max = 0;
    qm_rng g;

    qm_rng_init(&g, seed);
    for (i = 0; i < 2000; i++) {
      uint64_t x = qm_rng_range(&g, r->lo, r->hi);

      row_true(r, x >= r->lo && x <= r->hi);
      min = x < min ? x : min;
      max = x > max ? x : max;
    }
    row_true(r, !r->reaches_ends || (min == r->lo && max == r->hi));
    row_true(r, r->reaches_ends || max - min > (r->hi - r->lo) / 4 * 3);
  }
}

/* Chi-square over ten cells, nine degrees of freedom: 40 is passed by chance
 * less than once in 100,000. */
static void spreads_evenly(void **state) {
  enum { CELLS = 10, DRAWS = 20000 };
  double expected = (double)DRAWS / CELLS, chi = 0;
  unsigned cells[CELLS] = {0};
  qm_rng g;
  int i;

  (void)state;
  qm_rng_init(&g, test_seed());
  for (i = 0; i < DRAWS; i++) {
    cells[qm_rng_range(&g, 0, CELLS - 1)]++;
  }
  for (i = 0; i < CELLS; i++) {
    chi += (cells[i] - expected) * (cells[i] - expected) / expected;
  }
  print_message("chi-square %.1f\n", chi);
  assert_true(chi < 40);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gives_the_published_sequence),
      cmocka_unit_test(same_seed_same_numbers),
      cmocka_unit_test(stays_in_its_range),
      cmocka_unit_test(spreads_evenly),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
