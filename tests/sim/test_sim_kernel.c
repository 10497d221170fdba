/* A kernel whose sockets fail for a long time: nothing spins, the connection
 * leaves the socket if it can, and goes on when the errors end. */
#include "refusal.h"
#include "rig.h"
#include "uplink.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

static struct world {
  rig r;
  sim_line line;
  sim_refusal refusal;
} w;

static void prepare(bool of_server, sim_call call, int err) {
  rig_init(&w.r, 0, false);
  sim_line_init(&w.r.world, &w.line, 10 * MS);
  w.r.migration.hop_interval = 0;
  w.r.client_host.is_level_triggered = true;
  w.r.server_host.is_level_triggered = true;
  sim_refusal_init(of_server ? &w.r.server_host : &w.r.client_host, &w.refusal,
                   call, err);
  w.refusal.ppm = 0;
}

/* The socket that the connection began with. */
static bool is_first(void *arg, const sim_sock *s) {
  return qm_addr_port(&s->local) == *(const uint16_t *)arg;
}

/* --- sending --- */

/* The first socket takes nothing any more: what waits for it must not keep the
 * connection from leaving it. */
static void test_client_leaves(void **state) {
  static const uint32_t modes[] = {QUICMIG_MODE_MIGRATE, QUICMIG_MODE_REBIND};
  static const int errnos[] = {EAGAIN, ENOBUFS};
  static uint16_t port;
  uint64_t echoed;
  size_t i;

  (void)state;
  for (i = 0; i < 4; i++) {
    prepare(false, SIM_SEND, errnos[i % 2]);
    w.r.migration.hop_interval = 10 * SEC;
    w.r.migration.hop_mode = modes[i / 2];
    assert_int_equal(rig_start(&w.r, 1), 0);
    port = rig_port(&w.r.clients[0]);
    w.refusal.is_meant = is_first;
    w.refusal.arg = &port;
    w.refusal.ppm = 1000000;
    rig_run(&w.r, 2 * SEC);
    echoed = w.r.clients[0].echoed;
    rig_run(&w.r, SEC);
    printf("  %llu refused, %llu hops, %llu of 100 echoed\n",
           (unsigned long long)w.refusal.refused,
           (unsigned long long)rig_stats(&w.r.clients[0]).hops,
           (unsigned long long)w.r.clients[0].echoed - echoed);
    assert_int_not_equal(rig_port(&w.r.clients[0]), port);
    assert_true(w.r.clients[0].echoed - echoed >= 90);
    assert_true(w.refusal.refused < 3000);
    rig_reset(&w.r);
  }
}

/* The server's only socket takes nothing for four seconds.  What it is for is
 * lost by then, and nothing is tried more often than once a millisecond. */
static void test_server_is_blocked(void **state) {
  static const int errnos[] = {EAGAIN, ENOBUFS, ENOMEM};
  quicmig_server_stats s = {.size = sizeof(s)};
  uint64_t dropped, echoed;
  size_t i;

  (void)state;
  for (i = 0; i < COUNT_OF(errnos); i++) {
    prepare(true, SIM_SEND, errnos[i]);
    assert_int_equal(rig_start(&w.r, 10), 0);
    w.refusal.ppm = 1000000;
    rig_run(&w.r, 4 * SEC);
    w.refusal.ppm = 0;
    quicmig_server_get_stats(w.r.server, &s);
    dropped = s.tx_dropped;
    rig_run(&w.r, 2 * SEC); /* probes are due by then */
    echoed = w.r.clients[0].echoed;
    rig_run(&w.r, SEC);
    printf("  %llu refused, %llu dropped, %llu of 100 echoed\n",
           (unsigned long long)w.refusal.refused, (unsigned long long)dropped,
           (unsigned long long)(w.r.clients[0].echoed - echoed));
    assert_in_range(w.refusal.refused, 100, 4000);
    assert_true(dropped > 0);
    assert_true(w.r.clients[0].echoed - echoed >= 90);
    assert_false(w.r.clients[0].is_closed);
    rig_reset(&w.r);
  }
}

/* --- receiving --- */

/* Echoes of the first client in a second, at 100 a second. */
static uint64_t echoes(void) {
  uint64_t before = w.r.clients[0].echoed;

  rig_run(&w.r, SEC);
  return w.r.clients[0].echoed - before;
}

/* The client's socket cannot be read for four seconds.  It is tried a few
 * times, though it is readable all the while; then everything is as before. */
static void test_client_is_deaf(void **state) {
  static const int errnos[] = {EIO,   ENOMEM,       ENOBUFS,
                               EPERM, ECONNREFUSED, EHOSTUNREACH};
  size_t i;

  (void)state;
  for (i = 0; i < COUNT_OF(errnos); i++) {
    const rig_client *c;

    prepare(false, SIM_RECV, errnos[i]);
    assert_int_equal(rig_start(&w.r, 1), 0);
    c = &w.r.clients[0];
    w.refusal.ppm = 1000000;
    rig_run(&w.r, 4 * SEC);
    w.refusal.ppm = 0;
    printf("  errno %d: %llu reads\n", errnos[i],
           (unsigned long long)w.refusal.refused);
    /* One that says that the way is gone makes it try other sockets. */
    assert_in_range(w.refusal.refused, 10, errnos[i] == EHOSTUNREACH ? 99 : 49);
    assert_false(c->is_closed);
    rig_run(&w.r, 12 * SEC); /* ngtcp2's probes have become rare */
    assert_true(echoes() >= 90);
    rig_reset(&w.r);
  }
}

