/* The reaper: old sockets end on time, or earlier when their place is needed.
 */
#include "core/drain.h"

#include "table.h"

#define S QUICMIG_SECOND
#define T0 (1000 * S)

typedef struct fixture {
  qm_path slots[16];
  qm_outbox out;
  qm_paths t;
} fixture;

static void open_table(fixture *f, uint32_t cap) {
  memset(f, 0, sizeof(*f));
  qm_outbox_init(&f->out);
  qm_paths_init(&f->t, f->slots, cap, &f->out);
}

static void empty(fixture *f) {
  qm_action a;

  while (qm_outbox_pop(&f->out, &a)) {
  }
}

static qm_path *add_active(fixture *f) {
  qm_addr local;
  qm_path *p;

  qm_addr_any(&local, AF_INET);
  p = qm_paths_add(&f->t, &local, 4433, (int)f->t.next_id, T0);
  assert_non_null(p);
  qm_paths_move(&f->t, p, QUICMIG_PATH_PROBING, T0);
  qm_paths_move(&f->t, p, QUICMIG_PATH_ACTIVE, T0);
  empty(f);
  return p;
}

static uint32_t add_draining(fixture *f, quicmig_duration drain,
                             quicmig_tstamp now) {
  qm_path *p = add_active(f);

  qm_drain_start(&f->t, p, drain, now);
  empty(f);
  return p->id;
}

static void starts_with_its_time(void **state) {
  fixture f;
  qm_path *p;

  (void)state;
  open_table(&f, 4);
  p = add_active(&f);
  assert_true(qm_drain_deadline(&f.t) == QUICMIG_NEVER);
  qm_drain_start(&f.t, p, 60 * S, T0 + S);
  assert_int_equal(p->state, QUICMIG_PATH_DRAINING);
  assert_int_equal(p->draining_at, T0 + S);
  assert_int_equal(p->close_at, T0 + 61 * S);
  assert_int_equal(qm_drain_deadline(&f.t), T0 + 61 * S);
}

static void ends_on_time_and_not_before(void **state) {
  static const struct row {
    const char *name;
    quicmig_duration drain, at;
    bool is_closed;
  } rows[] = {
      {"a nanosecond early", 60 * S, 60 * S - 1, false},
      {"on time", 60 * S, 60 * S, true},
      {"late", 60 * S, 90 * S, true},
      {"no drain at all", 0, 0, true},
      {"no end", QUICMIG_NEVER, 1000000 * S, false},
  };
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    fixture f;
    uint32_t id;

    open_table(&f, 4);
    id = add_draining(&f, r->drain, T0);
    qm_drain_on_time(&f.t, T0 + r->at);
    row_equal(r, qm_paths_find(&f.t, id) == NULL, r->is_closed);
    row_equal(r, f.out.len, r->is_closed ? 2 : 0);
    empty(&f);
    qm_drain_on_time(&f.t, T0 + r->at); /* twice is harmless */
    row_equal(r, f.out.len, 0);
  }
}

static void the_earliest_is_the_deadline(void **state) {
  fixture f;

  (void)state;
  open_table(&f, 4);
  add_draining(&f, 60 * S, T0);
  add_draining(&f, 10 * S, T0 + S);
  add_active(&f);
  assert_int_equal(qm_drain_deadline(&f.t), T0 + 11 * S);
  qm_drain_on_time(&f.t, T0 + 11 * S);
  assert_int_equal(f.t.len, 2);
  assert_int_equal(qm_drain_deadline(&f.t), T0 + 60 * S);
}

/* Sixteen at once do not fit the outbox: some stay for the next call, and the
 * deadline says so. */
static void many_at_once_leave_room_in_the_outbox(void **state) {
  fixture f;
  int calls;

  (void)state;
  open_table(&f, 16);
  while (f.t.len < 16) {
    add_draining(&f, 60 * S, T0);
  }
  for (calls = 0; f.t.len > 0 && calls < 16; calls++) {
    uint32_t before = f.t.len;

    assert_int_equal(qm_drain_deadline(&f.t), T0 + 60 * S);
    qm_drain_on_time(&f.t, T0 + 60 * S);
    assert_true(f.t.len < before);
    assert_true(qm_outbox_room(&f.out) >= QM_OUTBOX_KEPT);
    empty(&f);
  }
  assert_int_equal(f.t.len, 0);
  assert_true(qm_drain_deadline(&f.t) == QUICMIG_NEVER);
}

