/* Which interface is used, when a better one is trusted, and how often the
 * network is looked at. */
#include "homes.h"

/* The list's order counts, not the routing table's; a better one that comes
 * and goes is left alone until it has stayed for 2 s. */
static void test_better_interface_waits(void **state) {
  rig_client *c = prepare();
  int i;

  (void)state;
  strcpy(w.r.migration.interfaces, "b,a");
  w.r.migration.watch_network = 1;
  start();
  assert_int_equal(uplink_of(c), B4);
  down(B4);
  rig_run(&w.r, SEC);
  assert_int_equal(uplink_of(c), A4);
  for (i = 0; i < 8; i++) {
    up(B4);
    rig_run(&w.r, 1500 * MS);
    assert_int_equal(uplink_of(c), A4);
    down(B4);
    rig_run(&w.r, 500 * MS);
  }
  assert_int_equal(rig_stats(c).hops, 1);
  up(B4);
  assert_true(gap_within(1900 * MS) < 100 * MS);
  assert_int_equal(uplink_of(c), A4);
  assert_true(gap_within(500 * MS) < 100 * MS);
  assert_int_equal(uplink_of(c), B4);
  finish();
}

/* The first of the list is plugged in later. */
static void test_new_interface(void **state) {
  rig_client *c = prepare();
  size_t first;

  (void)state;
  strcpy(w.r.migration.interfaces, "usb0,a");
  w.r.migration.watch_network = 1;
  start();
  assert_int_equal(uplink_of(c), A4);
  first = sim_uplink_add(&w.r.client_host, "usb0", "10.0.2.1");
  sim_network_changes(&w.r.client_host);
  assert_true(gap_within(3 * SEC) < 100 * MS);
  assert_int_equal(uplink_of(c), first);
  assert_int_equal(rig_stats(c).hops, 1);
  finish();
}

/* The home in use goes while a better one waits to be trusted. */
static void test_no_waiting_without_a_home(void **state) {
  rig_client *c = prepare();

  (void)state;
  strcpy(w.r.migration.interfaces, "b,a");
  w.r.migration.watch_network = 1;
  w.r.client_host.uplinks[A4].is_mute = true;
  down(B4);
  start();
  assert_int_equal(uplink_of(c), A4);
  up(B4);
  rig_run(&w.r, 300 * MS);
  down(A4);
  assert_true(gap_within(SEC) < 200 * MS);
  assert_int_equal(uplink_of(c), B4);
  finish();
}

static bool drops_b(void *arg, const sim_pkt *p) {
  const qm_addr *a = p->dir == SIM_UP ? &p->src : &p->dst;

  return qm_addr_is_same_host(a, &((rig *)arg)->client_host.uplinks[B4].addr);
}

/* The better interface is up and leads nowhere: tried ever more rarely. */
static void test_better_leads_nowhere(void **state) {
  rig_client *c = prepare();
  uint64_t early;

  (void)state;
  strcpy(w.r.migration.interfaces, "b,a");
  w.r.migration.watch_network = 1;
  w.r.migration.hop_interval = 3600 * SEC;
  w.filter.drops = drops_b;
  w.filter.arg = &w.r;
  down(B4);
  start();
  up(B4);
  assert_true(gap_within(60 * SEC) < 100 * MS);
  early = rig_stats(c).hops_failed;
  assert_true(gap_within(540 * SEC) < 100 * MS);
  printf("%llu attempts in a minute, %llu in ten\n", (unsigned long long)early,
         (unsigned long long)rig_stats(c).hops_failed);
  assert_in_range(early, 2, 6);
  assert_in_range(rig_stats(c).hops_failed, early, 10);
  assert_int_equal(uplink_of(c), A4);
  assert_in_range(rig_lost(&w.r), 0, 3); /* under way */
  w.filter.drops = drops;
  rig_run(&w.r, 301 * SEC);
  assert_int_equal(uplink_of(c), B4);
  finish();
}

/* Up and down every second.  With a list the better one is not trusted; else
 * what the routing table says is done at once, each time. */
static void test_flapping(void **state) {
  static const char *const lists[] = {"a,b", ""};
  int i, k;

  (void)state;
  for (k = 0; k < 2; k++) {
    rig_client *c = prepare();

    strcpy(w.r.migration.interfaces, lists[k]);
    w.r.migration.watch_network = 1;
    start();
    for (i = 0; i < 15; i++) {
      down(A4);
      assert_true(gap_within(SEC) < 200 * MS);
      up(A4);
      assert_true(gap_within(SEC) < 200 * MS);
    }
    printf("list \"%s\": %llu hops, %u sockets at most\n", lists[k],
           (unsigned long long)rig_stats(c).hops, rig_stats(c).sockets_peak);
    assert_int_equal(rig_stats(c).hops, k == 0 ? 1 : 30);
    assert_true(gap_within(3 * SEC) < 200 * MS);
    assert_int_equal(uplink_of(c), A4);
    finish();
  }
}

