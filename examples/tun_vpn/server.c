#include "server.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "goodbye.h"
#include "printable.h"
#include "station.h"

/* Application error codes. */
#define NOT_KNOWN 1
#define REPLACED 2
#define NO_MEMORY 3

typedef struct server {
  station s;
  quicmig_server *q;
  tunnel *tunnels; /* one for each client of the configuration */
  tunnel stranger; /* user data of connections without a name yet */
  say_limit refused_said, failed_said;
} server;

static void on_watch(quicmig_server *q, int fd, int on, void *user_data) {
  server *s = ((tunnel *)user_data)->owner;

  (void)q;
  if (quicmig_ev_watch(s->s.ev, fd, on) != 0) {
    cli_fail("%s", quicmig_strerror(QUICMIG_ERR_NOMEM));
  }
}

static size_t find_client(const config *c, const char *name) {
  size_t i;

  for (i = 0; i < c->nclients && strcmp(c->clients[i].name, name) != 0; i++) {
  }
  return i;
}

static const char *name_of(const server *s, const tunnel *t) {
  return s->s.c.clients[t->index].name;
}

static place remote_of(const quicmig_conn *conn) {
  quicmig_conn_info info = {.size = sizeof(info)};

  quicmig_conn_get_info(conn, &info);
  return place_of(&info.remote);
}

/* The MTU is what the client with the most room takes; smaller ones answer
 * larger packets with ICMP. */
static void follow_room(server *s) {
  size_t i, room = 0;

  for (i = 0; i < s->s.c.nclients; i++) {
    room = s->tunnels[i].room > room ? s->tunnels[i].room : room;
  }
  if (room) {
    station_set_mtu(&s->s, room);
  }
}

static void admit(server *s, quicmig_conn *conn, tunnel *t) {
  place p = remote_of(conn);

  if (t->conn) {
    quicmig_conn *old = t->conn;

    say("%s connected anew: the connection before is closed", name_of(s, t));
    tunnel_close(t);
    quicmig_conn_set_user_data(old, &s->stranger);
    quicmig_conn_close(old, REPLACED, "another connection of this name");
  }
  if (!tunnel_open(t, &s->s.pump, conn)) {
    quicmig_conn_close(conn, NO_MEMORY, "out of memory");
    return;
  }
  tunnel_on_room(t, quicmig_conn_max_datagram(conn));
  say("%s connected from %s port %u", name_of(s, t), p.host, p.port);
}

static void on_connected(quicmig_conn *conn, void *user_data) {
  server *s = ((tunnel *)user_data)->owner;
  char name[CONFIG_TEXT] = "";
  place p = remote_of(conn);
  size_t i;

  (void)quicmig_conn_peer_name(conn, name, sizeof(name));
  i = find_client(&s->s.c, name);
  if (i == s->s.c.nclients) {
    say_rarely(&s->refused_said, "refused: %s from %s port %u is not a Client",
               name[0] ? name : "a client without a name", p.host, p.port);
    quicmig_conn_close(conn, NOT_KNOWN, "this name is not known here");
    return;
  }
  admit(s, conn, &s->tunnels[i]);
}

static void on_closed(quicmig_conn *conn, const quicmig_close_info *info,
                      void *user_data) {
  tunnel *t = user_data;
  server *s = t->owner;

  if (t == &s->stranger || t->conn != conn) {
    if (info->err && !info->by_peer) {
      say_rarely(&s->failed_said, "handshake failed: %s",
                 quicmig_strerror(info->err));
    }
    return;
  }
  say("%s disconnected: %s%s%s", name_of(s, t), quicmig_strerror(info->err),
      info->reason[0] ? ": " : "", info->reason);
  tunnel_close(t);
}

static void on_migrated(quicmig_conn *conn, const quicmig_migration *m,
                        void *user_data) {
  tunnel *t = user_data;
  server *s = t->owner;
  place before = place_of(&m->old_remote), now = place_of(&m->new_remote);

  (void)conn;
  if (t != &s->stranger) {
    say("%s migrated: %s port %u -> %s port %u%s", name_of(s, t), before.host,
        before.port, now.host, now.port,
        m->flags & QUICMIG_MIGRATION_SAME_ID ? ", same ID" : "");
  }
}

static void on_max_datagram(quicmig_conn *conn, size_t max, void *user_data) {
  tunnel *t = user_data;
  server *s = t->owner;

  (void)conn;
  if (t != &s->stranger) {
    tunnel_on_room(t, max);
    follow_room(s);
  }
}

/* A stranger's callbacks come here with a tunnel that is closed: nothing is
 * taken from it and nothing is sent. */
static tunnel *find(const uint8_t *p, void *user_data) {
  server *s = user_data;
  ip_address a;
  size_t i;

  packet_destination(p, &a);
  i = owners_find(&s->s.c.owners, &a);
  return i != OWNERS_NONE && s->tunnels[i].conn ? &s->tunnels[i] : NULL;
}

static bool may_come(const tunnel *t, const uint8_t *p, void *user_data) {
  server *s = user_data;
  uint64_t missed;
  ip_address a;

  packet_source(p, &a);
  if (owners_find(&s->s.c.owners, &a) == t->index) {
    return true;
  }
  if (say_may(&s->tunnels[t->index].foreign_said, quicmig_clock(), &missed)) {
    say("%s: dropped a packet from an inner address that is not its own "
        "(%llu more since the last line)",
        name_of(s, t), (unsigned long long)missed);
  }
  return false;
}

