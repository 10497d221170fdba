/* How much a queue holds, and a model of it that draws: everything that was
 * added comes out once, in order, with its tag and its ECN mark. */
#include "io/txq.h"

#include "base/rng.h"
#include "table.h"

#define MODEL_MAX 8192
#define STEPS 30000

typedef struct pkt {
  size_t len;
  uint32_t tag;
  uint8_t ecn;
  uint16_t remote, local; /* ports */
  bool may_group;
} pkt;

typedef struct model {
  qm_txq queues[2], *q; /* q: the one in use */
  uint8_t bufs[2][QM_TXQ_BYTES];
  pkt pkts[MODEL_MAX]; /* by number */
  uint64_t next, first;
  uint64_t sent, dropped;
  uint64_t grouped, splits, moves; /* that the draws reach them */
  qm_rng rng;
} model;

static uint8_t byte_at(uint64_t number, size_t i) {
  return (uint8_t)(number * 37 + i * 3 + 1);
}

/* False: no room. */
static bool add(qm_txq *q, const pkt *p, uint64_t number) {
  qm_msg like = {.family = AF_INET6, .ecn = p->ecn};
  uint8_t *room = qm_txq_room(q);
  size_t i;

  if (!room) {
    return false;
  }
  qm_addr_any(&like.remote, AF_INET6);
  qm_addr_any(&like.local, AF_INET6);
  qm_addr_set_port(&like.remote, p->remote);
  qm_addr_set_port(&like.local, p->local);
  memset(room, 0xee, QUICMIG_MAX_PKTLEN);
  for (i = 0; i < p->len; i++) {
    room[i] = byte_at(number, i);
  }
  qm_txq_add(q, p->tag, &like, p->len, p->may_group);
  return true;
}

struct row {
  const char *name;
  size_t cap, len;
  bool may_group;
  size_t packets, messages; /* wanted */
};

static void check(const struct row *r) {
  const pkt p = {.len = r->len, .tag = 3, .may_group = r->may_group};
  uint8_t *buf = malloc(r->cap); /* a sanitizer sees one byte more */
  size_t packets = 0, n = 0;
  qm_txq q;

  assert_non_null(buf);
  qm_txq_init(&q, buf, r->cap);
  while (packets < MODEL_MAX && add(&q, &p, packets)) {
    packets++;
  }
  row_equal(r, packets, r->packets);
  row_equal(r, qm_txq_rest(&q), packets * r->len);
  if (packets) {
    (void)qm_txq_front(&q, &n);
    row_equal(r, qm_txq_tag(&q), 3);
    qm_txq_on_sent(&q, n);
  }
  row_equal(r, n, r->messages);
  row_true(r, qm_txq_is_empty(&q));
  row_equal(r, qm_txq_room(&q) != NULL, r->packets != 0);
  free(buf);
}

static void holds_what_fits(void **state) {
  static const struct row rows[] = {
      {"no room for the largest", QUICMIG_MAX_PKTLEN - 1, 10, true, 0, 0},
      {"room for one", QUICMIG_MAX_PKTLEN, 1, true, 1, 1},
      {"one of the largest", QUICMIG_MAX_PKTLEN, 1500, true, 1, 1},
      {"two of the largest", 2 * QUICMIG_MAX_PKTLEN, 1500, true, 2, 1},
      {"almost two", 2 * QUICMIG_MAX_PKTLEN - 1, 1500, true, 1, 1},
      {"a quantum, 1500", QM_TXQ_BYTES, 1500, true, 44, 2},
      {"a quantum, 1452", QM_TXQ_BYTES, 1452, true, 46, 2},
      {"a quantum, 1200", QM_TXQ_BYTES, 1200, true, 55, 2},
      {"a quantum, 1200, no GSO", QM_TXQ_BYTES, 1200, false, 55, 55},
      {"64 messages", QM_TXQ_BYTES, 100, false, 64, 64},
      {"64 messages, nothing in them", QM_TXQ_BYTES, 0, true, 64, 64},
      /* The last message gets no second packet. */
      {"64 messages of 64", QM_TXQ_BYTES, 1, true, 63 * 64 + 1, 64},
      {"a quantum, 100", QM_TXQ_BYTES, 100, true, 656, 11},
  };
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    check(r);
  }
}

/* What was sent gives no room before all of it is. */
static void has_room_again_when_empty(void **state) {
  const pkt p = {.len = 10, .may_group = false};
  static uint8_t buf[QM_TXQ_BYTES];
  qm_txq q;
  size_t n;

  (void)state;
  qm_txq_init(&q, buf, sizeof(buf));
  for (n = 0; add(&q, &p, n); n++) {
  }
  qm_txq_on_sent(&q, n - 1);
  assert_null(qm_txq_room(&q));
  assert_int_equal(qm_txq_rest(&q), 10);
  qm_txq_on_sent(&q, 1);
  assert_ptr_equal(qm_txq_room(&q), buf);
}

