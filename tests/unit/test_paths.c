/* The path table, the outbox it reports to, and the counters of a path. */
#include "core/paths.h"

#include "table.h"

#define CAP 4

typedef struct fixture {
  qm_path slots[CAP];
  qm_outbox out;
  qm_paths t;
} fixture;

static qm_addr local_of(uint16_t port) {
  qm_addr a;

  qm_addr_any(&a, AF_INET);
  qm_addr_set_port(&a, port);
  return a;
}

static void open_table(fixture *f) {
  memset(f, 0, sizeof(*f));
  qm_outbox_init(&f->out);
  qm_paths_init(&f->t, f->slots, CAP, &f->out);
}

static void empty(fixture *f) {
  qm_action a;

  while (qm_outbox_pop(&f->out, &a)) {
  }
}

static qm_path *add(fixture *f, int handle, quicmig_tstamp now) {
  qm_addr local = local_of((uint16_t)(5000 + handle));

  return qm_paths_add(&f->t, &local, 4433, handle, now);
}

static void assert_state_event(fixture *f, uint32_t id, int from, int to) {
  qm_action a;

  assert_true(qm_outbox_pop(&f->out, &a));
  assert_int_equal(a.type, QM_ACT_EVENT);
  assert_int_equal(a.event, QUICMIG_EVENT_PATH_STATE);
  assert_int_equal(a.path, id);
  assert_int_equal(a.from, from);
  assert_int_equal(a.to, to);
}

static void a_new_path_is_spare(void **state) {
  fixture f;
  qm_path *p;
  qm_action a;

  (void)state;
  open_table(&f);
  p = add(&f, 7, 100);
  assert_non_null(p);
  assert_int_equal(p->id, 1);
  assert_int_equal(p->handle, 7);
  assert_int_equal(p->state, QUICMIG_PATH_SPARE);
  assert_int_equal(qm_addr_port(&p->local), 5007);
  assert_true(qm_addr_is_equal(&p->shown, &p->local));
  assert_int_equal(p->opened_at, 100);
  assert_int_equal(p->active_at, 0);
  assert_true(p->close_at == QUICMIG_NEVER);
  assert_false(p->is_retired);
  assert_state_event(&f, 1, QUICMIG_PATH_CLOSED, QUICMIG_PATH_SPARE);
  assert_false(qm_outbox_pop(&f.out, &a));
}

static void full_at_its_capacity(void **state) {
  fixture f;
  int i;

  (void)state;
  open_table(&f);
  for (i = 0; i < CAP; i++) {
    assert_non_null(add(&f, i, 1));
  }
  empty(&f);
  assert_int_equal(f.t.len, CAP);
  assert_null(add(&f, 99, 1));
  assert_int_equal(f.t.len, CAP);
  assert_int_equal(f.out.len, 0);
}

#define C QUICMIG_PATH_CLOSED
#define P QUICMIG_PATH_PROBING
#define A QUICMIG_PATH_ACTIVE
#define D QUICMIG_PATH_DRAINING
#define F QUICMIG_PATH_FAILED

/* Every legal walk through the states, with the event of each edge. */
static void walks(void **state) {
  static const struct row {
    const char *name;
    quicmig_path_state to[8]; /* from SPARE on; CLOSED ends */
  } rows[] = {
      {"given up", {C}},
      {"a success", {P, A, D, C}},
      {"a failure", {P, F, C}},
      {"a late success", {P, F, A, D, C}},
      {"there and back", {P, A, D, P, A, D, C}},
  };
  const struct row *r;
  size_t i;

  (void)state;
  for (EACH_ROW(r, rows)) {
    quicmig_path_state from = QUICMIG_PATH_SPARE;
    qm_action a;
    fixture f;
    qm_path *p;

    open_table(&f);
    p = add(&f, 7, 1);
    empty(&f);
    for (i = 0; from != QUICMIG_PATH_CLOSED; i++) {
      qm_paths_move(&f.t, p, r->to[i], 10 + i);
      row_true(r, qm_outbox_pop(&f.out, &a));
      row_equal(r, a.event, QUICMIG_EVENT_PATH_STATE);
      row_equal(r, a.path, 1);
      row_equal(r, a.from, from);
      row_equal(r, a.to, r->to[i]);
      from = r->to[i];
    }
    /* The socket is asked to be closed after the event that names it. */
    row_true(r, qm_outbox_pop(&f.out, &a));
    row_equal(r, a.type, QM_ACT_CLOSE);
    row_equal(r, a.value, 7);
    row_true(r, !qm_outbox_pop(&f.out, &a));
    row_equal(r, f.t.len, 0);
    row_true(r, qm_paths_find(&f.t, 1) == NULL);
  }
}

