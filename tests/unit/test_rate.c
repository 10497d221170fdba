/* Bytes in slots: rates over the short and the long look, busy slots, gaps. */
#include "core/rate.h"

#include "table.h"

#define MS QUICMIG_MILLISECOND
#define S QUICMIG_SECOND
#define T0 (1000 * S)
#define SLOT (62500 * QUICMIG_MICROSECOND)

typedef struct row {
  const char *name;
  quicmig_duration rtt;
  uint64_t rate; /* bytes a second */
  quicmig_duration every, lasts;
  uint64_t want; /* of the short look, at the end */
  uint32_t busy;
} row;

static const row rows[] = {
    {"nothing", 20 * MS, 0, 10 * MS, 2 * S, 0, 0},
    {"1 MB/s", 20 * MS, 1000000, 10 * MS, 2 * S, 1000000, 16},
    {"256 kbit/s", 20 * MS, 32000, 25 * MS, 2 * S, 32000, 16},
    {"4 Gbit/s", 1 * MS, 500000000, 1 * MS, 2 * S, 500000000, 16},
    {"a packet a second", 20 * MS, 1000, 1 * S, 4 * S, 0, 1},
    {"half a second, as much as the short look", 20 * MS, 1000000, 10 * MS,
     500 * MS, 1000000, 8},
    {"too short for a slot", 20 * MS, 1000000, 10 * MS, 50 * MS, 0, 0},
    {"far away", 2 * S, 1000000, 10 * MS, 8 * S, 1000000, 16},
};

static void rates(void **state) {
  const row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    quicmig_tstamp now;
    uint64_t got;
    qm_rate q;

    qm_rate_start(&q, r->rtt, T0);
    for (now = T0; now < T0 + r->lasts; now += r->every) {
      qm_rate_on_time(&q, now);
      qm_rate_on_bytes(
          &q, (size_t)(r->rate * (r->every / QUICMIG_MICROSECOND) / 1000000));
    }
    qm_rate_on_time(&q, T0 + r->lasts);
    got = qm_rate_of(&q, QM_RATE_SHORT);
    row_true(r, got >= r->want - r->want / 5);
    row_true(r, got <= r->want + r->want / 5);
    row_equal(r, qm_rate_busy(&q), r->busy);
  }
}

static void slots_follow_the_rtt(void **state) {
  qm_rate q;

  (void)state;
  qm_rate_start(&q, 0, T0);
  assert_int_equal(q.slot, SLOT);
  qm_rate_start(&q, 500 * MS, T0);
  assert_int_equal(q.slot, SLOT);
  qm_rate_start(&q, 4 * S, T0);
  assert_int_equal(q.slot, 500 * MS);
}

static void first_bytes_of_a_slot(void **state) {
  qm_rate q;

  (void)state;
  qm_rate_start(&q, 0, T0);
  assert_false(qm_rate_on_bytes(&q, 0));
  assert_true(qm_rate_on_bytes(&q, 10));
  assert_false(qm_rate_on_bytes(&q, 10));
  assert_int_equal(qm_rate_last(&q), 0);
  assert_false(qm_rate_on_time(&q, T0 + SLOT - 1));
  assert_true(qm_rate_on_time(&q, T0 + SLOT));
  assert_int_equal(qm_rate_last(&q), 20);
  assert_true(qm_rate_on_bytes(&q, 1));
}

/* A sleep empties every slot, however long it is, and costs no time. */
static void a_sleep(void **state) {
  static const quicmig_duration lengths[] = {2 * S, 3600 * S,
                                             366 * 86400ull * S};
  size_t i;

  (void)state;
  for (i = 0; i < COUNT_OF(lengths); i++) {
    qm_rate q;

    qm_rate_start(&q, 0, T0);
    qm_rate_on_bytes(&q, 1000000);
    assert_true(qm_rate_on_time(&q, T0 + lengths[i]));
    assert_int_equal(qm_rate_of(&q, QM_RATE_LONG), 0);
    assert_int_equal(qm_rate_busy(&q), 0);
    assert_false(qm_rate_on_time(&q, T0)); /* a step back: nothing */
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rates),
      cmocka_unit_test(slots_follow_the_rtt),
      cmocka_unit_test(first_bytes_of_a_slot),
      cmocka_unit_test(a_sleep),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
