/* Lent memory: pieces in order, sent and acknowledged in any portions. */
#include "endpoint/loans.h"

#include "base/rng.h"
#include "table.h"

/* Where lent bytes lie: byte i of the stream at memory + i. */
static uint8_t memory[1 << 20];

static const struct waiting {
  const char *name;
  size_t lent[4]; /* 0: no more */
  size_t sent, acked;
  size_t room, bytes; /* asked for: pieces, and what they hold */
  size_t count;       /* still lent */
  size_t pending[4];  /* lengths of the pieces that wait */
} waiting_rows[] = {
    {"nothing", {0}, 0, 0, 4, 99, 0, {0}},
    {"one piece", {10}, 0, 0, 4, 99, 1, {10}},
    {"part of it is sent", {10}, 4, 0, 4, 99, 1, {6}},
    {"all of it is sent", {10}, 10, 0, 4, 99, 1, {0}},
    {"part of it is acknowledged", {10}, 10, 9, 4, 99, 1, {0}},
    {"sent ahead of the acknowledgement", {10}, 6, 3, 4, 99, 1, {4}},
    {"all of it is acknowledged", {10}, 10, 10, 4, 99, 0, {0}},
    {"three pieces", {10, 20, 30}, 0, 0, 4, 99, 3, {10, 20, 30}},
    {"sent up to an edge", {10, 20, 30}, 10, 0, 4, 99, 3, {20, 30}},
    {"sent across an edge", {10, 20, 30}, 15, 0, 4, 99, 3, {15, 30}},
    {"sent across two", {10, 20, 30}, 31, 0, 4, 99, 3, {29}},
    {"acknowledged up to an edge", {10, 20, 30}, 15, 10, 4, 99, 2, {15, 30}},
    {"acknowledged across an edge", {10, 20, 30}, 31, 25, 4, 99, 2, {29}},
    {"all at once", {10, 20, 30}, 60, 60, 4, 99, 0, {0}},
    {"room for one", {10, 20, 30}, 15, 0, 1, 99, 3, {15}},
    {"room for none", {10, 20, 30}, 15, 0, 0, 99, 3, {0}},
    {"enough in the first", {10, 20, 30}, 5, 0, 4, 5, 3, {5}},
    {"one byte more", {10, 20, 30}, 5, 0, 4, 6, 3, {5, 20}},
    {"enough in two", {10, 20, 30}, 0, 0, 4, 30, 3, {10, 20}},
    {"no bytes", {10, 20, 30}, 0, 0, 4, 0, 3, {0}},
    {"single bytes", {1, 1, 1, 1}, 2, 1, 4, 99, 3, {1, 1}},
};

static void hands_out_what_waits(void **state) {
  const struct waiting *r;

  (void)state;
  for (EACH_ROW(r, waiting_rows)) {
    qm_loans l = {.count = 0};
    size_t i, at = 0;
    ngtcp2_vec vec[4];

    for (i = 0; i < 4 && r->lent[i]; i++) {
      row_true(r, qm_loans_add(&l, memory + at, r->lent[i]));
      at += r->lent[i];
    }
    qm_loans_on_sent(&l, r->sent);
    qm_loans_on_acked(&l, r->acked);
    row_equal(r, l.count, r->count);
    for (i = 0; i < 4 && r->pending[i]; i++) {
    }
    row_equal(r, qm_loans_pending(&l, vec, r->room, r->bytes), i);
    at = r->sent;
    for (i = 0; i < 4 && r->pending[i]; i++) {
      row_equal(r, vec[i].len, r->pending[i]);
      row_true(r, vec[i].base == memory + at);
      at += vec[i].len;
    }
  }
}

/* Full means 64 pieces, wherever the ring begins, and one that is wholly
 * acknowledged makes room for one. */
