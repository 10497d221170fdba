/* Paths by hand at the wrong moment: each refusal has its own error and changes
 * nothing. */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define NOW (w.r.world.now)

static struct world {
  rig r;
  sim_line line;
} w;

static quicmig *start(void) {
  rig_init(&w.r, 0, false);
  sim_line_init(&w.r.world, &w.line, 20 * MS);
  w.r.migration.hop_interval = 0;
  assert_int_equal(rig_start(&w.r, 1), 0);
  rig_run(&w.r, SEC);
  return quicmig_client_migrator(w.r.clients[0].c);
}

/* The path with this id; id 0 in it: there is none. */
static quicmig_path_info path(const quicmig *m, uint32_t id) {
  quicmig_path_info all[16];
  size_t n = quicmig_paths(m, all, 16), i;

  for (i = 0; i < n; i++) {
    assert_int_equal(all[i].size, sizeof(all[i]));
    if (all[i].id == id) {
      return all[i];
    }
  }
  return (quicmig_path_info){.id = 0};
}

static uint32_t add(quicmig *m) {
  uint32_t id = 0;

  assert_int_equal(quicmig_path_add(m, NULL, &id, NOW), 0);
  return id;
}

static int go(quicmig *m, uint32_t id) {
  return quicmig_path_switch(m, id, 0, NOW);
}

static int end(quicmig *m, uint32_t id) {
  return quicmig_path_close(m, id, NOW);
}

static int add_at(quicmig *m, uint16_t port, uint32_t *id) {
  quicmig_path_config cfg = {.size = sizeof(cfg)};
  qm_addr a = w.r.client_host.addr;

  qm_addr_set_port(&a, port);
  cfg.local = &a.u.sa;
  cfg.locallen = a.len;
  return quicmig_path_add(m, &cfg, id, NOW);
}

static void test_wrong_paths(void **state) {
  quicmig *m = start();
  uint32_t id;

  (void)state;
  assert_int_equal(go(m, 2), QUICMIG_ERR_NO_PATH);
  assert_int_equal(end(m, 77), QUICMIG_ERR_NO_PATH);
  assert_int_equal(go(m, 1), QUICMIG_ERR_INVALID_STATE);
  assert_int_equal(end(m, 1), QUICMIG_ERR_INVALID_STATE);
  id = add(m);
  assert_int_equal(w.r.client_host.open, 2);
  assert_int_equal(end(m, id), 0);
  assert_int_equal(w.r.client_host.open, 1);
  assert_int_equal(end(m, id), QUICMIG_ERR_NO_PATH);

  id = add(m);
  assert_int_equal(go(m, id), 0);
  assert_int_equal(end(m, id), QUICMIG_ERR_INVALID_STATE);
  assert_int_equal(go(m, id), QUICMIG_ERR_INVALID_STATE);
  rig_run(&w.r, SEC);
  assert_int_equal(path(m, 1).state, QUICMIG_PATH_DRAINING);
  assert_int_equal(go(m, 1), QUICMIG_ERR_INVALID_STATE);
  assert_int_equal(end(m, 1), 0);
  assert_int_equal(w.r.client_host.open, 1);
  rig_finish(&w.r, SEC);
  assert_int_equal(rig_lost(&w.r), 0);
  rig_reset(&w.r);
}

/* A refused path stays as it was and can be switched to later. */
static void test_wrong_moments(void **state) {
  quicmig *m;
  uint32_t a, b;

  (void)state;
  rig_init(&w.r, 0, false);
  sim_line_init(&w.r.world, &w.line, 20 * MS);
  w.r.migration.hop_interval = 0;
  assert_int_equal(rig_start_server(&w.r), 0);
  assert_int_equal(rig_start_client(&w.r), 0);
  m = quicmig_client_migrator(w.r.clients[0].c);
  a = add(m);
  assert_int_equal(go(m, a), QUICMIG_ERR_NOT_CONFIRMED);
  rig_run(&w.r, SEC);
  assert_int_equal(quicmig_hop(m, NOW), 0);
  assert_int_equal(go(m, a), QUICMIG_ERR_BUSY);
  rig_run(&w.r, 500 * MS);
  assert_int_equal(go(m, a), 0);
  rig_run(&w.r, 90 * MS);
  assert_int_equal(path(m, a).state, QUICMIG_PATH_ACTIVE);
  b = add(m);
  assert_int_equal(go(m, b), QUICMIG_ERR_TOO_SOON);
  assert_int_equal(path(m, b).state, QUICMIG_PATH_SPARE);
  rig_run(&w.r, SEC);
  assert_int_equal(go(m, b), 0);
  rig_run(&w.r, SEC);
  assert_int_equal(path(m, b).state, QUICMIG_PATH_ACTIVE);
  quicmig_conn_close(quicmig_client_conn(w.r.clients[0].c), 0, NULL);
  rig_run(&w.r, SEC);
  assert_int_equal(quicmig_paths(m, NULL, 0), 0);
  assert_int_equal(quicmig_path_add(m, NULL, &a, NOW),
                   QUICMIG_ERR_INVALID_STATE);
  assert_int_equal(go(m, b), QUICMIG_ERR_NO_PATH);
  rig_reset(&w.r);
}

/* The path failed by our clock, but ngtcp2 has not given it up: its socket has
 * to stay.  ngtcp2 gives up after three PTOs. */
