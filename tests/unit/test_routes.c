/* Which socket answers which address of a client. */
#include "endpoint/routes.h"

#include "base/rng.h"
#include "table.h"

static qm_addr addr(uint32_t host, uint16_t port) {
  qm_addr a;

  qm_addr_any(&a, AF_INET);
  a.u.in.sin_addr.s_addr = htonl(host);
  qm_addr_set_port(&a, port);
  return a;
}

static const qm_route *find(qm_routes *r, const qm_addr *remote) {
  return qm_routes_find(r, &remote->u.sa, remote->len);
}

/* A packet to the connection ID `id`. */
static void see_id(qm_routes *r, const qm_addr *remote, const qm_addr *local,
                   uint32_t socket, uint64_t id, const qm_addr *current) {
  const qm_route seen = {
      .remote = *remote, .local = *local, .socket = socket, .id = id};

  qm_routes_on_packet(r, &seen, current);
}

static void see(qm_routes *r, const qm_addr *remote, const qm_addr *local,
                uint32_t socket, const qm_addr *current) {
  see_id(r, remote, local, socket, 1, current);
}

static qm_routes begin(qm_addr *shown) {
  qm_routes r;

  *shown = addr(1, 443);
  qm_routes_init(&r, shown);
  return r;
}

static void knows_nobody_at_first(void **state) {
  qm_addr shown, a = addr(7, 7), none = {.len = 0};
  qm_routes r = begin(&shown);

  (void)state;
  assert_true(qm_addr_is_equal(&r.shown, &shown));
  assert_null(find(&r, &a));
  assert_null(find(&r, &none)); /* an empty slot is no address */
}

static void answers_where_it_was_addressed(void **state) {
  qm_addr shown, here = addr(1, 444), a = addr(7, 7), b = addr(7, 8);
  qm_routes r = begin(&shown);
  const qm_route *found;

  (void)state;
  see(&r, &a, &shown, 3, &a);
  see(&r, &b, &here, 4, &a);
  found = find(&r, &a);
  assert_non_null(found);
  assert_int_equal(found->socket, 3);
  assert_true(qm_addr_is_equal(&found->local, &shown));
  found = find(&r, &b);
  assert_non_null(found);
  assert_int_equal(found->socket, 4);
  assert_true(qm_addr_is_equal(&found->local, &here));

  /* A copy to another port, from whomever: the first one counts. */
  see(&r, &a, &here, 5, &a);
  see(&r, &b, &shown, 5, &a);
  assert_int_equal(find(&r, &a)->socket, 3);
  assert_true(qm_addr_is_equal(&find(&r, &a)->local, &shown));
  assert_int_equal(find(&r, &b)->socket, 4);
  assert_true(qm_addr_is_equal(&r.shown, &shown));
}

/* A NAT gives a new path the port of an earlier one. */
static void another_id_is_another_path(void **state) {
  qm_addr shown, here = addr(1, 444), a = addr(7, 7), b = addr(7, 8);
  qm_routes r = begin(&shown);

  (void)state;
  see_id(&r, &a, &shown, 3, 1, &a);
  see_id(&r, &b, &here, 4, 2, &a);
  see_id(&r, &b, &shown, 5, 3, &a);
  assert_int_equal(find(&r, &b)->socket, 5);
  see_id(&r, &b, &here, 4, 3, &a); /* a copy of it */
  assert_int_equal(find(&r, &b)->socket, 5);

  /* Not the port in use: what comes there may be copied from anywhere. */
  see_id(&r, &a, &here, 6, 4, &a);
  assert_int_equal(find(&r, &a)->socket, 3);
  see_id(&r, &a, &here, 6, 4, &b); /* which it is no longer */
  assert_int_equal(find(&r, &a)->socket, 6);
}

static void a_move_forgets_those_before(void **state) {
  qm_addr shown, a[5], none = {.len = 0};
  qm_routes r = begin(&shown);
  uint16_t i;

  (void)state;
  for (i = 0; i < 5; i++) {
    a[i] = addr(7, (uint16_t)(i + 1));
    see(&r, &a[i], &shown, i, &a[0]);
  }
  qm_routes_on_move(&r, &a[0], &a[3]);
  assert_int_equal(find(&r, &a[0])->socket, 0);
  assert_null(find(&r, &a[1]));
  assert_null(find(&r, &a[2]));
  assert_int_equal(find(&r, &a[3])->socket, 3);
  assert_int_equal(find(&r, &a[4])->socket, 4); /* it may be the next */
  assert_null(find(&r, &none));
  see(&r, &a[1], &shown, 9, &a[3]); /* the same ID, yet new */
  assert_int_equal(find(&r, &a[1])->socket, 9);
  assert_int_equal(find(&r, &a[3])->socket, 3);
}

static void keeps_the_last_ones(void **state) {
  qm_addr shown, a;
  qm_routes r = begin(&shown);
  uint16_t i;

  (void)state;
  for (i = 1; i <= 100; i++) {
    a = addr(7, i);
    see(&r, &a, &shown, i, &a);
  }
  for (i = 1; i <= 100; i++) {
    a = addr(7, i);
    assert_int_equal(find(&r, &a) != NULL, i > 100 - QM_ROUTES_MAX);
    assert_true(!find(&r, &a) || find(&r, &a)->socket == i);
  }
}

/* 100,000 packets from anywhere between any two of the client's. */
static void a_flood_spares_the_one_in_use(void **state) {
  qm_addr shown, a, current = addr(7, 1);
  qm_routes r = begin(&shown);
  qm_rng rng;
  uint32_t i, at = 9;

  (void)state;
  qm_rng_init(&rng, test_seed());
  see(&r, &current, &shown, 9, &current);
  for (i = 0; i < 100000; i++) {
    a = addr((uint32_t)qm_rng_next(&rng) | 8, (uint16_t)qm_rng_next(&rng));
    see(&r, &a, &shown, i, &current);
    assert_int_equal(find(&r, &a)->socket, i);
    assert_non_null(find(&r, &current));
    assert_int_equal(find(&r, &current)->socket, at);
    if (i % 1000 == 999) { /* it moves, to the last that was seen */
      current = a;
      at = i;
    }
  }
}

/* No address is in use before the first one is validated. */
static void without_a_current_one(void **state) {
  qm_addr shown, a, none = {.len = 0};
  qm_routes r = begin(&shown);
  uint16_t i;

  (void)state;
  for (i = 1; i <= 3 * QM_ROUTES_MAX; i++) {
    a = addr(7, i);
    see(&r, &a, &shown, i, &none);
    assert_int_equal(find(&r, &a)->socket, i);
  }
}

static void families_are_told_apart(void **state) {
  qm_addr shown, four = addr(0, 7), six;
  qm_routes r = begin(&shown);

  (void)state;
  qm_addr_any(&six, AF_INET6);
  qm_addr_set_port(&six, 7);
  see(&r, &four, &shown, 1, &four);
  assert_null(find(&r, &six));
  see(&r, &six, &six, 2, &four);
  assert_int_equal(find(&r, &four)->socket, 1);
  assert_int_equal(find(&r, &six)->socket, 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(knows_nobody_at_first),
      cmocka_unit_test(answers_where_it_was_addressed),
      cmocka_unit_test(another_id_is_another_path),
      cmocka_unit_test(a_move_forgets_those_before),
      cmocka_unit_test(keeps_the_last_ones),
      cmocka_unit_test(a_flood_spares_the_one_in_use),
      cmocka_unit_test(without_a_current_one),
      cmocka_unit_test(families_are_told_apart),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