static void holds_64_pieces(void **state) {
  qm_loans l = {.count = 0};
  ngtcp2_vec vec[QM_LOANS_MAX + 1];
  size_t turn, i, next = 0;

  (void)state;
  for (turn = 0; turn < 2 * QM_LOANS_MAX; turn++) {
    while (qm_loans_add(&l, memory + 3 * next, 3)) {
      next++;
    }
    assert_int_equal(l.count, QM_LOANS_MAX);
    assert_int_equal(next, turn + QM_LOANS_MAX);
    assert_int_equal(qm_loans_pending(&l, vec, QM_LOANS_MAX + 1, 9999),
                     turn ? 1 : QM_LOANS_MAX);
    assert_ptr_equal(vec[0].base, memory + 3 * (turn ? next - 1 : 0));
    qm_loans_on_sent(&l, turn ? 3 : 3 * QM_LOANS_MAX);
    qm_loans_on_acked(&l, 2);
    assert_false(qm_loans_add(&l, memory, 1));
    qm_loans_on_acked(&l, 1);
    assert_int_equal(l.count, QM_LOANS_MAX - 1);
  }
  for (i = 1; i < QM_LOANS_MAX; i++) {
    qm_loans_on_acked(&l, 3);
  }
  assert_int_equal(l.count, 0);
  assert_int_equal(qm_loans_pending(&l, vec, 1, 1), 0);
}

/* The stream as offsets: [0, acked) [acked, sent) [sent, lent). */
typedef struct model {
  size_t ends[4096]; /* of the pieces */
  size_t n, lent, sent, acked;
} model;

static void assert_like(const qm_loans *l, const model *m, size_t room,
                        size_t bytes) {
  ngtcp2_vec vec[QM_LOANS_MAX];
  size_t i, piece = 0, whole = 0, at = m->sent;
  size_t n = qm_loans_pending(l, vec, room, bytes);

  for (i = 0; i < m->n; i++) {
    whole += m->ends[i] <= m->acked;
    piece += m->ends[i] <= m->sent;
  }
  assert_int_equal(l->count, m->n - whole);
  for (i = 0; i < n; i++) {
    assert_true(at - m->sent < bytes); /* not yet enough */
    assert_ptr_equal(vec[i].base, memory + at);
    assert_int_equal(vec[i].len, m->ends[piece + i] - at);
    at += vec[i].len;
  }
  assert_true(n == room || piece + n == m->n || at - m->sent >= bytes);
}

static void step(qm_loans *l, model *m, qm_rng *rng) {
  size_t len = (size_t)qm_rng_range(rng, 1, 200), whole = 0, i;

  switch (qm_rng_range(rng, 0, 3)) {
  case 0:
  case 1:
    for (i = 0; i < m->n; i++) {
      whole += m->ends[i] <= m->acked;
    }
    if (qm_loans_add(l, memory + m->lent, len)) {
      m->ends[m->n++] = m->lent += len;
    } else {
      assert_int_equal(m->n - whole, QM_LOANS_MAX);
    }
    break;
  case 2:
    len = (size_t)qm_rng_range(rng, 0, m->lent - m->sent);
    qm_loans_on_sent(l, len);
    m->sent += len;
    break;
  case 3:
    len = (size_t)qm_rng_range(rng, 0, m->sent - m->acked);
    qm_loans_on_acked(l, len);
    m->acked += len;
    break;
  }
}

static void behaves_like_offsets(void **state) {
  uint64_t seed = test_seed();
  size_t round, i;

  (void)state;
  for (round = 0; round < 40; round++) {
    static model m;
    qm_loans l = {.count = 0};
    qm_rng rng;

    m = (model){.n = 0};
    qm_rng_init(&rng, seed + round);
    for (i = 0; i < 1500; i++) {
      step(&l, &m, &rng);
      assert_like(&l, &m, (size_t)qm_rng_range(&rng, 0, QM_LOANS_MAX),
                  (size_t)qm_rng_range(&rng, 0, 3000));
    }
    assert_true(m.n > QM_LOANS_MAX && m.acked > 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(hands_out_what_waits),
      cmocka_unit_test(holds_64_pieces),
      cmocka_unit_test(behaves_like_offsets),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
