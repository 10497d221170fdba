/* The ring of datagrams that wait: order, content, times, wrapping, limits. */
#include "endpoint/dgqueue.h"

#include "base/rng.h"
#include "table.h"

#define HEADER 12 /* bytes a datagram costs beside its own */
#define MODEL_MAX 4096

/* Counts allocations; fails while told to. */
typedef struct counter {
  unsigned calls;
  bool fails;
} counter;

static void *count_malloc(size_t n, void *arg) {
  counter *c = arg;

  c->calls++;
  return c->fails ? NULL : malloc(n);
}

static void count_free(void *p, void *arg) {
  (void)arg;
  free(p);
}

/* A datagram's content follows from its number. */
static void fill(uint8_t *dest, size_t len, uint64_t number) {
  size_t i;

  for (i = 0; i < len; i++) {
    dest[i] = (uint8_t)(number * 31 + i);
  }
}

/* The oldest datagram; all else than none is there in one go. */
static qm_dgram head(const qm_dgqueue *q) {
  qm_dgram d;

  return qm_dgqueue_head(q, &d)
             ? d
             : (qm_dgram){.since = QUICMIG_NEVER, .next_len = SIZE_MAX};
}

static quicmig_tstamp since(const qm_dgqueue *q) { return head(q).since; }

static size_t second(const qm_dgqueue *q) { return head(q).next_len; }

static int push(qm_dgqueue *q, size_t len, uint64_t number) {
  uint8_t data[1500];

  fill(data, len, number);
  return qm_dgqueue_push(q, data, len, QUICMIG_NEVER);
}

static void assert_head(const qm_dgqueue *q, size_t want, uint64_t number) {
  uint8_t wanted[1500];
  qm_dgram d;

  assert_true(qm_dgqueue_head(q, &d));
  assert_int_equal(d.len, want);
  fill(wanted, d.len, number);
  assert_memory_equal(d.data, wanted, d.len);
}

static void takes_what_fits(void **state) {
  static const struct row {
    const char *name;
    size_t cap, len;
    int want;
  } rows[] = {
      {"nothing at all", 64, 0, 0},
      {"one byte", 64, 1, 0},
      {"one byte of the ring stays free", 64, 64 - HEADER - 1, 0},
      {"the whole ring", 64, 64 - HEADER, QUICMIG_ERR_BLOCKED},
      {"more than the ring", 64, 200, QUICMIG_ERR_BLOCKED},
      {"the largest packet, the smallest queue", 4096, 1500, 0},
  };
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    qm_dgqueue q;

    qm_dgqueue_init(&q, &qm_mem_default, r->cap);
    row_true(r, !head(&q).data);
    row_equal(r, qm_dgqueue_can_hold(&q, r->len), r->want == 0);
    row_equal(r, push(&q, r->len, 7), r->want);
    row_equal(r, qm_dgqueue_can_hold(&q, r->len), r->want == 0);
    row_equal(r, q.count, r->want == 0);
    row_equal(r, qm_dgqueue_used(&q), r->want == 0 ? HEADER + r->len : 0);
    if (r->want == 0) {
      assert_head(&q, r->len, 7);
      qm_dgqueue_pop(&q);
    }
    row_equal(r, qm_dgqueue_used(&q), 0);
    row_true(r, !head(&q).data);
    qm_dgqueue_reset(&q);
  }
}

