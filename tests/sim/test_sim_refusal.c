/* Peers that do not want to be followed, and an application that refuses: the
 * right reason, no busy loop, no socket in vain. */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

typedef struct row {
  const char *name;
  uint32_t mode;
  bool forbids;
  uint32_t server_cids, client_cids;
  quicmig_duration interval;
  int result; /* that must be seen */
  uint64_t results_lo, results_hi;
  uint64_t hops_lo, hops_hi;
} row;

#define MIGRATE QUICMIG_MODE_MIGRATE
#define REBIND QUICMIG_MODE_REBIND

static const row rows[] = {
    {"forbids", MIGRATE, true, 8, 8, SEC, QUICMIG_ERR_PEER_FORBIDS, 1, 1, 0, 0},
    {"forbids, rebind", REBIND, true, 8, 8, SEC, 0, 50, 75, 50, 75},
    {"2 IDs of ours", MIGRATE, false, 2, 8, 200 * MS, QUICMIG_ERR_TOO_SOON, 1,
     1, 12, 17},
    {"2 IDs of ours, slow", MIGRATE, false, 2, 8, 6 * SEC, QUICMIG_ERR_TOO_SOON,
     0, 0, 8, 13},
    {"3 IDs of ours", MIGRATE, false, 3, 8, 200 * MS, 0, 270, 330, 270, 330},
    {"2 IDs of theirs", MIGRATE, false, 8, 2, 200 * MS, QUICMIG_ERR_NO_SPARE_ID,
     0, 6, 100, 330},
};

static void refusal_row(const row *t) {
  sim_line line;
  quicmig_stats s;
  rig_client *c;
  rig r;

  rig_init(&r, 0, false);
  sim_line_init(&r.world, &line, 20 * MS);
  r.migration.hop_mode = t->mode;
  r.migration.hop_interval = t->interval;
  r.server_transport.disable_active_migration = t->forbids;
  r.server_transport.cid_limit = t->server_cids;
  r.client_transport.cid_limit = t->client_cids;
  assert_int_equal(rig_start(&r, 1), 0);
  c = &r.clients[0];
  rig_run(&r, 60 * SEC);
  rig_finish(&r, 2 * SEC);
  s = rig_stats(c);
  printf("  hops %llu failed %llu refused %llu, %s %llu times\n",
         (unsigned long long)s.hops, (unsigned long long)s.hops_failed,
         (unsigned long long)s.hops_refused, quicmig_err_name(t->result),
         (unsigned long long)c->results[-t->result]);
  assert_false(c->is_closed);
  assert_int_equal(rig_lost(&r), 0);
  assert_in_range(c->results[-t->result], t->results_lo, t->results_hi);
  assert_in_range(s.hops, t->hops_lo, t->hops_hi);
  /* A socket for each hop that moved, the first, and one under way. */
  assert_in_range(s.sockets_opened - s.hops - s.hops_failed, 1, 2);
  assert_int_equal(r.client_host.opened, s.sockets_opened);
  rig_reset(&r);
}

static void test_rows(void **state) {
  size_t i;

  (void)state;
  for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    printf("row: %s\n", rows[i].name);
    refusal_row(&rows[i]);
  }
}

/* By hand, each at the moment when it is not possible. */
static void test_by_hand(void **state) {
  sim_line line;
  quicmig *m;
  rig r;

  (void)state;
  rig_init(&r, 0, false);
  sim_line_init(&r.world, &line, 20 * MS);
  r.migration.hop_interval = 0;
  assert_int_equal(rig_start_server(&r), 0);
  assert_int_equal(rig_start_client(&r), 0);
  m = quicmig_client_migrator(r.clients[0].c);
  assert_int_equal(quicmig_hop(m, r.world.now), QUICMIG_ERR_NOT_CONFIRMED);
  rig_run(&r, SEC);
  assert_int_equal(quicmig_hop(m, r.world.now), 0);
  assert_int_equal(quicmig_hop(m, r.world.now), QUICMIG_ERR_BUSY);
  rig_run(&r, 500 * MS);
  assert_int_equal(r.clients[0].results[0], 1);
  assert_int_equal(quicmig_hop(m, r.world.now), 0);
  rig_run(&r, 95 * MS); /* switched and settled, but the gap has not passed */
  assert_int_equal(r.clients[0].results[0], 2);
  assert_int_equal(quicmig_hop(m, r.world.now), QUICMIG_ERR_TOO_SOON);
  assert_int_equal(rig_stats(&r.clients[0]).hops_refused, 2);
  rig_reset(&r);
}

static int refuse_all_but_first(rig_client *c, int fd) {
  (void)fd;
  return c->r->client_host.opened > 1;
}

static void test_application_refuses(void **state) {
  sim_line line;
  quicmig_stats s;
  rig r;

  (void)state;
  rig_init(&r, 0, false);
  sim_line_init(&r.world, &line, 20 * MS);
  r.migration.hop_interval = SEC;
  r.on_socket = refuse_all_but_first;
  assert_int_equal(rig_start(&r, 1), 0);
  rig_run(&r, 60 * SEC);
  rig_finish(&r, SEC);
  s = rig_stats(&r.clients[0]);
  assert_int_equal(s.hops, 0);
  /* 1 s, then a backoff of 1, 2, 4, 8, 16, 32 s and up to a quarter more. */
  assert_in_range(r.clients[0].results[-QUICMIG_ERR_APP_REFUSED], 5, 7);
  assert_int_equal(s.sockets_open, 1);
  assert_int_equal(r.client_host.open, 1);
  assert_int_equal(rig_lost(&r), 0);
  rig_reset(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_rows), cmocka_unit_test(test_by_hand),
      cmocka_unit_test(test_application_refuses)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
