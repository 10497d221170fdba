/* Behind NATs that forget, refuse, and change their address, and a policer that
 * ends long flows. */
#include "rig.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))
#define OUTER "192.0.2.1"
#define OTHER "198.51.100.7"
#define NEVER_HIT UINT64_MAX

static struct world {
  rig r;
  sim_line line, beyond;
  sim_filter trigger; /* between client and NAT; sees packets, drops none */
  sim_nat nat;
  uint64_t seen, rebind_at; /* packets since the hop began */
  quicmig_migration last;   /* the server was told */
} w;

static bool rebind_at_index(void *arg, const sim_pkt *p) {
  (void)arg;
  (void)p;
  if (w.rebind_at != NEVER_HIT && w.seen++ == w.rebind_at) {
    sim_nat_rebind(&w.nat);
  }
  return false;
}

static void note_migrated(rig *r, const quicmig_migration *m) {
  (void)r;
  w.last = *m;
}

static void prepare(void) {
  rig_init(&w.r, 0, false);
  w.rebind_at = NEVER_HIT;
  w.seen = 0;
  sim_line_init(&w.r.world, &w.line, 10 * MS);
  sim_filter_init(&w.r.world, &w.trigger, rebind_at_index, NULL);
  sim_nat_init(&w.r.world, &w.nat, OUTER);
  sim_line_init(&w.r.world, &w.beyond, 10 * MS);
  w.r.on_migrated = note_migrated;
  w.r.migration.hop_interval = 0;
}

static void clean_up(void) {
  rig_reset(&w.r);
  sim_nat_reset(&w.nat);
}

static quicmig *migrator(void) {
  return quicmig_client_migrator(w.r.clients[0].c);
}

static bool is_host(const struct sockaddr_storage *ss, const char *host) {
  const struct sockaddr_in *in = (const struct sockaddr_in *)ss;

  return in->sin_family == AF_INET && in->sin_addr.s_addr == inet_addr(host);
}

static bool server_sees(const char *host) {
  quicmig_conn_info i = {.size = sizeof(i)};

  quicmig_conn_get_info(w.r.server_conn, &i);
  return is_host(&i.remote, host);
}

static void set_outer(const char *host) {
  inet_pton(AF_INET, host, &w.nat.outer.u.in.sin_addr);
}

static void test_hops(void **state) {
  quicmig_stats s;

  (void)state;
  prepare();
  w.r.migration.hop_interval = 2 * SEC;
  w.r.stream_bytes = 300000;
  assert_int_equal(rig_start(&w.r, 1), 0);
  rig_run(&w.r, 60 * SEC);
  rig_finish(&w.r, 2 * SEC);
  s = rig_stats(&w.r.clients[0]);
  assert_in_range(s.hops, 25, 40);
  assert_int_equal(s.hops_failed + s.hops_refused, 0);
  assert_int_equal(rig_lost(&w.r), 0);
  assert_true(w.r.clients[0].stream_done && !w.r.clients[0].stream_bad);
  assert_int_equal(w.r.migrations, s.hops);
  assert_int_equal(w.r.migrations_ip + w.r.migrations_same_id, 0);
  assert_true(server_sees(OUTER));
  clean_up();
}

/* --- rebinding --- */

/* What was under way to the old outer port is lost, one RTT's worth; and what
 * the server still sends there until it has validated the new one (RFC 9000
 * section 9.3). */
#define REBIND_COST 12

static void rebind_row(uint64_t at, bool hops, uint32_t mode) {
  rig_client *c = &w.r.clients[0];
  uint64_t lost;

  prepare();
  c = &w.r.clients[0];
  w.r.migration.hop_mode = mode;
  w.r.stream_bytes = 100000;
  assert_int_equal(rig_start(&w.r, 1), 0);
  rig_run(&w.r, SEC);
  w.rebind_at = at;
  if (hops) {
    assert_int_equal(quicmig_hop(migrator(), w.r.world.now), 0);
  }
  rig_run(&w.r, 3 * SEC);
  assert_true(w.seen > at);
  lost = c->sent - c->echoed;
  assert_false(c->is_closed);
  assert_int_equal(c->results[0], hops); /* a rebound hop succeeds too */
  assert_true(c->last_echo >= w.r.world.now - 60 * MS);
  assert_int_equal(quicmig_hop(migrator(), w.r.world.now), 0);
  rig_run(&w.r, 2 * SEC);
  rig_finish(&w.r, SEC);
  assert_true(rig_lost(&w.r) <= lost && lost <= REBIND_COST);
  assert_true(c->stream_done && !c->stream_bad);
  assert_true(server_sees(OUTER));
  clean_up();
}

