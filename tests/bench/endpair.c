#include "endpair.h"

#include <netinet/in.h>
#include <stdlib.h>

#define CONNECT_MAX (5 * QUICMIG_SECOND)

enum { SERVER, CLIENT };

typedef struct endpair {
  carrier base; /* first */
  quicmig_client *client;
  quicmig_server *server;
  quicmig_stream *lent, *copied;
  uint64_t lent_in, lent_out, copied_in, copied_out; /* bytes so far */
  struct pollfd fds[2];
  int64_t lent_id;
  bool is_connected;
  bool is_lending; /* else quicmig_stream_lend() does not work */
} endpair;

static void watch_client(quicmig *m, int fd, int on, void *user_data) {
  endpair *e = user_data;

  (void)m;
  e->base.tx_fd = e->fds[CLIENT].fd = on ? fd : -1;
}

static void watch_server(quicmig_server *s, int fd, int on, void *user_data) {
  endpair *e = user_data;

  (void)s;
  e->base.rx_fd = e->fds[SERVER].fd = on ? fd : -1;
}

/* Queues DATAGRAMs until the queue is full; writable comes back here. */
static void push_datagrams(endpair *e) {
  quicmig_conn *c = quicmig_client_conn(e->client);
  int rv = 0;

  while (e->base.load == CARRIER_QUEUED && rv == 0) {
    rv =
        quicmig_conn_send_datagram(c, carrier_datagram(&e->base), e->base.size);
    e->base.sent += rv == 0;
  }
  e->base.is_broken |= rv != 0 && rv != QUICMIG_ERR_BLOCKED;
}

/* The same with the stream's buffer and stream_writable; memory is lent in
 * pieces of CARRIER_PERIOD. */
static void push_stream(endpair *e, bool is_lent) {
  uint64_t *offset = is_lent ? &e->lent_in : &e->copied_in;
  quicmig_stream *s = is_lent ? e->lent : e->copied;
  int64_t n = 1;

  while (n > 0 && (!is_lent || quicmig_stream_room(s) >= CARRIER_PERIOD)) {
    const uint8_t *data = carrier_stream(*offset);

    n = is_lent ? quicmig_stream_lend(s, data, CARRIER_PERIOD)
                : quicmig_stream_write(s, data, CARRIER_PERIOD);
    *offset += n > 0 ? (uint64_t)n : 0;
  }
  e->base.is_broken |= n < 0;
}

static void push(endpair *e) {
  switch (e->base.load) {
  case CARRIER_REST:
    break;
  case CARRIER_DATAGRAMS:
    quicmig_conn_wake(quicmig_client_conn(e->client));
    break;
  case CARRIER_QUEUED:
    push_datagrams(e);
    break;
  case CARRIER_STREAM:
    push_stream(e, e->is_lending);
    break;
  case CARRIER_COPIED:
    push_stream(e, false);
    break;
  }
}

static void on_connected(quicmig_conn *c, void *user_data) {
  endpair *e = user_data;

  (void)c;
  e->is_connected = true;
}

static void on_writable(quicmig_conn *c, void *user_data) {
  (void)c;
  push(user_data);
}

/* The sender always has one more, where a VPN would have read it. */
static size_t datagram_head(quicmig_conn *c, const uint8_t **data,
                            void *user_data) {
  endpair *e = user_data;

  (void)c;
  if (e->base.load != CARRIER_DATAGRAMS) {
    return SIZE_MAX;
  }
  *data = carrier_datagram(&e->base);
  return e->base.size;
}

static void datagram_pop(quicmig_conn *c, int sent, void *user_data) {
  endpair *e = user_data;

  (void)c;
  e->base.sent += sent != 0;
  e->base.is_broken |= sent == 0;
}

static void on_acked(quicmig_conn *c, quicmig_stream *s, size_t acked,
                     void *user_data) {
  (void)c;
  (void)s;
  (void)acked;
  push(user_data);
}

static void on_closed(quicmig_conn *c, const quicmig_close_info *i,
                      void *user_data) {
  endpair *e = user_data;

  (void)c;
  (void)i;
  e->base.is_broken = true;
}

static void on_datagram(quicmig_conn *c, const uint8_t *data, size_t len,
                        void *user_data) {
  (void)c;
  carrier_on_datagram(user_data, data, len);
}

static void on_stream(quicmig_conn *c, quicmig_stream *s, const uint8_t *data,
                      size_t len, int fin, void *user_data) {
  endpair *e = user_data;

  (void)c;
  (void)fin;
  carrier_on_stream(&e->base,
                    quicmig_stream_id(s) == e->lent_id ? &e->lent_out
                                                       : &e->copied_out,
                    data, len);
  quicmig_stream_consume(s, len);
}

static void set_transport(quicmig_transport_options *o) {
  quicmig_transport_options_default(o);
  o->idle_timeout = 0;
  o->stream_buffer = CARRIER_WINDOW;
  o->stream_window = CARRIER_WINDOW;
  o->connection_window = CARRIER_WINDOW;
}

