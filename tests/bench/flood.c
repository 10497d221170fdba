#define _GNU_SOURCE /* ppoll, sendmmsg */
/*
 * A flood of first packets on real sockets: a server in a process of its own,
 * a client that sends it a datagram each millisecond and gets it back, and
 * somebody who sends the first packets of many handshakes within 100 ms and
 * follows none of them up.  What counts is the longest silence of the client,
 * and the server's memory.
 *
 * Client and flooder are one thread, so that the flooder takes no time that the
 * client does not have anyway: the packets are made in advance, and leave by
 * the kernel in batches, one each millisecond, of the time that the client
 * waits for.  What that takes is in the silence, and is told.
 */
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <quicmig/endpoint.h>

#include "bench.h"
#include "floodserver.h"
#include "initials.h"

#define MS QUICMIG_MILLISECOND
#define SEC QUICMIG_SECOND
#define WITHIN_MS 100
#define BEFORE_MS 1000 /* with nothing else */
#define THEN_MS 2000   /* until all of it is worked off */
#define BATCH_MAX 64
#define SIZE 100
#define SILENCE_MAX (20 * MS)
#define FDS 4

typedef struct pinger {
  quicmig_client *client;
  struct pollfd fds[FDS];
  bool is_connected, is_closed;
  uint64_t sent, echoed;
  quicmig_tstamp last_echo;
  quicmig_duration silence; /* the longest; may be set to 0 */
} pinger;

/* One row of the table. */
typedef struct flood_case {
  size_t n;
  double calm_ms, silence_ms; /* the longest silence before, and with it */
  double batch_ms;            /* the longest batch of the flooder */
  uint64_t lost;              /* datagrams of the client */
  /* Before, when it is worked off, when all handshakes have timed out, and then
   * after malloc_trim(). */
  floodserver_report before, during, after, trimmed;
  bool is_good;
} flood_case;

/* --- the client --- */

static void watch_client(quicmig *m, int fd, int on, void *user_data) {
  pinger *p = user_data;
  size_t i;

  (void)m;
  for (i = 0; i < FDS && p->fds[i].fd != (on ? -1 : fd); i++) {
  }
  if (i < FDS) {
    p->fds[i] = (struct pollfd){.fd = on ? fd : -1, .events = POLLIN};
  }
}

static void on_connected(quicmig_conn *c, void *user_data) {
  (void)c;
  ((pinger *)user_data)->is_connected = true;
}

static void on_closed(quicmig_conn *c, const quicmig_close_info *i,
                      void *user_data) {
  (void)c;
  (void)i;
  ((pinger *)user_data)->is_closed = true;
}

static void on_echo(quicmig_conn *c, const uint8_t *data, size_t len,
                    void *user_data) {
  pinger *p = user_data;
  quicmig_tstamp now = quicmig_clock();
  quicmig_duration gap = p->last_echo ? now - p->last_echo : 0;

  (void)c;
  (void)data;
  (void)len;
  p->echoed++;
  p->last_echo = now;
  p->silence = gap > p->silence ? gap : p->silence;
}