/* Only its first socket fails: it moves to another one, in silence, and closes
 * the first without having watched it again. */
static void test_client_leaves_deaf(void **state) {
  static const uint32_t modes[] = {QUICMIG_MODE_MIGRATE, QUICMIG_MODE_REBIND};
  static uint16_t port;
  size_t i;

  (void)state;
  for (i = 0; i < COUNT_OF(modes); i++) {
    prepare(false, SIM_RECV, EIO);
    w.r.migration.hop_interval = 10 * SEC;
    w.r.migration.hop_mode = modes[i];
    w.r.migration.drain = SEC;
    assert_int_equal(rig_start(&w.r, 1), 0);
    port = rig_port(&w.r.clients[0]);
    w.refusal.is_meant = is_first;
    w.refusal.arg = &port;
    w.refusal.ppm = 1000000;
    rig_run(&w.r, 2 * SEC);
    assert_int_not_equal(rig_port(&w.r.clients[0]), port);
    assert_true(echoes() >= 90);
    rig_run(&w.r, 3 * SEC);
    assert_int_equal(w.r.client_host.open, 1);
    assert_in_range(w.refusal.refused, 6, 49);
    rig_reset(&w.r);
  }
}

static void several_ports(rig *r, quicmig_server_config *cfg) {
  (void)r;
  cfg->port_hi = 4436;
}

static void test_server_is_deaf(void **state) {
  static const int errnos[] = {EIO, ENOMEM, EPERM};
  size_t i, k;

  (void)state;
  for (i = 0; i < 2 * COUNT_OF(errnos); i++) {
    prepare(true, SIM_RECV, errnos[i / 2]);
    w.r.on_server_config = i % 2 ? several_ports : NULL;
    assert_int_equal(rig_start(&w.r, 10), 0);
    w.refusal.ppm = 1000000;
    rig_run(&w.r, 4 * SEC);
    w.refusal.ppm = 0;
    printf("  errno %d, %s: %llu reads\n", errnos[i / 2],
           i % 2 ? "a range" : "one", (unsigned long long)w.refusal.refused);
    assert_in_range(w.refusal.refused, 10, 49);
    rig_run(&w.r, 3 * SEC); /* the longest pause, and a probe */
    assert_true(echoes() >= 90);
    for (k = 0; k < w.r.n_clients; k++) {
      assert_false(w.r.clients[k].is_closed);
    }
    rig_reset(&w.r);
  }
}

/* One of several sockets fails for ever: the others are read as before, and
 * hops that lead to it fail. */
static void test_one_of_several(void **state) {
  static uint16_t port = 4433;

  (void)state;
  prepare(true, SIM_RECV, EIO);
  w.r.on_server_config = several_ports;
  w.r.migration.hop_interval = SEC;
  w.r.migration.remote_port_lo = 4433;
  w.r.migration.remote_port_hi = 4436;
  assert_int_equal(rig_start(&w.r, 5), 0);
  w.refusal.is_meant = is_first;
  w.refusal.arg = &port;
  w.refusal.ppm = 1000000;
  rig_run(&w.r, 4 * SEC);
  printf("  %llu reads\n", (unsigned long long)w.refusal.refused);
  assert_in_range(w.refusal.refused, 6, 49);
  assert_true(echoes() >= 90);
  rig_reset(&w.r);
}

/* --- the watch for the network --- */

static void test_netlink_fails(void **state) {
  sim_host *h = &w.r.client_host;
  int fd = 0, ms, turns;
  uint64_t before;

  (void)state;
  prepare(false, SIM_CHANGED, ENOBUFS);
  w.r.migration.watch_network = 1;
  w.r.migration.hop_interval = 100 * SEC;
  sim_uplink_add(h, "a", "10.0.0.1");
  sim_uplink_add(h, "b", "10.0.0.2");
  assert_int_equal(rig_start(&w.r, 1), 0);
  while (!h->socks[fd].is_watch) {
    fd++;
  }
  w.refusal.ppm = 1000000;
  before = h->calls[SIM_CHANGED];
  for (ms = 0; ms < 4000; ms++) { /* as a loop, to which it is readable */
    for (turns = 0; h->socks[fd].is_watched && turns < 100; turns++) {
      sim_wake(h, fd);
    }
    rig_run(&w.r, MS);
  }
  printf("  %llu reads\n",
         (unsigned long long)(h->calls[SIM_CHANGED] - before));
  assert_in_range(h->calls[SIM_CHANGED] - before, 6, 20);
  assert_int_equal(rig_stats(&w.r.clients[0]).hops, 0);
  w.refusal.ppm = 0;
  rig_run(&w.r, 1100 * MS);
  assert_true(h->socks[fd].is_watched);
  sim_uplink_set(h, 0, false);
  rig_run(&w.r, SEC);
  assert_int_equal(rig_stats(&w.r.clients[0]).hops, 1);
  rig_reset(&w.r);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_client_leaves),
                                     cmocka_unit_test(test_server_is_blocked),
                                     cmocka_unit_test(test_client_is_deaf),
                                     cmocka_unit_test(test_client_leaves_deaf),
                                     cmocka_unit_test(test_server_is_deaf),
                                     cmocka_unit_test(test_one_of_several),
                                     cmocka_unit_test(test_netlink_fails)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
