/* When a client tries which address of its server. */
#include "endpoint/race.h"

#include "table.h"

#define MS QUICMIG_MILLISECOND
#define START (1000 * QUICMIG_SECOND)
#define STEPS 16

/* What happens at a time; the race is asked until it has nothing to try. */
typedef enum what { END, ASK, DOUBT, FAIL, FAIL_FOR_GOOD } what;

typedef struct step {
  what what;
  unsigned at;       /* ms */
  unsigned address;  /* that failed */
  const char *tried; /* addresses tried then, in order */
} step;

typedef struct row {
  const char *name;
  size_t n;
  step steps[STEPS];
} row;

static const row rows[] = {
    {"one address is tried four times",
     1,
     {{ASK, 0, 0, "0"},
      {ASK, 0, 0, ""},
      {ASK, 999, 0, ""},
      {ASK, 1000, 0, "0"},
      {ASK, 2999, 0, ""},
      {ASK, 3000, 0, "0"},
      {ASK, 6999, 0, ""},
      {ASK, 7000, 0, "0"},
      {ASK, 100000, 0, ""}}},
    {"three, 250 ms apart",
     3,
     {{ASK, 0, 0, "0"},
      {ASK, 249, 0, ""},
      {ASK, 250, 0, "1"},
      {ASK, 499, 0, ""},
      {ASK, 500, 0, "2"},
      {ASK, 999, 0, ""},
      {ASK, 1000, 0, "0"},
      {ASK, 1250, 0, "1"},
      {ASK, 1500, 0, "2"},
      {ASK, 2999, 0, ""}}},
    {"the next at once when one failed",
     3,
     {{ASK, 0, 0, "0"},
      {FAIL_FOR_GOOD, 30, 0, "1"},
      {ASK, 279, 0, ""},
      {ASK, 280, 0, "2"},
      {ASK, 1000, 0, ""},
      {ASK, 1030, 0, "1"}}},
    {"the next at once when one is doubted, and the first goes on",
     2,
     {{ASK, 0, 0, "0"}, {DOUBT, 10, 0, "1"}, {ASK, 1000, 0, "0"}}},
    {"a failure that may pass is tried again",
     2,
     {{ASK, 0, 0, "0"}, {FAIL, 0, 0, "1"}, {ASK, 1000, 0, "01"}}},
    {"nothing is left",
     2,
     {{ASK, 0, 0, "0"},
      {FAIL_FOR_GOOD, 1, 0, "1"},
      {FAIL_FOR_GOOD, 2, 1, ""},
      {ASK, 100000, 0, ""}}},
    {"late: one after the other",
     3,
     {{ASK, 0, 0, "0"}, {ASK, 5000, 0, "10"}, {ASK, 5250, 0, "2"}}},
    {"eight",
     8,
     {{ASK, 0, 0, "0"},
      {ASK, 250, 0, "1"},
      {ASK, 500, 0, "2"},
      {ASK, 750, 0, "3"},
      {ASK, 1000, 0, "40"},
      {ASK, 1250, 0, "51"},
      {ASK, 1500, 0, "62"},
      {ASK, 1750, 0, "73"},
      {ASK, 2000, 0, "4"}}},
};

static void take_step(const row *r, qm_race *race, const step *s) {
  quicmig_tstamp now = START + s->at * MS;
  char tried[40] = "";
  size_t n = 0;
  int i;

  switch (s->what) {
  case DOUBT:
    qm_race_on_doubt(race, now);
    break;
  case FAIL:
  case FAIL_FOR_GOOD:
    qm_race_on_failed(race, s->address, s->what == FAIL_FOR_GOOD, now);
    break;
  case END:
  case ASK:
    break;
  }
  row_equal(r, qm_race_deadline(race) <= now, s->tried[0] != 0);
  while ((i = qm_race_next(race, now)) >= 0 && n < sizeof(tried) - 1) {
    tried[n++] = (char)('0' + i);
    tried[n] = 0;
  }
  row_string(r, tried, s->tried);
  row_true(r, qm_race_deadline(race) > now);
}

static void scripts(void **state) {
  const row *r;
  qm_race race;

  (void)state;
  for (EACH_ROW(r, rows)) {
    const step *s;

    qm_race_init(&race, r->n, QM_RACE_PATIENCE, START);
    for (s = r->steps; s->what != END; s++) {
      take_step(r, &race, s);
    }
  }
}

/* Whatever happens it ends: no address more than four times. */
static void is_bounded(void **state) {
  qm_race race;
  quicmig_tstamp now = START;
  unsigned tries[QM_RACE_ADDRESSES] = {0}, i;

  (void)state;
  qm_race_init(&race, QM_RACE_ADDRESSES, QM_RACE_PATIENCE, now);
  while ((now = qm_race_deadline(&race)) != QUICMIG_NEVER) {
    int address = qm_race_next(&race, now);

    assert_in_range(address, 0, QM_RACE_ADDRESSES - 1);
    tries[address]++;
    qm_race_on_failed(&race, (unsigned)address, false, now);
  }
  for (i = 0; i < QM_RACE_ADDRESSES; i++) {
    assert_int_equal(tries[i], QM_RACE_TRIES);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(scripts),
      cmocka_unit_test(is_bounded),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