static void test_rebind_in_rebind_hop(void **state) {
  uint64_t at;

  (void)state;
  printf("row: no hop\n");
  rebind_row(0, false, QUICMIG_MODE_REBIND);
  for (at = 0; at <= 20; at++) {
    printf("row: packet %u of a hop\n", (unsigned)at);
    rebind_row(at, true, QUICMIG_MODE_REBIND);
  }
}

/* With ngtcp2 1.11 on the server and its limit of 8 IDs used up, a rebinding
 * right before the hop makes it retire the old ID and yet count it: it ends the
 * connection with CONNECTION_ID_LIMIT_ERROR. */
static void test_rebind_in_migrate_hop(void **state) {
  uint64_t at;

  (void)state;
  for (at = 0; at <= 20; at++) {
    printf("row: packet %u of a hop\n", (unsigned)at);
    rebind_row(at, true, QUICMIG_MODE_MIGRATE);
  }
}

/* --- timeouts and limits --- */

/* The server speaks after a silence: it is heard as long as the client keeps
 * the mapping alive in either way. */
static void test_idle_mapping(void **state) {
  static const struct {
    const char *name;
    quicmig_duration hop_interval, keep_alive;
    bool is_heard;
  } rows[] = {{"neither", 0, 0, false},
              {"keep-alive", 0, 20 * SEC, true},
              {"hops", 20 * SEC, 0, true}};
  size_t i;

  (void)state;
  for (i = 0; i < COUNT_OF(rows); i++) {
    static const uint8_t news[200];

    printf("row: %s\n", rows[i].name);
    prepare();
    w.nat.timeout = 30 * SEC;
    w.r.client_transport.idle_timeout = w.r.server_transport.idle_timeout =
        600 * SEC;
    w.r.migration.hop_interval = rows[i].hop_interval;
    w.r.client_transport.keep_alive = rows[i].keep_alive;
    w.r.send_every = 0;
    assert_int_equal(rig_start(&w.r, 1), 0);
    rig_run(&w.r, 300 * SEC);
    assert_int_equal(
        quicmig_conn_send_datagram(w.r.server_conn, news, sizeof(news)), 0);
    rig_run(&w.r, 2 * SEC);
    assert_int_equal(w.r.clients[0].echoed, rows[i].is_heard);
    assert_false(w.r.clients[0].is_closed);
    clean_up();
  }
}

/* No mapping for new ports: the hop fails, nothing else does. */
static void test_mapping_limit(void **state) {
  rig_client *c = &w.r.clients[0];

  (void)state;
  prepare();
  c = &w.r.clients[0];
  w.nat.limit = 1;
  w.nat.timeout = 30 * SEC;
  w.r.migration.hop_interval = 3 * SEC;
  assert_int_equal(rig_start(&w.r, 1), 0);
  rig_run(&w.r, 20 * SEC);
  assert_int_equal(rig_stats(c).hops, 0);
  assert_true(c->results[-QUICMIG_ERR_VALIDATION_FAILED] >= 2);
  assert_int_equal(c->results[-QUICMIG_ERR_VALIDATION_FAILED],
                   rig_stats(c).hops_failed);
  w.nat.limit = 2;
  rig_run(&w.r, 60 * SEC);
  rig_finish(&w.r, SEC);
  assert_true(rig_stats(c).hops >= 1);
  assert_false(c->is_closed);
  assert_int_equal(rig_lost(&w.r), 0);
  clean_up();
}

typedef struct police_row {
  const char *name;
  uint64_t hop_bytes, hop_packets;
  quicmig_duration hop_interval;
  uint64_t bytes;
  quicmig_duration age;
  bool lives;
} police_row;

