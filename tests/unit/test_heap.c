/* The heap of deadlines: order, ties, moves, removals, memory. */
#include "base/heap.h"

#include "base/rng.h"
#include "table.h"

#define MAX 64

typedef struct fixture {
  qm_heap heap;
  qm_heap_node nodes[MAX];
} fixture;

static void open_heap(fixture *f) {
  size_t i;

  qm_heap_init(&f->heap, &qm_mem_default);
  assert_int_equal(qm_heap_reserve(&f->heap, MAX), 0);
  for (i = 0; i < MAX; i++) {
    qm_heap_node_init(&f->nodes[i]);
  }
}

/* Takes everything out and compares the order, given as indices of nodes. */
static void assert_leaves_as(fixture *f, const size_t *want, size_t n) {
  size_t i;

  for (i = 0; i < n; i++) {
    qm_heap_node *top = qm_heap_top(&f->heap);

    assert_non_null(top);
    assert_int_equal(top - f->nodes, want[i]);
    qm_heap_remove(&f->heap, top);
    assert_true(top->index == QM_HEAP_OUT);
  }
  assert_null(qm_heap_top(&f->heap));
}

static void leaves_in_order(void **state) {
  fixture f;

  (void)state;
  open_heap(&f);
  assert_null(qm_heap_top(&f.heap));
  qm_heap_set(&f.heap, &f.nodes[0], 30);
  qm_heap_set(&f.heap, &f.nodes[1], 10);
  qm_heap_set(&f.heap, &f.nodes[2], QUICMIG_NEVER);
  qm_heap_set(&f.heap, &f.nodes[3], 20);
  qm_heap_set(&f.heap, &f.nodes[4], 0);
  assert_leaves_as(&f, (const size_t[]){4, 1, 3, 0, 2}, 5);
  qm_heap_reset(&f.heap);
}

/* STYLE: equal deadlines run in insertion order. */
static void ties_leave_in_the_order_they_were_set(void **state) {
  fixture f;
  size_t i, want[16];

  (void)state;
  open_heap(&f);
  for (i = 0; i < 16; i++) {
    want[i] = (i * 5) % 16;
    qm_heap_set(&f.heap, &f.nodes[want[i]], 100);
  }
  assert_leaves_as(&f, want, 16);
  qm_heap_reset(&f.heap);
}

static void moves(void **state) {
  static const struct row {
    const char *name;
    size_t node;
    quicmig_tstamp at;
    size_t want[4];
  } rows[] = {
      {"first to last", 0, 99, {1, 2, 3, 0}},
      {"last to first", 3, 1, {3, 0, 1, 2}},
      {"into the middle", 0, 25, {1, 0, 2, 3}},
      {"onto another: behind it", 0, 20, {1, 0, 2, 3}},
      {"where it is: keeps its turn", 1, 20, {0, 1, 2, 3}},
      {"to never", 1, QUICMIG_NEVER, {0, 2, 3, 1}},
  };
  const struct row *r;
  size_t i;

  (void)state;
  for (EACH_ROW(r, rows)) {
    fixture f;

    open_heap(&f);
    for (i = 0; i < 4; i++) {
      qm_heap_set(&f.heap, &f.nodes[i], 10 + 10 * i);
    }
    qm_heap_set(&f.heap, &f.nodes[r->node], r->at);
    for (i = 0; i < 4; i++) {
      row_equal(r, qm_heap_top(&f.heap) - f.nodes, r->want[i]);
      qm_heap_remove(&f.heap, qm_heap_top(&f.heap));
    }
    qm_heap_reset(&f.heap);
  }
}

/* A node set again to the deadline it has must not lose its turn among equals.
 */
static void setting_the_same_deadline_keeps_the_turn(void **state) {
  fixture f;

  (void)state;
  open_heap(&f);
  qm_heap_set(&f.heap, &f.nodes[0], 10);
  qm_heap_set(&f.heap, &f.nodes[1], 10);
  qm_heap_set(&f.heap, &f.nodes[0], 10);
  assert_leaves_as(&f, (const size_t[]){0, 1}, 2);
  qm_heap_reset(&f.heap);
}