static bool start_client(pinger *p, uint16_t port) {
  struct sockaddr_in to = {.sin_family = AF_INET,
                           .sin_port = htons(port),
                           .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  quicmig_callbacks cb = {.size = sizeof(cb), .watch = watch_client};
  quicmig_conn_callbacks conn_cb = {.size = sizeof(conn_cb),
                                    .connected = on_connected,
                                    .closed = on_closed,
                                    .datagram = on_echo};
  quicmig_client_config cfg;
  quicmig_tls_config tls;
  quicmig_options o;
  size_t i;

  *p = (pinger){.client = NULL};
  for (i = 0; i < FDS; i++) {
    p->fds[i].fd = -1;
  }
  quicmig_tls_config_default(&tls);
  tls.alpn = FLOODSERVER_ALPN;
  tls.insecure = 1;
  quicmig_options_default(&o);
  o.hop_interval = 0;
  quicmig_client_config_default(&cfg);
  cfg.host = "localhost";
  cfg.remote = (struct sockaddr *)&to;
  cfg.remotelen = sizeof(to);
  cfg.tls = &tls;
  cfg.migration = &o;
  cfg.callbacks = &cb;
  cfg.conn_callbacks = &conn_cb;
  cfg.user_data = p;
  return quicmig_client_new(&p->client, &cfg, quicmig_clock()) == 0;
}

/* Until then; the client only. */
static void pass(pinger *p, quicmig_tstamp until) {
  quicmig_tstamp now = quicmig_clock(), at;
  struct timespec ts;
  size_t i;

  do {
    at = quicmig_client_deadline(p->client);
    at = at < until ? at : until;
    at = at > now ? at - now : 0;
    ts = (struct timespec){.tv_sec = (time_t)(at / SEC),
                           .tv_nsec = (long)(at % SEC)};
    (void)ppoll(p->fds, FDS, &ts, NULL);
    now = quicmig_clock();
    for (i = 0; i < FDS; i++) {
      if (p->fds[i].fd >= 0 && p->fds[i].revents) {
        (void)quicmig_client_run(p->client, p->fds[i].fd, now);
      }
    }
    (void)quicmig_client_run(p->client, -1, now);
  } while (now < until);
}

static bool connect_client(pinger *p, uint16_t port, quicmig_duration within) {
  quicmig_tstamp until = quicmig_clock() + within;

  if (!start_client(p, port)) {
    return false;
  }
  while (!p->is_connected && !p->is_closed && quicmig_clock() < until) {
    pass(p, quicmig_clock() + MS);
  }
  return p->is_connected && !p->is_closed;
}

/* --- the flooder --- */

/* Its answers fill the socket's buffer; the kernel drops the rest. */
static int open_flooder(uint16_t port) {
  struct sockaddr_in to = {.sin_family = AF_INET,
                           .sin_port = htons(port),
                           .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), small = 1;

  if (fd >= 0) {
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
  }
  if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
    close(fd);
    fd = -1;
  }
  return fd;
}

static void send_batch(int fd, const initial *all, size_t n) {
  struct mmsghdr msgs[BATCH_MAX];
  struct iovec iov[BATCH_MAX];
  size_t i;

  n = n < BATCH_MAX ? n : BATCH_MAX;
  memset(msgs, 0, sizeof(msgs));
  for (i = 0; i < n; i++) {
    iov[i] = (struct iovec){.iov_base = (void *)(uintptr_t)all[i].data,
                            .iov_len = all[i].len};
    msgs[i].msg_hdr.msg_iov = &iov[i];
    msgs[i].msg_hdr.msg_iovlen = 1;
  }
  (void)sendmmsg(fd, msgs, (unsigned)n, 0);
}

/* --- a case --- */

/* A datagram each millisecond for so long, and beside it, at all, n first
 * packets in the first WITHIN_MS. */
static void beat(pinger *p, flood_case *f, uint64_t ms, int fd,
                 const initial *all, size_t n) {
  static const uint8_t data[SIZE];
  quicmig_tstamp begin = quicmig_clock();
  size_t done = 0, due;
  uint64_t i;

  for (i = 0; i < ms; i++) {
    quicmig_tstamp at = quicmig_clock();
    quicmig_duration took;

    p->sent += quicmig_conn_send_datagram(quicmig_client_conn(p->client), data,
                                          SIZE) == 0;
    (void)quicmig_client_run(p->client, -1, at);
    due = i < WITHIN_MS ? n * (i + 1) / WITHIN_MS - done : 0;
    at = quicmig_clock();
    if (due) {
      send_batch(fd, all + done, due);
      done += due;
      took = quicmig_clock() - at;
      f->batch_ms =
          (double)took / 1e6 > f->batch_ms ? (double)took / 1e6 : f->batch_ms;
    }
    pass(p, begin + (i + 1) * MS);
  }
}

/* The longest silence, that which still lasts included. */
static double silence_ms(const pinger *p) {
  quicmig_duration now = quicmig_clock() - p->last_echo;

  return (double)(now > p->silence ? now : p->silence) / 1e6;
}

static void end_client(pinger *p) {
  if (p->client) {
    quicmig_client_free(p->client);
  }
}

static bool is_over(const floodserver_report *r) {
  return r->stats.connections == 1 && r->stats.half_open == 0;
}