static const police_row police_rows[] = {
    {"bytes, no hops", 0, 0, 0, 300000, 0, false},
    {"bytes, hop_bytes", 100000, 0, 0, 300000, 0, true},
    {"bytes, hop_packets", 0, 400, 0, 300000, 0, true},
    {"age, no hops", 0, 0, 0, 0, 10 * SEC, false},
    {"age, hop_interval", 0, 0, 6 * SEC, 0, 10 * SEC, true},
};

/* The reason to hop: flows that carry much or get old are cut off. */
static void police(const police_row *t) {
  sim_policer policer;
  rig_client *c;

  prepare();
  c = &w.r.clients[0];
  sim_policer_init(&w.r.world, &policer);
  policer.bytes = t->bytes;
  policer.age = t->age;
  w.r.migration.hop_bytes = t->hop_bytes;
  w.r.migration.hop_packets = t->hop_packets;
  w.r.migration.hop_interval = t->hop_interval;
  w.r.client_transport.idle_timeout = 5 * SEC;
  assert_int_equal(rig_start(&w.r, 1), 0);
  rig_run(&w.r, 60 * SEC);
  rig_finish(&w.r, 500 * MS);
  printf("  %llu hops, %llu lost\n", (unsigned long long)rig_stats(c).hops,
         (unsigned long long)rig_lost(&w.r));
  assert_int_equal(c->is_closed, !t->lives);
  assert_int_equal(c->close.err, t->lives ? 0 : QUICMIG_ERR_IDLE);
  assert_true(!t->lives || rig_stats(c).hops >= 9);
  assert_true(!t->lives || rig_lost(&w.r) == 0);
  clean_up();
  sim_policer_reset(&policer);
}

static void test_policer(void **state) {
  size_t i;

  (void)state;
  for (i = 0; i < COUNT_OF(police_rows); i++) {
    printf("row: %s\n", police_rows[i].name);
    police(&police_rows[i]);
  }
}

/* --- what the server is told --- */

typedef struct move {
  const char *name;
  bool changes, rebinds, hops; /* the outer address, the mappings, we */
  uint64_t flags;              /* besides the port, which is drawn anew */
} move;

/* A NAT with two outer addresses: the old mapping, the next one, or both may
 * come to lie on the other. */
static const move moves[] = {
    {"a hop", false, false, true, 0},
    {"a NAT rebinding", false, true, false, QUICMIG_MIGRATION_SAME_ID},
    {"the outer address changes", true, true, false,
     QUICMIG_MIGRATION_IP | QUICMIG_MIGRATION_SAME_ID},
    {"a hop to the other outer address", true, false, true,
     QUICMIG_MIGRATION_IP},
};

static void make_move(const move *t, uint64_t count) {
  const char *before = server_sees(OUTER) ? OUTER : OTHER;
  const char *other = server_sees(OUTER) ? OTHER : OUTER;
  const char *after = t->changes ? other : before;

  set_outer(after);
  if (t->rebinds) {
    sim_nat_rebind(&w.nat);
  }
  if (t->hops) {
    assert_int_equal(quicmig_hop(migrator(), w.r.world.now), 0);
  }
  rig_run(&w.r, 5 * SEC);
  assert_int_equal(w.r.migrations, count);
  assert_int_equal(w.last.count, count);
  assert_int_equal(w.last.flags, QUICMIG_MIGRATION_PORT | t->flags);
  assert_true(is_host(&w.last.old_remote, before));
  assert_true(is_host(&w.last.new_remote, after));
  assert_true(server_sees(after));
  assert_true(w.r.clients[0].last_echo >= w.r.world.now - 60 * MS);
}

static void test_kinds_of_moves(void **state) {
  size_t i;

  (void)state;
  prepare();
  assert_int_equal(rig_start(&w.r, 1), 0);
  for (i = 0; i < COUNT_OF(moves); i++) {
    printf("row: %s\n", moves[i].name);
    make_move(&moves[i], i + 1);
  }
  clean_up();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_hops),
      cmocka_unit_test(test_rebind_in_rebind_hop),
      cmocka_unit_test(test_rebind_in_migrate_hop),
      cmocka_unit_test(test_idle_mapping),
      cmocka_unit_test(test_mapping_limit),
      cmocka_unit_test(test_policer),
      cmocka_unit_test(test_kinds_of_moves),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
