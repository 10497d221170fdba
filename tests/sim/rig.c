#include "rig.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "endpoint/client.h"
#include "endpoint/server.h"

#define SERVER_PORT 4433
/* Keeps the size of each allocation in front of it. */
#define HEADER 16

/* --- the counting allocator --- */

static bool fails(rig_mem *m) {
  uint64_t call = m->calls++;

  return call == m->fail_at || (m->fails_always && call > m->fail_at);
}

static void *mem_realloc(void *p, size_t size, void *arg) {
  rig_mem *m = arg;
  size_t old = 0;
  char *base = p ? (char *)p - HEADER : NULL;

  if (fails(m)) {
    return NULL;
  }
  if (base) {
    memcpy(&old, base, sizeof(old));
  }
  base = realloc(base, size + HEADER);
  assert(base);
  memcpy(base, &size, sizeof(size));
  m->live += size - old;
  return base + HEADER;
}

static void *mem_malloc(size_t size, void *arg) {
  return mem_realloc(NULL, size, arg);
}

static void *mem_calloc(size_t n, size_t size, void *arg) {
  void *p = mem_realloc(NULL, n * size, arg);

  return p ? memset(p, 0, n * size) : NULL;
}

static void mem_free(void *p, void *arg) {
  rig_mem *m = arg;
  size_t size;

  if (p) {
    memcpy(&size, (char *)p - HEADER, sizeof(size));
    m->live -= size;
    free((char *)p - HEADER);
  }
}

void rig_mem_init(rig_mem *m) {
  *m = (rig_mem){.mem = {.user_data = m,
                         .malloc = mem_malloc,
                         .free = mem_free,
                         .calloc = mem_calloc,
                         .realloc = mem_realloc},
                 .fail_at = UINT64_MAX};
}

/* --- the echo server --- */

static void server_watch(quicmig_server *s, int fd, int on, void *user_data) {
  rig *r = user_data;

  (void)s;
  assert(r->server_host.socks[fd].is_watched != (on != 0));
  r->server_host.socks[fd].is_watched = on;
}

static void server_datagram(quicmig_conn *c, const uint8_t *data, size_t len,
                            void *user_data) {
  rig *r = user_data;

  r->server_datagrams++;
  (void)quicmig_conn_send_datagram(c, data, len);
}

static void server_stream(quicmig_conn *c, quicmig_stream *s,
                          const uint8_t *data, size_t len, int fin,
                          void *user_data) {
  (void)c;
  (void)user_data;
  if (quicmig_stream_write(s, data, len) == (int64_t)len) {
    if (fin) {
      (void)quicmig_stream_finish(s);
    }
  } else {
    quicmig_stream_consume(s, len);
  }
}

static void server_acked(quicmig_conn *c, quicmig_stream *s, size_t acked,
                         void *user_data) {
  (void)c;
  (void)user_data;
  quicmig_stream_consume(s, acked);
}

static void server_migrated(quicmig_conn *c, const quicmig_migration *m,
                            void *user_data) {
  rig *r = user_data;

  (void)c;
  r->migrations++;
  r->migrations_ip += (m->flags & QUICMIG_MIGRATION_IP) != 0;
  r->migrations_same_id += (m->flags & QUICMIG_MIGRATION_SAME_ID) != 0;
  if (r->on_migrated) {
    r->on_migrated(r, m);
  }
}

static void server_connected(quicmig_conn *c, void *user_data) {
  ((rig *)user_data)->server_conn = c;
}

/* Keeps the text beside the info, which is gone after the callback. */
static void keep_close(quicmig_close_info *dest, char *text, size_t size,
                       const quicmig_close_info *info) {
  *dest = *info;
  strncpy(text, info->reason, size - 1);
  dest->reason = text;
}

static void server_conn_closed(quicmig_conn *c, const quicmig_close_info *info,
                               void *user_data) {
  rig *r = user_data;

  r->server_closed++;
  keep_close(&r->server_close, r->server_reason, sizeof(r->server_reason),
             info);
  if (r->server_conn == c) {
    r->server_conn = NULL;
  }
}