/* A table of two draining paths (ids 1 and 2; 2 drains since `second`) and an
 * active one; floor 1 s. */
static void makes_room(void **state) {
  static const struct row {
    const char *name;
    uint32_t cap;
    quicmig_duration first, second, at;
    uint32_t kept; /* id, 0: none */
    bool has_room;
    uint32_t closed; /* likewise */
  } rows[] = {
      {"a free slot: nobody ends", 4, 0, S, 5 * S, 0, true, 0},
      {"the oldest ends", 3, 0, S, 5 * S, 0, true, 1},
      {"oldest by its drain, not by its id", 3, S, 0, 5 * S, 0, true, 2},
      {"exactly at the floor", 3, 0, S, S, 0, true, 1},
      {"a nanosecond before the floor", 3, 0, S, S - 1, 0, false, 0},
      {"the oldest is kept", 3, 0, S, 5 * S, 1, true, 2},
      {"the next one is kept anyway", 3, 0, S, 5 * S, 2, true, 1},
  };
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    uint32_t open, id;
    fixture f;

    open_table(&f, r->cap);
    add_draining(&f, 60 * S, T0 + r->first);
    add_draining(&f, 60 * S, T0 + r->second);
    add_active(&f);
    open = f.t.len;
    row_equal(r, qm_drain_make_room(&f.t, S, r->kept, T0 + r->at), r->has_room);
    for (id = 1; id <= 3; id++) {
      row_equal(r, qm_paths_find(&f.t, id) == NULL, id == r->closed);
    }
    row_equal(r, f.t.len, open - (r->closed != 0));
  }
}

/* The only one that drains cannot be kept. */
static void the_last_is_not_kept(void **state) {
  fixture f;

  (void)state;
  open_table(&f, 2);
  add_draining(&f, 60 * S, T0);
  add_active(&f);
  assert_true(qm_drain_make_room(&f.t, S, 1, T0 + 5 * S));
  assert_null(qm_paths_find(&f.t, 1));
}

/* Only DRAINING paths are closed before their time. */
static void no_room_without_a_draining_path(void **state) {
  fixture f;
  qm_path *p;
  qm_addr local;

  (void)state;
  open_table(&f, 2);
  add_active(&f);
  qm_addr_any(&local, AF_INET);
  p = qm_paths_add(&f.t, &local, 4433, 9, T0);
  assert_false(qm_drain_make_room(&f.t, 0, 0, T0 + 100 * S));
  qm_paths_move(&f.t, p, QUICMIG_PATH_PROBING, T0);
  assert_false(qm_drain_make_room(&f.t, 0, 0, T0 + 100 * S));
  qm_paths_move(&f.t, p, QUICMIG_PATH_FAILED, T0);
  assert_false(qm_drain_make_room(&f.t, 0, 0, T0 + 100 * S));
  assert_int_equal(f.t.len, 2);
}

static void a_failed_path_ends_at_its_time_too(void **state) {
  fixture f;
  qm_path *p;
  qm_addr local;

  (void)state;
  open_table(&f, 2);
  qm_addr_any(&local, AF_INET);
  p = qm_paths_add(&f.t, &local, 4433, 9, T0);
  qm_paths_move(&f.t, p, QUICMIG_PATH_PROBING, T0);
  qm_paths_move(&f.t, p, QUICMIG_PATH_FAILED, T0);
  empty(&f);
  qm_drain_on_time(&f.t, T0 + 1000 * S);
  assert_int_equal(f.t.len, 1); /* no time was given */
  p->close_at = T0 + 10 * S;
  assert_int_equal(qm_drain_deadline(&f.t), T0 + 10 * S);
  qm_drain_on_time(&f.t, T0 + 10 * S);
  assert_int_equal(f.t.len, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(starts_with_its_time),
      cmocka_unit_test(ends_on_time_and_not_before),
      cmocka_unit_test(the_earliest_is_the_deadline),
      cmocka_unit_test(many_at_once_leave_room_in_the_outbox),
      cmocka_unit_test(makes_room),
      cmocka_unit_test(the_last_is_not_kept),
      cmocka_unit_test(no_room_without_a_draining_path),
      cmocka_unit_test(a_failed_path_ends_at_its_time_too),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
