/* Which socket answers which address of a client, and what ngtcp2 sees of it.
 */
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

/* The socket by which the connection began, and its port. */
#define FIRST 443

static const uint64_t key[2] = {0x5eed, 0xfeed};

/* The client's addresses have host 7, the server's host 1. */
static qm_addr client(uint16_t port) { return addr(7, port); }

static qm_routes begin(void) {
  qm_addr local = addr(1, FIRST);
  qm_routes r;

  qm_routes_init(&r, &local, FIRST, key);
  return r;
}

/* From that address to that socket, whose port has the same number. */
static const qm_route *see(qm_routes *r, const qm_addr *remote,
                           uint32_t socket) {
  const qm_addr local = addr(1, (uint16_t)socket);

  return qm_routes_on_packet(r, remote, &local, socket);
}

static const qm_route *find(qm_routes *r, const qm_addr *shown) {
  return qm_routes_find(r, &shown->u.sa, shown->len);
}

static void knows_nobody_at_first(void **state) {
  qm_addr local = addr(1, FIRST), a = client(7), none = {.len = 0};
  qm_routes r = begin();

  (void)state;
  assert_true(qm_addr_is_equal(&r.local, &local));
  assert_null(find(&r, &a));
  assert_null(find(&r, &none)); /* an empty slot is no address */
  assert_null(qm_routes_in_use(&r));
}

static void answers_where_it_was_addressed(void **state) {
  qm_addr a = client(7), b = client(8), local = addr(1, 4), shown;
  qm_routes r = begin();
  const qm_route *found;

  (void)state;
  assert_true(qm_addr_is_equal(&see(&r, &a, FIRST)->shown, &a));
  shown = see(&r, &b, 4)->shown;
  found = find(&r, &a);
  assert_non_null(found);
  assert_int_equal(found->socket, FIRST);
  found = find(&r, &shown);
  assert_non_null(found);
  assert_int_equal(found->socket, 4);
  assert_true(qm_addr_is_equal(&found->remote, &b));
  assert_true(qm_addr_is_equal(&found->local, &local));
  assert_ptr_equal(see(&r, &b, 4), found); /* again: the same */
}

/* One address, many sockets: as many paths, which ngtcp2 can tell apart, though
 * not as another host's.  What it called one it calls it again, though it was
 * forgotten meanwhile. */
static void one_address_and_many_sockets(void **state) {
  qm_addr a = client(7), shown[1000];
  qm_routes r = begin();
  uint32_t i, round, others = 0;

  (void)state;
  for (round = 0; round < 2; round++) {
    for (i = 0; i < COUNT_OF(shown); i++) {
      const qm_route *route = see(&r, &a, FIRST + i);

      assert_true(qm_addr_is_equal(&route->remote, &a));
      assert_true(qm_addr_is_same_host(&route->shown, &a));
      assert_int_equal(find(&r, &route->shown)->socket, FIRST + i);
      others += round && !qm_addr_is_equal(&route->shown, &shown[i]);
      shown[i] = route->shown;
    }
  }
  assert_in_range(others, 0, 5);
  for (i = 1; i < COUNT_OF(shown); i++) {
    others += qm_addr_is_equal(&shown[i], &shown[0]);
  }
  assert_in_range(others, 0, 5);
}

/* Hosts that one socket has count like ports. */
static void one_socket_and_two_hosts(void **state) {
  qm_addr a = client(7), here = addr(1, 5), there = addr(2, 5);
  qm_addr first, second;
  qm_routes r = begin();

  (void)state;
  first = qm_routes_on_packet(&r, &a, &here, 5)->shown;
  second = qm_routes_on_packet(&r, &a, &there, 5)->shown;
  assert_true(qm_addr_is_equal(&find(&r, &second)->local, &there));
  assert_true(qm_addr_is_equal(&find(&r, &first)->local, &here));
}

/* Names that would be alike: of the paths that are remembered none are. */
static void names_do_not_clash(void **state) {
  qm_routes r = begin();
  uint32_t i, clashes = 0;
  qm_rng rng;

  (void)state;
  qm_rng_init(&rng, test_seed());
  for (i = 0; i < 200000; i++) {
    qm_addr a = client((uint16_t)qm_rng_next(&rng)), before;
    const qm_route *route = &r.all[r.last];

    before = route->shown;
    qm_addr_set_port(&a, (uint16_t)(qm_addr_port(&before) + i % 3));
    route = see(&r, &a, FIRST); /* which shows a as it is, if it can */
    clashes += !qm_addr_is_equal(&route->shown, &a);
    assert_ptr_equal(find(&r, &route->shown), route);
    (void)see(&r, &a, (uint32_t)qm_rng_range(&rng, 1, 1000));
    assert_ptr_equal(find(&r, &r.all[r.last].shown), &r.all[r.last]);
  }
  assert_true(clashes > 1000);
}