/* The world's time of a deadline that somebody with that clock gave. */
static quicmig_tstamp true_time(quicmig_tstamp at, int64_t skew) {
  return at == QUICMIG_NEVER ? at : at - (uint64_t)skew;
}

quicmig_tstamp rig_client_now(const rig *r) {
  return r->world.now + (uint64_t)r->client_skew;
}

quicmig_tstamp rig_server_now(const rig *r) {
  return r->world.now + (uint64_t)r->server_skew;
}

static void server_run(void *arg, int fd) {
  rig *r = arg;

  if (fd < 0 || r->server_host.socks[fd].is_watched) {
    r->is_server_running = true;
    (void)quicmig_server_run(r->server, fd, rig_server_now(r));
    r->is_server_running = false;
  }
}

static quicmig_tstamp server_deadline(void *arg) {
  const rig *r = arg;

  return r->server
             ? true_time(quicmig_server_deadline(r->server), r->server_skew)
             : QUICMIG_NEVER;
}

static void make_late(rig *r) {
  const char *env = getenv("SIM_LATE");
  uint32_t ppm = env ? (uint32_t)strtoul(env, NULL, 10) * 10000 : 0;
  const sim_late_side side = {.late_ppm = ppm,
                              .lo = 5 * MS,
                              .hi = 30 * MS,
                              .twice_ppm = ppm / 2,
                              .again_ppm = ppm / 2};

  if (ppm && !r->is_late) {
    r->is_late = true;
    sim_late_init(&r->world, &r->late);
    sim_late_set(&r->late, &side);
  }
}

int rig_start_server(rig *r) {
  quicmig_server_callbacks cb = {.size = sizeof(cb), .watch = server_watch};
  quicmig_conn_callbacks conn_cb = {.size = sizeof(conn_cb),
                                    .connected = server_connected,
                                    .closed = server_conn_closed,
                                    .datagram = server_datagram,
                                    .stream_data = server_stream,
                                    .stream_writable = server_acked,
                                    .migrated = server_migrated};
  quicmig_server_config cfg;
  qm_addr local = r->server_host.addr;

  make_late(r);
  if (r->on_callbacks) {
    r->on_callbacks(r, &conn_cb, true);
  }
  qm_addr_set_port(&local, SERVER_PORT);
  quicmig_server_config_default(&cfg);
  cfg.local = &local.u.sa;
  cfg.locallen = local.len;
  cfg.tls = &r->server_tls;
  cfg.transport = &r->server_transport;
  cfg.callbacks = &cb;
  cfg.conn_callbacks = &conn_cb;
  cfg.mem = &r->server_mem.mem;
  cfg.user_data = r;
  if (r->on_server_config) {
    r->on_server_config(r, &cfg);
  }
  return qm_server_new(&r->server, &cfg, &r->server_host.net,
                       rig_server_now(r));
}

void rig_stop_server(rig *r) {
  quicmig_server *s = r->server;

  r->server = NULL;
  quicmig_server_free(s);
}

/* --- clients --- */

static uint8_t pattern(uint64_t i) { return (uint8_t)(i ^ (i >> 9)); }

static void client_watch(quicmig *m, int fd, int on, void *user_data) {
  rig_client *c = user_data;

  (void)m;
  assert(c->r->client_host.socks[fd].is_watched != (on != 0));
  c->r->client_host.socks[fd].is_watched = on;
  c->r->owner[fd] = (int16_t)(c - c->r->clients);
}

static int client_socket(quicmig *m, int fd, const struct sockaddr *local,
                         void *user_data) {
  rig_client *c = user_data;

  (void)m;
  (void)local;
  return c->r->on_socket ? c->r->on_socket(c, fd) : 0;
}