/* Every way in which three datagrams can lie around the end of a small ring. */
static void wraps_at_every_offset(void **state) {
  enum { CAP = 48, LONGEST = CAP - HEADER };
  size_t a, b, c;

  (void)state;
  for (a = 0; a <= LONGEST; a++) {
    for (b = 0; b <= LONGEST; b++) {
      for (c = 0; c <= LONGEST; c++) {
        qm_dgqueue q;
        bool has_b, has_c;

        qm_dgqueue_init(&q, &qm_mem_default, CAP);
        if (push(&q, a, 1) == 0) {
          has_b = push(&q, b, 2) == 0;
          qm_dgqueue_pop(&q); /* not told the time yet */
          has_c = push(&q, c, 3) == 0;
          qm_dgqueue_stamp(&q, 9);
          assert_true(has_c || has_b || c >= LONGEST);
          assert_int_equal(q.count, (has_b ? 1 : 0) + (has_c ? 1 : 0));
          assert_true(qm_dgqueue_used(&q) <= CAP);
          assert_true(second(&q) == (has_b && has_c ? c : SIZE_MAX));
          if (has_b) {
            assert_head(&q, b, 2);
            assert_int_equal(since(&q), 9);
            qm_dgqueue_pop(&q);
          }
          if (has_c) {
            assert_head(&q, c, 3);
            assert_int_equal(since(&q), 9);
          }
        }
        qm_dgqueue_reset(&q);
      }
    }
  }
}

/* A letter for each call: p push, P push at time 5, x pop, s stamp with the
 * next time (10, 20 and so on), t since() must be the row's next one. */
static const struct telling {
  const char *name, *calls;
  quicmig_tstamp since[4];
} telling_rows[] = {
    {"empty", "tst", {QUICMIG_NEVER, QUICMIG_NEVER}},
    {"not told", "pt", {QUICMIG_NEVER}},
    {"told", "pst", {10}},
    {"told once", "pstst", {10, 10}},
    {"each its own", "pspstxt", {10, 20}},
    {"two at once", "ppstxt", {10, 10}},
    {"a stamp for nothing", "spst", {20}},
    {"the next is not told", "pspxtst", {QUICMIG_NEVER, 20}},
    {"popped before it was told", "pxtpst", {QUICMIG_NEVER, 10}},
    {"one of two popped before", "ppxst", {10}},
    {"two of three popped before", "pppxxst", {10}},
    {"told ones popped, a new one after", "ppsxpxtst", {QUICMIG_NEVER, 20}},
    {"emptied and used again", "psxspst", {30}},
    {"known", "Ptst", {5, 5}},
    {"known, the next is not", "Ppsxt", {10}},
    {"known after a told one", "psPxt", {5}},
    {"popped between", "pPxsPxt", {5}},
};

static void is_told_the_time_once(void **state) {
  const struct telling *r;

  (void)state;
  for (EACH_ROW(r, telling_rows)) {
    quicmig_tstamp now = 0;
    const char *c;
    qm_dgqueue q;
    size_t n = 0;

    qm_dgqueue_init(&q, &qm_mem_default, 4096);
    for (c = r->calls; *c; c++) {
      if (*c == 'p') {
        row_equal(r, push(&q, 100, n), 0);
      } else if (*c == 'P') {
        row_equal(r, qm_dgqueue_push(&q, (const uint8_t *)"x", 1, 5), 0);
      } else if (*c == 'x') {
        qm_dgqueue_pop(&q);
      } else if (*c == 's') {
        qm_dgqueue_stamp(&q, now += 10);
      } else {
        row_equal(r, since(&q), r->since[n++]);
      }
    }
    qm_dgqueue_reset(&q);
    row_equal(r, since(&q), QUICMIG_NEVER);
  }
}

typedef struct model {
  size_t len[MODEL_MAX];           /* by number */
  quicmig_tstamp since[MODEL_MAX]; /* by number */
  uint64_t first, next, told;      /* numbers */
  size_t bytes;                    /* with their headers */
} model;

/* Whatever was not told the time is told it now. */
static void stamp(qm_dgqueue *q, model *m, quicmig_tstamp now) {
  qm_dgqueue_stamp(q, now);
  for (; m->told < m->next; m->told++) {
    m->since[m->told % MODEL_MAX] = now;
  }
}

static void assert_since(const qm_dgqueue *q, const model *m) {
  uint64_t want = m->first < m->next && m->first < m->told
                      ? m->since[m->first % MODEL_MAX]
                      : QUICMIG_NEVER;

  assert_true(since(q) == want);
}