static void keeps_the_times(void **state) {
  fixture f;
  qm_path *p;

  (void)state;
  open_table(&f);
  p = add(&f, 7, 10);
  qm_paths_move(&f.t, p, QUICMIG_PATH_PROBING, 20);
  assert_int_equal(p->active_at, 0);
  qm_paths_move(&f.t, p, QUICMIG_PATH_FAILED, 25);
  p->close_at = 99;
  qm_paths_move(&f.t, p, QUICMIG_PATH_ACTIVE, 30);
  assert_true(p->close_at == QUICMIG_NEVER); /* nothing ends it any more */
  assert_int_equal(p->draining_at, 25);
  qm_paths_move(&f.t, p, QUICMIG_PATH_DRAINING, 40);
  assert_int_equal(p->opened_at, 10);
  assert_int_equal(p->active_at, 30);
  assert_int_equal(p->draining_at, 40);
}

static void ids_are_never_used_again(void **state) {
  fixture f;
  uint32_t want;

  (void)state;
  open_table(&f);
  assert_int_equal(add(&f, 50, 1)->id, 1);
  for (want = 2; want < 50; want++) {
    qm_path *p = add(&f, 51, 1);

    assert_int_equal(p->id, want);
    qm_paths_move(&f.t, p, QUICMIG_PATH_CLOSED, 1);
    empty(&f);
    assert_null(qm_paths_find(&f.t, want));
  }
  assert_int_equal(f.t.len, 1);
  assert_non_null(qm_paths_find(&f.t, 1));
}

static void finds_and_walks(void **state) {
  fixture f;
  qm_path *a, *b, *c;

  (void)state;
  open_table(&f);
  assert_null(qm_paths_next(&f.t, NULL));
  a = add(&f, 10, 1);
  b = add(&f, 11, 1);
  c = add(&f, 12, 1);
  assert_ptr_equal(qm_paths_find(&f.t, 2), b);
  assert_null(qm_paths_find(&f.t, 0)); /* free slots have id 0 */
  assert_null(qm_paths_find(&f.t, 4));
  assert_ptr_equal(qm_paths_by_handle(&f.t, 12), c);
  assert_null(qm_paths_by_handle(&f.t, 0));
  assert_null(qm_paths_by_handle(&f.t, 13));
  qm_paths_move(&f.t, b, QUICMIG_PATH_CLOSED, 1);
  assert_null(qm_paths_by_handle(&f.t, 11));
  assert_ptr_equal(qm_paths_next(&f.t, NULL), a);
  assert_ptr_equal(qm_paths_next(&f.t, a), c);
  assert_null(qm_paths_next(&f.t, c));
}

/* First in, first out, also where the ring begins anew. */
static void outbox_keeps_the_order(void **state) {
  uint64_t in = 0, out = 0;
  qm_action a;
  qm_outbox o;
  int round;

  (void)state;
  qm_outbox_init(&o);
  assert_false(qm_outbox_pop(&o, &a));
  for (round = 0; round < 5; round++) {
    while (qm_outbox_room(&o) > 0) {
      qm_outbox_push(&o, (qm_action){.type = QM_ACT_OPEN, .value = in++});
    }
    assert_int_equal(in - out, QM_OUTBOX_MAX);
    while (in - out > (uint64_t)round) {
      assert_true(qm_outbox_pop(&o, &a));
      assert_int_equal(a.value, out++);
    }
    assert_int_equal(qm_outbox_room(&o), QM_OUTBOX_MAX - round);
  }
}

static void meters_count(void **state) {
  qm_meter m = {.late = 0};

  (void)state;
  qm_meter_on_tx(&m, 1, 1200);
  qm_meter_on_tx(&m, 1, 30);
  qm_meter_on_rx(&m, 0);
  assert_int_equal(m.tx_packets, 2);
  assert_int_equal(m.tx_bytes, 1230);
  assert_int_equal(m.rx_packets, 1);
  assert_int_equal(m.rx_bytes, 0);
}

static void the_gap_is_the_longest_silence(void **state) {
  static const struct row {
    const char *name;
    quicmig_tstamp start, rx[4]; /* 0 ends */
    quicmig_duration longest;
  } rows[] = {
      {"nothing received", 100, {0}, 0},
      {"the first wait counts", 100, {150, 160}, 50},
      {"in the middle", 100, {110, 190, 195}, 80},
      {"the last", 100, {110, 120, 200}, 80},
      {"a burst", 100, {100, 100, 100}, 0},
  };
  const struct row *r;
  size_t i;

  (void)state;
  for (EACH_ROW(r, rows)) {
    qm_gap g = {.longest = 77};

    qm_gap_start(&g, r->start);
    for (i = 0; i < 4 && r->rx[i]; i++) {
      qm_gap_on_rx(&g, r->rx[i]);
    }
    row_equal(r, g.longest, r->longest);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_new_path_is_spare),
      cmocka_unit_test(full_at_its_capacity),
      cmocka_unit_test(walks),
      cmocka_unit_test(keeps_the_times),
      cmocka_unit_test(ids_are_never_used_again),
      cmocka_unit_test(finds_and_walks),
      cmocka_unit_test(outbox_keeps_the_order),
      cmocka_unit_test(meters_count),
      cmocka_unit_test(the_gap_is_the_longest_silence),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