static void client_hop(quicmig *m, const quicmig_hop_record *h,
                       void *user_data) {
  rig_client *c = user_data;

  (void)m;
  assert(-h->result < RIG_RESULTS);
  c->results[-h->result]++;
  c->last = *h;
  if (c->r->on_hop) {
    c->r->on_hop(c, h);
  }
}

static void client_event(quicmig *m, const quicmig_event *e, void *user_data) {
  rig_client *c = user_data;

  (void)m;
  c->path_events += e->type == QUICMIG_EVENT_PATH_STATE;
  if (c->r->on_event) {
    c->r->on_event(c, e);
  }
}

static void client_connected(quicmig_conn *conn, void *user_data) {
  rig_client *c = user_data;

  c->is_connected = true;
  c->last_echo = c->r->world.now;
  if (c->r->stream_bytes) {
    (void)quicmig_conn_open_stream(conn, 1, &c->stream);
  }
}

static void client_closed(quicmig_conn *conn, const quicmig_close_info *info,
                          void *user_data) {
  rig_client *c = user_data;

  (void)conn;
  c->is_closed = true;
  keep_close(&c->close, c->reason, sizeof(c->reason), info);
}

static void client_datagram(quicmig_conn *conn, const uint8_t *data, size_t len,
                            void *user_data) {
  rig_client *c = user_data;
  quicmig_duration gap = c->r->world.now - c->last_echo;

  (void)conn;
  (void)data;
  assert(len == c->r->size);
  c->echoed++;
  c->last_echo = c->r->world.now;
  if (gap > c->gap_max) {
    c->gap_max = gap;
  }
}

static void fill_stream(rig_client *c) {
  uint64_t total = c->r->stream_bytes;
  uint8_t chunk[4096];
  int64_t n = 1;
  size_t i;

  while (c->stream && c->stream_written < total && n > 0) {
    size_t len = total - c->stream_written < sizeof(chunk)
                     ? (size_t)(total - c->stream_written)
                     : sizeof(chunk);

    for (i = 0; i < len; i++) {
      chunk[i] = pattern(c->stream_written + i);
    }
    n = quicmig_stream_write(c->stream, chunk, len);
    c->stream_written += n > 0 ? (uint64_t)n : 0;
    if (c->stream_written == total) {
      (void)quicmig_stream_finish(c->stream);
    }
  }
}

static void client_stream_writable(quicmig_conn *conn, quicmig_stream *s,
                                   size_t acked, void *user_data) {
  (void)conn;
  (void)s;
  (void)acked;
  fill_stream(user_data);
}

static void client_stream_data(quicmig_conn *conn, quicmig_stream *s,
                               const uint8_t *data, size_t len, int fin,
                               void *user_data) {
  rig_client *c = user_data;
  size_t i;

  (void)conn;
  for (i = 0; i < len; i++) {
    c->stream_bad |= data[i] != pattern(c->stream_echoed + i);
  }
  c->stream_echoed += len;
  c->stream_done |= fin && c->stream_echoed == c->r->stream_bytes;
  quicmig_stream_consume(s, len);
}

static void client_stream_closed(quicmig_conn *conn, quicmig_stream *s,
                                 uint64_t code, void *user_data) {
  rig_client *c = user_data;

  (void)conn;
  (void)s;
  (void)code;
  c->stream = NULL;
}

static void client_session(quicmig_conn *conn, const uint8_t *data, size_t len,
                           void *user_data) {
  rig_client *c = user_data;

  (void)conn;
  if (len <= sizeof(c->session)) {
    memcpy(c->session, data, len);
    c->session_len = len;
  }
}

static const quicmig_callbacks client_callbacks = {.size =
                                                       sizeof(client_callbacks),
                                                   .watch = client_watch,
                                                   .socket = client_socket,
                                                   .hop = client_hop,
                                                   .event = client_event};