/* One path is in use, from `a`, and ngtcp2 has asked for another, from `b` to
 * socket 5, which is shown as *b_shown. */
static qm_routes begin_with_two(const qm_addr *a, const qm_addr *b,
                                qm_addr *b_shown) {
  qm_routes r = begin();

  qm_routes_use(&r, see(&r, a, FIRST));
  *b_shown = see(&r, b, 5)->shown;
  assert_non_null(find(&r, b_shown));
  return r;
}

/* A thousand copies do not push out the first packet's path, even before ngtcp2
 * asks for it; nor what it asked for. */
static void copies_push_out_nothing(void **state) {
  qm_addr a = client(1), b = client(2), c = client(3), b_shown, c_shown;
  qm_routes r = begin_with_two(&a, &b, &b_shown);
  uint32_t i;

  (void)state;
  c_shown = see(&r, &c, 6)->shown;
  for (i = 0; i < 1000; i++) {
    (void)see(&r, i % 3 == 0 ? &a : i % 3 == 1 ? &b : &c, 1000 + i);
  }
  assert_int_equal(find(&r, &a)->socket, FIRST);
  assert_int_equal(find(&r, &b_shown)->socket, 5);
  assert_int_equal(find(&r, &c_shown)->socket, 6);
}

/* A connection that has hopped for long: each of its old paths was asked for.
 * The next one is there until ngtcp2 asks for it. */
static void after_many_hops(void **state) {
  qm_addr a = client(1), stranger = addr(100, 7);
  qm_routes r = begin();
  uint16_t hop;

  (void)state;
  qm_routes_use(&r, see(&r, &a, FIRST));
  for (hop = 2; hop < 100; hop++) {
    qm_addr b = client(hop), shown = see(&r, &b, hop)->shown;
    uint32_t i;

    for (i = 0; i < 100; i++) { /* copies, and noise from somewhere */
      (void)see(&r, &b, 1000 + i);
      (void)see(&r, i % 50 ? &b : &stranger, 5000 + i);
    }
    assert_non_null(find(&r, &shown));
    assert_int_equal(find(&r, &shown)->socket, hop);
    qm_routes_use(&r, find(&r, &shown));
    assert_true(find(&r, &shown)->is_validated);
  }
}

/* Nor do strangers what it asked for. */
static void strangers_push_out_nothing_in_use(void **state) {
  qm_addr a = client(1), b = client(2), b_shown;
  qm_routes r = begin_with_two(&a, &b, &b_shown);
  uint32_t i;

  (void)state;
  for (i = 0; i < 1000; i++) {
    qm_addr stranger = addr(100 + i, 7);

    (void)see(&r, &stranger, 9);
  }
  assert_int_equal(find(&r, &a)->socket, FIRST);
  assert_int_equal(find(&r, &b_shown)->socket, 5);
}

static void keeps_the_last_ones(void **state) {
  qm_routes r = begin();
  uint16_t i;

  (void)state;
  for (i = 1; i <= 100; i++) {
    qm_addr a = client(i);

    (void)see(&r, &a, FIRST);
  }
  for (i = 1; i <= 100; i++) {
    qm_addr a = client(i);

    assert_int_equal(find(&r, &a) != NULL, i > 100 - QM_ROUTES_MAX);
  }
}

/* 100,000 packets from anywhere, or from the client's own address to anywhere,
 * between any two of the client's. */
static void a_flood_spares_the_one_in_use(void **state) {
  qm_addr current = client(1), shown = current;
  qm_routes r = begin();
  uint32_t i, socket = FIRST;
  qm_rng rng;

  (void)state;
  qm_rng_init(&rng, test_seed());
  qm_routes_use(&r, see(&r, &current, socket));
  for (i = 0; i < 100000; i++) {
    qm_addr a = i % 2 ? current : addr((uint32_t)qm_rng_next(&rng) | 8, 5);
    const qm_route *route = see(&r, &a, 1000 + i);

    assert_int_equal(find(&r, &route->shown)->socket, 1000 + i);
    assert_non_null(find(&r, &shown));
    assert_int_equal(find(&r, &shown)->socket, socket);
    assert_int_equal(qm_routes_in_use(&r)->socket, socket);
    if (i % 1000 == 998) { /* it moves, to the last that was seen */
      qm_routes_use(&r, route);
      current = a;
      shown = route->shown;
      socket = 1000 + i;
    }
  }
}

