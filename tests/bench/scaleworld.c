#include "scaleworld.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "endpoint/client.h"
#include "endpoint/server.h"

#define MS QUICMIG_MILLISECOND
#define SEC QUICMIG_SECOND
#define SERVER_PORT 4433
/* Half the RTT of a line without a rate: what is sent together arrives
 * together.
 */
#define DELAY (5 * MS)
#define DATAGRAM 200
/* A handshake; a datagram and its late ACK; a hop with its search for the
 * path's MTU, and the server's farewell to the old path. */
#define CONNECT_TIME (200 * MS)
#define WAKE_TIME (200 * MS)
#define HOP_TIME (20 * SEC)
#define HOP_EVERY (5 * MS)
/* Far away, so that hops come when they are asked for. */
#define INTERVAL (24 * 3600 * SEC)
/* Old sockets: enough for the late packets of this line. */
#define DRAIN (2 * SEC)
#define WARM_ASKS 16

/* --- sockets without a search --- */

static scaleworld *world_of(void *client_host) {
  return (scaleworld *)(void *)((char *)client_host -
                                offsetof(scaleworld, client_host));
}

static int open_spare(void *ctx, const qm_sock_config *c, int *fd,
                      uint32_t *no_offload) {
  scaleworld *w = world_of(ctx);

  if (w->n_spare == 0) {
    return -EMFILE;
  }
  *no_offload = c->no_offload;
  *fd = w->spare[--w->n_spare];
  sim_sock_init(&w->client_host.socks[*fd]);
  w->client_host.open++;
  return 0;
}

static void close_spare(void *ctx, int fd) {
  scaleworld *w = world_of(ctx);

  w->client_host.net.close(ctx, fd);
  w->spare[w->n_spare++] = (int16_t)fd;
}

/* --- clients --- */

/* Asks client i for its deadline, as any program does after a call into it. */
static void ask(scaleworld *w, size_t i) {
  quicmig_tstamp at = quicmig_client_deadline(w->clients[i].client);

  qm_heap_set(&w->heap, &w->timers[i], at);
}

/* The same, step by step. */
static void ask_and_time(scaleworld *w, size_t i) {
  const quicmig_client *c = w->clients[i].client;
  uint64_t t[4];
  quicmig_tstamp at;
  int k;

  t[0] = scalesamples_now();
  at = quicmig_client_deadline(c);
  t[1] = scalesamples_now();
  qm_heap_set(&w->heap, &w->timers[i], at);
  t[2] = scalesamples_now();
  for (k = 0; k < WARM_ASKS; k++) {
    (void)quicmig_client_deadline(c);
  }
  t[3] = scalesamples_now();
  scalesamples_add(&w->first, t[0], t[1], 1);
  scalesamples_add(&w->rearm, t[1], t[2], 1);
  scalesamples_add(&w->warm, t[2], t[3], WARM_ASKS);
}

static void run_client(scaleworld *w, size_t i, int fd) {
  scalegauge g = scalegauge_start(&w->client_heap);
  uint64_t ns;

  (void)quicmig_client_run(w->clients[i].client, fd, w->net.now);
  ns = scalegauge_stop(&g, &w->of_clients, &w->client_heap);
  if (fd >= 0) {
    w->wakeups.calls++;
    w->wakeups.ns += ns;
  }
  if (w->is_asking) {
    ask_and_time(w, i);
  } else {
    ask(w, i);
  }
}

static void clients_run(void *arg, int fd) {
  scaleworld *w = arg;
  qm_heap_node *top;

  if (fd >= 0) {
    if (w->client_host.socks[fd].is_watched) {
      run_client(w, (size_t)w->owner[fd], fd);
    }
    return;
  }
  while ((top = qm_heap_top(&w->heap)) && top->at <= w->net.now) {
    run_client(w, (size_t)(top - w->timers), -1);
  }
}

static quicmig_tstamp clients_deadline(void *arg) {
  const qm_heap_node *top = qm_heap_top(&((const scaleworld *)arg)->heap);

  return top ? top->at : QUICMIG_NEVER;
}