static pkt draw_pkt(qm_rng *rng) {
  static const size_t lens[] = {0, 1, 100, 700, 1200, 1200, 1200, 1500};
  bool is_common = qm_rng_range(rng, 0, 9) < 8; /* or nothing is grouped */

  return (pkt){
      .len = is_common ? 1200 : lens[qm_rng_range(rng, 0, COUNT_OF(lens) - 1)],
      .tag = is_common ? 0 : (uint32_t)qm_rng_range(rng, 0, 2),
      .ecn = is_common ? 2 : (uint8_t)qm_rng_range(rng, 0, 3),
      .remote = is_common ? 1 : (uint16_t)qm_rng_range(rng, 1, 2),
      .local = is_common ? 1 : (uint16_t)qm_rng_range(rng, 1, 2),
      .may_group = is_common || qm_rng_range(rng, 0, 3) != 0};
}

static pkt *nth(model *m, uint64_t number) {
  return &m->pkts[number % MODEL_MAX];
}

/* The queue's front must be the oldest packets. */
static void check_msg(model *m, const qm_msg *msg, uint64_t first) {
  size_t count = qm_msg_count(msg), i, j, len;

  m->grouped += count > 1;
  assert_true(count <= QM_SEGMENTS_MAX);
  assert_true(count == 1 || msg->len <= QM_GSO_BYTES);
  for (i = 0; i < count; i++) {
    const pkt *p = nth(m, first + i);
    const uint8_t *data = qm_msg_at(msg, i, &len);

    assert_true(first + i < m->next);
    assert_int_equal(len, p->len);
    assert_int_equal(msg->ecn, p->ecn);
    assert_int_equal(qm_txq_tag(m->q), p->tag);
    assert_int_equal(qm_addr_port(&msg->remote), p->remote);
    assert_int_equal(qm_addr_port(&msg->local), p->local);
    assert_true(i == 0 || p->may_group);
    for (j = 0; j<len; j += len> 100 ? 61 : 1) {
      assert_int_equal(data[j], byte_at(first + i, j));
    }
  }
}

static void take(model *m) {
  size_t n, taken, i;
  const qm_msg *msgs = qm_txq_front(m->q, &n);

  taken = (size_t)qm_rng_range(&m->rng, 1, n);
  for (i = 0; i < n; i++) { /* also those that are not taken */
    check_msg(m, &msgs[i], m->first);
    m->first += qm_msg_count(&msgs[i]);
  }
  for (i = n; i > taken; i--) {
    m->first -= qm_msg_count(&msgs[i - 1]);
  }
  for (i = 0; i < taken; i++) {
    m->sent += qm_msg_count(&msgs[i]);
  }
  qm_txq_on_sent(m->q, taken);
}

/* All that is left of the front message, split or not. */
static void unmark(model *m) {
  size_t count = qm_msg_count(&m->q->msgs[m->q->next]), i;

  for (i = 0; i < count; i++) {
    nth(m, m->first + i)->ecn = 0;
  }
  qm_txq_unmark(m->q);
}

static void drop(model *m) {
  size_t n, want;

  want = qm_msg_count(qm_txq_front(m->q, &n));
  assert_int_equal(qm_txq_drop(m->q), want);
  m->first += want;
  m->dropped += want;
}

static void move(model *m) {
  qm_txq *to = &m->queues[m->q == &m->queues[0]];
  size_t rest = 0;
  uint64_t i;

  for (i = m->first; i < m->next; i++) {
    rest += nth(m, i)->len;
  }
  assert_int_equal(qm_txq_rest(m->q), rest);
  qm_txq_move(m->q, to);
  if (qm_txq_is_empty(m->q)) {
    m->q = to;
  } else { /* test_txq.c has the row */
    assert_int_equal(rest, 0);
  }
  m->moves++;
}

static void step(model *m) {
  uint64_t draw = qm_rng_range(&m->rng, 0, 99);
  pkt p = draw_pkt(&m->rng);

  if (draw < 70 || qm_txq_is_empty(m->q)) {
    *nth(m, m->next) = p;
    m->next += add(m->q, &p, m->next);
  } else if (draw < 85) {
    take(m);
  } else if (draw < 90) {
    m->splits++;
    qm_txq_split(m->q);
  } else if (draw < 94) {
    unmark(m);
  } else if (draw < 97) {
    drop(m);
  } else {
    move(m);
  }
  assert_int_equal(qm_txq_is_empty(m->q), m->first == m->next);
  assert_true(qm_txq_room(m->q) || m->first < m->next);
}

static void loses_nothing(void **state) {
  static model m;
  size_t i;

  (void)state;
  qm_rng_init(&m.rng, test_seed());
  m.q = &m.queues[0];
  for (i = 0; i < 2; i++) {
    qm_txq_init(&m.queues[i], m.bufs[i], sizeof(m.bufs[i]));
  }
  for (i = 0; i < STEPS; i++) {
    step(&m);
  }
  while (!qm_txq_is_empty(m.q)) {
    take(&m);
  }
  assert_int_equal(m.first, m.next);
  assert_int_equal(m.sent + m.dropped, m.next);
  assert_true(m.grouped > 1000 && m.splits > 500 && m.moves > 500);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(holds_what_fits),
      cmocka_unit_test(has_room_again_when_empty),
      cmocka_unit_test(loses_nothing),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
