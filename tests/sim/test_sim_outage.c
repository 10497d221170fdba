/* Nothing passes on any interface for a while, without a word: the connection
 * recovers, and there are connection IDs left to do it with. */
#include "homes.h"

static bool is_dead[2]; /* interfaces a and b */

static bool drops_dead(void *arg, const sim_pkt *p) {
  const qm_addr *a = p->dir == SIM_UP ? &p->src : &p->dst;
  const sim_uplink *b = &w.r.client_host.uplinks[B4];

  (void)arg;
  return is_dead[qm_addr_is_same_host(a, &b->addr)];
}

typedef struct row {
  const char *name;
  uint32_t mode;
  quicmig_duration outage;
  bool is_b_back; /* else only the other interface */
  bool is_told;   /* the interfaces go down */
} row;

#define MIGRATE QUICMIG_MODE_MIGRATE
#define REBIND QUICMIG_MODE_REBIND

static const row rows[] = {
    {"15 s", MIGRATE, 15 * SEC, true, false},
    {"15 s, and then only the other", MIGRATE, 15 * SEC, false, false},
    {"15 s, told", MIGRATE, 15 * SEC, true, true},
    {"25 s", MIGRATE, 25 * SEC, true, false},
    {"25 s, and then only the other", MIGRATE, 25 * SEC, false, false},
    {"25 s, told, the other", MIGRATE, 25 * SEC, false, true},
    {"15 s, rebind", REBIND, 15 * SEC, true, false},
    {"25 s, rebind, the other", REBIND, 25 * SEC, false, false},
    {"25 s, rebind, told", REBIND, 25 * SEC, true, true},
};

static rig_client *begin(const row *t) {
  rig_client *c = prepare();

  is_dead[0] = is_dead[1] = false;
  w.filter.drops = drops_dead;
  strcpy(w.r.migration.interfaces, "b,a");
  w.r.migration.watch_network = 1;
  w.r.migration.hop_mode = t->mode;
  w.r.client_transport.idle_timeout = 60 * SEC;
  w.r.server_transport.idle_timeout = 60 * SEC;
  start();
  rig_run(&w.r, 4 * SEC);
  assert_int_equal(uplink_of(c), B4);
  return c;
}

/* The server's interface stays; the client's are a, a and b. */
static void set_dead(const row *t, bool is_a, bool is_b) {
  size_t i;

  for (i = A4; i <= B4 && t->is_told; i++) {
    sim_uplink_set(&w.r.client_host, i, !(i == B4 ? is_b : is_a));
  }
  is_dead[0] = is_a && !t->is_told;
  is_dead[1] = is_b && !t->is_told;
}

static void run(const row *t) {
  rig_client *c = begin(t);
  uint64_t echoed;
  quicmig_tstamp end;

  set_dead(t, true, true);
  rig_run(&w.r, t->outage);
  set_dead(t, false, !t->is_b_back);
  echoed = c->echoed;
  end = w.r.world.now;
  while (!c->is_closed && c->echoed < echoed + 20 &&
         w.r.world.now < end + 100 * SEC) {
    rig_run(&w.r, 100 * MS);
  }
  printf("%s: after %llu ms, closed: %d, no spare ID: %llu\n", t->name,
         (unsigned long long)((w.r.world.now - end) / MS), c->is_closed,
         (unsigned long long)c->results[-QUICMIG_ERR_NO_SPARE_ID]);
  assert_false(c->is_closed);
  assert_true(w.r.world.now - end < 45 * SEC);
  assert_int_equal(c->results[-QUICMIG_ERR_NO_SPARE_ID], 0);
  rig_run(&w.r, 5 * SEC); /* and stays well */
  assert_true(gap_within(5 * SEC) < 200 * MS);
  finish();
}

static void test_outages(void **state) {
  size_t i;

  (void)state;
  for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    run(&rows[i]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_outages)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
