/* What tells a genuine packet that is new from junk, duplicates and replays. */
#include "quic/evidence.h"

#include "base/rng.h"
#include "table.h"

#define NUMBERS 4000

/* RFC 9000 appendix A.3; `next` is the largest number and one. */
static void numbers_are_those_of_rfc_9000(void **state) {
  static const struct row {
    const char *name;
    uint64_t next, truncated;
    unsigned bytes;
    uint64_t number;
  } rows[] = {
      {"the RFC's example", 0xa82f30eb, 0x9b32, 2, 0xa82f9b32},
      {"the first one", 0, 0, 1, 0},
      {"the next one", 7, 7, 1, 7},
      {"one before", 7, 6, 1, 6},
      {"over the edge", 0x100, 0x00, 1, 0x100},
      {"over the edge and on", 0xff, 0x03, 1, 0x103},
      {"back over the edge", 0x101, 0xff, 1, 0xff},
      {"half a window ahead", 0x100, 0x80, 1, 0x180},
      {"more than that is behind", 0x100, 0x81, 1, 0x81},
      {"nothing is before zero", 1, 0xff, 1, 0xff},
      {"four bytes", 0x1fffffff0, 0x00000001, 4, 0x200000001},
  };
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    row_equal(r, qm_evidence_number(r->next, r->truncated, r->bytes),
              r->number);
  }
}

/* Numbers that come one after another, from far behind, twice, or from the
 * future: each is new once, and not any more outside the window. */
static void agrees_with_a_model(void **state) {
  static bool seen[2 * NUMBERS];
  qm_evidence e = {.next = 0};
  uint64_t largest = 0, n, i;
  bool has_any = false;
  qm_rng rng;

  (void)state;
  qm_rng_init(&rng, test_seed());
  for (i = 0; i < NUMBERS; i++) {
    switch (qm_rng_range(&rng, 0, 9)) {
    case 0: /* a gap, sometimes of more than the window */
      n = largest + qm_rng_range(&rng, 1, qm_rng_range(&rng, 1, 500));
      break;
    case 1:
    case 2:
    case 3: /* late, or seen already */
      n = qm_rng_range(&rng, largest > 300 ? largest - 300 : 0, largest);
      break;
    default:
      n = largest + has_any;
    }
    n = n < 2 * NUMBERS ? n : largest;
    largest = n > largest ? n : largest;
    has_any = true;
    assert_int_equal(qm_evidence_note(&e, n),
                     !seen[n] && largest - n < QM_EVIDENCE_WINDOW);
    seen[n] = true;
  }
}

static void far_jumps_clear_the_window(void **state) {
  static const uint64_t jumps[] = {
      1, 63, 64, 65, 127, 128, 191, 192, 193, 1000, UINT64_C(1) << 40,
  };
  size_t i;

  (void)state;
  for (i = 0; i < COUNT_OF(jumps); i++) {
    qm_evidence e = {.next = 0};

    assert_true(qm_evidence_note(&e, 500));
    assert_true(qm_evidence_note(&e, 500 + jumps[i]));
    assert_false(qm_evidence_note(&e, 500 + jumps[i]));
    assert_false(qm_evidence_note(&e, 500));
    if (jumps[i] > 1) {
      assert_true(qm_evidence_note(&e, 499 + jumps[i]));
      assert_false(qm_evidence_note(&e, 499 + jumps[i]));
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(numbers_are_those_of_rfc_9000),
      cmocka_unit_test(agrees_with_a_model),
      cmocka_unit_test(far_jumps_clear_the_window),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
