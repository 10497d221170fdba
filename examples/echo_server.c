/*
 * A QUIC server that sends everything back: every DATAGRAM, and every byte of
 * every bidirectional stream.  It prints where it listens, then one line for
 * each client that moved.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <quicmig/ev.h>

#include "cli.h"
#include "goodbye.h"

typedef struct program {
  const char *address;
  const char *address2;
  uint16_t port, port_hi;
  quicmig_tls_config tls;
  quicmig_transport_options transport;
  uint64_t no_offload;
  const char *migration_log;
  cli_log log;
  quicmig_server *server;
  quicmig_ev *ev;
} program;

static const char help[] =
    "usage: echo_server [options]\n"
    "Sends every DATAGRAM and every byte of a bidirectional stream back.\n"
    "  --address A           listen there [127.0.0.1]\n"
    "  --address2 A          and there, in the other address family\n"
    "  --port N              0: any [0]\n"
    "  --port-range LO-HI    listen on all of these ports instead\n"
    "  --cert F --key F      PEM files [a self-signed certificate]\n"
    "  --ca F                ask for a client certificate signed by these\n"
    "  --alpn NAME           application protocol [quicmig-echo]\n"
    "  --migration-log FILE  one line of JSON a migration\n"
    "  --no-migration        forbid active migration to clients\n"
    "  --cid-limit N         active_connection_id_limit, 2-8 [8]\n"
    "  --idle-timeout T      [30s]\n"
    "  --no-gso              give the kernel every packet on its own\n"
    "  --no-gro              take every packet from the kernel on its own\n"
    "  --help\n"
    "T is a number with ms, s, m or h.\n";

static void on_watch(quicmig_server *s, int fd, int on, void *user_data) {
  program *p = user_data;

  (void)s;
  if (quicmig_ev_watch(p->ev, fd, on) != 0) {
    cli_fail("%s", quicmig_strerror(QUICMIG_ERR_NOMEM));
  }
}

static void on_datagram(quicmig_conn *c, const uint8_t *data, size_t len,
                        void *user_data) {
  (void)user_data;
  /* A full queue means that the client is faster than its own downlink for
   * long: as on any network, the datagram is lost. */
  (void)quicmig_conn_send_datagram(c, data, len);
}

/* The send buffer is as large as the receive window, and received bytes count
 * against the window until their echo is acknowledged: so it always fits. */
static void on_stream_data(quicmig_conn *c, quicmig_stream *s,
                           const uint8_t *data, size_t len, int fin,
                           void *user_data) {
  (void)c;
  (void)user_data;
  if (quicmig_stream_write(s, data, len) < 0) {
    quicmig_stream_consume(s, len); /* unidirectional: nothing to echo */
  } else if (fin) {
    (void)quicmig_stream_finish(s);
  }
}

static void on_stream_acked(quicmig_conn *c, quicmig_stream *s, size_t acked,
                            void *user_data) {
  (void)c;
  (void)user_data;
  quicmig_stream_consume(s, acked);
}

static uint16_t describe(const struct sockaddr_storage *ss, char *host,
                         size_t len) {
  if (ss->ss_family == AF_INET) {
    const struct sockaddr_in *in = (const void *)ss;

    inet_ntop(AF_INET, &in->sin_addr, host, (socklen_t)len);
    return ntohs(in->sin_port);
  }
  const struct sockaddr_in6 *in6 = (const void *)ss;

  inet_ntop(AF_INET6, &in6->sin6_addr, host, (socklen_t)len);
  return ntohs(in6->sin6_port);
}

static void on_migrated(quicmig_conn *c, const quicmig_migration *m,
                        void *user_data) {
  program *p = user_data;
  char old_host[64], new_host[64];
  uint16_t old_port = describe(&m->old_remote, old_host, sizeof(old_host));
  uint16_t new_port = describe(&m->new_remote, new_host, sizeof(new_host));
  const char *kind = m->flags & QUICMIG_MIGRATION_IP ? "ip" : "port";
  const char *id = m->flags & QUICMIG_MIGRATION_SAME_ID ? "same" : "fresh";

  (void)c;
  if (p->log.file) {
    cli_log_line(
        &p->log,
        "{\"time_ms\":%.3f,\"count\":%llu,\"kind\":\"%s\",\"id\":\"%s\","
        "\"old_address\":\"%s\",\"old_port\":%u,\"new_address\":\"%s\","
        "\"new_port\":%u}",
        (double)m->at / 1e6, (unsigned long long)m->count, kind, id, old_host,
        old_port, new_host, new_port);
  } else {
    printf("client moved: %s port %u > %s port %u (%s changed, %s ID)\n",
           old_host, old_port, new_host, new_port, kind, id);
    fflush(stdout);
  }
}

static void on_signal(struct ev_loop *loop, ev_signal *w, int revents) {
  program *p = w->data;

  (void)revents;
  goodbye_server(p->server, "the server is stopping");
  ev_break(loop, EVBREAK_ALL);
}

enum {
  ADDRESS = 256,
  ADDRESS2,
  PORT,
  RANGE,
  CERT,
  KEY,
  CA,
  ALPN,
  MLOG,
  NOMIG,
  CIDS,
  IDLE,
  NO_GSO,
  NO_GRO,
  HELP
};

static const struct option options[] = {
    {"address", required_argument, NULL, ADDRESS},
    {"address2", required_argument, NULL, ADDRESS2},
    {"port", required_argument, NULL, PORT},
    {"port-range", required_argument, NULL, RANGE},
    {"cert", required_argument, NULL, CERT},
    {"key", required_argument, NULL, KEY},
    {"ca", required_argument, NULL, CA},
    {"alpn", required_argument, NULL, ALPN},
    {"migration-log", required_argument, NULL, MLOG},
    {"no-migration", no_argument, NULL, NOMIG},
    {"cid-limit", required_argument, NULL, CIDS},
    {"idle-timeout", required_argument, NULL, IDLE},
    {"no-gso", no_argument, NULL, NO_GSO},
    {"no-gro", no_argument, NULL, NO_GRO},
    {"help", no_argument, NULL, HELP},
    {NULL, 0, NULL, 0}};

