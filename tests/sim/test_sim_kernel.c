/* A kernel whose sockets fail for a long time: nothing spins, the connection
 * leaves the socket if it can, and goes on when the errors end. */
#include "refusal.h"
#include "rig.h"

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
    assert_in_range(w.r.clients[0].echoed - echoed, 95, 100);
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
    assert_in_range(w.r.clients[0].echoed - echoed, 95, 105);
    assert_false(w.r.clients[0].is_closed);
    rig_reset(&w.r);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_client_leaves),
                                     cmocka_unit_test(test_server_is_blocked)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
