#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "events.h"
#include "goodbye.h"
#include "remotes.h"
#include "routing.h"
#include "station.h"

#define RETRY_MIN 1.
#define RETRY_MAX 30.
/* Path MTU discovery is given so long, in seconds, before the connection is
 * announced. */
#define SETTLE 0.5
/* A connection that lasts so is a good one: refusals come sooner. */
#define STEADY (5 * QUICMIG_SECOND)
#define INTERVAL_RUDE (30 * QUICMIG_SECOND)

typedef struct client {
  station s;
  quicmig_client *q; /* NULL: waits for the next try */
  tunnel t;
  events events;
  remotes remotes;
  ev_timer retry, settle;
  routing routing;
  double backoff;
  quicmig_tstamp connected_at; /* while is_connected */
  bool is_connected, is_announced;
  bool was_tried;  /* to connect: the configuration is good */
  bool has_routes; /* and rules: from the first attempt on */
  uint64_t reconnects;
  quicmig_stats before; /* of connections that have ended */
} client;

static void on_watch(quicmig *m, int fd, int on, void *user_data) {
  tunnel *t = user_data;
  client *c = t->owner;

  (void)m;
  (void)quicmig_ev_watch(c->s.ev, fd, on);
}

static void on_hop(quicmig *m, const quicmig_hop_record *r, void *user_data) {
  (void)m;
  (void)user_data;
  events_say_hop(r, quicmig_clock());
}

static void on_event(quicmig *m, const quicmig_event *e, void *user_data) {
  tunnel *t = user_data;
  client *c = t->owner;

  events_say(&c->events, m, e);
}

static void announce(struct ev_loop *loop, ev_timer *w, int revents) {
  client *c = w->data;
  quicmig_path_info path;

  (void)loop;
  (void)revents;
  if (c->q && c->is_connected &&
      events_active(quicmig_client_migrator(c->q), &path)) {
    place p = place_of(&path.remote);

    c->is_announced = true;
    printf("connected to %s port %u, inner MTU %zu\n", p.host, p.port,
           c->t.room);
    fflush(stdout);
  }
}

static void on_connected(quicmig_conn *conn, void *user_data) {
  tunnel *t = user_data;
  client *c = t->owner;

  (void)conn;
  c->is_connected = true;
  c->connected_at = quicmig_clock();
  c->remotes.failures = 0;
  ev_timer_stop(c->s.loop, &c->settle);
  ev_timer_set(&c->settle, SETTLE, 0.);
  ev_timer_start(c->s.loop, &c->settle);
}

static void on_max_datagram(quicmig_conn *conn, size_t max, void *user_data) {
  tunnel *t = user_data;
  client *c = t->owner;

  (void)conn;
  tunnel_on_room(t, max);
  station_set_mtu(&c->s, max);
}

static void say_end(const client *c, const quicmig_close_info *info) {
  if (info->err == 0) {
    return; /* we are stopping */
  }
  /* A server's refusal comes when the client's handshake is complete. */
  say("%s: %s%s%s%s; next try in %.0f s",
      c->is_announced ? "connection lost" : "not connected",
      info->by_peer ? "the server says: " : "",
      info->by_peer && info->reason[0] ? "" : quicmig_strerror(info->err),
      info->reason[0] && !info->by_peer ? ": " : "", info->reason, c->backoff);
}

static void retry_later(client *c) {
  ev_now_update(c->s.loop); /* a name server may have taken its time */
  ev_timer_set(&c->retry, c->backoff, 0.);
  ev_timer_start(c->s.loop, &c->retry);
  c->backoff = c->backoff * 2 < RETRY_MAX ? c->backoff * 2 : RETRY_MAX;
}

/* Too early to free the connection: the retry does it. */
static void on_closed(quicmig_conn *conn, const quicmig_close_info *info,
                      void *user_data) {
  tunnel *t = user_data;
  client *c = t->owner;

  (void)conn;
  if (c->is_connected && quicmig_clock() - c->connected_at >= STEADY) {
    c->backoff = RETRY_MIN;
  }
  say_end(c, info);
  c->remotes.failures += !c->is_connected;
  c->is_connected = c->is_announced = false;
  tunnel_close(t);
  retry_later(c);
}

/* What the next connection's counters begin anew with. */
static void keep_stats(client *c) {
  quicmig_stats s = {.size = sizeof(s)};

  quicmig_get_stats(quicmig_client_migrator(c->q), &s);
  c->before.hops += s.hops;
  c->before.hops_failed += s.hops_failed;
  c->before.hops_refused += s.hops_refused;
}

static void drop_client(client *c) {
  if (c->q) {
    keep_stats(c);
    tunnel_close(&c->t);
    quicmig_ev_set_client(c->s.ev, NULL);
    quicmig_client_free(c->q);
    c->q = NULL;
  }
}

