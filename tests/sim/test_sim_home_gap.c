/* Changes of the network within the minimum gap between two hops. */
#include "homes.h"

static unsigned hooks;

static int count_hook(rig_client *c, int fd) {
  (void)c;
  (void)fd;
  hooks++;
  return 0;
}

/* No hop may follow for a minute: the network is not looked at, and the program
 * not asked about sockets that nobody wants, until one may. */
static void test_changes_within_the_gap(void **state) {
  int is_down, i;

  (void)state;
  for (is_down = 0; is_down < 2; is_down++) {
    rig_client *c = prepare();

    strcpy(w.r.migration.interfaces, "b,a");
    w.r.migration.watch_network = 1;
    w.r.migration.hop_interval = 7200 * SEC;
    w.r.migration.hop_min_gap = 60 * SEC;
    w.r.client_transport.idle_timeout = 120 * SEC;
    w.r.server_transport.idle_timeout = 120 * SEC;
    w.r.on_socket = count_hook;
    start();
    assert_int_equal(quicmig_hop(quicmig_client_migrator(c->c), w.r.world.now),
                     0);
    rig_run(&w.r, 5 * SEC);
    sim_uplink_set(&w.r.client_host, B4, !is_down);
    hooks = 0;
    for (i = 0; i < 400; i++) {
      sim_network_changes(&w.r.client_host);
      rig_run(&w.r, 50 * MS);
    }
    printf("b is %s: asked %u times in 20 s\n", is_down ? "down" : "up", hooks);
    assert_in_range(hooks, 0, 5);
    rig_run(&w.r, 40 * SEC);
    assert_int_equal(uplink_of(c), is_down ? A4 : B4);
    assert_in_range(hooks, 0, 15);
    finish();
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_changes_within_the_gap),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
