/* A path that the program has chosen itself: changes of the network do not undo
 * it, and when it dies the connection goes on elsewhere. */
#include "homes.h"

/* To interface b, which the routing table would not choose. */
static rig_client *go_to_b(bool is_mute, const char *list) {
  quicmig_path_config cfg = {.size = sizeof(cfg), .interface_name = "b"};
  rig_client *c = prepare();
  quicmig *m;
  uint32_t id;

  w.r.migration.watch_network = 1;
  strcpy(w.r.migration.interfaces, list);
  w.r.migration.hop_interval = 3600 * SEC;
  w.r.client_host.uplinks[B4].is_mute = is_mute;
  start();
  assert_int_equal(uplink_of(c), A4);
  m = quicmig_client_migrator(c->c);
  assert_int_equal(quicmig_path_add(m, &cfg, &id, w.r.world.now), 0);
  assert_int_equal(quicmig_path_switch(m, id, 0, w.r.world.now), 0);
  rig_run(&w.r, 2 * SEC);
  assert_int_equal(uplink_of(c), B4);
  assert_int_equal(w.reasons[QUICMIG_REASON_EXPLICIT], 1);
  return c;
}

static void test_unrelated_change(void **state) {
  rig_client *c = go_to_b(false, "");
  int i;

  (void)state;
  for (i = 0; i < 5; i++) {
    sim_network_changes(&w.r.client_host);
    rig_run(&w.r, 2 * SEC);
    down(A6);
    rig_run(&w.r, 2 * SEC);
    up(A6);
    assert_true(gap_within(3 * SEC) < 100 * MS);
    assert_int_equal(uplink_of(c), B4);
  }
  down(A4); /* nor the loss of what it would be without the program */
  rig_run(&w.r, SEC);
  up(A4);
  assert_true(gap_within(5 * SEC) < 100 * MS);
  assert_int_equal(uplink_of(c), B4);
  assert_int_equal(w.moves, 0);
  assert_int_equal(rig_stats(c).hops, 1);
  finish();
}

static void test_its_interface_dies(void **state) {
  int is_mute;

  (void)state;
  for (is_mute = 0; is_mute < 2; is_mute++) {
    rig_client *c = go_to_b(is_mute, "");
    quicmig_duration gap;

    down(B4);
    gap = gap_within(5 * SEC);
    printf("%s: %llu ms\n", is_mute ? "mute" : "error",
           (unsigned long long)(gap / MS));
    assert_true(gap < 1500 * MS);
    assert_int_equal(uplink_of(c), A4);
    up(B4); /* it was chosen once, not for ever */
    rig_run(&w.r, 10 * SEC);
    assert_int_equal(uplink_of(c), A4);
    assert_int_equal(rig_stats(c).hops, 2);
    finish();
  }
}

/* It has nothing to send: only the kernel knows that its address is gone. */
static void test_quiet(void **state) {
  int is_mute;

  (void)state;
  for (is_mute = 0; is_mute < 2; is_mute++) {
    rig_client *c = go_to_b(is_mute, "");

    w.r.is_sending = false;
    rig_run(&w.r, 5 * SEC);
    down(B4);
    rig_run(&w.r, SEC);
    assert_int_equal(uplink_of(c), A4);
    w.r.is_sending = true;
    finish();
  }
}

/* The interfaces of the list may come and go: it is on none of them. */
static void test_list_goes(void **state) {
  static const char *const lists[] = {"a", "a,b"};
  size_t i;

  (void)state;
  for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
    rig_client *c = go_to_b(false, lists[i]);

    down(A4);
    down(A6);
    rig_run(&w.r, SEC);
    up(A4);
    rig_run(&w.r, 3 * SEC);
    assert_int_equal(uplink_of(c), B4);
    assert_int_equal(w.losses + w.moves, 0);
    finish();
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_unrelated_change),
      cmocka_unit_test(test_its_interface_dies),
      cmocka_unit_test(test_quiet),
      cmocka_unit_test(test_list_goes),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