static int make_client(client *c, const quicmig_options *o,
                       const quicmig_transport_options *transport) {
  static const quicmig_callbacks cb = {
      .size = sizeof(cb), .watch = on_watch, .hop = on_hop, .event = on_event};
  static const quicmig_conn_callbacks conn_cb = {.size = sizeof(conn_cb),
                                                 .connected = on_connected,
                                                 .closed = on_closed,
                                                 .datagram = tunnel_on_datagram,
                                                 .max_datagram =
                                                     on_max_datagram,
                                                 .datagram_head = tunnel_head,
                                                 .datagram_pop = tunnel_pop};
  quicmig_client_config cfg;
  quicmig_tls_config tls;

  station_tls(&c->s, &tls);
  tls.server_name =
      c->s.c.server_name[0] ? c->s.c.server_name : c->s.c.servers.rows[0];
  quicmig_client_config_default(&cfg);
  cfg.remotes = c->remotes.rows;
  cfg.n_remotes = c->remotes.n;
  cfg.tls = &tls;
  cfg.migration = o;
  cfg.transport = transport;
  cfg.callbacks = &cb;
  cfg.conn_callbacks = &conn_cb;
  cfg.user_data = &c->t;
  return quicmig_client_new(&c->q, &cfg, quicmig_clock());
}

static bool find_server(client *c) {
  const config_list *list = &c->s.c.servers;
  const char *hosts[REMOTES_HOSTS];
  size_t i;

  for (i = 0; i < list->count && i < REMOTES_HOSTS; i++) {
    hosts[i] = list->rows[i];
  }
  return remotes_update(&c->remotes, hosts, i, c->s.c.port_lo);
}

/* Starts to connect; returns 0 or a quicmig_err. */
static int begin(client *c) {
  quicmig_options o = config_options(&c->s.c);
  quicmig_transport_options transport;
  int rv;

  if (!find_server(c)) {
    return QUICMIG_ERR_RESOLVE;
  }
  station_transport(&c->s, &transport);
  rv = make_client(c, &o, &transport);
  if (rv != 0) {
    return rv;
  }
  if (!tunnel_open(&c->t, &c->s.pump, quicmig_client_conn(c->q))) {
    drop_client(c);
    return QUICMIG_ERR_NOMEM;
  }
  quicmig_ev_set_client(c->s.ev, c->q);
  return 0;
}

static const char *text_of(int err) {
  return err == QUICMIG_ERR_NOMEM ? quicmig_strerror(err)
                                  : quicmig_last_error_text();
}

/* Names are asked for before there are routes: later the question might go into
 * a tunnel that is down. */
static void add_routes(client *c) {
  if (c->has_routes) {
    return;
  }
  if (!routing_open(&c->routing, &c->s.c, c->s.device.name)) {
    routing_close(&c->routing);
    cli_fail("%s has not got its routes", c->s.device.name);
  }
  routing_watch(&c->routing, c->s.loop);
  c->has_routes = true;
}

/* A client that was killed has left its rules, and what is routed into the
 * tunnel is unreachable: perhaps also the name server. */
static void clear_the_way(const client *c) {
  if (!c->has_routes && routing_clean(&c->s.c) > 0) {
    say("the rules of a client that was killed are removed, to ask for the "
        "server's name");
  }
}

/* At boot neither name nor route may be there yet; a mistake in the
 * configuration does not mend itself. */
static void connect_now(client *c) {
  int rv = begin(c);

  if (!c->was_tried &&
      (rv == QUICMIG_ERR_INVALID_ARGUMENT || rv == QUICMIG_ERR_CERT_FILE)) {
    cli_fail("%s", text_of(rv));
  }
  if (rv == 0) {
    c->was_tried = true;
    add_routes(c);
    return;
  }
  if (rv == QUICMIG_ERR_RESOLVE) {
    clear_the_way(c);
  }
  c->remotes.failures++;
  say("not connected: %s; next try in %.0f s", text_of(rv), c->backoff);
  retry_later(c);
}

static void on_retry(struct ev_loop *loop, ev_timer *w, int revents) {
  client *c = w->data;

  (void)loop;
  (void)revents;
  drop_client(c);
  c->reconnects++;
  connect_now(c);
}

/* Multicast ends here: the kernel sends some on every device, and the server
 * knows nobody to give it to. */
static tunnel *find(const uint8_t *p, void *user_data) {
  client *c = user_data;
  bool is_multicast = p[0] >> 4 == 6 ? p[24] == 0xff : p[16] >> 4 == 14;

  return c->is_connected && !is_multicast ? &c->t : NULL;
}

