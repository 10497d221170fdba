/* An old path that is slower than the new one: what arrives there after the
 * switch is read as long as it can be, and never answered on the wrong path. */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))
#define DELAY (20 * MS)
/* Of the settled path: RTT, no variance to speak of, max_ack_delay (RFC 9002
 * section 6.2.1). */
#define PTO (2 * DELAY + 25 * MS)
#define FULL                                                                   \
  1200 /* bytes; a packet with a PATH_CHALLENGE has at least these             \
        */

/* Holds back packets of one client port. */
typedef struct slow {
  sim_node node;
  uint16_t port; /* 0: none */
  bool in[2];
  size_t least; /* only packets of this length and more */
  quicmig_duration extra;
  quicmig_tstamp until; /* if it is later: all come out then */
  quicmig_tstamp first; /* when the first one came out that was held */
  uint64_t held;
  /* Full packets that the client sent after that, on this port and others. */
  uint64_t full_there, full_elsewhere;
} slow;

static void slow_pass(sim *s, sim_node *n, sim_pkt *p) {
  slow *x = (slow *)(void *)n;
  bool is_there = x->port && sim_client_port(p) == x->port;
  quicmig_tstamp at = qm_time_max(s->now + x->extra, x->until);

  if (p->dir == SIM_UP && p->len >= FULL && x->held && s->now >= x->first) {
    x->full_there += is_there;
    x->full_elsewhere += !is_there;
  }
  if (!is_there || !x->in[p->dir] || p->len < x->least) {
    sim_forward(s, n, p);
    return;
  }
  if (x->held++ == 0) {
    x->first = at;
  }
  sim_forward_at(s, n, p, at);
}

static struct world {
  rig r;
  slow slow; /* at the client's door */
  sim_line line;
} w;

static quicmig *migrator(void) {
  return quicmig_client_migrator(w.r.clients[0].c);
}

static void prepare(void) {
  rig_init(&w.r, 0, false);
  w.slow = (slow){.node = {.pass = slow_pass}};
  sim_append(&w.r.world, &w.slow.node);
  sim_line_init(&w.r.world, &w.line, DELAY);
  w.r.migration.hop_interval = 0;
}

static void slow_down(quicmig_duration extra, bool is_up) {
  w.slow.port = rig_port(&w.r.clients[0]);
  w.slow.extra = extra;
  w.slow.in[SIM_DOWN] = true;
  w.slow.in[SIM_UP] = is_up;
}

/* --- data --- */

typedef struct row {
  const char *name;
  quicmig_duration extra, lead; /* how slow, since when before the hop */
  quicmig_duration every, drain;
  size_t size;
  bool is_up; /* slow upwards too */
  unsigned lost_lo, lost_hi, rescued_lo;
} row;

#define LONG (60 * SEC)

/* The server retires the old ID after 3 PTO, initial ones at least: until then
 * a late packet is read under the new address if its number can still be told:
 * one byte of it reaches back 128 packets, and an echo costs two. */
static const row rows[] = {
    {"0.2 PTO, small", PTO / 5, 0, 5 * MS, LONG, 200, false, 0, 0, 2},
    {"0.2 PTO, large", PTO / 5, 0, 5 * MS, LONG, 1300, false, 0, 0, 2},
    {"0.2 PTO, both ways", PTO / 5, 0, 5 * MS, LONG, 200, true, 0, 0, 2},
    {"1 PTO, small", PTO, 0, 5 * MS, LONG, 200, false, 0, 0, 8},
    {"1 PTO, large", PTO, 0, 5 * MS, LONG, 1300, false, 0, 0, 8},
    {"1 PTO, both ways", PTO, 0, 5 * MS, LONG, 200, true, 0, 0, 8},
    {"0.5 s, small", 500 * MS, 200 * MS, 25 * MS, LONG, 200, false, 0, 0, 8},
    {"2 s, small", 2 * SEC, 200 * MS, 50 * MS, LONG, 200, false, 0, 0, 4},
    {"2 s, small, more of them", 2 * SEC, 200 * MS, 10 * MS, LONG, 200, false,
     10, 40, 4},
    {"0.2 PTO, no drain", PTO / 5, 0, 5 * MS, 0, 200, false, 2, 30, 0},
    {"1 PTO, no drain", PTO, 0, 5 * MS, 0, 200, false, 8, 30, 0},
    {"2 s, no drain", 2 * SEC, 200 * MS, 50 * MS, 0, 200, false, 4, 30, 0},
};

