/*
 * Copies of the client's packets that come from strange addresses: an attacker
 * who sees them and is quicker than they are (RFC 9000 section 9.3.3).  The
 * application is told of no address but the client's (statement 34), nobody is
 * sent more than three times what came from him (statement 26), and when it is
 * over all is as before (statement 27).
 */
#include "rig.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))
#define CLIENT "10.0.0.1"
#define STRANGE 0xcb007100u /* 203.0.113.0 */
#define STRANGERS 5

typedef struct spoofer {
  sim_node node;
  unsigned nth; /* every nth packet is copied; 0: none */
  bool is_first;
  unsigned strangers;
  uint64_t count, up[STRANGERS], down[STRANGERS]; /* packets; bytes */
  bool is_amplified;
} spoofer;

static struct world {
  rig r;
  sim_line line;
  spoofer spoofer;
  uint64_t told; /* migrations */
} w;

static uint32_t host_of(const qm_addr *a) {
  return ntohl(a->u.in.sin_addr.s_addr);
}

/* The copy, from one stranger after the other. */
static sim_pkt *spoof(sim *s, spoofer *x, const sim_pkt *p) {
  size_t who = x->count / x->nth % x->strangers;
  sim_pkt *q = sim_copy(s, p);

  q->src.u.in.sin_addr.s_addr = htonl(STRANGE + (uint32_t)who);
  x->up[who] += q->len;
  return q;
}

static void spoof_pass(sim *s, sim_node *n, sim_pkt *p) {
  spoofer *x = (spoofer *)(void *)n;
  size_t who = host_of(&p->dst) - STRANGE;
  sim_pkt *q = NULL;

  if (p->dir == SIM_DOWN && who < STRANGERS) {
    x->down[who] += p->len;
    x->is_amplified |= x->down[who] > 3 * x->up[who];
    sim_drop(s, n, p);
    return;
  }
  if (p->dir == SIM_UP && x->nth && x->count++ % x->nth == 0) {
    q = spoof(s, x, p);
  }
  if (q && x->is_first) {
    sim_forward(s, n, q);
  }
  sim_forward(s, n, p);
  if (q && !x->is_first) {
    sim_forward(s, n, q);
  }
}

static bool is_client(const struct sockaddr_storage *ss) {
  const struct sockaddr_in *in = (const struct sockaddr_in *)ss;

  return in->sin_family == AF_INET && in->sin_addr.s_addr == inet_addr(CLIENT);
}

static void check_migrated(rig *r, const quicmig_migration *m) {
  (void)r;
  w.told++;
  assert_true(is_client(&m->old_remote));
  assert_true(is_client(&m->new_remote));
  assert_int_equal(m->flags & QUICMIG_MIGRATION_IP, 0);
}

static void check_info(void) {
  quicmig_conn_info i = {.size = sizeof(i)};

  assert_non_null(w.r.server_conn);
  quicmig_conn_get_info(w.r.server_conn, &i);
  assert_true(is_client(&i.remote));
  assert_int_equal(i.migrations, w.told);
}

/* Lets time pass and looks all the while. */
static void watch(quicmig_duration d) {
  quicmig_tstamp end = w.r.world.now + d;

  while (w.r.world.now < end) {
    rig_run(&w.r, 10 * MS);
    check_info();
  }
}

typedef struct row {
  const char *name;
  unsigned nth, strangers;
  bool is_first;
  quicmig_duration hop_interval;
} row;

static const row rows[] = {
    {"one in 10, after", 10, STRANGERS, false, 0},
    {"one in 10, before", 10, STRANGERS, true, 0},
    {"one in 10, before, one stranger", 10, 1, true, 0},
    {"every one, after", 1, STRANGERS, false, 0},
    {"every one, after, hops", 1, STRANGERS, false, SEC},
    {"one in 10, before, hops", 10, STRANGERS, true, SEC},
    {"one in 50, before, hops", 50, STRANGERS, true, SEC},
};

static void spoof_row(const row *t) {
  rig_client *c;
  uint64_t lost;

  rig_init(&w.r, 0, false);
  w.told = 0;
  w.spoofer = (spoofer){.node = {.pass = spoof_pass},
                        .strangers = t->strangers,
                        .is_first = t->is_first};
  sim_line_init(&w.r.world, &w.line, 20 * MS);
  sim_append(&w.r.world, &w.spoofer.node);
  w.r.on_migrated = check_migrated;
  w.r.migration.hop_interval = t->hop_interval;
  w.r.stream_bytes = 100000;
  assert_int_equal(rig_start(&w.r, 1), 0);
  c = &w.r.clients[0];
  w.spoofer.nth = t->nth;
  watch(10 * SEC);
  w.spoofer.nth = 0;
  watch(5 * SEC);
  lost = c->sent - c->echoed;
  watch(5 * SEC);
  rig_finish(&w.r, SEC);
  printf("  %llu packets, %llu of %llu datagrams lost, %llu hops, %llu told\n",
         (unsigned long long)w.spoofer.count, (unsigned long long)lost,
         (unsigned long long)c->sent, (unsigned long long)rig_stats(c).hops,
         (unsigned long long)w.told);
  assert_true(w.spoofer.up[0] > 0);
  assert_false(w.spoofer.is_amplified);
  assert_false(c->is_closed);
  assert_true(rig_lost(&w.r) <= lost);
  assert_true(c->stream_done && !c->stream_bad);
  assert_true(t->hop_interval || w.told == 0);
  assert_true(!t->hop_interval || w.told >= 4);
  rig_reset(&w.r);
}

static void play(bool in_hops) {
  size_t i;

  for (i = 0; i < COUNT_OF(rows); i++) {
    if ((rows[i].is_first && rows[i].hop_interval) == in_hops) {
      printf("row: %s\n", rows[i].name);
      spoof_row(&rows[i]);
    }
  }
}

static void test_spoofing(void **state) {
  (void)state;
  play(false);
}

/* Copies that come first, beside hops: see test_rebind_in_migrate_hop() of
 * test_sim_nat.c for what ngtcp2 1.11 makes of it. */
static void test_spoofing_beside_hops(void **state) {
  (void)state;
  play(true);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_spoofing),
      cmocka_unit_test(test_spoofing_beside_hops)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