static int no_socket(void *arg, sim_call call, uint64_t index) {
  (void)arg;
  (void)index;
  return call == SIM_OPEN ? EMFILE : 0;
}

/* The network cannot be looked at: that is no lost network. */
static void test_look_without_a_socket(void **state) {
  rig_client *c = prepare();

  (void)state;
  w.r.migration.watch_network = 1;
  w.r.client_host.uplinks[A4].is_mute = true;
  w.r.migration.degrade_ptos = 0;
  start();
  w.r.client_host.fault = no_socket;
  down(A4);
  rig_run(&w.r, 400 * MS);
  assert_int_equal(w.losses + w.moves, 0);
  w.r.client_host.fault = NULL;
  rig_run(&w.r, 1500 * MS);
  assert_int_equal(w.losses, 0);
  assert_int_equal(uplink_of(c), B4);
  finish();
}

static int no_third_socket(void *arg, sim_call call, uint64_t index) {
  (void)arg;
  (void)index;
  return call == SIM_OPEN && w.r.client_host.open >= 3 ? EMFILE : 0;
}

/* The same while an old socket drains: it gives way to the one that looks. */
static void test_look_with_the_place_of_an_old_socket(void **state) {
  rig_client *c = prepare();

  (void)state;
  w.r.migration.watch_network = 1;
  w.r.client_host.uplinks[A4].is_mute = true;
  w.r.migration.degrade_ptos = 0;
  start();
  assert_int_equal(quicmig_hop(quicmig_client_migrator(c->c), w.r.world.now),
                   0);
  rig_run(&w.r, 2 * SEC);
  w.r.client_host.fault = no_third_socket; /* netlink, active, draining */
  assert_int_equal(w.r.client_host.open, 3);
  down(A4);
  rig_run(&w.r, 400 * MS);
  assert_int_equal(uplink_of(c), B4);
  w.r.client_host.fault = NULL;
  finish();
}

/* Changes that are none of ours, a hundred a second. */
static void test_busy_netlink(void **state) {
  rig_client *c = prepare();
  uint64_t opened;
  int i;

  (void)state;
  w.r.migration.watch_network = 1;
  w.r.migration.hop_interval = 0; /* and now it is not asked for */
  w.r.migration.hop_packets = 100000000;
  start();
  opened = w.r.client_host.opened;
  for (i = 0; i < 1000; i++) {
    sim_network_changes(&w.r.client_host);
    rig_run(&w.r, 10 * MS);
  }
  opened = w.r.client_host.opened - opened;
  printf("%llu looks in 10 s\n", (unsigned long long)opened);
  assert_in_range(opened, 50, 250); /* at most two each 100 ms */
  assert_int_equal(rig_stats(c).hops, 0);
  finish();
}

/* The machine sleeps: one hop, whatever was overdue. */
static void test_sleep(void **state) {
  static const quicmig_duration naps[] = {12 * SEC, 25 * SEC, 29 * SEC,
                                          29 * SEC};
  size_t i;

  (void)state;
  for (i = 0; i < sizeof(naps) / sizeof(naps[0]); i++) {
    rig_client *c = prepare();

    w.r.migration.hop_interval = i == 3 ? 25 * SEC : 300 * SEC;
    w.r.migration.watch_network = 1;
    w.r.client_transport.keep_alive = SEC;
    w.r.send_every = 0; /* or the sending would sleep too */
    start();
    w.r.world.now += naps[i];
    rig_run(&w.r, 5 * SEC);
    printf("slept %llu s: %llu hops, closed: %d\n",
           (unsigned long long)(naps[i] / SEC),
           (unsigned long long)rig_stats(c).hops, c->is_closed);
    assert_int_equal(rig_stats(c).hops, 1);
    assert_int_equal(w.reasons[QUICMIG_REASON_NETWORK], 1);
    finish();
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_better_interface_waits),
      cmocka_unit_test(test_new_interface),
      cmocka_unit_test(test_no_waiting_without_a_home),
      cmocka_unit_test(test_better_leads_nowhere),
      cmocka_unit_test(test_flapping),
      cmocka_unit_test(test_look_without_a_socket),
      cmocka_unit_test(test_look_with_the_place_of_an_old_socket),
      cmocka_unit_test(test_busy_netlink),
      cmocka_unit_test(test_sleep),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