static void late_row(const row *t) {
  rig_client *c;
  quicmig_stats s;

  prepare();
  w.r.migration.drain = t->drain;
  w.r.send_every = t->every;
  w.r.server_transport.initial_rtt = 333 * MS;
  assert_int_equal(rig_start(&w.r, 1), 0);
  c = &w.r.clients[0];
  w.r.size = t->size;
  rig_run(&w.r, 2 * SEC);
  slow_down(t->extra, t->is_up);
  rig_run(&w.r, t->lead);
  assert_int_equal(quicmig_hop(migrator(), w.r.world.now), 0);
  rig_run(&w.r, t->extra + 5 * SEC);
  rig_finish(&w.r, SEC);
  s = rig_stats(c);
  printf("  %llu of %llu lost; %llu late, %llu given to ngtcp2\n",
         (unsigned long long)rig_lost(&w.r), (unsigned long long)c->sent,
         (unsigned long long)s.late_packets,
         (unsigned long long)s.late_rescued);
  assert_false(c->is_closed);
  assert_int_equal(s.hops, 1);
  assert_in_range(rig_lost(&w.r), t->lost_lo, t->lost_hi);
  assert_true(s.late_rescued >= t->rescued_lo);
  assert_true(s.late_rescued <= s.late_packets);
  assert_true(t->drain || s.late_packets == 0);
  rig_reset(&w.r);
}

static void test_rows(void **state) {
  size_t i;

  (void)state;
  for (i = 0; i < COUNT_OF(rows); i++) {
    printf("row: %s\n", rows[i].name);
    late_row(&rows[i]);
  }
}

/* --- challenges --- */

/*
 * Statement 8, RFC 9000 section 8.2.2: a PATH_RESPONSE leaves on the path that
 * its challenge came on.  The server's challenges of the old path are held
 * until everything else is quiet; full packets of the client after that could
 * only be answers.  Without path MTU discovery there are no other full ones.
 */
static void challenge_row(quicmig_duration wait) {
  rig_client *c;

  prepare();
  w.r.client_transport.max_udp_payload = FULL;
  w.r.server_transport.max_udp_payload = FULL;
  assert_int_equal(rig_start(&w.r, 1), 0);
  c = &w.r.clients[0];
  rig_run(&w.r, SEC);
  slow_down(0, false);
  w.slow.least = FULL;
  w.slow.until = w.r.world.now + wait;
  assert_int_equal(quicmig_hop(migrator(), w.r.world.now), 0);
  rig_run(&w.r, wait + 3 * SEC);
  rig_finish(&w.r, SEC);
  printf("  %llu held, answered: %llu there, %llu elsewhere; %llu late\n",
         (unsigned long long)w.slow.held, (unsigned long long)w.slow.full_there,
         (unsigned long long)w.slow.full_elsewhere,
         (unsigned long long)rig_stats(c).late_packets);
  assert_int_equal(c->results[0], 1);
  assert_true(w.slow.held >= 2);
  assert_true(rig_stats(c).late_packets >= w.slow.held);
  assert_int_equal(w.slow.full_elsewhere, 0);
  assert_int_equal(w.slow.full_there, 0); /* ngtcp2 has forgotten the path */
  assert_int_equal(rig_lost(&w.r), 0);
  rig_reset(&w.r);
}

static void test_challenges(void **state) {
  (void)state;
  printf("row: 0.3 s\n");
  challenge_row(300 * MS);
  printf("row: 2 s\n");
  challenge_row(2 * SEC);
  printf("row: 20 s\n");
  challenge_row(20 * SEC);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows),
                                     cmocka_unit_test(test_challenges)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
