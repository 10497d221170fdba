/* Somebody on the way repeats every packet a dozen times: from other addresses,
 * or from the client's own to other ports of a server that listens on a range;
 * also faster than the packet itself, and so that the server reads all at once.
 * It hops on, and nothing is lost, where the server reads in order.  Copies
 * that come first do lead the answers away, but no longer than they come (RFC
 * 9000 section 9.3.3). */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))
#define LO 4433
#define PORTS 1000
#define COPIES 12
#define HOPS 60
#define LASTS (15 * SEC)
#define BATCH (5 * MS)
#define FIRST_UNTIL (4 * SEC)

typedef struct row {
  const char *name;
  bool is_to_other_ports, is_first, is_batched;
  unsigned lost; /* per mille of the datagrams, at most */
  unsigned hops; /* at least */
} row;

static const row rows[] = {
    {"from others", false, false, false, 0, HOPS},
    /* They push out what the server knows of a new path, before it answers. */
    {"from others, batched", false, false, true, 0, 3},
    {"to other ports", true, false, false, 0, HOPS},
    /* Hundreds of sockets at once: not all are read in order. */
    {"to other ports, batched", true, false, true, 20, HOPS / 2},
    /* Three moves at once leave the server's ngtcp2 with a full window and no
     * loss timer, at three of the seeds 1 to 8 (docs/upstream.md). */
    {"to other ports, first, for a second", true, true, false, 20, HOPS / 2},
};

static struct world {
  rig r;
  sim_line line;
  sim_node copier;
  const row *row;
  uint64_t failed;
} w;

static void forge(sim *s, sim_pkt *q) {
  if (w.row->is_to_other_ports) {
    qm_addr_set_port(&q->dst,
                     (uint16_t)qm_rng_range(&s->rng, LO, LO + PORTS - 1));
    return;
  }
  qm_addr_set_port(&q->src, (uint16_t)qm_rng_range(&s->rng, 1024, 65535));
  q->src.u.in.sin_addr.s_addr = /* of 198.18.0.0/15 */
      htonl((uint32_t)(0xc6120000 + qm_rng_range(&s->rng, 1, 65000)));
}

static void copy(sim *s, sim_node *n, sim_pkt *p) {
  quicmig_tstamp first = s->now, last = s->now + MS;
  int i;

  if (p->dir == SIM_DOWN || !w.r.is_sending ||
      (w.row->is_first && s->now > FIRST_UNTIL)) {
    sim_forward(s, n, p);
    return;
  }
  for (i = 0; i < COPIES; i++) {
    sim_pkt *q = sim_copy(s, p);

    forge(s, q);
    sim_forward_at(s, n, q, qm_rng_range(&s->rng, first + 1, last - 1));
  }
  sim_forward_at(s, n, p, w.row->is_first ? last : first);
}

/* The server looks at its sockets every so often. */
static void batch(void) {
  while (w.r.world.now < LASTS) {
    if (w.row->is_batched) {
      w.r.server_host.busy_until = w.r.world.now + BATCH - 1;
    }
    rig_run(&w.r, BATCH);
  }
}

static void on_hop(rig_client *c, const quicmig_hop_record *h) {
  (void)c;
  w.failed += h->result != 0;
}

static void listen_range(rig *r, quicmig_server_config *cfg) {
  (void)r;
  cfg->port_hi = LO + PORTS - 1;
}

static void start(const row *t) {
  rig *r = &w.r;

  memset(&w, 0, sizeof(w));
  w.row = t;
  w.copier.pass = copy;
  rig_init(r, 0, false);
  sim_append(&r->world, &w.copier);
  sim_line_init(&r->world, &w.line, 10 * MS);
  r->on_server_config = listen_range;
  r->on_hop = on_hop;
  r->migration.hop_interval = 200 * MS;
  r->migration.remote_port_lo = LO;
  r->migration.remote_port_hi = LO + PORTS - 1;
  r->stream_bytes = 1000000;
  assert_int_equal(rig_start(r, 1), 0);
}

/* So that the server has seen the last hop, with the first packet after it. */
static void stop_hopping(void) {
  quicmig_options o = w.r.migration;

  o.hop_interval = 0;
  assert_int_equal(quicmig_reschedule(quicmig_client_migrator(w.r.clients[0].c),
                                      &o, w.r.world.now),
                   0);
  rig_run(&w.r, 500 * MS);
}

static void run(const row *t) {
  quicmig_server_stats s = {.size = sizeof(s)};
  const rig_client *c;

  start(t);
  c = &w.r.clients[0];
  batch();
  if (!t->is_batched && !t->is_first) {
    stop_hopping();
  }
  rig_finish(&w.r, 2 * SEC);
  quicmig_server_get_stats(w.r.server, &s);
  printf(
      "%s: %llu hops, %llu failed; %llu of %llu datagrams lost, %llu packets, "
      "%llu answers dropped\n",
      t->name, (unsigned long long)rig_stats(c).hops,
      (unsigned long long)w.failed, (unsigned long long)rig_lost(&w.r),
      (unsigned long long)c->sent, (unsigned long long)s.rx_packets,
      (unsigned long long)s.tx_dropped);
  assert_false(c->is_closed);
  assert_true(t->is_first || s.rx_packets > COPIES * c->sent);
  assert_true(rig_lost(&w.r) * 1000 <= c->sent * t->lost);
  assert_true(rig_stats(c).hops >= t->hops);
  assert_true(t->is_first || t->is_batched ||
              (w.failed == 0 && w.r.migrations == rig_stats(c).hops));
  assert_true(c->stream_done && !c->stream_bad);
  assert_int_equal(s.connections, 1);
  rig_reset(&w.r);
}

static void test_copies(void **state) {
  size_t i;

  (void)state;
  for (i = 0; i < COUNT_OF(rows); i++) {
    run(&rows[i]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_copies)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
