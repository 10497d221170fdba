/* Local ports of a client: what the system reserves for others is not drawn. */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

typedef struct world {
  rig r;
  sim_line line;
  uint16_t lowest;
} world;

static world w;

static void on_hop(rig_client *c, const quicmig_hop_record *h) {
  (void)c;
  assert_int_equal(h->result, 0);
  w.lowest = h->to_port < w.lowest ? h->to_port : w.lowest;
}

static void test_reserved_ports(void **state) {
  (void)state;
  rig_init(&w.r, 0, false);
  sim_line_init(&w.r.world, &w.line, 10 * MS);
  w.lowest = UINT16_MAX;
  w.r.on_hop = on_hop;
  w.r.migration.local_port_lo = 20000;
  w.r.migration.local_port_hi = 20063;
  w.r.migration.hop_interval = SEC;
  w.r.migration.drain = SEC;
  w.r.client_host.reserved = "53,20000-20031\n";
  assert_int_equal(rig_start(&w.r, 1), 0);
  assert_in_range(rig_port(&w.r.clients[0]), 20032, 20063);
  rig_run(&w.r, 50 * SEC);
  assert_in_range(w.lowest, 20032, 20063);
  assert_int_equal(w.r.client_host.reserved_reads, 1);

  /* The administrator changes it: heeded a minute after the list was read. */
  w.r.client_host.reserved = "20016-20063\n";
  rig_run(&w.r, 11 * SEC);
  w.lowest = UINT16_MAX;
  rig_run(&w.r, 5 * SEC);
  assert_in_range(rig_port(&w.r.clients[0]), 20000, 20015);
  assert_int_equal(w.r.client_host.reserved_reads, 2);
  rig_finish(&w.r, SEC);
  assert_int_equal(rig_lost(&w.r), 0);
  rig_reset(&w.r);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_reserved_ports)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