/* The options about where to listen; 0 if c is none of them. */
static int take_address_option(program *p, int c) {
  switch (c) {
  case ADDRESS:
    p->address = optarg;
    return 1;
  case PORT:
    p->port = (uint16_t)cli_number("--port", optarg, 0, 65535);
    return 1;
  case RANGE:
    cli_ports("--port-range", optarg, &p->port, &p->port_hi);
    return 1;
  case ADDRESS2:
    p->address2 = optarg;
    return 1;
  default:
    return 0;
  }
}

static void take_option(program *p, int c) {
  if (take_address_option(p, c)) {
    return;
  }
  switch (c) {
  case CERT:
    p->tls.cert_file = optarg;
    break;
  case KEY:
    p->tls.key_file = optarg;
    break;
  case CA:
    p->tls.ca_file = optarg;
    break;
  case ALPN:
    p->tls.alpn = optarg;
    break;
  case MLOG:
    p->migration_log = optarg;
    break;
  case NOMIG:
    p->transport.disable_active_migration = 1;
    break;
  case CIDS:
    p->transport.cid_limit = (uint32_t)cli_number("--cid-limit", optarg, 2, 8);
    break;
  case IDLE:
    p->transport.idle_timeout = cli_duration("--idle-timeout", optarg);
    break;
  case NO_GSO:
    p->no_offload |= QUICMIG_NO_GSO;
    break;
  case NO_GRO:
    p->no_offload |= QUICMIG_NO_GRO;
    break;
  default:
    fputs(help, stdout);
    exit(0);
  }
}

static struct addrinfo *find_address(const char *address, uint16_t number) {
  struct addrinfo hints = {.ai_socktype = SOCK_DGRAM,
                           .ai_flags = AI_NUMERICSERV | AI_PASSIVE};
  struct addrinfo *found;
  char port[8];
  int rv;

  snprintf(port, sizeof(port), "%u", number);
  rv = getaddrinfo(address, port, &hints, &found);
  if (rv != 0) {
    cli_fail("%s: %s", address, gai_strerror(rv));
  }
  return found;
}

static void start(program *p) {
  quicmig_server_callbacks cb = {.size = sizeof(cb), .watch = on_watch};
  quicmig_conn_callbacks conn_cb = {.size = sizeof(conn_cb),
                                    .datagram = on_datagram,
                                    .stream_data = on_stream_data,
                                    .stream_writable = on_stream_acked,
                                    .migrated = on_migrated};
  quicmig_server_config cfg;
  struct addrinfo *found = find_address(p->address, p->port);
  struct addrinfo *second =
      p->address2 ? find_address(p->address2, p->port) : NULL;
  int rv;

  quicmig_server_config_default(&cfg);
  cfg.local = found->ai_addr;
  cfg.locallen = found->ai_addrlen;
  if (second) {
    cfg.local2 = second->ai_addr;
    cfg.locallen2 = second->ai_addrlen;
  }
  if (p->port_hi) {
    cli_allow_sockets();
    cfg.port_hi = p->port_hi;
  }
  cfg.tls = &p->tls;
  cfg.transport = &p->transport;
  cfg.no_offload = p->no_offload;
  cfg.callbacks = &cb;
  cfg.conn_callbacks = &conn_cb;
  cfg.user_data = p;
  rv = quicmig_server_new(&p->server, &cfg, quicmig_clock());
  freeaddrinfo(found);
  if (second) {
    freeaddrinfo(second);
  }
  if (rv != 0) {
    cli_fail("%s", quicmig_last_error_text());
  }
  quicmig_ev_set_server(p->ev, p->server);
}

static void announce(const program *p) {
  struct sockaddr_storage local;
  char host[64];
  uint16_t port;

  quicmig_server_address(p->server, &local);
  port = describe(&local, host, sizeof(host));
  printf("listening on %s %u\n", host, port);
  fflush(stdout);
}

int main(int argc, char **argv) {
  struct ev_loop *loop = ev_default_loop(0);
  program p = {.address = "127.0.0.1"};
  ev_signal on_int, on_term;
  int c;

  cli_start("echo_server");
  quicmig_tls_config_default(&p.tls);
  quicmig_transport_options_default(&p.transport);
  p.tls.alpn = "quicmig-echo";
  /* Room for all that may come in while the network or the machine stands still
   * for some seconds: an echo server should not lose anything itself. */
  p.transport.datagram_queue = 8 << 20;
  while ((c = cli_next(argc, argv, options)) != -1) {
    take_option(&p, c);
  }
  if (optind != argc) {
    cli_usage("unexpected argument %s (try --help)", argv[optind]);
  }
  cli_log_open(&p.log, p.migration_log);
  p.ev = quicmig_ev_new(loop);
  if (!p.ev) {
    cli_fail("out of memory");
  }
  start(&p);
  announce(&p);
  ev_signal_init(&on_int, on_signal, SIGINT);
  ev_signal_init(&on_term, on_signal, SIGTERM);
  on_int.data = on_term.data = &p;
  ev_signal_start(loop, &on_int);
  ev_signal_start(loop, &on_term);
  ev_run(loop, 0);
  quicmig_server_free(p.server);
  quicmig_ev_free(p.ev);
  ev_loop_destroy(loop);
  return cli_log_close(&p.log);
}
