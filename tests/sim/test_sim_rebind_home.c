/* REBIND mode, and the program sends nothing: when its interface goes the
 * connection is somewhere else all the same, and the server knows. */
#include "homes.h"

static void (*run_client)(void *arg, int fd);
static uint64_t runs;

static void count_run(void *arg, int fd) {
  runs++;
  run_client(arg, fd);
}

/* On interface b, idle, without any timer of its own. */
static rig_client *prepare_idle(bool is_mute) {
  rig_client *c = prepare();

  strcpy(w.r.migration.interfaces, "b,a");
  w.r.migration.watch_network = 1;
  w.r.migration.hop_mode = QUICMIG_MODE_REBIND;
  w.r.migration.hop_interval = 7200 * SEC;
  w.r.client_transport.idle_timeout = 3600 * SEC;
  w.r.server_transport.idle_timeout = 3600 * SEC;
  w.r.client_transport.keep_alive = 0;
  w.r.client_host.uplinks[B4].is_mute = is_mute;
  run_client = w.r.client_actor.run;
  w.r.client_actor.run = count_run;
  return c;
}

/* The interface goes; the kernel tells more than once. */
static void lose_b(rig_client *c) {
  start();
  assert_int_equal(uplink_of(c), B4);
  w.r.is_sending = false;
  rig_run(&w.r, 5 * SEC);
  down(B4);
  rig_run(&w.r, SEC);
  sim_network_changes(&w.r.client_host);
  rig_run(&w.r, SEC);
}

/* What the next ten minutes cost. */
static uint64_t count_sockets(const char *name) {
  uint64_t opened = w.r.client_host.opened;

  runs = 0;
  rig_run(&w.r, 600 * SEC);
  opened = w.r.client_host.opened - opened;
  printf("%s: %llu sockets and %llu runs in 10 min\n", name,
         (unsigned long long)opened, (unsigned long long)runs);
  return opened;
}

static void resume(void) {
  w.r.is_sending = true;
  w.r.next_send = w.r.clients[0].last_echo = w.r.world.now;
}

static void test_server_is_told(void **state) {
  int is_mute;

  (void)state;
  for (is_mute = 0; is_mute < 2; is_mute++) {
    rig_client *c = prepare_idle(is_mute);

    lose_b(c);
    assert_int_equal(w.r.migrations_ip, 1);
    assert_int_equal(uplink_of(c), A4);
    assert_int_equal(w.reasons[QUICMIG_REASON_NETWORK], 1);
    assert_in_range(count_sockets(is_mute ? "mute" : "error"), 0, 10);
    assert_in_range(runs, 0, 1000);
    resume();
    rig_run(&w.r, SEC);
    assert_true(w.r.world.now - c->last_echo < 100 * MS);
    finish();
  }
}

/* Only a REBIND is left then, and it has nothing to be proven with; nor would
 * this server listen to it.  That costs next to nothing. */
static void test_forbidden(void **state) {
  rig_client *c = prepare_idle(false);

  (void)state;
  w.r.server_transport.disable_active_migration = 1;
  lose_b(c);
  assert_int_equal(w.r.migrations, 0);
  assert_true(w.moves > 0); /* a REBIND was begun: it asks nobody */
  assert_int_equal(c->results[-QUICMIG_ERR_PEER_FORBIDS], 0);
  assert_in_range(count_sockets("forbidden"), 0, 10);
  assert_in_range(runs, 0, 6100); /* each 100 ms at most */
  up(B4);
  resume();
  assert_true(gap_within(10 * SEC) < 10 * SEC);
  rig_run(&w.r, 5 * SEC);
  assert_int_equal(uplink_of(c), B4);
  assert_true(w.r.world.now - c->last_echo < 100 * MS);
  finish();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_server_is_told),
      cmocka_unit_test(test_forbidden),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