int rig_start_client(rig *r) {
  quicmig_conn_callbacks conn_cb = {.size = sizeof(conn_cb),
                                    .connected = client_connected,
                                    .closed = client_closed,
                                    .datagram = client_datagram,
                                    .stream_data = client_stream_data,
                                    .stream_writable = client_stream_writable,
                                    .stream_closed = client_stream_closed,
                                    .session = client_session};
  rig_client *c = &r->clients[r->n_clients];
  quicmig_client_config cfg;
  qm_addr remote = r->server_host.addr;
  int rv;

  assert(r->n_clients < RIG_CLIENTS);
  *c = (rig_client){.r = r, .mem = c->mem};
  c->mem.mem.user_data = &c->mem;
  if (r->on_callbacks) {
    r->on_callbacks(r, &conn_cb, false);
  }
  qm_addr_set_port(&remote, SERVER_PORT);
  quicmig_client_config_default(&cfg);
  cfg.host = "sim";
  cfg.remote = &remote.u.sa;
  cfg.remotelen = remote.len;
  cfg.tls = &r->client_tls;
  cfg.migration = &r->migration;
  cfg.transport = &r->client_transport;
  cfg.callbacks = &client_callbacks;
  cfg.conn_callbacks = &conn_cb;
  cfg.mem = &c->mem.mem;
  cfg.session = r->session;
  cfg.session_len = r->session_len;
  cfg.user_data = c;
  if (r->on_client_config) {
    r->on_client_config(r, &cfg);
  }
  /* The mappings of one test are not those of another. */
  rv = quicmig_nat_budget(0, QUICMIG_SECOND);
  assert(rv == 0);
  rv = qm_client_new(&c->c, &cfg, &r->client_host.net, rig_client_now(r));
  r->n_clients += rv == 0;
  return rv;
}

static void run_one(rig *r, rig_client *c, int fd) {
  r->running = c;
  (void)quicmig_client_run(c->c, fd, rig_client_now(r));
  r->running = NULL;
}

/* A readable socket of any client. */
static void client_run(void *arg, int fd) {
  rig *r = arg;
  size_t i;

  if (fd >= 0) {
    if (r->client_host.socks[fd].is_watched) {
      run_one(r, &r->clients[r->owner[fd]], fd);
    }
    return;
  }
  for (i = 0; i < r->n_clients; i++) {
    if (quicmig_client_deadline(r->clients[i].c) <= rig_client_now(r)) {
      run_one(r, &r->clients[i], -1);
    }
  }
}

static quicmig_tstamp client_deadline(void *arg) {
  const rig *r = arg;
  quicmig_tstamp at = QUICMIG_NEVER;
  size_t i;

  for (i = 0; i < r->n_clients; i++) {
    at = qm_time_min(at, quicmig_client_deadline(r->clients[i].c));
  }
  return true_time(at, r->client_skew);
}

/* --- the application --- */

static void send_one(rig_client *c) {
  static uint8_t data[QUICMIG_MAX_PKTLEN];

  memcpy(data, &c->sent, sizeof(c->sent));
  if (quicmig_conn_send_datagram(quicmig_client_conn(c->c), data, c->r->size) ==
      0) {
    c->sent++;
  } else {
    c->refused_sends++;
  }
}

static void app_run(void *arg, int fd) {
  rig *r = arg;
  size_t i;

  (void)fd;
  for (i = 0; i < r->n_clients; i++) {
    rig_client *c = &r->clients[i];

    if (c->is_connected && !c->is_closed) {
      send_one(c);
      fill_stream(c);
    }
  }
  r->next_send = r->world.now + r->send_every;
}

static quicmig_tstamp app_deadline(void *arg) {
  const rig *r = arg;

  return r->is_sending && r->send_every ? r->next_send : QUICMIG_NEVER;
}

/* --- the rig --- */

/* The last rig's, for the next: fresh pages cost more than all else. */
static rig_client *spare_clients;

static rig_client *take_clients(void) {
  rig_client *c = spare_clients;

  spare_clients = NULL;
  return c ? memset(c, 0, RIG_CLIENTS * sizeof(*c))
           : calloc(RIG_CLIENTS, sizeof(*c));
}

