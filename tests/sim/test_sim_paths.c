/* Paths by hand: opened, looked at, switched to, failed, closed; refusals are
 * in test_sim_path_errors.c. */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))
#define NOW (w.r.world.now)

static struct world {
  rig r;
  sim_line line;
  sim_filter filter;
  uint16_t hole;    /* packets of this client port vanish; 0: none */
  char trace[4096]; /* "2:spare>probing " ... */
} w;

static bool drops(void *arg, const sim_pkt *p) {
  (void)arg;
  return w.hole && sim_client_port(p) == w.hole;
}

static void note(rig_client *c, const quicmig_event *e) {
  char text[64];

  (void)c;
  if (e->type == QUICMIG_EVENT_PATH_STATE) {
    snprintf(text, sizeof(text), "%u:%s>%s ", e->path,
             quicmig_path_state_name((int)e->from),
             quicmig_path_state_name((int)e->to));
    strncat(w.trace, text, sizeof(w.trace) - strlen(w.trace) - 1);
  }
}

static quicmig *start(void) {
  rig_init(&w.r, 0, false);
  w.hole = 0;
  w.trace[0] = 0;
  sim_line_init(&w.r.world, &w.line, 20 * MS);
  sim_filter_init(&w.r.world, &w.filter, drops, NULL);
  w.r.on_event = note;
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

/* The local port; the address is the host's. */
static uint16_t port_of(const quicmig_path_info *p) {
  qm_addr a;

  assert_int_equal(
      qm_addr_set(&a, (const struct sockaddr *)&p->local, sizeof(p->local)), 0);
  assert_true(qm_addr_is_same_host(&a, &w.r.client_host.addr));
  return qm_addr_port(&a);
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

/* A spare socket is silent. */
static void check_spare(const quicmig *m, uint32_t id) {
  quicmig_path_info p = path(m, id);

  assert_int_equal(p.state, QUICMIG_PATH_SPARE);
  assert_int_equal(p.tx_packets + p.tx_bytes + p.rx_packets + p.rx_bytes, 0);
  assert_int_equal(p.rtt, 0);
  assert_int_equal(p.opened_at, NOW - 5 * SEC);
  assert_int_equal(p.active_at, 0);
  p = path(m, 1);
  assert_int_equal(p.state, QUICMIG_PATH_ACTIVE);
  assert_in_range(p.rtt, 40 * MS, 45 * MS);
  assert_in_range(p.tx_packets, 700, 1500);
  assert_in_range(p.rx_packets, 700, 1500);
}

static void check_switched(const quicmig *m, uint32_t id) {
  quicmig_path_info old = path(m, 1), p = path(m, id);
  const quicmig_hop_record *r = &w.r.clients[0].last;

  assert_int_equal(r->seq, 1);
  assert_int_equal(r->result, 0);
  assert_int_equal(r->reason, QUICMIG_REASON_EXPLICIT);
  assert_int_equal(r->mode, QUICMIG_MODE_MIGRATE);
  assert_int_equal(r->from_id, 1);
  assert_int_equal(r->to_id, id);
  assert_int_equal(r->to_port, port_of(&p));
  assert_in_range(r->validate_time, 40 * MS, 60 * MS);
  assert_int_equal(p.state, QUICMIG_PATH_ACTIVE);
  assert_in_range(p.rtt, 40 * MS, 60 * MS);
  assert_in_range(p.tx_packets, 250, 700);
  assert_int_equal(old.state, QUICMIG_PATH_DRAINING);
  assert_int_equal(old.rtt, 0);
  assert_int_equal(p.active_at, old.draining_at);
}

static void switch_row(bool is_chosen) {
  quicmig *m = start();
  quicmig_path_info p;
  uint32_t id = 0;

  assert_int_equal(is_chosen ? add_at(m, 5555, &id)
                             : quicmig_path_add(m, NULL, &id, NOW),
                   0);
  assert_int_equal(id, 2);
  p = path(m, id);
  assert_true(!is_chosen || port_of(&p) == 5555);
  rig_run(&w.r, 5 * SEC);
  check_spare(m, id);
  w.trace[0] = 0;
  assert_int_equal(go(m, id), 0);
  rig_run(&w.r, 3 * SEC);
  assert_string_equal(w.trace, "2:spare>probing 1:active>draining "
                               "2:probing>active ");
  check_switched(m, id);
  rig_finish(&w.r, SEC);
  assert_int_equal(rig_lost(&w.r), 0);
  rig_reset(&w.r);
}

static void test_switch(void **state) {
  (void)state;
  printf("row: any port\n");
  switch_row(false);
  printf("row: a chosen port\n");
  switch_row(true);
}

typedef struct hole_row {
  const char *name;
  quicmig_duration timeout, lo, hi; /* until the record */
  int result;
} hole_row;

static const hole_row hole_rows[] = {
    {"the caller's timeout", 300 * MS, 300 * MS, 310 * MS, QUICMIG_ERR_TIMEOUT},
    {"the shortest", 1, 0, 10 * MS, QUICMIG_ERR_TIMEOUT},
    {"ngtcp2's", 0, 400 * MS, 4 * SEC, QUICMIG_ERR_VALIDATION_FAILED},
    {"ngtcp2's is earlier", 60 * SEC, 400 * MS, 4 * SEC,
     QUICMIG_ERR_VALIDATION_FAILED}};

/* Statements 4 and 11: a path that leads nowhere costs nothing but itself. */
static void hole(const hole_row *t) {
  quicmig *m = start();
  rig_client *c = &w.r.clients[0];
  uint32_t id = add(m);
  quicmig_path_info p = path(m, id);
  quicmig_tstamp begin = NOW;

  w.hole = port_of(&p);
  assert_int_equal(quicmig_path_switch(m, id, t->timeout, NOW), 0);
  while (c->last.seq == 0 && NOW < begin + 20 * SEC) {
    rig_run(&w.r, 5 * MS);
  }
  assert_int_equal(c->last.result, t->result);
  assert_in_range(NOW - begin, t->lo, t->hi);
  assert_int_equal(path(m, 1).state, QUICMIG_PATH_ACTIVE);
  rig_run(&w.r, 15 * SEC);
  assert_int_equal(path(m, id).id, 0); /* closed */
  assert_int_equal(w.r.client_host.open, 1);
  assert_int_equal(quicmig_hop(m, NOW), 0); /* elsewhere it works */
  rig_run(&w.r, 2 * SEC);
  assert_int_equal(c->results[0], 1);
  rig_finish(&w.r, SEC);
  assert_int_equal(rig_lost(&w.r), 0);
  rig_reset(&w.r);
}

static void test_blackhole(void **state) {
  size_t i;

  (void)state;
  for (i = 0; i < COUNT_OF(hole_rows); i++) {
    printf("row: %s\n", hole_rows[i].name);
    hole(&hole_rows[i]);
  }
}

static void test_ids_are_never_used_again(void **state) {
  quicmig *m = start();
  uint32_t last = 1, id, i;

  (void)state;
  for (i = 0; i < 100; i++) {
    id = add(m);
    assert_true(id > last);
    last = id;
    if (i % 10 == 0) {
      assert_int_equal(quicmig_hop(m, NOW), 0);
      rig_run(&w.r, SEC);
      assert_true(w.r.clients[0].last.to_id > last);
      last = w.r.clients[0].last.to_id;
    }
    assert_int_equal(end(m, id), 0);
  }
  assert_int_equal(w.r.clients[0].results[0], 10);
  rig_reset(&w.r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_switch),
      cmocka_unit_test(test_blackhole),
      cmocka_unit_test(test_ids_are_never_used_again),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