static void step(qm_dgqueue *q, model *m, qm_rng *rng) {
  size_t len = (size_t)qm_rng_range(rng, 0, 1500);
  size_t before = qm_dgqueue_used(q);

  if (m->first < m->next && qm_rng_range(rng, 0, 99) < 48) {
    assert_head(q, m->len[m->first % MODEL_MAX], m->first);
    qm_dgqueue_pop(q);
    m->bytes -= HEADER + m->len[m->first % MODEL_MAX];
    m->first++;
  } else if (push(q, len, m->next) == 0) {
    m->len[m->next % MODEL_MAX] = len;
    m->bytes += HEADER + len;
    m->next++;
  } else { /* refused: as it was before, and for a reason */
    assert_int_equal(qm_dgqueue_used(q), before);
    assert_true(before + 2 * (HEADER + len) >= q->cap);
  }
  m->told = m->told > m->first ? m->told : m->first;
  assert_true(
      second(q) ==
      (m->next - m->first < 2 ? SIZE_MAX : m->len[(m->first + 1) % MODEL_MAX]));
  assert_since(q, m);
  assert_int_equal(q->count, m->next - m->first);
  assert_true(qm_dgqueue_used(q) >= m->bytes);
  assert_true(qm_dgqueue_used(q) <= q->cap);
}

static void keeps_order_and_content(void **state) {
  static const size_t caps[] = {4096, 5000, 65536};
  uint64_t seed = test_seed();
  size_t i, n;

  (void)state;
  for (i = 0; i < COUNT_OF(caps); i++) {
    static model m;
    counter c = {.calls = 0};
    quicmig_mem mem = {
        .user_data = &c, .malloc = count_malloc, .free = count_free};
    qm_dgqueue q;
    qm_rng rng;

    m = (model){.first = 0};
    qm_rng_init(&rng, seed + i);
    qm_dgqueue_init(&q, &mem, caps[i]);
    assert_int_equal(c.calls, 0); /* a connection may never send one */
    for (n = 0; n < 20000; n++) {
      step(&q, &m, &rng);
      if (qm_rng_range(&rng, 0, 9) == 0) {
        stamp(&q, &m, n);
        assert_since(&q, &m);
      }
    }
    assert_int_equal(c.calls, 1);
    qm_dgqueue_reset(&q);
  }
}

/* A full queue that is emptied is as good as new, wherever its ends lie. */
static void is_never_stuck(void **state) {
  qm_dgqueue q;
  size_t len;

  (void)state;
  qm_dgqueue_init(&q, &qm_mem_default, 4096);
  for (len = 0; len < 1500; len++) {
    while (push(&q, len, 1) == 0) {
    }
    assert_true(q.count >= 2);
    while (q.count) {
      qm_dgqueue_pop(&q);
    }
    assert_int_equal(push(&q, 1500, 2), 0);
    assert_head(&q, 1500, 2);
    qm_dgqueue_pop(&q);
  }
  qm_dgqueue_reset(&q);
}

static void survives_want_of_memory(void **state) {
  counter c = {.fails = true};
  quicmig_mem mem = {
      .user_data = &c, .malloc = count_malloc, .free = count_free};
  qm_dgqueue q;

  (void)state;
  qm_dgqueue_init(&q, &mem, 4096);
  assert_int_equal(push(&q, 10, 1), QUICMIG_ERR_NOMEM);
  assert_int_equal(q.count, 0);
  c.fails = false;
  assert_int_equal(push(&q, 10, 1), 0);
  assert_head(&q, 10, 1);
  /* A reset queue may be used again. */
  qm_dgqueue_reset(&q);
  assert_int_equal(q.count, 0);
  assert_int_equal(push(&q, 11, 2), 0);
  assert_head(&q, 11, 2);
  qm_dgqueue_reset(&q);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(takes_what_fits),
      cmocka_unit_test(wraps_at_every_offset),
      cmocka_unit_test(is_told_the_time_once),
      cmocka_unit_test(keeps_order_and_content),
      cmocka_unit_test(is_never_stuck),
      cmocka_unit_test(survives_want_of_memory),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