static void give_clients(rig_client *c) {
  free(spare_clients);
  spare_clients = c;
}

void rig_init(rig *r, uint64_t seed, bool is_v6) {
  *r = (rig){.send_every = 10 * MS, .size = 200};
  sim_init(&r->world, seed);
  sim_host_init(&r->world, &r->client_host, SIM_UP,
                is_v6 ? "fd00::1" : "10.0.0.1");
  sim_host_init(&r->world, &r->server_host, SIM_DOWN,
                is_v6 ? "fd09::1" : "10.9.0.1");
  rig_mem_init(&r->server_mem);
  r->clients = take_clients();
  r->owner = calloc(SIM_SOCKS, sizeof(*r->owner));
  assert(r->clients && r->owner);
  for (size_t i = 0; i < RIG_CLIENTS; i++) {
    rig_mem_init(&r->clients[i].mem);
  }
  quicmig_options_default(&r->migration);
  quicmig_transport_options_default(&r->client_transport);
  quicmig_transport_options_default(&r->server_transport);
  r->client_transport.initial_rtt = 50 * MS;
  r->server_transport.initial_rtt = 50 * MS;
  quicmig_tls_config_default(&r->client_tls);
  quicmig_tls_config_default(&r->server_tls);
  r->client_tls.alpn = r->server_tls.alpn = "sim";
  r->client_tls.insecure = 1;
  r->client_actor =
      (sim_actor){.deadline = client_deadline, .run = client_run, .arg = r};
  r->server_actor =
      (sim_actor){.deadline = server_deadline, .run = server_run, .arg = r};
  r->app_actor = (sim_actor){
      .deadline = app_deadline, .run = app_run, .arg = r, .wakes_others = true};
  r->client_host.actor = &r->client_actor;
  r->server_host.actor = &r->server_actor;
  sim_actor_add(&r->world, &r->client_actor);
  sim_actor_add(&r->world, &r->server_actor);
  sim_actor_add(&r->world, &r->app_actor);
}

int rig_start(rig *r, size_t n) {
  size_t i;
  int rv = rig_start_server(r);

  for (i = 0; rv == 0 && i < n; i++) {
    rv = rig_start_client(r);
  }
  if (rv == 0) {
    rig_run(r, 2 * SEC);
    r->next_send = r->world.now;
    r->is_sending = true;
  }
  return rv;
}

void rig_run(rig *r, quicmig_duration d) {
  sim_run(&r->world, r->world.now + d, NULL);
}

void rig_finish(rig *r, quicmig_duration linger) {
  r->is_sending = false;
  rig_run(r, linger);
}

void rig_reset(rig *r) {
  size_t i;

  for (i = 0; i < r->n_clients; i++) {
    quicmig_client_free(r->clients[i].c);
  }
  rig_stop_server(r);
  sim_host_reset(&r->client_host);
  sim_host_reset(&r->server_host);
  sim_reset(&r->world);
  give_clients(r->clients);
  free(r->owner);
}

uint64_t rig_lost(const rig *r) {
  uint64_t lost = 0;
  size_t i;

  for (i = 0; i < r->n_clients; i++) {
    lost += r->clients[i].sent - r->clients[i].echoed;
  }
  return lost;
}

quicmig_stats rig_stats(const rig_client *c) {
  quicmig_stats s = {.size = sizeof(s)};

  quicmig_get_stats(quicmig_client_migrator(c->c), &s);
  return s;
}

uint16_t rig_port(const rig_client *c) {
  quicmig_path_info paths[16];
  size_t n = quicmig_paths(quicmig_client_migrator(c->c), paths, 16), i;

  for (i = 0; i < n; i++) {
    if (paths[i].state == QUICMIG_PATH_ACTIVE) {
      qm_addr a;

      (void)qm_addr_set(&a, (const struct sockaddr *)&paths[i].local,
                        sizeof(paths[i].local));
      return qm_addr_port(&a);
    }
  }
  return 0;
}
