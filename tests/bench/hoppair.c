#define _GNU_SOURCE /* epoll_pwait2 */
#include "hoppair.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define MS QUICMIG_MILLISECOND
#define DATAGRAM 200
/* Less than a socket buffers: what is lost is not the bulk's doing. */
#define WINDOW (512u << 10)
#define BUFFER (2u << 20)
#define CONNECT_MAX (5 * QUICMIG_SECOND)
#define CONFIRM_WAIT (200 * MS)

static void watch(hoppair *p, int fd, int on, bool is_server) {
  struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};

  if (fd >= HOPPAIR_FDS ||
      epoll_ctl(p->epoll, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, fd, &e) != 0) {
    abort();
  }
  p->owner[fd] = !on         ? HOPPAIR_NONE
                 : is_server ? HOPPAIR_SERVER
                             : HOPPAIR_CLIENT;
}

static void watch_client(quicmig *m, int fd, int on, void *user_data) {
  (void)m;
  watch(user_data, fd, on, false);
}

static void watch_server(quicmig_server *s, int fd, int on, void *user_data) {
  (void)s;
  watch(user_data, fd, on, true);
}

static void on_hop(quicmig *m, const quicmig_hop_record *r, void *user_data) {
  hoppair *p = user_data;

  (void)m;
  p->hops += r->result == 0;
  p->bad_hops += r->result != 0;
  if (r->result != 0) {
    fprintf(stderr, "hop %llu: %s\n", (unsigned long long)r->seq,
            quicmig_strerror(r->result));
  }
}

static void fill(hoppair *p) {
  static const uint8_t zeros[65536];

  while (p->stream && !p->is_paused &&
         quicmig_stream_write(p->stream, zeros, sizeof(zeros)) > 0) {
  }
}

static void on_writable(quicmig_conn *c, quicmig_stream *s, size_t acked,
                        void *user_data) {
  (void)c;
  (void)s;
  (void)acked;
  fill(user_data);
}

static void on_stream_data(quicmig_conn *c, quicmig_stream *s,
                           const uint8_t *data, size_t len, int fin,
                           void *user_data) {
  hoppair *p = user_data;

  (void)c;
  (void)data;
  (void)fin;
  p->stream_bytes += len;
  quicmig_stream_consume(s, len);
}

static void on_stream_closed(quicmig_conn *c, quicmig_stream *s, uint64_t code,
                             void *user_data) {
  hoppair *p = user_data;

  (void)c;
  (void)code;
  if (p->stream == s) {
    p->stream = NULL;
  }
}

static void on_datagram(quicmig_conn *c, const uint8_t *data, size_t len,
                        void *user_data) {
  (void)c;
  (void)data;
  (void)len;
  ((hoppair *)user_data)->received++;
}

static void on_client_connected(quicmig_conn *c, void *user_data) {
  hoppair *p = user_data;

  p->is_connected = true;
  if (!p->is_down) {
    p->sender = c;
  }
}

static void on_server_connected(quicmig_conn *c, void *user_data) {
  hoppair *p = user_data;

  if (p->is_down) {
    p->sender = c;
  }
}

static void on_closed(quicmig_conn *c, const quicmig_close_info *i,
                      void *user_data) {
  hoppair *p = user_data;

  (void)c;
  (void)i;
  p->is_closed = true;
  p->sender = NULL;
}

static quicmig_conn_callbacks callbacks(bool is_server) {
  return (quicmig_conn_callbacks){.size = sizeof(quicmig_conn_callbacks),
                                  .connected = is_server ? on_server_connected
                                                         : on_client_connected,
                                  .closed = on_closed,
                                  .datagram = on_datagram,
                                  .stream_data = on_stream_data,
                                  .stream_writable = on_writable,
                                  .stream_closed = on_stream_closed};
}

