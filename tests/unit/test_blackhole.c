/* Large packets vanish: a black hole, or a path that was only out of order? */
#include "endpoint/blackhole.h"

#include "table.h"

#define MS QUICMIG_MILLISECOND
#define PTO (50 * MS)
#define T0 (100 * QUICMIG_SECOND)
#define NEVER QUICMIG_NEVER

/* A script, a letter an event; a space lets 10 ms pass:
 *   L a large packet is written      A one of those is acknowledged
 *   S a small packet is written      a something is acknowledged
 *   P repeated data is acknowledged
 *   E the kernel refuses large ones  M the connection moves */
typedef struct row {
  const char *name, *script;
  qm_blackhole_state state; /* in the end */
  unsigned told;            /* black holes */
} row;

#define PTOS_2 "          "
#define PTOS_5 "                         "
#define CLEAR QM_BLACKHOLE_CLEAR
#define SUSPECT QM_BLACKHOLE_SUSPECT
#define TRYING QM_BLACKHOLE_TRYING

static const row rows[] = {
    {"nothing large", "S S S" PTOS_2 PTOS_2 "S", CLEAR, 0},
    {"too few to tell", "LL" PTOS_2 PTOS_2, CLEAR, 0},
    {"not long enough", "LLL         ", CLEAR, 0},
    {"long enough", "LLL" PTOS_2, SUSPECT, 0},
    {"one of many was acknowledged", "LLLL   A" PTOS_2, CLEAR, 0},
    {"they count from the last proof", "LLL  ALL" PTOS_2, CLEAR, 0},
    {"others are acknowledged: no proof", "LLLSS a  a" PTOS_2, SUSPECT, 0},
    {"the kernel refuses", "E", SUSPECT, 0},
    {"silence goes on: nobody knows", "LLL" PTOS_2 "SSLLL" PTOS_2 PTOS_2,
     SUSPECT, 0},
    {"the path works: try again", "LLL" PTOS_2 "S  a", TRYING, 0},
    {"an outage: large ones arrive", "LLL" PTOS_2 "S  aL   A", CLEAR, 0},
    {"an outage: a late answer", "LLL" PTOS_2 "A", CLEAR, 0},
    {"an outage: data comes again", "LLL" PTOS_2 "S  aLLL            P", CLEAR,
     0},
    {"what was repeated in small ones", "LLL" PTOS_2 "S  aLLL  P" PTOS_5,
     SUSPECT, 0},
    {"progress of no importance", "LLL  P" PTOS_2 "P", SUSPECT, 0},
    {"too few tries", "LLL" PTOS_2 "S  aLL" PTOS_2 PTOS_2, TRYING, 0},
    {"tries fail, and nothing is answered",
     "LLL" PTOS_2 "S  aLLL" PTOS_5 PTOS_2, SUSPECT, 0},
    {"tries fail, others do not", "LLL" PTOS_2 "S  aLLL" PTOS_5 "S a", CLEAR,
     1},
    {"told once", "LLL" PTOS_2 "S  aLLL" PTOS_5 "S a" PTOS_2 "Sa Sa" PTOS_2,
     CLEAR, 1},
    {"a second outage, and a large answer",
     "LLL" PTOS_2 "S  aLLL" PTOS_5 "A" PTOS_2 "Sa", CLEAR, 0},
    {"another path", "LLL" PTOS_2 "S  aLLL" PTOS_5 "MS a" PTOS_2, CLEAR, 0},
};

static void step(qm_blackhole *b, char c, uint64_t *in_flight,
                 quicmig_tstamp *now) {
  switch (c) {
  case 'L':
    qm_blackhole_on_large(b, *now);
    /* fall through */
  case 'S':
    *in_flight += 1000;
    qm_blackhole_on_written(b, *in_flight);
    break;
  case 'A':
    qm_blackhole_on_large_acked(b);
    /* fall through */
  case 'a':
    *in_flight -= 1000;
    qm_blackhole_on_read(b, *in_flight, *now);
    break;
  case 'P':
    qm_blackhole_on_progress(b, *now);
    break;
  case 'E':
    qm_blackhole_on_refused(b);
    break;
  case 'M':
    qm_blackhole_reset(b);
    break;
  default:
    *now += 10 * MS;
  }
}

static void tells_a_hole_from_an_outage(void **state) {
  const row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    quicmig_tstamp now = T0;
    uint64_t in_flight = 0;
    unsigned told = 0;
    const char *c;
    qm_blackhole b;

    memset(&b, 0, sizeof(b));
    qm_blackhole_reset(&b);
    for (c = r->script; *c; c++) {
      step(&b, *c, &in_flight, &now);
      told += qm_blackhole_on_time(&b, PTO, now);
      /* A deadline that has come was acted on: no busy loop. */
      row_true(r, qm_blackhole_deadline(&b) > now);
    }
    row_equal(r, b.state, r->state);
    row_equal(r, qm_blackhole_may_be_large(&b), b.state != SUSPECT);
    row_equal(r, told, r->told);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tells_a_hole_from_an_outage),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