static void report(void *user_data) {
  client *c = user_data;
  quicmig_conn_info info = {.size = sizeof(info)};
  quicmig_stats s = {.size = sizeof(s)};
  quicmig_path_info path;
  place local = {.port = 0}, remote = {.host = ""};

  if (c->q) {
    quicmig_get_stats(quicmig_client_migrator(c->q), &s);
    quicmig_conn_get_info(quicmig_client_conn(c->q), &info);
    if (events_active(quicmig_client_migrator(c->q), &path)) {
      local = place_of(&path.local);
      remote = place_of(&path.remote);
    }
  }
  printf("{\"connected\":%s,\"hops\":%llu,\"hops_failed\":%llu,"
         "\"hops_refused\":%llu,\"sockets_open\":%u,\"local_port\":%u,"
         "\"remote\":\"%s\",\"remote_port\":%u,\"srtt_ms\":%.3f,"
         "\"inner_mtu\":%zu,\"reconnects\":%llu,",
         c->is_connected ? "true" : "false",
         (unsigned long long)(c->before.hops + s.hops),
         (unsigned long long)(c->before.hops_failed + s.hops_failed),
         (unsigned long long)(c->before.hops_refused + s.hops_refused),
         s.sockets_open, local.port, remote.host, remote.port,
         (double)info.srtt / 1e6, c->t.room, (unsigned long long)c->reconnects);
  station_print_counts(&c->t.counts);
  printf(",\"dropped_unconnected\":%llu,\"dropped_by_tun\":%llu,"
         "\"rules_put_back\":%llu}\n",
         (unsigned long long)c->s.pump.lost,
         (unsigned long long)c->s.device.lost,
         (unsigned long long)c->routing.put_back);
}

static void warn_interval(const config *c) {
  if (c->is_enabled && c->migration.hop_interval &&
      c->migration.hop_interval < INTERVAL_RUDE) {
    say("QuicHopInterval is under 30 s: each hop leaves an entry in every NAT "
        "on the way for minutes");
  }
}

static void apply_budget(const config *c) {
  (void)quicmig_nat_budget(c->nat_budget, 180 * QUICMIG_SECOND);
}

static void reload(void *user_data) {
  client *c = user_data;
  quicmig_options o = config_options(&c->s.c);

  apply_budget(&c->s.c);
  if (c->q) {
    int rv =
        quicmig_reschedule(quicmig_client_migrator(c->q), &o, quicmig_clock());

    say("hops every %.1f s from now on%s%s", (double)o.hop_interval / 1e9,
        rv ? ": " : "", rv ? quicmig_strerror(rv) : "");
  }
}

static void close_client(client *c) {
  if (c->q) {
    goodbye_client(c->q, "the client is stopping");
  }
  drop_client(c);
}

static void start(client *c) {
  static const pump_calls calls = {.find = find};

  ev_timer_init(&c->retry, on_retry, 0., 0.);
  ev_timer_init(&c->settle, announce, 0., 0.);
  c->retry.data = c->settle.data = c;
  pump_start(&c->s.pump, c->s.loop, &c->s.device, &calls, c);
  connect_now(c);
}

/* A client that was told to end leaves nothing; one whose device was taken away
 * is to be started again, and until then nothing goes in clear. */
static void end_routing(client *c) {
  if (!c->s.pump.is_broken) {
    routing_close(&c->routing);
    return;
  }
  if (c->has_routes && c->s.c.routes.count) {
    say("what is routed into the tunnel stays unreachable until the next "
        "start, "
        "or tun_vpn --clean %s",
        c->s.file);
  }
  routing_leave(&c->routing);
}

int client_run(const config *cfg, const char *file) {
  char why[ROUTING_WHY];
  static client c;
  int status;

  c.s.c = *cfg;
  c.s.file = file;
  c.t.owner = &c;
  c.backoff = RETRY_MIN;
  if (!routing_may_add(cfg, why)) {
    cli_fail("%s", why);
  }
  station_open(&c.s, report, reload, &c);
  warn_interval(cfg);
  apply_budget(cfg);
  start(&c);
  ev_run(c.s.loop, 0);
  end_routing(&c);
  close_client(&c);
  pump_stop(&c.s.pump);
  status = c.s.pump.is_broken;
  station_close(&c.s);
  return status;
}

int client_clean(const config *cfg) {
  char why[ROUTING_WHY];
  int rv;

  if (!routing_may_add(cfg, why)) {
    cli_fail("%s", why);
  }
  rv = routing_clean(cfg);
  if (rv < 0) {
    cli_fail("rtnetlink: %s", strerror(-rv));
  }
  say("%d rules were left and are removed", rv);
  return 0;
}
