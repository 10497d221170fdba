/*
 * The client of <quicmig/endpoint.h> in a loop of the program's own, here
 * poll(2): it sends a datagram every 10 ms to an echo_server, hops all the
 * while, and prints each hop.
 *
 * A loop has to do three things, and run() does nothing else:
 *   watch the sockets that the watch callback names,
 *   call quicmig_client_run() for each that is readable, and with -1 at latest
 *   when quicmig_client_deadline() has come.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <quicmig/endpoint.h>

#include "cli.h"

#define SEND_EVERY (10 * QUICMIG_MILLISECOND)
#define LINGER QUICMIG_SECOND
#define SOCKETS_MAX 16 /* no quicmig has more, see max_sockets in model.h */

typedef struct program {
  const char *host;
  uint64_t port;
  quicmig_duration duration;
  quicmig_tls_config tls;
  quicmig_options migration;
  /* While it runs. */
  quicmig_client *client;
  struct pollfd fds[SOCKETS_MAX];
  nfds_t nfds;
  quicmig_tstamp start, next; /* next: datagram due; QUICMIG_NEVER: not yet */
  uint64_t sent, echoed;
  int is_done, status;
} program;

static const char help[] =
    "usage: poll_loop [options] HOST PORT\n"
    "Sends datagrams to an echo_server from a poll(2) loop, hopping.\n"
    "  --hop-interval T      mean time between hops, 0: none [2s]\n"
    "  --duration T          send so long [5s]\n"
    "  --ca F                trust these CAs [the system's]\n"
    "  --insecure            do not verify the server\n"
    "  --alpn NAME           application protocol [quicmig-echo]\n"
    "  --help\n"
    "T is a number with ms, s, m or h.\n";

/* A hop opens a second socket, and the old one stays until it has drained: so
 * there is a set of sockets to watch, and this keeps it.  After on=0 the fd is
 * closed, and its number may come back for another socket. */
static void on_watch(quicmig *m, int fd, int on, void *user_data) {
  program *p = user_data;
  nfds_t i = 0;

  (void)m;
  while (i < p->nfds && p->fds[i].fd != fd) {
    i++;
  }
  if (on && i < SOCKETS_MAX) {
    p->fds[i] = (struct pollfd){.fd = fd, .events = POLLIN};
    p->nfds += i == p->nfds;
  } else if (!on && i < p->nfds) {
    p->fds[i] = p->fds[--p->nfds];
  }
}

static void on_hop(quicmig *m, const quicmig_hop_record *r, void *user_data) {
  const program *p = user_data;

  (void)m;
  printf("%8.3f s  %-8s  port %5u > %5u  ",
         (double)(r->started_at - p->start) / 1e9,
         quicmig_reason_name((int)r->reason), r->from_port, r->to_port);
  if (r->result == 0) {
    printf("validated in %.2f ms\n", (double)r->validate_time / 1e6);
  } else {
    printf("failed: %s\n", quicmig_strerror(r->result));
  }
  fflush(stdout);
}

static void on_connected(quicmig_conn *c, void *user_data) {
  program *p = user_data;

  (void)c;
  p->start = quicmig_clock();
  p->next = p->start + SEND_EVERY;
}

static void on_datagram(quicmig_conn *c, const uint8_t *data, size_t len,
                        void *user_data) {
  program *p = user_data;

  (void)c;
  (void)data;
  (void)len;
  p->echoed++;
}

static void on_closed(quicmig_conn *c, const quicmig_close_info *info,
                      void *user_data) {
  program *p = user_data;

  (void)c;
  if (info->err != 0) {
    fprintf(stderr, "poll_loop: %s port %llu: %s%s%s\n", p->host,
            (unsigned long long)p->port, quicmig_strerror(info->err),
            info->reason[0] ? ": " : "", info->reason);
    p->status = 1;
  }
}

static void start(program *p) {
  quicmig_callbacks cb = {.size = sizeof(cb), .watch = on_watch, .hop = on_hop};
  quicmig_conn_callbacks conn_cb = {.size = sizeof(conn_cb),
                                    .connected = on_connected,
                                    .closed = on_closed,
                                    .datagram = on_datagram};
  quicmig_client_config cfg;

  quicmig_client_config_default(&cfg);
  cfg.host = p->host;
  cfg.port = p->port;
  cfg.tls = &p->tls;
  cfg.migration = &p->migration;
  cfg.callbacks = &cb;
  cfg.conn_callbacks = &conn_cb;
  cfg.user_data = p;
  /* Everything is copied: cfg and what it points to may go out of scope. */
  if (quicmig_client_new(&p->client, &cfg, quicmig_clock()) != 0) {
    cli_fail("%s", quicmig_last_error_text());
  }
}

