/* A server on a range of ports of both families, and a client that draws both
 * ports of each hop: nothing is lost, answers leave from where the client
 * connected to, and ngtcp2 sees one address. */
#include "rig.h"
#include "uplink.h"

#include "endpoint/conn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define LO 4433
#define PORTS 1000
#define HOPS 300
#define NAT_PORTS 4 /* at most */
#define NAT_FIRST 50000

enum { C4, C6 };

static struct world {
  rig r;
  sim_line line;
  sim_node tap, nat;
  uint16_t outer[65536]; /* the client's port > that of its mapping */
  uint16_t inner[NAT_PORTS][65536]; /* and back, by the server's port */
  uint16_t next_outer, nat_ports;   /* 0: no NAT */
  uint16_t peer[2][65536];    /* a client's port > the one it connected to */
  uint8_t is_used[2][65536];  /* the server's */
  uint64_t answers, stray;    /* those that left elsewhere */
  uint64_t switches, refused; /* hops with another port of the server */
  qm_addr shown;              /* what the server's ngtcp2 calls local */
} w;

/* Notes who speaks to whom, next to the client. */
static void tap(sim *s, sim_node *n, sim_pkt *p) {
  bool is_up = p->dir == SIM_UP;
  size_t family = qm_addr_family(&p->src) == AF_INET6;
  uint16_t client = qm_addr_port(is_up ? &p->src : &p->dst);
  uint16_t server = qm_addr_port(is_up ? &p->dst : &p->src);

  if (is_up) {
    w.peer[family][client] = server;
    w.is_used[family][server] = 1;
  } else {
    w.answers++;
    w.stray += w.peer[family][client] != server;
  }
  sim_forward(s, n, p);
}

/* A NAT with few ports, each of which serves many at once, who talk to
 * different ports of the server: it soon gives a hop the port that an earlier
 * one had. */
static void translate(sim *s, sim_node *n, sim_pkt *p) {
  qm_addr *mine = p->dir == SIM_UP ? &p->src : &p->dst;
  uint16_t port = qm_addr_port(mine);
  uint16_t server = qm_addr_port(p->dir == SIM_UP ? &p->dst : &p->src);

  if (p->dir == SIM_UP &&
      (!w.outer[port] || w.inner[w.outer[port] - NAT_FIRST][server] != port)) {
    uint16_t i = w.next_outer++ % w.nat_ports;

    w.outer[port] = (uint16_t)(NAT_FIRST + i);
    w.inner[i][server] = port;
  }
  port = p->dir == SIM_UP ? w.outer[port] : w.inner[port - NAT_FIRST][server];
  qm_addr_set_port(mine, port);
  if (port) {
    sim_forward(s, n, p);
  } else {
    sim_drop(s, n, p);
  }
}

static void listen_range(rig *r, quicmig_server_config *cfg) {
  static qm_addr second;

  (void)r;
  sim_set_addr(&second, "fd09::1");
  cfg->local2 = &second.u.sa;
  cfg->locallen2 = second.len;
  cfg->port_hi = LO + PORTS - 1;
}

static void know_both(rig *r, quicmig_client_config *cfg) {
  static qm_addr second;

  (void)r;
  sim_set_addr(&second, "fd09::1");
  qm_addr_set_port(&second, LO);
  cfg->remote2 = &second.u.sa;
  cfg->remote2len = second.len;
}

static void check_shown(void) {
  const ngtcp2_path *path = ngtcp2_conn_get_path(w.r.server_conn->conn);

  if (!w.shown.len) {
    (void)qm_addr_set(&w.shown, (const struct sockaddr *)path->local.addr,
                      path->local.addrlen);
  }
  assert_true(qm_addr_is(&w.shown, path->local.addr, path->local.addrlen));
}

static void on_hop(rig_client *c, const quicmig_hop_record *h) {
  (void)c;
  if (h->result != 0) {
    w.refused++;
    return;
  }
  assert_in_range(h->to_remote_port, LO, LO + PORTS - 1);
  w.switches += h->to_remote_port != h->from_remote_port;
  check_shown();
}

static rig_client *start_behind(uint32_t mode, uint16_t nat_ports) {
  rig *r = &w.r;

  memset(&w, 0, sizeof(w));
  rig_init(r, 0, false);
  w.tap.pass = tap;
  sim_append(&r->world, &w.tap);
  w.nat.pass = translate;
  w.nat_ports = nat_ports;
  if (nat_ports) {
    sim_append(&r->world, &w.nat);
  }
  sim_line_init(&r->world, &w.line, 10 * MS);
  sim_uplink_add(&r->client_host, "c", "10.0.0.1");
  sim_uplink_add(&r->client_host, "c", "fd00::1");
  sim_uplink_add(&r->server_host, "s", "10.9.0.1");
  sim_uplink_add(&r->server_host, "s", "fd09::1");
  r->on_server_config = listen_range;
  r->on_client_config = know_both;
  r->on_hop = on_hop;
  r->migration.hop_interval = 200 * MS;
  r->migration.hop_mode = mode;
  r->migration.remote_port_lo = LO;
  r->migration.remote_port_hi = LO + PORTS - 1;
  r->stream_bytes = 1000000;
  r->server_transport.datagram_queue = 1 << 20; /* a pause's worth of echoes */
  assert_int_equal(rig_start(r, 1), 0);
  assert_int_equal(r->server_host.open, 2 * PORTS + 1); /* and their group */
  return &r->clients[0];
}

