/* Datagrams of handshakes wait in order, within limits, and give back their
 * memory. */
#include "endpoint/backlog.h"

#include "loopback.h"
#include "table.h"

#define MS QUICMIG_MILLISECOND

/* Counts what is allocated, and fails when it is told to. */
typedef struct counter {
  size_t live;
  bool fails;
} counter;

static void *count_malloc(size_t size, void *user_data) {
  counter *c = user_data;

  c->live += !c->fails;
  return c->fails ? NULL : malloc(size);
}

static void count_free(void *p, void *user_data) {
  ((counter *)user_data)->live--;
  free(p);
}

typedef struct world {
  counter counter;
  quicmig_mem mem;
  qm_backlog b;
} world;

static void start(world *w) {
  *w = (world){.mem = {.user_data = &w->counter,
                       .malloc = count_malloc,
                       .free = count_free}};
  qm_backlog_init(&w->b, &w->mem);
}

/* A datagram that says its number. */
static bool add(world *w, uint64_t id, uint32_t number, quicmig_tstamp now) {
  const qm_msg pkt = {.data = (uint8_t *)&number, .len = sizeof(number)};

  return qm_backlog_add(&w->b, &pkt, id, 0, now);
}

/* The number of the next one; UINT32_MAX: none. */
static uint32_t take(world *w, quicmig_tstamp now) {
  qm_waiting *d = qm_backlog_take(&w->b, now);
  uint32_t number = UINT32_MAX;

  if (d) {
    assert_int_equal(d->pkt.len, sizeof(number));
    memcpy(&number, d->pkt.data, sizeof(number));
    qm_backlog_free(&w->b, d);
  }
  return number;
}

/* `given` datagrams of `ids` connection IDs in turn; how many are taken in,
 * and how many of them come out when they have waited that long. */
static void limits(void **state) {
  static const struct {
    const char *name;
    uint32_t given, ids;
    bool is_out_of_memory;
    quicmig_duration wait;
    uint32_t taken, served;
  } rows[] =
      {
          {"none", 0, 1, false, 0, 0, 0},
          {"one", 1, 1, false, 0, 1, 1},
          {"full", QM_BACKLOG_MAX, QM_BACKLOG_MAX, false, 0, QM_BACKLOG_MAX,
           QM_BACKLOG_MAX},
          {"one too many", QM_BACKLOG_MAX + 1, QM_BACKLOG_MAX + 1, false, 0,
           QM_BACKLOG_MAX, QM_BACKLOG_MAX},
          {"a flood", 5000, 5000, false, 0, QM_BACKLOG_MAX, QM_BACKLOG_MAX},
          {"all one ID may have", QM_BACKLOG_PER_ID, 1, false, 0,
           QM_BACKLOG_PER_ID, QM_BACKLOG_PER_ID},
          {"more of one ID", 100, 1, false, 0, QM_BACKLOG_PER_ID,
           QM_BACKLOG_PER_ID},
          {"more of two IDs", 100, 2, false, 0, 2 * QM_BACKLOG_PER_ID,
           2 * QM_BACKLOG_PER_ID},
          {"not too old", 5, 5, false, QM_BACKLOG_AGE - 1, 5, 5},
          {"too old", 5, 5, false, QM_BACKLOG_AGE, 5, 0},
          {"no memory", 5, 5, true, 0, 0, 0},
      },
    *row;

  (void)state;
  for (EACH_ROW(row, rows)) {
    uint32_t i, taken = 0, served = 0;
    world w;

    start(&w);
    w.counter.fails = row->is_out_of_memory;
    for (i = 0; i < row->given; i++) {
      taken += add(&w, i % row->ids, i, QUICMIG_SECOND);
    }
    row_equal(row, taken, row->taken);
    row_equal(row, w.b.n, taken);
    row_equal(row, w.counter.live, taken);
    for (i = 0; i < taken; i++) {
      served += take(&w, QUICMIG_SECOND + row->wait) != UINT32_MAX;
    }
    row_equal(row, served, row->served);
    row_equal(row, w.b.dropped, row->given - row->served);
    row_true(row, qm_backlog_is_empty(&w.b));
    row_equal(row, w.counter.live, 0);
    qm_backlog_reset(&w.b);
  }
}

/* In the order of arrival, whatever is taken out and comes meanwhile; and what
 * one ID has had taken out does not count any more. */
static void order(void **state) {
  uint32_t next = 0, wanted = 0, turn, i;
  world w;

  (void)state;
  start(&w);
  for (turn = 0; turn < 300; turn++) {
    for (i = 0; i < 3; i++) {
      assert_true(add(&w, turn % 2, next++, turn * MS));
    }
    for (i = 0; i < 3; i++) {
      assert_int_equal(take(&w, turn * MS), wanted++);
    }
  }
  assert_int_equal(take(&w, 300 * MS), UINT32_MAX);
  assert_int_equal(w.b.dropped, 0);
  qm_backlog_reset(&w.b);
}

/* The old ones in front do not stop the young ones behind them. */
static void old_and_young(void **state) {
  quicmig_tstamp now = QUICMIG_SECOND;
  world w;

  (void)state;
  start(&w);
  assert_true(add(&w, 1, 1, now));
  assert_true(add(&w, 1, 2, now));
  assert_true(add(&w, 2, 3, now + QM_BACKLOG_AGE));
  assert_int_equal(take(&w, now + QM_BACKLOG_AGE), 3);
  assert_int_equal(w.b.dropped, 2);
  assert_false(qm_backlog_has(&w.b, 1));
  qm_backlog_reset(&w.b);
}

static void keeps_what_came_with_it(void **state) {
  uint8_t data[QM_PKT_MAX];
  const qm_msg pkt = {.data = data,
                      .len = sizeof(data),
                      .ecn = 1,
                      .remote = loopback(AF_INET, 4711),
                      .local = loopback(AF_INET6, 4433)};
  qm_waiting *d;
  world w;

  (void)state;
  start(&w);
  memset(data, 7, sizeof(data));
  assert_true(qm_backlog_add(&w.b, &pkt, 9, 3, 5 * MS));
  memset(data, 8, sizeof(data)); /* it is a copy */
  assert_true(qm_backlog_has(&w.b, 9));
  d = qm_backlog_take(&w.b, 6 * MS);
  assert_non_null(d);
  assert_int_equal(d->came, 5 * MS);
  assert_int_equal(d->socket, 3);
  assert_int_equal(d->pkt.ecn, 1);
  assert_int_equal(qm_msg_count(&d->pkt), 1);
  assert_int_equal(d->pkt.len, sizeof(data));
  assert_int_equal(d->pkt.data[0], 7);
  assert_int_equal(d->pkt.data[sizeof(data) - 1], 7);
  assert_true(qm_addr_is_equal(&d->pkt.remote, &pkt.remote));
  assert_true(qm_addr_is_equal(&d->pkt.local, &pkt.local));
  qm_backlog_free(&w.b, d);
  qm_backlog_reset(&w.b);
}

/* Ends with a full one. */
static void reset_frees(void **state) {
  uint32_t i;
  world w;

  (void)state;
  start(&w);
  for (i = 0; i < QM_BACKLOG_MAX; i++) {
    assert_true(add(&w, i, i, 0));
  }
  qm_backlog_reset(&w.b);
  assert_int_equal(w.counter.live, 0);
  assert_true(qm_backlog_is_empty(&w.b));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(limits),
      cmocka_unit_test(order),
      cmocka_unit_test(old_and_young),
      cmocka_unit_test(keeps_what_came_with_it),
      cmocka_unit_test(reset_frees),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