static void families_are_told_apart(void **state) {
  qm_addr four = addr(0, 7), six;
  qm_routes r = begin();

  (void)state;
  qm_addr_any(&six, AF_INET6);
  qm_addr_set_port(&six, 7);
  (void)see(&r, &four, FIRST);
  assert_null(find(&r, &six));
  (void)see(&r, &six, FIRST);
  assert_int_equal(qm_addr_family(&find(&r, &six)->remote), AF_INET6);
  assert_int_equal(qm_addr_family(&find(&r, &four)->remote), AF_INET);
  assert_int_equal(qm_addr_family(&see(&r, &six, 3)->shown), AF_INET6);
}

/* What is shown of an address at another host of the server depends on the key
 * alone.  With a product as the hash, the topmost bit of a host turned the same
 * two bits of the port, whatever the key. */
static void strangers_cannot_tell_the_shown_port(void **state) {
  static const struct row {
    const char *name;
    uint32_t host, socket;
  } rows[] = {
      {"the host's last bit of eight", 1 ^ 0x80, FIRST},
      {"the host's first bit", 1 ^ 0x80000000, FIRST},
      {"another socket", 1, FIRST ^ 1},
      {"a far socket", 1, FIRST ^ 0x800},
  };
  qm_addr local = addr(1, FIRST), a = client(7);
  const struct row *r;
  qm_rng rng;

  (void)state;
  qm_rng_init(&rng, test_seed());
  for (EACH_ROW(r, rows)) {
    const qm_addr other = addr(r->host, FIRST);
    uint16_t port[64];
    size_t i, k, same = 0;

    for (i = 0; i < COUNT_OF(port); i++) {
      uint64_t secret[2] = {qm_rng_next(&rng), qm_rng_next(&rng)};
      qm_routes routes;

      qm_routes_init(&routes, &local, FIRST, secret);
      port[i] = qm_addr_port(
          &qm_routes_on_packet(&routes, &a, &other, r->socket)->shown);
      for (k = 0; k < i; k++) {
        same += port[k] == port[i];
      }
    }
    row_true(r, same <= 2);
  }
}

/* The same path under another host's name: what comes by it has the new one,
 * what ngtcp2 sends to either goes there, and nobody else gets them. */
static void one_path_and_two_names(void **state) {
  static const int families[] = {AF_INET, AF_INET6};
  size_t i;

  (void)state;
  for (i = 0; i < COUNT_OF(families); i++) {
    qm_routes r = begin();
    qm_addr a, before, after;
    const qm_route *route;

    qm_addr_any(&a, families[i]);
    qm_addr_set_port(&a, 7);
    route = see(&r, &a, FIRST);
    before = route->shown;
    qm_routes_use(&r, route);
    qm_routes_rename(&r, route);
    after = see(&r, &a, FIRST)->shown;
    assert_false(qm_addr_is_same_host(&after, &before));
    assert_int_equal(qm_addr_port(&after), 7);
    assert_ptr_equal(find(&r, &before), route);
    assert_ptr_equal(find(&r, &after), route);
    assert_true(qm_addr_is_equal(&find(&r, &before)->remote, &a));
    assert_ptr_not_equal(see(&r, &after, FIRST), route); /* a true host */
    assert_ptr_equal(find(&r, &after), route);
    qm_routes_rename(&r, route);
    assert_true(qm_addr_is_equal(&see(&r, &a, FIRST)->shown, &before));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(knows_nobody_at_first),
      cmocka_unit_test(answers_where_it_was_addressed),
      cmocka_unit_test(one_address_and_many_sockets),
      cmocka_unit_test(one_socket_and_two_hosts),
      cmocka_unit_test(names_do_not_clash),
      cmocka_unit_test(copies_push_out_nothing),
      cmocka_unit_test(after_many_hops),
      cmocka_unit_test(strangers_push_out_nothing_in_use),
      cmocka_unit_test(keeps_the_last_ones),
      cmocka_unit_test(a_flood_spares_the_one_in_use),
      cmocka_unit_test(families_are_told_apart),
      cmocka_unit_test(one_path_and_two_names),
      cmocka_unit_test(strangers_cannot_tell_the_shown_port),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