static rig_client *start(uint32_t mode) { return start_behind(mode, 0); }

static size_t ports_used(size_t family) {
  size_t n = 0, i;

  for (i = 0; i < 65536; i++) {
    n += w.is_used[family][i];
  }
  return n;
}

static void run_hops(const rig_client *c, uint64_t hops) {
  while (rig_stats(c).hops < hops) {
    rig_run(&w.r, SEC);
    assert_false(c->is_closed);
    assert_true(w.r.world.now < 300 * SEC);
  }
}

/* Ends it and checks what is true of all. */
static void finish(rig_client *c) {
  quicmig_server_stats s = {.size = sizeof(s)};

  rig_finish(&w.r, 2 * SEC);
  quicmig_server_get_stats(w.r.server, &s);
  printf("%llu hops, %zu + %zu ports, %llu of %llu lost\n",
         (unsigned long long)rig_stats(c).hops, ports_used(0), ports_used(1),
         (unsigned long long)rig_lost(&w.r), (unsigned long long)c->sent);
  assert_int_equal(w.stray, 0);
  assert_int_equal(w.refused, 0);
  assert_true(c->stream_done && !c->stream_bad);
  assert_int_equal(s.connections, 1);
  rig_reset(&w.r);
  assert_int_equal(w.r.server_mem.live, 0);
}

static void test_hops(void **state) {
  static const uint32_t modes[] = {QUICMIG_MODE_MIGRATE, QUICMIG_MODE_REBIND};
  size_t i;

  (void)state;
  for (i = 0; i < 2; i++) {
    rig_client *c = start(modes[i]);

    run_hops(c, HOPS);
    assert_in_range(w.switches, HOPS - 5, HOPS + 5);
    assert_in_range(ports_used(0), 220, 300);
    assert_true(w.answers > 1000);
    rig_finish(&w.r, SEC);
    assert_int_equal(rig_lost(&w.r), 0);
    finish(c);
  }
}

/* From one family to the other and back, in the middle of it. */
static void test_both_families(void **state) {
  static const uint32_t modes[] = {QUICMIG_MODE_MIGRATE, QUICMIG_MODE_REBIND};
  size_t i;

  (void)state;
  for (i = 0; i < 2; i++) {
    rig_client *c = start(modes[i]);
    quicmig *m = quicmig_client_migrator(c->c);

    run_hops(c, 30);
    sim_uplink_set(&w.r.client_host, C4, false);
    assert_int_equal(quicmig_network_changed(m, w.r.world.now), 0);
    run_hops(c, 60);
    assert_in_range(ports_used(1), 25, 35);
    sim_uplink_set(&w.r.client_host, C4, true);
    assert_int_equal(quicmig_network_changed(m, w.r.world.now), 0);
    run_hops(c, 100);
    assert_in_range(ports_used(0), 45, 85);
    assert_true(rig_lost(&w.r) < 40); /* what was under way to IPv4 */
    w.refused = 0;                    /* while one was missing */
    finish(c);
  }
}

/* The server stands still again and again while its client hops, and then looks
 * at the newest socket first: what waits in the older ones is not undecodable
 * by then. */
static void test_pauses(void **state) {
  static const uint32_t modes[] = {QUICMIG_MODE_MIGRATE, QUICMIG_MODE_REBIND};
  size_t i, k;

  (void)state;
  for (i = 0; i < 2; i++) {
    rig_client *c = start(modes[i]);

    w.r.send_every = MS;
    w.r.server_host.reads_newest_first = true;
    for (k = 0; k < 40; k++) {
      w.r.server_host.busy_until = w.r.world.now + 400 * MS;
      rig_run(&w.r, 2 * SEC);
    }
    rig_finish(&w.r, SEC);
    assert_int_equal(rig_lost(&w.r), 0);
    w.refused = 0; /* by the silence */
    finish(c);
  }
}

/* A NAT gives a hop the port that an earlier one had, the last but one too, or
 * even the port that is in use: it is a path of its own all the same. */
static void test_few_nat_ports(void **state) {
  static const uint32_t modes[] = {QUICMIG_MODE_MIGRATE, QUICMIG_MODE_REBIND};
  uint16_t i, ports;

  (void)state;
  for (ports = 1; ports <= NAT_PORTS; ports++) {
    for (i = 0; i < 2; i++) {
      rig_client *c = start_behind(modes[i], ports);

      run_hops(c, HOPS);
      rig_finish(&w.r, SEC);
      assert_int_equal(rig_lost(&w.r), 0);
      finish(c);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_hops),
      cmocka_unit_test(test_both_families),
      cmocka_unit_test(test_pauses),
      cmocka_unit_test(test_few_nat_ports),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
