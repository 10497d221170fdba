/* Several sockets as one stream, on the loopback: in the order of arrival, from
 * one run to the next, and nobody waits for ever. */
#include "endpoint/inbox.h"

#include "base/rng.h"
#include "loopback.h"
#include "table.h"

/* Neither the system's for others, nor those of other tests. */
#define FIRST_PORT 10000
#define LAST_PORT 19000

typedef struct world {
  qm_listener l;
  qm_inbox in;
  int tx; /* sends to them */
  uint32_t sent;
} world;

static void start(world *w, uint16_t sockets) {
  qm_listener_config c = {.local = {loopback(AF_INET, 0)}};
  uint16_t port;
  qm_addr local;
  int rv = -1;

  for (port = FIRST_PORT; rv != 0 && port < LAST_PORT; port += sockets) {
    qm_addr_set_port(&c.local[0], port);
    c.port_hi = (uint16_t)(port + sockets - 1);
    rv = qm_listener_open(&w->l, &c, &qm_mem_default, &qm_net_kernel, &local);
  }
  assert_int_equal(rv, 0);
  assert_int_equal(qm_inbox_init(&w->in, &w->l), 0);
  w->tx = socket(AF_INET, SOCK_DGRAM, 0);
  w->sent = 0;
}

static void finish(world *w) {
  qm_inbox_reset(&w->in);
  qm_listener_close(&w->l);
  close(w->tx);
}

/* Datagrams are numbered. */
static void send_to(world *w, uint32_t number) {
  const qm_addr *to = &w->l.sockets[number].local;

  w->sent++;
  assert_int_equal(
      sendto(w->tx, &w->sent, sizeof(w->sent), 0, &to->u.sa, to->len),
      sizeof(w->sent));
}

/* The next datagram's number, 0: none. */
static uint32_t next(world *w, uint32_t *number) {
  const qm_msg *m = qm_inbox_next(&w->in, 0, number);
  uint32_t got = 0;

  if (m) {
    assert_int_equal(m->len, sizeof(got));
    assert_true(qm_addr_is_equal(&m->local, &w->l.sockets[*number].local));
    memcpy(&got, m->data, sizeof(got));
  }
  return got;
}

/* Read in runs that end before everything is read. */
static void in_order_of_arrival(void **state) {
  uint32_t i, number, wanted = 1;
  qm_rng rng;
  world w;

  (void)state;
  qm_rng_init(&rng, test_seed());
  start(&w, QM_GROUP_MAX);
  wait_for_times();
  for (i = 0; i < 200; i++) {
    send_to(&w, (uint32_t)qm_rng_range(&rng, 0, QM_GROUP_MAX - 1));
  }
  while (wanted <= 200) {
    qm_inbox_look(&w.in, 0);
    assert_true(wanted < 100 || wanted > 150 || qm_inbox_has_more(&w.in));
    for (i = 0; i < 7 && wanted <= 200; i++) {
      assert_int_equal(next(&w, &number), wanted);
      wanted++;
    }
  }
  assert_false(qm_inbox_has_more(&w.in));
  assert_int_equal(next(&w, &number), 0);
  finish(&w);
}

static void one_is_left_to_who_asks(void **state) {
  uint32_t number = 99;
  world w;

  (void)state;
  start(&w, 4);
  wait_for_times();
  qm_inbox_look(&w.in, 0);
  assert_false(qm_inbox_is_one(&w.in, &number));
  send_to(&w, 2);
  qm_inbox_look(&w.in, 0);
  assert_true(qm_inbox_is_one(&w.in, &number));
  assert_int_equal(number, 2);
  assert_int_equal(next(&w, &number), 0); /* it is not the inbox's any more */
  qm_inbox_look(&w.in, 0);
  send_to(&w, 3);
  qm_inbox_look(&w.in, 0);
  assert_false(qm_inbox_is_one(&w.in, &number));
  assert_int_equal(next(&w, &number), 1);
  assert_int_equal(next(&w, &number), 2);
  finish(&w);
}

/* More sockets than fit, and most of them never run dry. */
static void everybody_gets_a_turn(void **state) {
  enum { SOCKETS = 3 * QM_GROUP_MAX };
  uint32_t seen[SOCKETS] = {0}, i, k, number;
  world w;

  (void)state;
  start(&w, SOCKETS);
  wait_for_times();
  for (i = 0; i < 400; i++) {
    for (k = 0; k < SOCKETS; k++) {
      send_to(&w, k);
    }
    qm_inbox_look(&w.in, 0);
    for (k = 0; k < 5 && next(&w, &number); k++) {
      seen[number]++;
    }
  }
  for (k = 0; k < SOCKETS; k++) {
    assert_true(seen[k] >= 5);
  }
  finish(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(in_order_of_arrival),
      cmocka_unit_test(one_is_left_to_who_asks),
      cmocka_unit_test(everybody_gets_a_turn),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