static void watch_client(quicmig *m, int fd, int on, void *user_data) {
  scaleclient *c = user_data;
  scaleworld *w = c->world;

  (void)m;
  w->client_host.socks[fd].is_watched = on;
  w->owner[fd] = (int16_t)(c - w->clients);
}

static void on_hop(quicmig *m, const quicmig_hop_record *r, void *user_data) {
  scaleworld *w = ((scaleclient *)user_data)->world;

  (void)m;
  w->hops += r->result == 0;
  w->failed += r->result != 0;
}

static void on_connected(quicmig_conn *c, void *user_data) {
  (void)c;
  ((scaleclient *)user_data)->is_connected = true;
}

static void on_closed(quicmig_conn *c, const quicmig_close_info *i,
                      void *user_data) {
  (void)c;
  (void)i;
  ((scaleclient *)user_data)->world->closed++;
}

/* --- the server --- */

static void server_run(void *arg, int fd) {
  scaleworld *w = arg;
  scalegauge g = scalegauge_start(&w->server_heap);

  (void)quicmig_server_run(w->server, fd, w->net.now);
  (void)scalegauge_stop(&g, &w->of_server, &w->server_heap);
}

static quicmig_tstamp server_deadline(void *arg) {
  return quicmig_server_deadline(((const scaleworld *)arg)->server);
}

static void watch_server(quicmig_server *s, int fd, int on, void *user_data) {
  (void)s;
  ((scaleworld *)user_data)->server_host.socks[fd].is_watched = on;
}

/* Clients come one after another: it is the last one's. */
static void on_server_connected(quicmig_conn *c, void *user_data) {
  scaleworld *w = user_data;

  w->clients[w->n - 1].server_conn = c;
}

/* --- set-up --- */

static quicmig_transport_options transport(const scaleworld *w) {
  quicmig_transport_options o;

  quicmig_transport_options_default(&o);
  o.idle_timeout = 0;
  o.max_connections = (uint32_t)w->cap + 1;
  return o;
}

static int start_server(scaleworld *w) {
  quicmig_server_callbacks cb = {.size = sizeof(cb), .watch = watch_server};
  quicmig_conn_callbacks conn_cb = {.size = sizeof(conn_cb),
                                    .connected = on_server_connected};
  quicmig_transport_options o = transport(w);
  quicmig_server_config cfg;
  quicmig_tls_config tls;
  qm_addr local = w->server_host.addr;

  qm_addr_set_port(&local, SERVER_PORT);
  quicmig_tls_config_default(&tls);
  tls.alpn = "bench";
  quicmig_server_config_default(&cfg);
  cfg.local = &local.u.sa;
  cfg.locallen = local.len;
  cfg.tls = &tls;
  cfg.transport = &o;
  cfg.callbacks = &cb;
  cfg.conn_callbacks = &conn_cb;
  cfg.user_data = w;
  return qm_server_new(&w->server, &cfg, &w->server_host.net, w->net.now);
}

static int start_client(scaleworld *w, scaleclient *c) {
  quicmig_callbacks cb = {
      .size = sizeof(cb), .watch = watch_client, .hop = on_hop};
  quicmig_conn_callbacks conn_cb = {
      .size = sizeof(conn_cb), .connected = on_connected, .closed = on_closed};
  quicmig_transport_options o = transport(w);
  quicmig_client_config cfg;
  quicmig_tls_config tls;
  quicmig_options m;
  qm_addr remote = w->server_host.addr;

  qm_addr_set_port(&remote, SERVER_PORT);
  quicmig_tls_config_default(&tls);
  tls.alpn = "bench";
  tls.insecure = 1;
  quicmig_options_default(&m);
  m.hop_interval = INTERVAL;
  m.drain = DRAIN;
  quicmig_client_config_default(&cfg);
  cfg.host = "sim";
  cfg.remote = &remote.u.sa;
  cfg.remotelen = remote.len;
  cfg.tls = &tls;
  cfg.migration = &m;
  cfg.transport = &o;
  cfg.callbacks = &cb;
  cfg.conn_callbacks = &conn_cb;
  cfg.user_data = c;
  return qm_client_new(&c->client, &cfg, &w->client_net, w->net.now);
}