static void test_close_what_ngtcp2_holds(void **state) {
  quicmig *m = start();
  rig_client *c = &w.r.clients[0];
  uint32_t id = add(m);

  (void)state;
  assert_int_equal(quicmig_path_switch(m, id, 5 * MS, NOW), 0);
  rig_run(&w.r, 10 * MS); /* before an answer can come */
  assert_int_equal(c->last.result, QUICMIG_ERR_TIMEOUT);
  assert_int_equal(path(m, id).state, QUICMIG_PATH_FAILED);
  assert_int_equal(end(m, id), QUICMIG_ERR_BUSY);
  assert_int_equal(path(m, id).state, QUICMIG_PATH_FAILED);
  rig_run(&w.r, 4 * SEC);
  assert_int_equal(end(m, id), QUICMIG_ERR_NO_PATH);
  assert_int_equal(w.r.client_host.open, 1);
  assert_int_equal(quicmig_hop(m, NOW), 0);
  rig_finish(&w.r, SEC);
  assert_int_equal(rig_stats(c).hops, 1);
  assert_int_equal(rig_lost(&w.r), 0);
  rig_reset(&w.r);
}

/* All packets but those of this port, 0: none. */
static bool drops_others(void *arg, const sim_pkt *p) {
  uint16_t port = *(const uint16_t *)arg;

  return port && sim_client_port(p) != port;
}

/* Of a failed REBIND ngtcp2 knows nothing: it can be closed. */
static void test_close_a_failed_rebind(void **state) {
  uint16_t port = 0; /* nothing is dropped yet */
  sim_filter filter;
  rig_client *c;
  quicmig *m;

  (void)state;
  rig_init(&w.r, 0, false);
  sim_line_init(&w.r.world, &w.line, 20 * MS);
  sim_filter_init(&w.r.world, &filter, drops_others, &port);
  w.r.migration.hop_interval = 0;
  w.r.migration.hop_mode = QUICMIG_MODE_REBIND;
  assert_int_equal(rig_start(&w.r, 1), 0);
  rig_run(&w.r, SEC);
  c = &w.r.clients[0];
  m = quicmig_client_migrator(c->c);
  port = rig_port(c);
  assert_int_equal(quicmig_hop(m, NOW), 0);
  rig_run(&w.r, SEC);
  assert_int_equal(c->last.result, QUICMIG_ERR_VALIDATION_FAILED);
  assert_int_equal(path(m, 2).state, QUICMIG_PATH_FAILED);
  assert_int_equal(end(m, 2), 0);
  assert_int_equal(w.r.client_host.open, 1);
  rig_finish(&w.r, SEC);
  assert_int_equal(rig_stats(c).hops, 0);
  assert_false(c->is_closed);
  rig_reset(&w.r);
}

static void test_wrong_addresses(void **state) {
  quicmig *m = start();
  quicmig_path_config cfg = {.size = sizeof(cfg)};
  uint32_t id = 99;
  qm_addr six;

  (void)state;
  qm_addr_any(&six, AF_INET6);
  cfg.local = &six.u.sa;
  cfg.locallen = six.len;
  assert_int_equal(quicmig_path_add(m, &cfg, &id, NOW),
                   QUICMIG_ERR_INVALID_ARGUMENT);
  cfg.local = &w.r.client_host.addr.u.sa;
  cfg.locallen = 3;
  assert_int_equal(quicmig_path_add(m, &cfg, &id, NOW),
                   QUICMIG_ERR_INVALID_ARGUMENT);
  cfg.locallen = w.r.client_host.addr.len;
  cfg.size = 4;
  assert_int_equal(quicmig_path_add(m, &cfg, &id, NOW),
                   QUICMIG_ERR_INVALID_ARGUMENT);
  assert_int_equal(add_at(m, rig_port(&w.r.clients[0]), &id),
                   QUICMIG_ERR_PORTS_EXHAUSTED);
  assert_int_equal(id, 99); /* outputs are untouched */
  assert_int_equal(w.r.client_host.open, 1);
  assert_int_equal(add_at(m, 1, &id), 0);
  rig_reset(&w.r);
}

/* max_sockets bounds paths and hops together; the spare ones are not closed to
 * make room. */
static void test_max_sockets(void **state) {
  quicmig *m = start();
  quicmig_path_info one;
  uint32_t id = 0, i;

  (void)state;
  for (i = 0; i < 3; i++) {
    id = add(m);
  }
  i = 99;
  assert_int_equal(quicmig_path_add(m, NULL, &i, NOW),
                   QUICMIG_ERR_SOCKETS_EXHAUSTED);
  assert_int_equal(i, 99);
  assert_int_equal(quicmig_hop(m, NOW), QUICMIG_ERR_SOCKETS_EXHAUSTED);
  assert_int_equal(w.r.clients[0].last.result, QUICMIG_ERR_SOCKETS_EXHAUSTED);
  assert_int_equal(quicmig_paths(m, &one, 1), 4); /* more than asked for */
  assert_int_equal(rig_stats(&w.r.clients[0]).sockets_peak, 4);
  assert_int_equal(go(m, id), 0);
  rig_run(&w.r, SEC);
  assert_int_equal(path(m, id).state, QUICMIG_PATH_ACTIVE);
  /* The old path has drained enough: it makes room. */
  assert_int_equal(quicmig_hop(m, NOW), 0);
  assert_int_equal(path(m, 1).id, 0);
  rig_run(&w.r, SEC);
  assert_int_equal(w.r.clients[0].results[0], 2);
  assert_int_equal(path(m, 2).state, QUICMIG_PATH_SPARE);
  assert_int_equal(path(m, 3).state, QUICMIG_PATH_SPARE);
  rig_finish(&w.r, SEC);
  assert_int_equal(rig_lost(&w.r), 0);
  rig_reset(&w.r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_wrong_paths),
      cmocka_unit_test(test_wrong_moments),
      cmocka_unit_test(test_close_what_ngtcp2_holds),
      cmocka_unit_test(test_close_a_failed_rebind),
      cmocka_unit_test(test_wrong_addresses),
      cmocka_unit_test(test_max_sockets),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
