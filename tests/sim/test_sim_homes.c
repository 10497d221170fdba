/* Two addresses of the server, and a network that changes under the connection:
 * it is somewhere else at once, and comes back. */
#include "homes.h"

/* IPv4 swallows everything without a word; only its silence tells.  The next
 * hop of the schedule tries the better address again. */
static void test_v4_dies_silently(void **state) {
  rig_client *c = prepare();
  quicmig_duration gap;

  (void)state;
  w.r.migration.hop_interval = 20 * SEC;
  down(B4);
  start();
  assert_int_equal(uplink_of(c), A4);
  w.is_v4_dead = true;
  gap = gap_within(3 * SEC);
  printf("v4 silent: %llu ms\n", (unsigned long long)(gap / MS));
  assert_true(gap < 1500 * MS);
  assert_int_equal(uplink_of(c), A6);
  assert_true(w.reasons[QUICMIG_REASON_DEGRADED] +
                  w.reasons[QUICMIG_REASON_STALL] >=
              1);

  /* Still dead: a scheduled hop looks, and loses nothing. */
  gap = gap_within(60 * SEC);
  printf("still silent: %llu ms\n", (unsigned long long)(gap / MS));
  assert_true(gap < 500 * MS);
  assert_int_equal(uplink_of(c), A6);
  w.is_v4_dead = false;
  gap = gap_within(120 * SEC);
  assert_true(gap < 200 * MS);
  assert_int_equal(uplink_of(c), A4);
  finish();
}

typedef struct way {
  const char *name;
  bool is_watching; /* else the program tells */
  bool is_mute;     /* sends are lost without an error */
  uint32_t mode;
} way;

static const way ways[] = {
    {"watched, error", true, false, QUICMIG_MODE_MIGRATE},
    {"watched, mute", true, true, QUICMIG_MODE_MIGRATE},
    {"told, mute", false, true, QUICMIG_MODE_MIGRATE},
    {"watched, mute, rebind", true, true, QUICMIG_MODE_REBIND},
    {"told, error, rebind", false, false, QUICMIG_MODE_REBIND},
};

static void tell(const way *y) {
  if (!y->is_watching) {
    quicmig *m = quicmig_client_migrator(w.r.clients[0].c);

    assert_int_equal(quicmig_network_changed(m, w.r.world.now), 0);
  }
}

/* The source address goes, and then the whole of IPv4, and comes back. */
static void address_row(const way *y) {
  rig_client *c = prepare();
  quicmig_duration gap[3];
  size_t i;

  w.r.migration.watch_network = y->is_watching;
  w.r.migration.hop_mode = y->mode;
  for (i = 0; i < 3; i++) {
    w.r.client_host.uplinks[i].is_mute = y->is_mute;
  }
  start();
  assert_int_equal(uplink_of(c), A4);
  down(A4);
  tell(y);
  gap[0] = gap_within(5 * SEC);
  assert_int_equal(uplink_of(c), B4);
  down(B4);
  tell(y);
  gap[1] = gap_within(5 * SEC);
  assert_int_equal(uplink_of(c), A6);
  up(A4);
  tell(y);
  gap[2] = gap_within(1900 * MS);
  assert_int_equal(uplink_of(c), A6); /* not yet */
  gap[2] = qm_time_max(gap[2], gap_within(2 * SEC));
  assert_int_equal(uplink_of(c), A4);
  printf("%s: %llu, %llu, %llu ms\n", y->name,
         (unsigned long long)(gap[0] / MS), (unsigned long long)(gap[1] / MS),
         (unsigned long long)(gap[2] / MS));
  for (i = 0; i < 3; i++) {
    assert_true(gap[i] < 1000 * MS);
  }
  assert_int_equal(rig_stats(c).hops, 3); /* one for each change */
  assert_int_equal(w.losses, 0);
  finish();
}

static void test_addresses_vanish(void **state) {
  size_t i;

  (void)state;
  for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
    printf("row: %s\n", ways[i].name);
    address_row(&ways[i]);
  }
}

/* All ways are gone for a while: told once, and back at once when one comes. */
static void test_no_way_left(void **state) {
  rig_client *c = prepare();
  quicmig_duration gap;

  (void)state;
  w.r.migration.watch_network = 1;
  start();
  down(B4);
  down(A6);
  rig_run(&w.r, SEC);
  down(A4);
  rig_run(&w.r, 2 * SEC);
  sim_network_changes(&w.r.client_host); /* nothing new */
  rig_run(&w.r, 8 * SEC);
  assert_int_equal(w.losses, 1);
  assert_false(c->is_closed);
  up(B4);
  gap = gap_within(3 * SEC) - 10 * SEC;
  printf("back after %llu ms\n", (unsigned long long)(gap / MS));
  assert_true(gap < SEC);
  assert_int_equal(uplink_of(c), B4);
  assert_true(rig_stats(c).sockets_opened < 40);
  finish();
}

