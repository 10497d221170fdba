/* A full window while genuine packets come: does it stand still for ever? */
#include "endpoint/standstill.h"

#include "table.h"

#define MS QUICMIG_MILLISECOND
#define T0 (100 * QUICMIG_SECOND)
#define STEP (100 * MS)

/* A packet comes every 100 ms, a letter each: in flight there is what the
 * letter says, and '-' is a window with room. */
typedef struct row {
  const char *name, *in_flight;
  quicmig_duration pto;
  int begun_anew; /* so often */
} row;

#define SECOND_OF_A "aaaaaaaaaa"

static const row rows[] = {
    {"not full", "----------------------------", 20 * MS, 0},
    {"not yet a second", SECOND_OF_A, 20 * MS, 0},
    {"a second", SECOND_OF_A "a", 20 * MS, 1},
    {"eight PTOs are more", SECOND_OF_A "aaaaaa", 200 * MS, 0},
    {"eight PTOs have passed", SECOND_OF_A "aaaaaaa", 200 * MS, 1},
    {"once a second", SECOND_OF_A SECOND_OF_A "a", 20 * MS, 2},
    {"there was room", "aaaaaaaa-aaaaaaaaaa", 20 * MS, 0},
    {"room, and full again", "aaaaaaaa-" SECOND_OF_A "a", 20 * MS, 1},
    {"some was acknowledged", "aaaaaaaabbbbbbbbbb", 20 * MS, 0},
    {"a probe was sent", "aaaaaaaabbbbccccccccdddddddddd", 20 * MS, 0},
    /* Two probes at 1, 3 and 7 PTOs of 250 ms, then none until 15. */
    {"a path that swallows all", "aaabbbbbcccccccccccdddddddddddddddddddd",
     250 * MS, 0},
};

static int play(const row *r) {
  qm_standstill s = {.since = 0};
  quicmig_tstamp now = T0;
  const char *c;
  int n = 0;

  for (c = r->in_flight; *c; c++, now += STEP) {
    if (*c == '-') {
      qm_standstill_on_room(&s);
    } else {
      n += qm_standstill_on_full(&s, (uint64_t)*c * 1000, r->pto, now);
    }
  }
  return n;
}

static void stands_still_or_moves(void **state) {
  const row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    row_true(r, play(r) == r->begun_anew);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(stands_still_or_moves)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
