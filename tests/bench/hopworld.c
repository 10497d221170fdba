#include "hopworld.h"

#include <stdio.h>

#include "base/time.h"
#include "endpoint/client.h"
#include "endpoint/server.h"

#define MS QUICMIG_MILLISECOND
#define SERVER_PORT 4433
#define QUEUE_MIN 100
#define OVERSHOOT (3000 * HOPWORLD_PAYLOAD)
#define WINDOW_MAX (64u << 20)

static uint64_t bdp(uint64_t rate_mbit, uint64_t rtt_ms) {
  return rate_mbit * 125 * rtt_ms;
}

uint64_t hopworld_queue(uint64_t rate_mbit, uint64_t rtt_ms) {
  uint64_t packets = bdp(rate_mbit, rtt_ms) / HOPWORLD_WIRE;

  return packets < QUEUE_MIN ? QUEUE_MIN : packets;
}

/*
 * Room for twice what the line and its queue hold, but not for so much that the
 * queue drops more than OVERSHOOT of it: ngtcp2 ends a connection with 5,000
 * gaps in one stream (1.24: 4,000), ERR_INTERNAL.
 */
static quicmig_transport_options transport(const hopworld_config *c) {
  uint64_t queue = hopworld_queue(c->rate_mbit, c->rtt_ms) * HOPWORLD_WIRE;
  uint64_t full = bdp(c->rate_mbit, c->rtt_ms) + queue;
  uint64_t size = qm_time_min(2 * full + (1u << 20), full + OVERSHOOT);
  quicmig_transport_options o;

  size = qm_time_min(size, WINDOW_MAX);
  quicmig_transport_options_default(&o);
  o.stream_buffer = o.stream_window = o.connection_window = (uint32_t)size;
  return o;
}

static quicmig_options migration(const hopworld *w, quicmig_duration gap) {
  quicmig_options o;

  quicmig_options_default(&o);
  o.hop_interval = gap;
  o.hop_jitter_pct = 0;
  o.hop_quiet = 0;
  o.hop_mode = w->config.mode;
  return o;
}

/* --- callbacks --- */

static void on_client_connected(quicmig_conn *c, void *user_data) {
  ((hopworld *)user_data)->client_conn = c;
}

static void on_server_connected(quicmig_conn *c, void *user_data) {
  ((hopworld *)user_data)->server_conn = c;
}

static void on_closed(quicmig_conn *c, const quicmig_close_info *info,
                      void *user_data) {
  hopworld *w = user_data;

  (void)c;
  fprintf(stderr, "quicmig_bench: the connection ended: %s (%s)\n",
          quicmig_strerror(info->err), info->reason);
  w->is_closed = true;
}

static void on_hop(quicmig *m, const quicmig_hop_record *r, void *user_data) {
  hopworld *w = user_data;

  (void)m;
  w->hops += r->result == 0;
  w->failed += r->result != 0;
}

static void watch_client(quicmig *m, int fd, int on, void *user_data) {
  (void)m;
  ((hopworld *)user_data)->client_host.socks[fd].is_watched = on;
}

static void watch_server(quicmig_server *s, int fd, int on, void *user_data) {
  (void)s;
  ((hopworld *)user_data)->server_host.socks[fd].is_watched = on;
}

/* --- actors --- */

static void client_run(void *arg, int fd) {
  hopworld *w = arg;

  if (fd < 0 || w->client_host.socks[fd].is_watched) {
    (void)quicmig_client_run(w->client, fd, w->net.now);
  }
}

static void server_run(void *arg, int fd) {
  hopworld *w = arg;

  (void)quicmig_server_run(w->server, fd, w->net.now);
}

static quicmig_tstamp client_deadline(void *arg) {
  return quicmig_client_deadline(((const hopworld *)arg)->client);
}

static quicmig_tstamp server_deadline(void *arg) {
  return quicmig_server_deadline(((const hopworld *)arg)->server);
}

/* --- endpoints --- */