/* Changes that change nothing, on a connection that is idle in between: the
 * time since the last call is no sleep of the machine. */
static void test_noise_while_idle(void **state) {
  rig_client *c = prepare();
  int i;

  (void)state;
  w.r.migration.watch_network = 1;
  w.r.migration.hop_interval = 24 * 3600 * SEC;
  w.r.client_transport.idle_timeout = w.r.server_transport.idle_timeout =
      24 * 3600 * SEC;
  start();
  w.r.is_sending = false;
  for (i = 0; i < 5; i++) {
    rig_run(&w.r, 100 * SEC);
    sim_network_changes(&w.r.client_host);
  }
  rig_run(&w.r, 100 * SEC);
  assert_int_equal(rig_stats(c).hops, 0);
  assert_int_equal(w.moves, 0);
  finish();
}

static int refuse_watch(void *arg, sim_call call, uint64_t index) {
  (void)arg;
  (void)index;
  return call == SIM_WATCH ? EMFILE : 0;
}

static void test_watch_refused(void **state) {
  (void)state;
  prepare();
  w.r.migration.watch_network = 1;
  w.r.client_host.fault = refuse_watch;
  assert_int_equal(rig_start_server(&w.r), 0);
  assert_int_equal(rig_start_client(&w.r), QUICMIG_ERR_SYSTEM);
  assert_int_equal(errno, EMFILE);
  assert_non_null(strstr(quicmig_last_error_text(), strerror(EMFILE)));
  assert_int_equal(w.r.client_host.open, 0);
  assert_int_equal(w.r.clients[0].mem.live, 0);
  rig_reset(&w.r);
}

/* Nobody listens at the second address: back to the first when that lives. */
static void test_second_is_deaf(void **state) {
  rig_client *c = prepare();

  (void)state;
  w.r.on_server_config = NULL;
  down(B4);
  start();
  w.is_v4_dead = true;
  rig_run(&w.r, 15 * SEC);
  assert_int_equal(w.r.migrations_ip, 0);
  w.is_v4_dead = false;
  (void)gap_within(10 * SEC);
  c->gap_max = 0;
  assert_true(gap_within(3 * SEC) < SEC);
  assert_int_equal(uplink_of(c), A4);
  finish();
}

/* A server that forbids migration keeps its client where it is. */
static void test_forbidden(void **state) {
  rig_client *c = prepare();

  (void)state;
  w.r.migration.watch_network = 1;
  w.r.server_transport.disable_active_migration = 1;
  start();
  down(A4);
  rig_run(&w.r, SEC);
  assert_int_equal(w.moves, 0);
  up(A4);
  assert_true(gap_within(10 * SEC) < 10 * SEC);
  assert_int_equal(rig_stats(c).hops, 0);
  assert_int_equal(uplink_of(c), A4);
  finish();
}

/* A change while it connects is acted on when it has. */
static void test_change_in_the_handshake(void **state) {
  rig_client *c = prepare();

  (void)state;
  w.r.migration.watch_network = 1;
  down(A4);
  assert_int_equal(rig_start_server(&w.r), 0);
  assert_int_equal(rig_start_client(&w.r), 0);
  rig_run(&w.r, 15 * MS);
  up(A4);
  rig_run(&w.r, 3 * SEC);
  assert_true(c->is_connected);
  assert_int_equal(uplink_of(c), A4);
  finish();
}

/* Begins with the second address if there is no way to the first. */
static void test_begins_with_the_second(void **state) {
  rig_client *c = prepare();

  (void)state;
  w.r.migration.watch_network = 1;
  down(A4);
  down(B4);
  start();
  assert_int_equal(uplink_of(c), A6);
  finish();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_v4_dies_silently),
      cmocka_unit_test(test_addresses_vanish),
      cmocka_unit_test(test_no_way_left),
      cmocka_unit_test(test_second_is_deaf),
      cmocka_unit_test(test_forbidden),
      cmocka_unit_test(test_change_in_the_handshake),
      cmocka_unit_test(test_noise_while_idle),
      cmocka_unit_test(test_watch_refused),
      cmocka_unit_test(test_begins_with_the_second),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