static void report(void *user_data) {
  server *s = user_data;
  quicmig_server_stats stats = {.size = sizeof(stats)};
  size_t i;

  quicmig_server_get_stats(s->q, &stats);
  printf("{\"connections\":%llu,\"migrations\":%llu,\"rx_datagrams\":%llu,"
         "\"tx_datagrams\":%llu,\"inner_mtu\":%zu,\"dropped_nobody\":%llu,"
         "\"dropped_by_tun\":%llu,\"clients\":[",
         (unsigned long long)stats.connections,
         (unsigned long long)stats.migrations,
         (unsigned long long)stats.rx_packets,
         (unsigned long long)stats.tx_packets, s->s.device.mtu,
         (unsigned long long)s->s.pump.lost,
         (unsigned long long)s->s.device.lost);
  for (i = 0; i < s->s.c.nclients; i++) {
    const tunnel *t = &s->tunnels[i];
    quicmig_conn_info info = {.size = sizeof(info)};
    char name[12 * CONFIG_NAME + 1];
    place p = {.host = ""};

    if (t->conn) {
      quicmig_conn_get_info(t->conn, &info);
      p = place_of(&info.remote);
    }
    printf("%s{\"name\":\"%s\",\"remote\":\"%s\",\"remote_port\":%u,"
           "\"migrations\":%llu,\"srtt_ms\":%.3f,\"inner_mtu\":%zu,",
           i ? "," : "",
           printable_json(name, sizeof(name), s->s.c.clients[i].name), p.host,
           p.port, (unsigned long long)info.migrations, (double)info.srtt / 1e6,
           t->room);
    station_print_counts(&t->counts);
    printf("}");
  }
  printf("]}\n");
}

static void reload(void *user_data) { (void)user_data; }

static void listen_address(const server *s, size_t i,
                           struct sockaddr_storage *ss, uint64_t *len) {
  struct addrinfo hints = {.ai_socktype = SOCK_DGRAM,
                           .ai_flags = AI_NUMERICSERV | AI_NUMERICHOST};
  struct addrinfo *found;
  char port[8];
  int rv;

  snprintf(port, sizeof(port), "%u", s->s.c.port_lo);
  rv = getaddrinfo(s->s.c.listen.rows[i], port, &hints, &found);
  if (rv != 0) {
    cli_fail("Listen %s: %s", s->s.c.listen.rows[i], gai_strerror(rv));
  }
  memcpy(ss, found->ai_addr, found->ai_addrlen);
  *len = found->ai_addrlen;
  freeaddrinfo(found);
}

static void start(server *s) {
  static const quicmig_server_callbacks cb = {.size = sizeof(cb),
                                              .watch = on_watch};
  static const quicmig_conn_callbacks conn_cb = {.size = sizeof(conn_cb),
                                                 .connected = on_connected,
                                                 .closed = on_closed,
                                                 .datagram = tunnel_on_datagram,
                                                 .migrated = on_migrated,
                                                 .max_datagram =
                                                     on_max_datagram,
                                                 .datagram_head = tunnel_head,
                                                 .datagram_pop = tunnel_pop};
  struct sockaddr_storage local[2];
  quicmig_transport_options transport;
  quicmig_server_config cfg;
  quicmig_tls_config tls;

  cli_allow_sockets();
  station_tls(&s->s, &tls);
  station_transport(&s->s, &transport);
  transport.disable_active_migration = !s->s.c.is_enabled;
  quicmig_server_config_default(&cfg);
  listen_address(s, 0, &local[0], &cfg.locallen);
  cfg.local = (const struct sockaddr *)&local[0];
  if (s->s.c.listen.count == 2) {
    listen_address(s, 1, &local[1], &cfg.locallen2);
    cfg.local2 = (const struct sockaddr *)&local[1];
  }
  cfg.port_hi = s->s.c.port_hi > s->s.c.port_lo ? s->s.c.port_hi : 0;
  cfg.fwmark = s->s.c.fwmark;
  cfg.tls = &tls;
  cfg.transport = &transport;
  cfg.callbacks = &cb;
  cfg.conn_callbacks = &conn_cb;
  cfg.user_data = &s->stranger;
  if (quicmig_server_new(&s->q, &cfg, quicmig_clock()) != 0) {
    cli_fail("%s", quicmig_last_error_text());
  }
  quicmig_ev_set_server(s->s.ev, s->q);
}

static void announce(const server *s) {
  const config *c = &s->s.c;
  char last[16] = "";
  size_t i;

  if (c->port_hi > c->port_lo) {
    snprintf(last, sizeof(last), "-%u", c->port_hi);
  }
  for (i = 0; i < c->listen.count; i++) {
    printf("listening on %s port %u%s\n", c->listen.rows[i], c->port_lo, last);
  }
  fflush(stdout);
}

static void make_tunnels(server *s) {
  size_t i, n = s->s.c.nclients;

  s->tunnels = calloc(n, sizeof(*s->tunnels));
  if (!s->tunnels) {
    cli_fail("out of memory");
  }
  for (i = 0; i < n; i++) {
    s->tunnels[i].owner = s;
    s->tunnels[i].index = i;
  }
  s->stranger.owner = s;
}

int server_run(const config *cfg, const char *file) {
  static const pump_calls calls = {.find = find, .may_come = may_come};
  static server s;
  size_t i;
  int status;

  s.s.c = *cfg;
  s.s.file = file;
  make_tunnels(&s);
  station_open(&s.s, report, reload, &s);
  pump_start(&s.s.pump, s.s.loop, &s.s.device, &calls, &s);
  start(&s);
  announce(&s);
  ev_run(s.s.loop, 0);
  goodbye_server(s.q, "the server is stopping");
  quicmig_server_free(s.q);
  for (i = 0; i < s.s.c.nclients; i++) {
    tunnel_close(&s.tunnels[i]);
  }
  free(s.tunnels);
  pump_stop(&s.s.pump);
  status = s.s.pump.is_broken;
  station_close(&s.s);
  return status;
}
