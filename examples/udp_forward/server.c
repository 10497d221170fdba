#include "server.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "../cli.h"
#include "../goodbye.h"
#include "report.h"

/* Packets that wait for QUIC, of all connections together, in queues of one. */
#define QUEUES 8
/* Connections that QUIC may have beside those that are open: handshakes, and
 * closed ones that linger. */
#define CONNECTIONS_BESIDE 2048
/* Descriptors for everything that is not a flow or a QUIC socket. */
#define FILES_BESIDE 64

static void on_watch(quicmig_server *q, int fd, int on, void *user_data) {
  server *v = user_data;

  (void)q;
  if (quicmig_ev_watch(v->s.ev, fd, on) != 0) {
    cli_fail("%s", quicmig_strerror(QUICMIG_ERR_NOMEM));
  }
}

static void print(station *s) {
  server *v = (server *)s;
  quicmig_server_stats q = {.size = sizeof(q)};

  quicmig_server_get_stats(v->quic, &q);
  const report_item more[] = {{"clients", q.connections},
                              {"migrations", q.migrations},
                              {"accepted", q.accepted},
                              {"refused", q.refused},
                              {"clients_refused", v->clients_refused},
                              {"clients_evicted", v->clients_evicted}};

  report_print(s, more, sizeof(more) / sizeof(more[0]));
}

/* Every flow needs a descriptor.  Returns how many flows there may be. */
static uint32_t flow_limit(const forward_options *o) {
  uint64_t beside = FILES_BESIDE + 2 * (uint64_t)(o->port_hi - o->port_lo + 1);
  uint64_t fit = 1;
  struct rlimit r;

  cli_allow_sockets();
  if (getrlimit(RLIMIT_NOFILE, &r) != 0) {
    return o->max_flows_total;
  }
  if (r.rlim_cur > beside) {
    fit = r.rlim_cur - beside;
  }
  if (fit < o->max_flows_total) {
    log_line("at most %llu flows: the limit of open files",
             (unsigned long long)fit);
    return (uint32_t)fit;
  }
  return o->max_flows_total;
}

/* A party has half of the flows at most, and a connection's whole share. */
static uint32_t client_flow_limit(const forward_options *o) {
  uint32_t half = (o->max_flows_total + 1) / 2;

  if (o->max_client_flows) {
    return o->max_client_flows;
  }
  return half > o->max_flows ? half : o->max_flows;
}

static void set_port(struct sockaddr_storage *a, uint16_t port) {
  if (a->ss_family == AF_INET) {
    ((struct sockaddr_in *)(void *)a)->sin_port = htons(port);
  } else {
    ((struct sockaddr_in6 *)(void *)a)->sin6_port = htons(port);
  }
}

static void listen_quic(server *v) {
  static const quicmig_server_callbacks cb = {
      .size = sizeof(cb), .watch = on_watch, .accept = session_on_accept};
  quicmig_server_config cfg;
  struct sockaddr_storage bound;
  char text[LOG_ADDRESS_MAX];

  quicmig_server_config_default(&cfg);
  if (v->o.port_lo) {
    set_port(&v->o.listen[0].a, v->o.port_lo);
    set_port(&v->o.listen[1].a, v->o.listen[1].len ? v->o.port_lo : 0);
    cfg.port_hi = v->o.port_hi;
  }
  cfg.local = (const void *)&v->o.listen[0].a;
  cfg.locallen = v->o.listen[0].len;
  if (v->o.listen[1].len) {
    cfg.local2 = (const void *)&v->o.listen[1].a;
    cfg.locallen2 = v->o.listen[1].len;
  }
  cfg.fwmark = v->o.fwmark;
  cfg.tls = &v->o.tls;
  cfg.transport = &v->o.transport;
  cfg.callbacks = &cb;
  cfg.conn_callbacks = &session_callbacks;
  cfg.user_data = v;
  if (quicmig_server_new(&v->quic, &cfg, quicmig_clock()) != 0) {
    cli_fail("%s", quicmig_last_error_text());
  }
  quicmig_ev_set_server(v->s.ev, v->quic);
  quicmig_server_address(v->quic, &bound);
  printf("listening on %s\n", log_address(&bound, text));
  fflush(stdout);
}

static void start(server *v, const forward_options *o) {
  uint32_t limit = flow_limit(o);

  v->o = *o;
  v->o.transport.max_connections = o->max_connections + CONNECTIONS_BESIDE;
  v->s.close_flow = session_close_flow;
  v->s.print = print;
  station_start(&v->s, &v->o, limit, (size_t)QUEUES * o->queue);
  v->exits = calloc(limit, sizeof(*v->exits));
  if (!v->exits || !shares_init(&v->flows, limit, client_flow_limit(o)) ||
      !shares_init(&v->connections, o->max_connections,
                   o->max_client_connections)) {
    cli_fail("out of memory");
  }
  if (!o->tls.ca_file) {
    log_line("warning: without --ca any client may connect and send packets "
             "to the target");
  }
  listen_quic(v);
}

int server_main(const forward_options *o) {
  static server v;

  start(&v, o);
  ev_run(v.s.loop, 0);
  goodbye_server(v.quic, "the server is stopping");
  outbox_flush(&v.s.outbox);
  print(&v.s);
  quicmig_server_free(v.quic);
  free(v.exits);
  shares_reset(&v.flows);
  shares_reset(&v.connections);
  station_stop(&v.s);
  return 0;
}
