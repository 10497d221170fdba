#include "small.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static const char help[] =
    "  --hop-interval T      mean time between hops, 0: none [2s]\n"
    "  --duration T          send so long [5s]\n"
    "  --ca F                trust these CAs [the system's]\n"
    "  --insecure            do not verify the server\n"
    "  --alpn NAME           application protocol [quicmig-echo]\n"
    "  --help\n"
    "T is a number with ms, s, m or h.\n";

static const struct option options[] = {
    {"hop-interval", required_argument, NULL, 'i'},
    {"duration", required_argument, NULL, 'd'},
    {"ca", required_argument, NULL, 'c'},
    {"insecure", no_argument, NULL, 'k'},
    {"alpn", required_argument, NULL, 'a'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0}};

/* 0 for --help. */
static int take_option(small_options *o, int c) {
  switch (c) {
  case 'i':
    o->migration.hop_interval = cli_duration("--hop-interval", optarg);
    return 1;
  case 'd':
    o->duration = cli_duration("--duration", optarg);
    return 1;
  case 'c':
    o->ca_file = optarg;
    return 1;
  case 'k':
    o->is_insecure = 1;
    return 1;
  case 'a':
    o->alpn = optarg;
    return 1;
  default:
    return 0;
  }
}

void small_read(small_options *o, const char *name, const char *about, int argc,
                char **argv) {
  const char *why;
  int c;

  cli_start(name);
  *o = (small_options){.alpn = "quicmig-echo", .duration = 5 * QUICMIG_SECOND};
  quicmig_options_default(&o->migration);
  o->migration.hop_interval = 2 * QUICMIG_SECOND;
  while ((c = cli_next(argc, argv, options)) != -1) {
    if (!take_option(o, c)) {
      printf("usage: %s [options] HOST PORT\n%s\n%s", name, about, help);
      exit(0);
    }
  }
  if (argc - optind != 2) {
    cli_usage("HOST and PORT are expected (try --help)");
  }
  o->host = argv[optind];
  o->port = argv[optind + 1];
  (void)cli_number("PORT", o->port, 1, 65535);
  why = quicmig_options_check(&o->migration);
  if (why) {
    cli_usage("%s", why);
  }
}

void small_watch(small_set *s, int fd, int on) {
  nfds_t i = 0;

  while (i < s->n && s->fds[i].fd != fd) {
    i++;
  }
  if (on && i < SMALL_SOCKETS_MAX) {
    s->fds[i] = (struct pollfd){.fd = fd, .events = POLLIN};
    s->n += i == s->n;
  } else if (!on && i < s->n) {
    s->fds[i] = s->fds[--s->n];
  }
}

/* Milliseconds for poll(), at most a minute.  Rounded up: waking a little early
 * would only turn the loop again and again until the deadline has come. */
static int timeout_until(quicmig_tstamp at) {
  quicmig_tstamp now = quicmig_clock();

  at = at > now ? (at - now - 1) / QUICMIG_MILLISECOND + 1 : 0;
  return at < 60000 ? (int)at : 60000;
}

small_set small_wait(const small_set *s, quicmig_tstamp at) {
  small_set ready = *s;

  if (poll(ready.fds, ready.n, timeout_until(at)) < 0) {
    if (errno != EINTR) {
      cli_fail("poll: %s", strerror(errno));
    }
    ready.n = 0;
  }
  return ready;
}

void small_print_hop(const quicmig_hop_record *r, quicmig_tstamp start) {
  printf("%8.3f s  %-8s  port %5u > %5u  ",
         (double)(r->started_at - start) / 1e9,
         quicmig_reason_name((int)r->reason), r->from_port, r->to_port);
  if (r->result == 0) {
    printf("validated in %.2f ms\n", (double)r->validate_time / 1e6);
  } else {
    printf("failed: %s\n", quicmig_strerror(r->result));
  }
  fflush(stdout);
}

void small_print_result(uint64_t sent, uint64_t echoed, const quicmig *m) {
  quicmig_stats s = {.size = sizeof(s)};

  quicmig_get_stats(m, &s);
  printf("%llu sent, %llu echoed, %llu lost, %llu hops\n",
         (unsigned long long)sent, (unsigned long long)echoed,
         (unsigned long long)(sent - echoed), (unsigned long long)s.hops);
}
