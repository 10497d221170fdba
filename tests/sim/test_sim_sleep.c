/* A server's process that slept for longer than the idle timeout and is told to
 * close on waking: its run must come back, and everybody must have been told.
 */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void test_close_after_a_sleep(void **state) {
  sim_line line;
  rig r;

  (void)state;
  rig_init(&r, 0, false);
  sim_line_init(&r.world, &line, 5 * MS);
  assert_int_equal(rig_start(&r, 2), 0);
  r.is_sending = false;
  quicmig_server_close(r.server, 7, "stopping");
  assert_int_equal(quicmig_server_run(r.server, -1, r.world.now + 3600 * SEC),
                   0);
  assert_true(quicmig_server_deadline(r.server) > r.world.now);
  rig_reset(&r);
}

/* More connections than a run has turns for writing. */
static void test_goodbye_to_all(void **state) {
  sim_line line;
  size_t i;
  rig r;

  (void)state;
  rig_init(&r, 0, false);
  sim_line_init(&r.world, &line, 5 * MS);
  r.send_every = 0;
  assert_int_equal(rig_start(&r, 256), 0);
  quicmig_server_close(r.server, 7, "stopping");
  assert_int_equal(quicmig_server_run(r.server, -1, r.world.now), 0);
  rig_run(&r, SEC);
  for (i = 0; i < r.n_clients; i++) {
    assert_true(r.clients[i].is_closed);
    assert_int_equal(r.clients[i].close.code, 7);
  }
  rig_reset(&r);
}

/* The caller's clock steps back by more than a datagram may age: as if it had
 * stood still, and nothing is thrown away as old. */
static void test_clock_steps_back(void **state) {
  static const uint8_t data[100];
  quicmig_conn_info i = {.size = sizeof(i)};
  quicmig_client *c;
  sim_line line;
  size_t k;
  rig r;

  (void)state;
  rig_init(&r, 0, false);
  sim_line_init(&r.world, &line, 5 * MS);
  r.send_every = 0;
  assert_int_equal(rig_start(&r, 1), 0);
  rig_run(&r, 20 * SEC);
  c = r.clients[0].c;
  for (k = 0; k < 10; k++) {
    assert_int_equal(
        quicmig_conn_send_datagram(quicmig_client_conn(c), data, sizeof(data)),
        0);
    assert_int_equal(quicmig_client_run(c, -1, r.world.now - 10 * SEC + k * MS),
                     0);
  }
  quicmig_conn_get_info(quicmig_client_conn(c), &i);
  assert_int_equal(i.datagrams_dropped, 0);
  assert_int_equal(i.datagrams_sent, 10);
  rig_reset(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_close_after_a_sleep),
                                     cmocka_unit_test(test_goodbye_to_all),
                                     cmocka_unit_test(test_clock_steps_back)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