/* Every 10 ms: queues a datagram, which leaves in the next run, or, when the
 * time is over, waits for the last echoes. */
static void tick(program *p, quicmig_tstamp now) {
  static const uint8_t data[100] = "Here I am.";
  quicmig_tstamp end = p->start + p->duration;

  for (; p->next <= now; p->next += SEND_EVERY) {
    if (p->next <= end) {
      int rv = quicmig_conn_send_datagram(quicmig_client_conn(p->client), data,
                                          sizeof(data));

      /* A full queue: the network has stood still for long.  Skip this one. */
      if (rv != 0 && rv != QUICMIG_ERR_BLOCKED) {
        cli_fail("%s", quicmig_strerror(rv));
      }
      p->sent += rv == 0;
    }
    p->is_done = p->next >= end + LINGER;
  }
}

/* Milliseconds for poll(), at most a minute.  Rounded up: waking a little early
 * would only turn the loop again and again until the deadline has come. */
static int timeout_until(quicmig_tstamp at, quicmig_tstamp now) {
  at = at > now ? (at - now - 1) / QUICMIG_MILLISECOND + 1 : 0;
  return at < 60000 ? (int)at : 60000;
}

static void run(program *p) {
  struct pollfd fds[SOCKETS_MAX];
  quicmig_tstamp at, now = quicmig_clock();
  nfds_t i, n;
  int rv = 0;

  while (rv == 0 && !p->is_done) {
    /* A copy, because run calls on_watch, which changes the original.  An fd
     * of the copy that is closed meanwhile is ignored by run. */
    n = p->nfds;
    memcpy(fds, p->fds, n * sizeof(fds[0]));
    at = quicmig_client_deadline(p->client);
    at = p->next < at ? p->next : at;
    if (poll(fds, n, timeout_until(at, now)) < 0 && errno != EINTR) {
      cli_fail("poll: %s", strerror(errno));
    }
    now = quicmig_clock();
    for (i = 0; i < n && rv == 0; i++) {
      if (fds[i].revents) { /* POLLERR too: an ICMP error waits to be read */
        rv = quicmig_client_run(p->client, fds[i].fd, now);
      }
    }
    if (rv == 0) {
      tick(p, now);
      /* Lets time pass and sends what was queued. */
      rv = quicmig_client_run(p->client, -1, now);
    }
  }
}

/* Says goodbye, which takes one more run, and reports. */
static void finish(program *p) {
  quicmig_stats s = {.size = sizeof(s)};

  quicmig_get_stats(quicmig_client_migrator(p->client), &s);
  quicmig_conn_close(quicmig_client_conn(p->client), 0, "done");
  (void)quicmig_client_run(p->client, -1, quicmig_clock());
  quicmig_client_free(p->client);
  if (p->status == 0) {
    printf("%llu sent, %llu echoed, %llu lost, %llu hops\n",
           (unsigned long long)p->sent, (unsigned long long)p->echoed,
           (unsigned long long)(p->sent - p->echoed),
           (unsigned long long)s.hops);
  }
}

static const struct option options[] = {
    {"hop-interval", required_argument, NULL, 'i'},
    {"duration", required_argument, NULL, 'd'},
    {"ca", required_argument, NULL, 'c'},
    {"insecure", no_argument, NULL, 'k'},
    {"alpn", required_argument, NULL, 'a'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0}};

static void take_option(program *p, int c) {
  switch (c) {
  case 'i':
    p->migration.hop_interval = cli_duration("--hop-interval", optarg);
    break;
  case 'd':
    p->duration = cli_duration("--duration", optarg);
    break;
  case 'c':
    p->tls.ca_file = optarg;
    break;
  case 'k':
    p->tls.insecure = 1;
    break;
  case 'a':
    p->tls.alpn = optarg;
    break;
  default:
    fputs(help, stdout);
    exit(0);
  }
}

int main(int argc, char **argv) {
  program p = {.duration = 5 * QUICMIG_SECOND, .next = QUICMIG_NEVER};
  const char *why;
  int c;

  cli_start("poll_loop");
  quicmig_tls_config_default(&p.tls);
  quicmig_options_default(&p.migration);
  p.tls.alpn = "quicmig-echo";
  p.migration.hop_interval = 2 * QUICMIG_SECOND;
  while ((c = cli_next(argc, argv, options)) != -1) {
    take_option(&p, c);
  }
  if (argc - optind != 2) {
    cli_usage("HOST and PORT are expected (try --help)");
  }
  p.host = argv[optind];
  p.port = cli_number("PORT", argv[optind + 1], 1, 65535);
  why = quicmig_options_check(&p.migration);
  if (why) {
    cli_usage("%s", why);
  }
  start(&p);
  run(&p);
  finish(&p);
  return p.status;
}