static int start_server(hoppair *p, const quicmig_transport_options *o) {
  struct sockaddr_in local = {.sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  quicmig_server_callbacks cb = {.size = sizeof(cb), .watch = watch_server};
  quicmig_conn_callbacks conn_cb = callbacks(true);
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
  cfg.user_data = p;
  cfg.no_offload = p->migration.no_offload;
  return quicmig_server_new(&p->server, &cfg, quicmig_clock());
}

static int start_client(hoppair *p, const quicmig_transport_options *o) {
  quicmig_callbacks cb = {
      .size = sizeof(cb), .watch = watch_client, .hop = on_hop};
  quicmig_conn_callbacks conn_cb = callbacks(false);
  struct sockaddr_storage addr;
  quicmig_client_config cfg;
  quicmig_tls_config tls;

  quicmig_server_address(p->server, &addr);
  quicmig_tls_config_default(&tls);
  tls.alpn = "bench";
  tls.insecure = 1;
  quicmig_client_config_default(&cfg);
  cfg.host = "localhost";
  cfg.remote = (struct sockaddr *)&addr;
  cfg.remotelen = sizeof(struct sockaddr_in);
  cfg.tls = &tls;
  cfg.migration = &p->migration;
  cfg.transport = o;
  cfg.callbacks = &cb;
  cfg.conn_callbacks = &conn_cb;
  cfg.user_data = p;
  return quicmig_client_new(&p->client, &cfg, quicmig_clock());
}

static void send_datagram(hoppair *p, quicmig_tstamp now) {
  static const uint8_t data[DATAGRAM];

  p->next_send += p->send_every;
  if (p->next_send < now) { /* the process was held up: no burst */
    p->next_send = now;
  }
  if (p->sender &&
      quicmig_conn_send_datagram(p->sender, data, sizeof(data)) == 0) {
    p->sent++;
  } else {
    p->blocked++;
  }
}

static void run_client(hoppair *p, int fd) {
  hopcalls start = hopcalls_start();

  (void)quicmig_client_run(p->client, fd, quicmig_clock());
  hopcalls_stop(&start, &p->meter);
  p->runs++;
}

static void run_fd(hoppair *p, int fd) {
  switch (p->owner[fd]) {
  case HOPPAIR_NONE: /* closed meanwhile */
    break;
  case HOPPAIR_CLIENT:
    run_client(p, fd);
    break;
  case HOPPAIR_SERVER:
    (void)quicmig_server_run(p->server, fd, quicmig_clock());
    break;
  }
}

static quicmig_tstamp next_deadline(const hoppair *p, quicmig_tstamp until) {
  quicmig_tstamp at = quicmig_client_deadline(p->client);
  quicmig_tstamp other = quicmig_server_deadline(p->server);

  at = other < at ? other : at;
  at = p->send_every && p->next_send < at ? p->next_send : at;
  return until < at ? until : at;
}

static int wait_until(hoppair *p, struct epoll_event *events, int n,
                      quicmig_tstamp at) {
  quicmig_tstamp now = quicmig_clock();
  quicmig_duration d = at > now ? at - now : 0;
  struct timespec ts = {.tv_sec = (time_t)(d / QUICMIG_SECOND),
                        .tv_nsec = (long)(d % QUICMIG_SECOND)};

  return epoll_pwait2(p->epoll, events, n, &ts, NULL);
}

/* One turn of the event loop. */
static void turn(hoppair *p, quicmig_tstamp until) {
  struct epoll_event events[8];
  quicmig_tstamp now;
  int i, n = wait_until(p, events, 8, next_deadline(p, until));

  for (i = 0; i < n; i++) {
    run_fd(p, events[i].data.fd);
  }
  now = quicmig_clock();
  if (p->send_every && now >= p->next_send) {
    send_datagram(p, now);
  }
  if (quicmig_server_deadline(p->server) <= now) {
    (void)quicmig_server_run(p->server, -1, now);
  }
  if (quicmig_client_deadline(p->client) <= now) {
    run_client(p, -1);
  }
}

void hoppair_init(hoppair *p) {
  *p = (hoppair){.epoll = epoll_create1(EPOLL_CLOEXEC)};
  quicmig_options_default(&p->migration);
  p->migration.hop_interval = 0;
  p->migration.hop_jitter_pct = 0;
  p->migration.hop_quiet = 0;
}

bool hoppair_start(hoppair *p) {
  quicmig_tstamp limit = quicmig_clock() + CONNECT_MAX;
  quicmig_transport_options o;

  quicmig_transport_options_default(&o);
  o.stream_buffer = BUFFER;
  o.stream_window = o.connection_window = WINDOW;
  p->next_send = QUICMIG_NEVER;
  if (start_server(p, &o) != 0 || start_client(p, &o) != 0) {
    fprintf(stderr, "quicmig_bench: %s\n", quicmig_last_error_text());
    return false;
  }
  while (!(p->is_connected && p->sender) && !p->is_closed &&
         quicmig_clock() < limit) {
    turn(p, limit);
  }
  if (p->is_closed || !p->sender) {
    fprintf(stderr, "quicmig_bench: no connection over loopback\n");
    return false;
  }
  hoppair_run(p, quicmig_clock() + CONFIRM_WAIT, UINT64_MAX);
  if (p->has_stream &&
      quicmig_conn_open_stream(p->sender, 0, &p->stream) == 0) {
    fill(p);
  }
  p->next_send = p->send_every ? quicmig_clock() : QUICMIG_NEVER;
  return true;
}

void hoppair_run(hoppair *p, quicmig_tstamp until, uint64_t n) {
  while (p->hops < n && !p->is_closed && quicmig_clock() < until) {
    turn(p, until);
  }
}

bool hoppair_hop(hoppair *p) {
  hopcalls start = hopcalls_start();
  int rv = quicmig_hop(quicmig_client_migrator(p->client), quicmig_clock());

  hopcalls_stop(&start, &p->meter);
  return rv == 0;
}

void hoppair_pause(hoppair *p, quicmig_duration d) {
  quicmig_tstamp limit = quicmig_clock() + d;

  p->is_paused = true;
  p->next_send = QUICMIG_NEVER;
  while (!p->is_closed && quicmig_clock() < limit &&
         !(p->stream && quicmig_stream_room(p->stream) == BUFFER)) {
    hoppair_run(p, quicmig_clock() + MS, UINT64_MAX);
  }
}

void hoppair_resume(hoppair *p) {
  p->is_paused = false;
  p->next_send = p->send_every ? quicmig_clock() : QUICMIG_NEVER;
  fill(p);
}

void hoppair_stop(hoppair *p) {
  quicmig_client_free(p->client);
  quicmig_server_free(p->server);
  close(p->epoll);
}