static void removing_what_is_out_is_harmless(void **state) {
  fixture f;

  (void)state;
  open_heap(&f);
  qm_heap_remove(&f.heap, &f.nodes[0]);
  qm_heap_set(&f.heap, &f.nodes[0], 1);
  qm_heap_set(&f.heap, &f.nodes[1], 2);
  qm_heap_remove(&f.heap, &f.nodes[0]);
  qm_heap_remove(&f.heap, &f.nodes[0]);
  assert_leaves_as(&f, (const size_t[]){1}, 1);
  qm_heap_reset(&f.heap);
}

static void *no_realloc(void *p, size_t size, void *user_data) {
  (void)p;
  (void)size;
  ++*(int *)user_data;
  return NULL;
}

static void survives_a_failed_allocation(void **state) {
  int calls = 0;
  quicmig_mem broken = qm_mem_default;
  qm_heap_node a, b;
  qm_heap h;

  (void)state;
  qm_heap_node_init(&a);
  qm_heap_node_init(&b);
  qm_heap_init(&h, &qm_mem_default);
  assert_int_equal(qm_heap_reserve(&h, 1), 0);
  qm_heap_set(&h, &a, 5);
  broken.realloc = no_realloc;
  broken.user_data = &calls;
  h.mem = &broken;
  assert_int_equal(qm_heap_reserve(&h, h.cap), 0);
  assert_int_equal(calls, 0);
  assert_int_equal(qm_heap_reserve(&h, h.cap + 1), QUICMIG_ERR_NOMEM);
  assert_int_equal(calls, 1);
  qm_heap_set(&h, &b, 4);
  assert_ptr_equal(qm_heap_top(&h), &b);
  h.mem = &qm_mem_default;
  assert_int_equal(qm_heap_reserve(&h, 1000), 0);
  assert_ptr_equal(qm_heap_top(&h), &b);
  assert_int_equal(h.len, 2);
  qm_heap_reset(&h);
  assert_null(qm_heap_top(&h));
}

/* The earliest node by a plain walk; `set_at` orders ties. */
static qm_heap_node *slow_top(fixture *f, const uint64_t *set_at) {
  qm_heap_node *best = NULL;
  size_t i;

  for (i = 0; i < MAX; i++) {
    qm_heap_node *n = &f->nodes[i];

    if (n->index != QM_HEAP_OUT &&
        (!best || n->at < best->at ||
         (n->at == best->at && set_at[i] < set_at[best - f->nodes]))) {
      best = n;
    }
  }
  return best;
}

/* No node is before its parent, and each knows its place. */
static bool is_heap(const qm_heap *h) {
  size_t i;

  for (i = 0; i < h->len; i++) {
    const qm_heap_node *n = h->nodes[i], *up = h->nodes[i ? (i - 1) / 2 : 0];

    if (n->index != i || n->at < up->at ||
        (n->at == up->at && n->order < up->order)) {
      return false;
    }
  }
  return true;
}

static void agrees_with_a_plain_walk(void **state) {
  uint64_t set_at[MAX] = {0}, turn;
  fixture f;
  qm_rng g;

  (void)state;
  qm_rng_init(&g, test_seed());
  open_heap(&f);
  for (turn = 1; turn < 5000; turn++) {
    size_t i = (size_t)qm_rng_range(&g, 0, MAX - 1);
    quicmig_tstamp at = qm_rng_range(&g, 0, 20);

    if (qm_rng_range(&g, 0, 3) == 0) {
      qm_heap_remove(&f.heap, &f.nodes[i]);
    } else {
      if (f.nodes[i].index == QM_HEAP_OUT || f.nodes[i].at != at) {
        set_at[i] = turn;
      }
      qm_heap_set(&f.heap, &f.nodes[i], at);
    }
    assert_ptr_equal(qm_heap_top(&f.heap), slow_top(&f, set_at));
    assert_true(is_heap(&f.heap));
  }
  qm_heap_reset(&f.heap);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(leaves_in_order),
      cmocka_unit_test(ties_leave_in_the_order_they_were_set),
      cmocka_unit_test(moves),
      cmocka_unit_test(setting_the_same_deadline_keeps_the_turn),
      cmocka_unit_test(removing_what_is_out_is_harmless),
      cmocka_unit_test(survives_a_failed_allocation),
      cmocka_unit_test(agrees_with_a_plain_walk),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
