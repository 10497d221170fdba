/*
 * A rig whose server has an address of each family, and whose client has two
 * interfaces: a with both families, b with IPv4 alone.
 */
#ifndef HOMES_H
#define HOMES_H

#include "rig.h"
#include "uplink.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SERVER4 "10.9.0.1"
#define SERVER6 "fd09::1"

/* The client's uplinks, in the order of the routing table. */
enum { A4, A6, B4 };

static struct world {
  rig r;
  sim_line line;
  sim_filter filter;
  bool is_v4_dead;
  uint64_t reasons[16];   /* good hops */
  uint64_t moves, losses; /* events of the network */
} w;

static inline bool drops(void *arg, const sim_pkt *p) {
  (void)arg;
  return w.is_v4_dead && qm_addr_family(&p->src) == AF_INET;
}

static inline void listen_twice(rig *r, quicmig_server_config *cfg) {
  static qm_addr second;

  (void)r;
  sim_set_addr(&second, SERVER6);
  cfg->local2 = &second.u.sa;
  cfg->locallen2 = second.len;
}

static inline void know_both(rig *r, quicmig_client_config *cfg) {
  static qm_addr second;

  (void)r;
  sim_set_addr(&second, SERVER6);
  qm_addr_set_port(&second, 4433);
  cfg->remote2 = &second.u.sa;
  cfg->remote2len = second.len;
}

static inline void count_hop(rig_client *c, const quicmig_hop_record *h) {
  (void)c;
  w.reasons[h->reason] += h->result == 0;
}

static inline void count_event(rig_client *c, const quicmig_event *e) {
  (void)c;
  if (e->type == QUICMIG_EVENT_NETWORK) {
    w.moves += e->value == 1;
    w.losses += e->value == 2;
  }
}

/* Interface a has both families, b IPv4 alone. */
static inline rig_client *prepare(void) {
  rig *r = &w.r;

  w = (struct world){.moves = 0};
  rig_init(r, 0, false);
  sim_line_init(&r->world, &w.line, 10 * MS);
  sim_filter_init(&r->world, &w.filter, drops, NULL);
  sim_uplink_add(&r->client_host, "a", "10.0.0.1");
  sim_uplink_add(&r->client_host, "a", "fd00::1");
  sim_uplink_add(&r->client_host, "b", "10.0.1.1");
  sim_uplink_add(&r->server_host, "s", SERVER4);
  sim_uplink_add(&r->server_host, "s", SERVER6);
  r->on_server_config = listen_twice;
  r->on_client_config = know_both;
  r->on_hop = count_hop;
  r->on_event = count_event;
  return &r->clients[0];
}

static inline void start(void) {
  assert_int_equal(rig_start(&w.r, 1), 0);
  assert_true(w.r.clients[0].is_connected);
  rig_run(&w.r, SEC);
}

/* Which uplink does the connection use? */
static inline size_t uplink_of(const rig_client *c) {
  quicmig_path_info paths[16];
  size_t n = quicmig_paths(quicmig_client_migrator(c->c), paths, 16), i;

  for (i = 0; i < n && paths[i].state != QUICMIG_PATH_ACTIVE; i++) {
  }
  assert_true(i < n);
  return (size_t)w.r.client_host.socks[paths[i].fd].uplink;
}

/* The longest silence within the next `d`. */
static inline quicmig_duration gap_within(quicmig_duration d) {
  rig_client *c = &w.r.clients[0];

  c->gap_max = 0;
  rig_run(&w.r, d);
  return qm_time_max(c->gap_max, w.r.world.now - c->last_echo);
}

static inline void down(size_t i) {
  sim_uplink_set(&w.r.client_host, i, false);
}
static inline void up(size_t i) { sim_uplink_set(&w.r.client_host, i, true); }

static inline void finish(void) {
  rig_finish(&w.r, SEC);
  assert_false(w.r.clients[0].is_closed);
  assert_true(rig_stats(&w.r.clients[0]).sockets_open <= 4);
  printf("%llu of %llu lost\n", (unsigned long long)rig_lost(&w.r),
         (unsigned long long)w.r.clients[0].sent);
  rig_reset(&w.r);
}

#endif
