/*
 * Hops over real sockets: a client and a server in one process, on loopback.
 * Each hop is asked for as soon as the last has settled and its minimum gap has
 * passed; datagrams go on all the time.
 */
#include <dirent.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include <quicmig/endpoint.h>

#include "bench.h"

#define MS QUICMIG_MILLISECOND
#define FDS 32
#define GAP (20 * MS)
#define SEND_EVERY (2 * MS)
#define LINGER (500 * MS)
#define SETTLE (200 * MS)

typedef struct bench {
  quicmig_client *client;
  quicmig_server *server;
  struct pollfd fds[FDS];
  bool is_server_fd[FDS];
  nfds_t n;
  uint64_t sent, echoed, good, bad;
  quicmig_tstamp next_hop; /* QUICMIG_NEVER while one is under way */
  bool is_connected, is_closed;
} bench;

static void watch(bench *b, int fd, int on, bool is_server) {
  nfds_t i;

  for (i = 0; i < b->n && b->fds[i].fd != fd; i++) {
  }
  if (on && i < FDS) {
    b->fds[i] = (struct pollfd){.fd = fd, .events = POLLIN};
    b->is_server_fd[i] = is_server;
    b->n++;
  } else if (!on && i < b->n) {
    b->n--;
    b->fds[i] = b->fds[b->n];
    b->is_server_fd[i] = b->is_server_fd[b->n];
  }
}

static void watch_client(quicmig *m, int fd, int on, void *user_data) {
  (void)m;
  watch(user_data, fd, on, false);
}

static void watch_server(quicmig_server *s, int fd, int on, void *user_data) {
  (void)s;
  watch(user_data, fd, on, true);
}

static void echo(quicmig_conn *c, const uint8_t *data, size_t len,
                 void *user_data) {
  (void)user_data;
  (void)quicmig_conn_send_datagram(c, data, len);
}

static void on_echo(quicmig_conn *c, const uint8_t *data, size_t len,
                    void *user_data) {
  bench *b = user_data;

  (void)c;
  (void)data;
  (void)len;
  b->echoed++;
}

static void on_connected(quicmig_conn *c, void *user_data) {
  bench *b = user_data;

  (void)c;
  b->is_connected = true;
  b->next_hop = quicmig_clock() + SETTLE; /* confirmed by then */
}

static void on_closed(quicmig_conn *c, const quicmig_close_info *i,
                      void *user_data) {
  bench *b = user_data;

  (void)c;
  (void)i;
  b->is_closed = true;
}

static void on_hop(quicmig *m, const quicmig_hop_record *r, void *user_data) {
  bench *b = user_data;

  (void)m;
  b->good += r->result == 0;
  b->bad += r->result != 0;
  b->next_hop = r->started_at + r->open_time + GAP;
  if (r->result != 0) {
    fprintf(stderr, "hop %llu: %s\n", (unsigned long long)r->seq,
            quicmig_strerror(r->result));
  }
}