static int start_server(hopworld *w, const quicmig_transport_options *o) {
  quicmig_server_callbacks cb = {.size = sizeof(cb), .watch = watch_server};
  quicmig_conn_callbacks conn_cb = w->config.callbacks;
  quicmig_server_config cfg;
  quicmig_tls_config tls;
  qm_addr local = w->server_host.addr;

  conn_cb.connected = on_server_connected;
  qm_addr_set_port(&local, SERVER_PORT);
  quicmig_tls_config_default(&tls);
  tls.alpn = "bench";
  quicmig_server_config_default(&cfg);
  cfg.local = &local.u.sa;
  cfg.locallen = local.len;
  cfg.tls = &tls;
  cfg.transport = o;
  cfg.callbacks = &cb;
  cfg.conn_callbacks = &conn_cb;
  cfg.user_data = w;
  return qm_server_new(&w->server, &cfg, &w->server_host.net, w->net.now);
}

static int start_client(hopworld *w, const quicmig_transport_options *o) {
  quicmig_callbacks cb = {
      .size = sizeof(cb), .watch = watch_client, .hop = on_hop};
  quicmig_conn_callbacks conn_cb = w->config.callbacks;
  quicmig_options m = migration(w, 0);
  quicmig_client_config cfg;
  quicmig_tls_config tls;
  qm_addr remote = w->server_host.addr;

  conn_cb.connected = on_client_connected;
  conn_cb.closed = on_closed;
  qm_addr_set_port(&remote, SERVER_PORT);
  quicmig_tls_config_default(&tls);
  tls.alpn = "bench";
  tls.insecure = 1;
  quicmig_client_config_default(&cfg);
  cfg.host = "sim";
  cfg.remote = &remote.u.sa;
  cfg.remotelen = remote.len;
  cfg.tls = &tls;
  cfg.migration = &m;
  cfg.transport = o;
  cfg.callbacks = &cb;
  cfg.conn_callbacks = &conn_cb;
  cfg.user_data = w;
  return qm_client_new(&w->client, &cfg, &w->client_host.net, w->net.now);
}

static void add_actor(hopworld *w, sim_actor *a, void *arg,
                      quicmig_tstamp (*deadline)(void *arg),
                      void (*run)(void *arg, int fd)) {
  *a = (sim_actor){.deadline = deadline, .run = run, .arg = arg};
  sim_actor_add(&w->net, a);
}

/* --- public --- */

void hopworld_init(hopworld *w, const hopworld_config *cfg,
                   quicmig_tstamp (*deadline)(void *arg),
                   void (*run)(void *arg, int fd)) {
  int i;

  *w = (hopworld){.config = *cfg};
  sim_init(&w->net, cfg->seed);
  sim_host_init(&w->net, &w->client_host, SIM_UP, "10.0.0.1");
  sim_host_init(&w->net, &w->server_host, SIM_DOWN, "10.9.0.1");
  sim_line_init(&w->net, &w->line, cfg->rtt_ms * MS / 2);
  for (i = 0; i < 2; i++) {
    w->line.side[i].rate = cfg->rate_mbit * 1000000;
    w->line.side[i].queue = (size_t)hopworld_queue(cfg->rate_mbit, cfg->rtt_ms);
  }
  add_actor(w, &w->client_actor, w, client_deadline, client_run);
  add_actor(w, &w->server_actor, w, server_deadline, server_run);
  add_actor(w, &w->app, cfg->user_data, deadline, run);
  w->app.wakes_others = true;
  w->client_host.actor = &w->client_actor;
  w->server_host.actor = &w->server_actor;
}

bool hopworld_start(hopworld *w) {
  quicmig_transport_options o = transport(&w->config);

  if (start_server(w, &o) != 0 || start_client(w, &o) != 0) {
    fprintf(stderr, "quicmig_bench: %s\n", quicmig_last_error_text());
    return false;
  }
  hopworld_run(w, QUICMIG_SECOND + 10 * w->config.rtt_ms * MS);
  return w->client_conn && w->server_conn && !w->is_closed;
}

void hopworld_run(hopworld *w, quicmig_duration d) {
  sim_run(&w->net, w->net.now + d, &w->is_closed);
}

void hopworld_hop_every(hopworld *w, quicmig_duration gap) {
  quicmig *m = quicmig_client_migrator(w->client);
  quicmig_options o = migration(w, gap);

  (void)quicmig_hop(m, w->net.now);
  (void)quicmig_reschedule(m, &o, w->net.now);
}

void hopworld_reset(hopworld *w) {
  quicmig_client_free(w->client);
  quicmig_server_free(w->server);
  sim_host_reset(&w->client_host);
  sim_host_reset(&w->server_host);
  sim_reset(&w->net);
}
