/* How much is written at once, and when the next may follow. */
#include "core/pace.h"

#include "table.h"

#define MS QUICMIG_MILLISECOND
#define S QUICMIG_SECOND
#define T0 (1000 * S)
#define ANY 65536

typedef struct row {
  const char *name;
  qm_pace_view v;
  size_t quantum;
  quicmig_duration wait; /* after a quantum */
} row;

static const row rows[] = {
    {"no sample yet", {14520, 14520, 0, true}, ANY, 0},
    {"the initial window", {14520, 0, 2 * S, true}, 14720, 0},
    {"little in flight", {ANY, 14719, 50 * MS, false}, 14720, 0},
    {"a window in a round trip",
     {100000, 90000, 50 * MS, false},
     20000,
     8 * MS},
    {"twice in slow start", {100000, 90000, 50 * MS, true}, 20000, 5 * MS},
    {"a wide line", {10000000, 9000000, 50 * MS, false}, ANY, 262144},
    {"the same machine", {ANY, 60000, MS / 10, false}, ANY, 80000},
    {"a slow line", {20000, 20000, 2 * S, false}, 3000, 25 * MS},
    {"a slower one", {20000, 20000, 60 * S, true}, 3000, 25 * MS},
    {"no window", {0, 20000, 50 * MS, false}, 3000, 0},
};

static void bursts_and_waits(void **state) {
  const row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    qm_pace p = {.at = 0};

    row_equal(r, qm_pace_quantum(&r->v, ANY), r->quantum);
    row_equal(r, qm_pace_quantum(&r->v, 1000) <= r->quantum, true);
    row_true(r, qm_pace_is_open(&p, T0));
    qm_pace_on_written(&p, &r->v, r->quantum, T0);
    row_equal(r, p.at ? p.at - T0 : 0, r->wait);
    row_equal(r, qm_pace_is_open(&p, T0), r->wait <= MS);
    row_true(r, qm_pace_is_open(&p, T0 + r->wait));
  }
}

/* Bits and pieces cost what they cost together, and time that was not used is
 * lost. */
static void pieces_add_up(void **state) {
  const qm_pace_view v = {100000, 90000, 50 * MS, false};
  qm_pace p = {.at = 0};
  unsigned n = 0;

  (void)state;
  while (qm_pace_is_open(&p, T0)) {
    qm_pace_on_written(&p, &v, 100, T0);
    n++;
  }
  assert_int_equal(n, 26); /* a millisecond, of 25 times 40 us */
  assert_int_equal(p.at, T0 + 26 * 40000);
  qm_pace_on_written(&p, &v, 0, T0 + S);
  assert_int_equal(p.at, T0 + 26 * 40000);
  qm_pace_on_written(&p, &v, 1000, T0 + S);
  assert_int_equal(p.at, T0 + S + 400000);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(bursts_and_waits),
                                     cmocka_unit_test(pieces_add_up)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