static void set_up_net(scaleworld *w) {
  int i;

  sim_init(&w->net, 1);
  sim_host_init(&w->net, &w->client_host, SIM_UP, "10.0.0.1");
  sim_host_init(&w->net, &w->server_host, SIM_DOWN, "10.9.0.1");
  sim_line_init(&w->net, &w->line, DELAY);
  w->client_net = w->client_host.net;
  w->client_net.open = open_spare;
  w->client_net.close = close_spare;
  for (i = SIM_SOCKS; i-- > 0;) {
    w->spare[w->n_spare++] = (int16_t)i;
  }
  w->client_actor =
      (sim_actor){.deadline = clients_deadline, .run = clients_run, .arg = w};
  w->server_actor =
      (sim_actor){.deadline = server_deadline, .run = server_run, .arg = w};
  sim_actor_add(&w->net, &w->client_actor);
  sim_actor_add(&w->net, &w->server_actor);
  w->client_host.actor = &w->client_actor;
  w->server_host.actor = &w->server_actor;
}

bool scaleworld_init(scaleworld *w, size_t cap) {
  *w = (scaleworld){.cap = cap,
                    .spare = calloc(SIM_SOCKS, sizeof(*w->spare)),
                    .owner = calloc(SIM_SOCKS, sizeof(*w->owner)),
                    .clients = calloc(cap, sizeof(*w->clients)),
                    .timers = calloc(cap, sizeof(*w->timers))};
  assert(w->spare && w->owner && w->clients && w->timers);
  qm_heap_init(&w->heap, &qm_mem_default);
  set_up_net(w);
  if (qm_heap_reserve(&w->heap, cap) != 0 || start_server(w) != 0) {
    fprintf(stderr, "quicmig_bench: %s\n", quicmig_last_error_text());
    return false;
  }
  return true;
}

bool scaleworld_add(scaleworld *w) {
  scaleclient *c = &w->clients[w->n];
  scalegauge g = scalegauge_start(&w->client_heap);

  c->world = w;
  qm_heap_node_init(&w->timers[w->n]);
  if (start_client(w, c) != 0) {
    fprintf(stderr, "quicmig_bench: %s\n", quicmig_last_error_text());
    return false;
  }
  (void)scalegauge_stop(&g, &w->of_clients, &w->client_heap);
  ask(w, w->n++);
  scaleworld_run(w, CONNECT_TIME);
  return c->is_connected && c->server_conn && !w->closed;
}

void scaleworld_run(scaleworld *w, quicmig_duration d) {
  sim_run(&w->net, w->net.now + d, NULL);
}

void scaleworld_wake(scaleworld *w, const size_t *which, size_t n) {
  static const uint8_t data[DATAGRAM];
  size_t i;

  for (i = 0; i < n; i++) {
    (void)quicmig_conn_send_datagram(w->clients[which[i]].server_conn, data,
                                     sizeof(data));
  }
  scaleworld_run(w, WAKE_TIME);
}

void scaleworld_hop(scaleworld *w, const size_t *which, size_t n) {
  size_t i;

  for (i = 0; i < n; i++) {
    quicmig_client *c = w->clients[which[i]].client;
    scalegauge g = scalegauge_start(&w->client_heap);

    (void)quicmig_hop(quicmig_client_migrator(c), w->net.now);
    (void)scalegauge_stop(&g, &w->of_clients, &w->client_heap);
    ask(w, which[i]);
    scaleworld_run(w, HOP_EVERY);
  }
  scaleworld_run(w, HOP_TIME);
}

void scaleworld_reset(scaleworld *w) {
  size_t i;

  for (i = 0; i < w->n; i++) {
    quicmig_client_free(w->clients[i].client);
  }
  quicmig_server_free(w->server);
  sim_host_reset(&w->client_host);
  sim_host_reset(&w->server_host);
  sim_reset(&w->net);
  qm_heap_reset(&w->heap);
  free(w->spare);
  free(w->owner);
  free(w->clients);
  free(w->timers);
}