static int start_server(endpair *e, const quicmig_transport_options *o,
                        uint32_t no_offload) {
  struct sockaddr_in local = {.sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  quicmig_server_callbacks cb = {.size = sizeof(cb), .watch = watch_server};
  quicmig_conn_callbacks conn_cb = {.size = sizeof(conn_cb),
                                    .closed = on_closed,
                                    .datagram = on_datagram,
                                    .stream_data = on_stream};
  quicmig_server_config cfg;
  quicmig_tls_config tls;

  quicmig_tls_config_default(&tls);
  tls.alpn = "bench";
  quicmig_server_config_default(&cfg);
  cfg.local = (struct sockaddr *)&local;
  cfg.locallen = sizeof(local);
  cfg.tls = &tls;
  cfg.transport = o;
  cfg.callbacks = &cb;
  cfg.conn_callbacks = &conn_cb;
  cfg.mem = &e->base.mem;
  cfg.user_data = e;
  cfg.no_offload = no_offload;
  return quicmig_server_new(&e->server, &cfg, quicmig_clock());
}

static int start_client(endpair *e, const quicmig_transport_options *o,
                        uint32_t no_offload) {
  quicmig_callbacks cb = {.size = sizeof(cb), .watch = watch_client};
  quicmig_conn_callbacks conn_cb = {.size = sizeof(conn_cb),
                                    .connected = on_connected,
                                    .closed = on_closed,
                                    .writable = on_writable,
                                    .stream_writable = on_acked,
                                    .datagram_head = datagram_head,
                                    .datagram_pop = datagram_pop};
  struct sockaddr_storage addr;
  quicmig_client_config cfg;
  quicmig_tls_config tls;
  quicmig_options m;

  quicmig_tls_config_default(&tls);
  tls.alpn = "bench";
  tls.insecure = 1;
  quicmig_options_default(&m);
  m.hop_interval = 0;
  m.rcvbuf = m.sndbuf = CARRIER_WINDOW;
  m.no_offload = no_offload;
  quicmig_server_address(e->server, &addr);
  quicmig_client_config_default(&cfg);
  cfg.host = "localhost";
  cfg.remote = (struct sockaddr *)&addr;
  cfg.remotelen = sizeof(struct sockaddr_in);
  cfg.tls = &tls;
  cfg.migration = &m;
  cfg.transport = o;
  cfg.callbacks = &cb;
  cfg.conn_callbacks = &conn_cb;
  cfg.mem = &e->base.mem;
  cfg.user_data = e;
  return quicmig_client_new(&e->client, &cfg, quicmig_clock());
}

/* Each end runs once at most: when its socket is readable or its time has come.
 */
static void turn(carrier *c, quicmig_tstamp until) {
  endpair *e = (endpair *)c;
  quicmig_tstamp server_at = quicmig_server_deadline(e->server);
  quicmig_tstamp client_at = quicmig_client_deadline(e->client), now;

  until = server_at < until ? server_at : until;
  until = client_at < until ? client_at : until;
  carrier_wait(c, e->fds, 2, until);
  now = quicmig_clock();
  if (e->fds[SERVER].revents || server_at <= now) {
    c->wakeups += e->fds[SERVER].revents != 0;
    (void)quicmig_server_run(
        e->server, e->fds[SERVER].revents ? e->fds[SERVER].fd : -1, now);
  }
  now = quicmig_clock();
  if (e->fds[CLIENT].revents || client_at <= now) {
    (void)quicmig_client_run(
        e->client, e->fds[CLIENT].revents ? e->fds[CLIENT].fd : -1, now);
  }
}

static int connect_pair(endpair *e) {
  quicmig_tstamp end = quicmig_clock() + CONNECT_MAX;
  quicmig_conn *c = quicmig_client_conn(e->client);

  while (!e->is_connected && !e->base.is_broken && quicmig_clock() < end) {
    turn(&e->base, end);
  }
  if (!e->is_connected || quicmig_conn_open_stream(c, 0, &e->lent) != 0 ||
      quicmig_conn_open_stream(c, 0, &e->copied) != 0) {
    return QUICMIG_ERR_CONN;
  }
  e->lent_id = quicmig_stream_id(e->lent);
  /* Lending nothing tells whether it can be done. */
  e->is_lending = quicmig_stream_lend(e->lent, carrier_stream(0), 0) == 0;
  return 0;
}

static void start(carrier *c) { push((endpair *)c); }

static bool is_at_rest(const carrier *c) {
  const endpair *e = (const endpair *)c;
  quicmig_conn_info i = {.size = sizeof(i)};

  quicmig_conn_get_info(quicmig_client_conn(e->client), &i);
  return i.bytes_in_flight == 0 && i.datagrams_queued == 0 &&
         quicmig_stream_room(e->lent) == CARRIER_WINDOW &&
         quicmig_stream_room(e->copied) == CARRIER_WINDOW;
}

static void endpair_free(carrier *c) {
  endpair *e = (endpair *)c;

  quicmig_client_free(e->client);
  quicmig_server_free(e->server);
  free(e);
}

static const carrier_ops ops = {turn, start, is_at_rest, endpair_free};

carrier *endpair_new(size_t size, uint32_t no_offload) {
  quicmig_transport_options o;
  endpair *e = calloc(1, sizeof(*e));

  if (!e) {
    return NULL;
  }
  carrier_init(&e->base, &ops, size);
  e->fds[SERVER] = e->fds[CLIENT] = (struct pollfd){.fd = -1, .events = POLLIN};
  set_transport(&o);
  if (start_server(e, &o, no_offload) != 0 ||
      start_client(e, &o, no_offload) != 0 || connect_pair(e) != 0) {
    endpair_free(&e->base);
    return NULL;
  }
  return &e->base;
}

quicmig_client *endpair_client(carrier *c) { return ((endpair *)c)->client; }

bool endpair_is_lending(const carrier *c) {
  return ((const endpair *)c)->is_lending;
}