static int start_server(bench *b, quicmig_tls_config *tls,
                        struct sockaddr_storage *addr) {
  struct sockaddr_in local = {.sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  quicmig_server_callbacks cb = {.size = sizeof(cb), .watch = watch_server};
  quicmig_conn_callbacks conn_cb = {.size = sizeof(conn_cb), .datagram = echo};
  quicmig_server_config cfg;
  int rv;

  quicmig_server_config_default(&cfg);
  cfg.local = (struct sockaddr *)&local;
  cfg.locallen = sizeof(local);
  cfg.tls = tls;
  cfg.callbacks = &cb;
  cfg.conn_callbacks = &conn_cb;
  cfg.user_data = b;
  rv = quicmig_server_new(&b->server, &cfg, quicmig_clock());
  if (rv == 0) {
    quicmig_server_address(b->server, addr);
  }
  return rv;
}

static int start(bench *b) {
  quicmig_callbacks cb = {
      .size = sizeof(cb), .watch = watch_client, .hop = on_hop};
  quicmig_conn_callbacks conn_cb = {.size = sizeof(conn_cb),
                                    .connected = on_connected,
                                    .closed = on_closed,
                                    .datagram = on_echo};
  struct sockaddr_storage addr;
  quicmig_client_config cfg;
  quicmig_tls_config tls;
  quicmig_options o;

  quicmig_tls_config_default(&tls);
  tls.alpn = "bench";
  if (start_server(b, &tls, &addr) != 0) {
    return 1;
  }
  tls.insecure = 1;
  quicmig_options_default(&o);
  o.hop_interval = 0;
  o.hop_min_gap = GAP;
  quicmig_client_config_default(&cfg);
  cfg.host = "localhost";
  cfg.remote = (struct sockaddr *)&addr;
  cfg.remotelen = sizeof(struct sockaddr_in);
  cfg.tls = &tls;
  cfg.migration = &o;
  cfg.callbacks = &cb;
  cfg.conn_callbacks = &conn_cb;
  cfg.user_data = b;
  return quicmig_client_new(&b->client, &cfg, quicmig_clock());
}

static void run_fd(bench *b, nfds_t i, quicmig_tstamp now) {
  int fd = b->fds[i].fd;

  if (b->is_server_fd[i]) {
    (void)quicmig_server_run(b->server, fd, now);
  } else {
    (void)quicmig_client_run(b->client, fd, now);
  }
}

/* One turn of the event loop, at most 1 ms long. */
static void turn(bench *b) {
  int ready[FDS];
  nfds_t i, k, n = 0;

  (void)poll(b->fds, b->n, 1);
  for (i = 0; i < b->n; i++) {
    if (b->fds[i].revents) {
      ready[n++] = b->fds[i].fd;
    }
  }
  for (k = 0; k < n; k++) {
    for (i = 0; i < b->n && b->fds[i].fd != ready[k]; i++) {
    }
    if (i < b->n) { /* not closed meanwhile */
      run_fd(b, i, quicmig_clock());
    }
  }
  (void)quicmig_server_run(b->server, -1, quicmig_clock());
  (void)quicmig_client_run(b->client, -1, quicmig_clock());
}

static unsigned count_fds(void) {
  DIR *d = opendir("/proc/self/fd");
  unsigned n = 0;

  while (d && readdir(d)) {
    n++;
  }
  if (d) {
    closedir(d);
  }
  return n;
}

/* Goes on until n hops have ended. */
static void hop_to(bench *b, uint64_t n) {
  static const uint8_t data[200];
  quicmig_tstamp next_send = 0, now;

  while (b->good + b->bad < n && !b->is_closed) {
    now = quicmig_clock();
    if (b->is_connected && now >= b->next_hop) {
      b->next_hop = QUICMIG_NEVER;
      (void)quicmig_hop(quicmig_client_migrator(b->client), now);
    }
    if (b->is_connected && now >= next_send) {
      b->sent += quicmig_conn_send_datagram(quicmig_client_conn(b->client),
                                            data, sizeof(data)) == 0;
      next_send = now + SEND_EVERY;
    }
    turn(b);
  }
}

typedef struct snapshot {
  uint64_t heap, rss;
  unsigned fds;
} snapshot;

static snapshot look(void) {
  return (snapshot){bench_heap(), bench_rss_kib(), count_fds()};
}

static void linger(bench *b) {
  quicmig_tstamp end = quicmig_clock() + LINGER;

  while (quicmig_clock() < end) {
    turn(b);
  }
}

int bench_real_hops(const bench_options *o) {
  bench b = {.n = 0};
  snapshot first, last;
  double begin;
  bool is_good;

  if (start(&b) != 0) {
    fprintf(stderr, "quicmig_bench: %s\n", quicmig_last_error_text());
    return 1;
  }
  begin = bench_wall();
  hop_to(&b, o->hops / 10);
  first = look();
  hop_to(&b, o->hops);
  last = look();
  linger(&b);
  is_good = b.bad == 0 && b.sent == b.echoed && !b.is_closed &&
            last.fds <= first.fds + 3 &&
            last.heap <= first.heap + first.heap / 20;
  printf(o->is_json
             ? "{\"hops\":%llu,\"hops_failed\":%llu,\"datagrams_sent\":%llu,"
               "\"datagrams_lost\":%lld,\"wall_s\":%.2f,\"fds_10pct\":%u,"
               "\"fds_100pct\":%u,\"heap_10pct\":%llu,\"heap_100pct\":%llu,"
               "\"rss_kib_10pct\":%llu,\"rss_kib_100pct\":%llu,\"ok\":%s}\n"
             : "%llu hops, %llu failed; %llu datagrams, %lld lost; %.2f s; "
               "descriptors at 10 %%: %u, at 100 %%: %u; heap: %llu, %llu; "
               "RSS: %llu, %llu KiB; self-check: %s\n",
         (unsigned long long)b.good, (unsigned long long)b.bad,
         (unsigned long long)b.sent, (long long)(b.sent - b.echoed),
         bench_wall() - begin, first.fds, last.fds,
         (unsigned long long)first.heap, (unsigned long long)last.heap,
         (unsigned long long)first.rss, (unsigned long long)last.rss,
         is_good ? "true" : "false");
  quicmig_client_free(b.client);
  quicmig_server_free(b.server);
  return is_good ? 0 : 1;
}
