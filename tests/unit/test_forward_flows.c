/* udp_forward: the table of flows. */
#include "../../examples/udp_forward/flows.c"

#include "table.h"

static const uint64_t seed[2] = {1, 2};

static flow_key key_of(uint64_t n) { return (flow_key){{n, 0, 0, n >> 3}}; }

static flow *add(flows *t, uint64_t n, uint64_t now) {
  flow_key key = key_of(n);

  return flows_add(t, &key, now);
}

static flow *find(const flows *t, uint64_t n) {
  flow_key key = key_of(n);

  return flows_find(t, &key);
}

static void a_flood_leaves_the_others_alone(void **state) {
  flows t;
  flow *first;
  uint64_t i;

  (void)state;
  assert_true(flows_init(&t, 100, seed));
  first = add(&t, 0, 0);
  for (i = 1; i < 5000; i++) {
    assert_int_equal(add(&t, i, 0) != NULL, i < 100);
  }
  assert_ptr_equal(find(&t, 0), first);
  assert_ptr_equal(flows_by_number(&t, first->number), first);
  assert_null(find(&t, 100));
  assert_int_equal(t.count, 100);
  assert_int_equal(t.peak, 100);
  flows_reset(&t);
}

static void idle_ones_come_in_order_of_last_use(void **state) {
  flows t;
  flow *a, *b, *c;

  (void)state;
  assert_true(flows_init(&t, 3, seed));
  assert_null(flows_idle(&t, UINT64_MAX));
  a = add(&t, 1, 10);
  b = add(&t, 2, 20);
  c = add(&t, 3, 30);
  assert_null(flows_idle(&t, 10));
  assert_ptr_equal(flows_idle(&t, 11), a);
  flows_touch(&t, a, 40);
  flows_touch(&t, a, 41); /* the newest already */
  assert_null(flows_idle(&t, 20));
  assert_ptr_equal(flows_idle(&t, 50), b);
  flows_remove(&t, b);
  assert_ptr_equal(flows_idle(&t, 50), c);
  flows_remove(&t, a); /* the newest */
  assert_ptr_equal(flows_idle(&t, 50), c);
  flows_remove(&t, c);
  assert_null(flows_idle(&t, UINT64_MAX));
  assert_non_null(add(&t, 4, 50));
  assert_non_null(flows_idle(&t, 51));
  flows_reset(&t);
}

static void numbers_are_never_used_twice(void **state) {
  flows t;
  flow *f;
  uint64_t i, number, last = 0;

  (void)state;
  assert_true(flows_init(&t, 1, seed));
  for (i = 0; i < 1000; i++) {
    f = add(&t, i, i);
    assert_non_null(f);
    number = f->number;
    assert_true(i == 0 || number > last);
    assert_ptr_equal(flows_by_number(&t, number), f);
    assert_true(i == 0 || !flows_by_number(&t, last));
    flows_remove(&t, f);
    assert_null(flows_by_number(&t, number));
    last = number;
  }
  assert_null(flows_by_number(&t, UINT64_MAX));
  flows_reset(&t);
}

/* Against a plain array: adds, finds, touches and removes at random. */
static void agrees_with_a_model(void **state) {
  enum { KEYS = 300, ROOM = 128 };
  static uint64_t used_at[KEYS]; /* 0: not there */
  uint64_t now, i, count = 0;
  flows t;

  (void)state;
  memset(used_at, 0, sizeof(used_at));
  srand((unsigned)test_seed());
  assert_true(flows_init(&t, ROOM, seed));
  for (now = 1; now < 200000; now++) {
    uint64_t n = (uint64_t)rand() % KEYS;
    flow *f = find(&t, n);

    assert_int_equal(f != NULL, used_at[n] != 0);
    if (!f) {
      f = add(&t, n, now);
      assert_int_equal(f != NULL, count < ROOM);
      used_at[n] = f ? now : 0;
      count += f != NULL;
    } else if (rand() % 3 == 0) {
      flows_remove(&t, f);
      used_at[n] = 0;
      count--;
    } else {
      flows_touch(&t, f, now);
      used_at[n] = now;
    }
    assert_int_equal(t.count, count);
    if (now % 1000 == 0) {
      flow *idle = flows_idle(&t, UINT64_MAX);

      for (i = 0; i < KEYS; i++) {
        assert_true(!used_at[i] || idle->used_at <= used_at[i]);
      }
    }
  }
  flows_reset(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_flood_leaves_the_others_alone),
      cmocka_unit_test(idle_ones_come_in_order_of_last_use),
      cmocka_unit_test(numbers_are_never_used_twice),
      cmocka_unit_test(agrees_with_a_model),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
