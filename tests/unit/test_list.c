/* The intrusive list. */
#include "base/list.h"

#include "table.h"

typedef struct item {
  int value;
  qm_list link;
} item;

static void assert_values(const qm_list *l, const int *want, size_t n) {
  const qm_list *node = l->next;
  size_t i;

  for (i = 0; i < n; i++, node = node->next) {
    assert_ptr_not_equal(node, l);
    assert_int_equal(qm_list_entry(node, item, link)->value, want[i]);
    assert_ptr_equal(node->next->prev, node);
  }
  assert_ptr_equal(node, l);
}

static void keeps_the_order_of_pushes(void **state) {
  item a = {.value = 1}, b = {.value = 2}, c = {.value = 3};
  qm_list l;

  (void)state;
  qm_list_init(&l);
  assert_true(qm_list_is_empty(&l));
  qm_list_push(&l, &a.link);
  qm_list_push(&l, &b.link);
  qm_list_push(&l, &c.link);
  assert_false(qm_list_is_empty(&l));
  assert_values(&l, (const int[]){1, 2, 3}, 3);
}

static void removes_from_any_place(void **state) {
  item a = {.value = 1}, b = {.value = 2}, c = {.value = 3};
  qm_list l;

  (void)state;
  qm_list_init(&l);
  qm_list_push(&l, &a.link);
  qm_list_push(&l, &b.link);
  qm_list_push(&l, &c.link);
  qm_list_remove(&b.link);
  assert_values(&l, (const int[]){1, 3}, 2);
  qm_list_remove(&a.link);
  assert_values(&l, (const int[]){3}, 1);
  qm_list_push(&l, &a.link);
  assert_values(&l, (const int[]){3, 1}, 2);
  qm_list_remove(&a.link);
  qm_list_remove(&c.link);
  assert_true(qm_list_is_empty(&l));
}

/* Owners remove without asking whether they are in a list. */
static void removing_twice_is_harmless(void **state) {
  item a = {.value = 1}, b = {.value = 2};
  qm_list l;

  (void)state;
  qm_list_init(&l);
  qm_list_init(&a.link);
  qm_list_remove(&a.link);
  qm_list_push(&l, &a.link);
  qm_list_push(&l, &b.link);
  qm_list_remove(&a.link);
  qm_list_remove(&a.link);
  assert_true(qm_list_is_empty(&a.link));
  assert_values(&l, (const int[]){2}, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(keeps_the_order_of_pushes),
      cmocka_unit_test(removes_from_any_place),
      cmocka_unit_test(removing_twice_is_harmless),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