static void measure(flood_case *f, const floodserver *s, const initial *all,
                    uint64_t over_ms) {
  int fd = open_flooder(s->port);
  pinger p = {.client = NULL}, late = {.client = NULL};

  f->is_good = fd >= 0 && connect_client(&p, s->port, 5 * SEC);
  if (f->is_good) {
    beat(&p, f, BEFORE_MS, fd, all, 0);
    p.silence = 0;
    beat(&p, f, BEFORE_MS, fd, all, 0);
    f->calm_ms = silence_ms(&p);
    f->is_good = floodserver_ask(s, false, &f->before);
    p.silence = 0;
    beat(&p, f, WITHIN_MS, fd, all, f->n);
    beat(&p, f, THEN_MS, fd, all, 0);
    f->silence_ms = silence_ms(&p);
    f->is_good &= floodserver_ask(s, false, &f->during);
    beat(&p, f, over_ms, fd, all, 0);
    pass(&p, quicmig_clock() + 50 * MS);
    f->lost = p.sent - p.echoed;
    f->is_good &= floodserver_ask(s, false, &f->after) && is_over(&f->after) &&
                  !p.is_closed && floodserver_ask(s, true, &f->trimmed) &&
                  connect_client(&late, s->port, 5 * SEC);
  }
  end_client(&late);
  end_client(&p);
  if (fd >= 0) {
    close(fd);
  }
}

static void print_json(const flood_case *f, bool is_first) {
  const quicmig_server_stats *s = &f->during.stats;

  printf("%s{\"initials\":%zu,\"calm_ms\":%.1f,\"silence_ms\":%.1f,"
         "\"batch_ms\":%.2f,\"half_open\":%llu,\"dropped\":%llu,"
         "\"refused\":%llu,\"rss_kib\":[%llu,%llu,%llu,%llu],"
         "\"heap_kib\":[%llu,%llu,%llu],\"lost\":%llu,\"ok\":%s}",
         is_first ? "" : ",", f->n, f->calm_ms, f->silence_ms, f->batch_ms,
         (unsigned long long)s->half_open,
         (unsigned long long)s->handshakes_dropped,
         (unsigned long long)s->half_open_refused,
         (unsigned long long)f->before.rss_kib,
         (unsigned long long)f->during.rss_kib,
         (unsigned long long)f->after.rss_kib,
         (unsigned long long)f->trimmed.rss_kib,
         (unsigned long long)f->before.heap_kib,
         (unsigned long long)f->during.heap_kib,
         (unsigned long long)f->after.heap_kib, (unsigned long long)f->lost,
         f->is_good ? "true" : "false");
}

static void print(const flood_case *f) {
  const quicmig_server_stats *s = &f->during.stats;

  printf("%8zu  %15.1f  %7.1f  %8.2f  %9llu  %7llu  %7llu  %4llu\n", f->n,
         f->calm_ms, f->silence_ms, f->batch_ms,
         (unsigned long long)s->half_open,
         (unsigned long long)s->handshakes_dropped,
         (unsigned long long)s->half_open_refused, (unsigned long long)f->lost);
  printf("          resident KiB: before %llu, with it %llu, after %llu, "
         "trimmed %llu; heap: %llu, %llu, %llu%s\n",
         (unsigned long long)f->before.rss_kib,
         (unsigned long long)f->during.rss_kib,
         (unsigned long long)f->after.rss_kib,
         (unsigned long long)f->trimmed.rss_kib,
         (unsigned long long)f->before.heap_kib,
         (unsigned long long)f->during.heap_kib,
         (unsigned long long)f->after.heap_kib, f->is_good ? "" : "  FAILED");
}

int bench_flood(const bench_options *o) {
  static const size_t all[] = {500, 1000, 3000};
  size_t i, n = o->connections || o->is_short ? 1 : 3;
  size_t most = o->connections ? (size_t)o->connections
                : o->is_short  ? 500
                               : 3000;
  uint64_t timeout_ms = o->is_short ? 3000 : 10000;
  initial *initials = initials_new(most, FLOODSERVER_ALPN);
  bool is_good = true;

  puts(o->is_json ? "{\"cases\":["
                  : "          longest silence, ms     flooder's\n"
                    "Initials           before  with it  batch, ms  half-open  "
                    "dropped  refused  lost");
  for (i = 0; i < n; i++) {
    flood_case f = {.n = n == 1 ? most : all[i]};
    floodserver s;

    if (!floodserver_start(&s, timeout_ms)) {
      is_good = false;
      break;
    }
    measure(&f, &s, initials, timeout_ms + 1000);
    /* How quiet the machine is decides about the silence as well. */
    f.is_good = f.is_good && (o->is_short || f.silence_ms * 1e6 <= SILENCE_MAX);
    floodserver_stop(&s);
    if (o->is_json) {
      print_json(&f, i == 0);
    } else {
      print(&f);
    }
    is_good &= f.is_good;
  }
  printf(o->is_json ? "],\"ok\":%s}\n" : "self-check: %s\n",
         is_good ? "true" : "false");
  free(initials);
  return is_good ? 0 : 1;
}
