/* A REBIND's trial has an end in every state: on an idle connection, on a
 * socket whose packets the kernel refuses, and over a congestion window that
 * lost PATH_RESPONSEs have filled.  The connection outlives each of them. */
#include "rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define REBIND QUICMIG_MODE_REBIND
#define SEEDS 40
#define LOSS_PPM 120000

static struct world {
  rig r;
  sim_line line;
  int known_fd; /* its packets are let out; -1: all */
} w;

static void open_world(uint64_t seed, uint32_t mode) {
  memset(&w, 0, sizeof(w));
  rig_init(&w.r, seed, false);
  sim_line_init(&w.r.world, &w.line, 20 * MS);
  w.r.migration.hop_mode = mode;
  w.known_fd = -1;
}

/* Nothing of its own to send for an hour, a hop every minute: a PING proves
 * each. */
static void an_idle_connection_hops(void **state) {
  quicmig_stats s;

  (void)state;
  open_world(0, REBIND);
  w.r.migration.hop_interval = 60 * SEC;
  w.r.client_transport.idle_timeout = w.r.server_transport.idle_timeout =
      2 * 3600 * SEC;
  assert_int_equal(rig_start(&w.r, 1), 0);
  w.r.is_sending = false;
  rig_run(&w.r, 3600 * SEC);
  s = rig_stats(&w.r.clients[0]);
  assert_in_range(s.hops, 55, 66);
  assert_int_equal(s.hops_failed, 0);
  /* A PING a hop, what validates the path for the server, and no more PINGs. */
  assert_true(s.tx_packets < 15 * s.hops);
  rig_reset(&w.r);
}

/* A full conntrack table: packets of new flows are refused, old ones go on. */
static int (*real_send)(void *ctx, int fd, const qm_msg *msgs, size_t n);

static int send_known(void *ctx, int fd, const qm_msg *msgs, size_t n) {
  return w.known_fd >= 0 && fd != w.known_fd ? -EPERM
                                             : real_send(ctx, fd, msgs, n);
}

static int active_fd(void) {
  quicmig_path_info paths[16];
  size_t n = quicmig_paths(quicmig_client_migrator(w.r.clients[0].c), paths,
                           16),
         i;

  for (i = 0; i < n && paths[i].state != QUICMIG_PATH_ACTIVE; i++) {
  }
  assert_true(i < n);
  return paths[i].fd;
}

/* For six seconds; then it hops as before.  Nothing is lost that a REBIND's
 * first batch did not carry. */
static void refused_packets_end_it(uint32_t mode) {
  uint64_t hops;
  rig_client *c;
  quicmig_stats s;

  open_world(0, mode);
  w.r.migration.hop_interval = 2 * SEC;
  real_send = w.r.client_host.net.send;
  w.r.client_host.net.send = send_known;
  assert_int_equal(rig_start(&w.r, 1), 0);
  c = &w.r.clients[0];
  c->gap_max = 0;
  c->last_echo = w.r.world.now;
  w.known_fd = active_fd();
  hops = rig_stats(c).hops;
  rig_run(&w.r, 6 * SEC);
  s = rig_stats(c);
  assert_int_equal(s.hops, hops);
  assert_true(s.hops_failed > 0);
  assert_int_equal(active_fd(), w.known_fd);
  if (mode == REBIND) {
    assert_true(c->results[-QUICMIG_ERR_SYSTEM] > 0);
    assert_int_equal(c->last.sys_errno, EPERM);
  }
  w.known_fd = -1;
  rig_run(&w.r, 12 * SEC);
  assert_true(rig_stats(c).hops > hops + 2);
  rig_finish(&w.r, 2 * SEC);
  assert_false(c->is_closed);
  assert_true(c->gap_max < 100 * MS);
  assert_true(rig_lost(&w.r) <= (mode == REBIND ? s.hops_failed : 0));
  rig_reset(&w.r);
}

static void refused_packets(void **state) {
  (void)state;
  refused_packets_end_it(REBIND);
  refused_packets_end_it(QUICMIG_MODE_MIGRATE);
}

/* 12 % of the packets are lost, also PATH_RESPONSEs, which fill ngtcp2's window
 * and are never repeated.  (39 of 40 died when a trial had no end.) */
static void a_bad_line_ends_nothing(void **state) {
  uint64_t seed;
  unsigned dead = 0;

  (void)state;
  for (seed = 1; seed <= SEEDS; seed++) {
    open_world(seed, REBIND);
    w.line.side[SIM_UP].loss_ppm = w.line.side[SIM_DOWN].loss_ppm = LOSS_PPM;
    w.r.migration.hop_interval = SEC;
    w.r.send_every = 100 * MS;
    assert_int_equal(rig_start(&w.r, 1), 0);
    rig_run(&w.r, 90 * SEC);
    dead += w.r.clients[0].is_closed;
    rig_reset(&w.r);
  }
  assert_int_equal(dead, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_idle_connection_hops),
      cmocka_unit_test(refused_packets),
      cmocka_unit_test(a_bad_line_ends_nothing),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
