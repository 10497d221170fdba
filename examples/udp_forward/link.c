/* The client's connection: made, told of, and made again. */
#include <stdlib.h>
#include <string.h>

#include "../goodbye.h"
#include "client.h"

#define BACKOFF_FIRST (QUICMIG_SECOND / 2)
#define BACKOFF_MAX (30 * QUICMIG_SECOND)
#define STEADY (10 * QUICMIG_SECOND) /* a connection that lasts so is good */

static void on_watch(quicmig *m, int fd, int on, void *user_data) {
  client *c = user_data;

  (void)m;
  if (quicmig_ev_watch(c->s.ev, fd, on) != 0) {
    log_line("too many sockets: one is not watched");
  }
}

static void on_hop(quicmig *m, const quicmig_hop_record *r, void *user_data) {
  client *c = user_data;
  char json[1024];

  (void)m;
  quicmig_hop_record_json(r, json, sizeof(json));
  cli_log_line(&c->hop_log, "%s", json);
  if (r->result != 0) {
    log_line("hop %llu (%s) from port %u failed: %s",
             (unsigned long long)r->seq, quicmig_reason_name((int)r->reason),
             r->from_port, quicmig_strerror(r->result));
    return;
  }
  c->ports[r->from_id % CLIENT_PORTS] = r->from_port;
  c->ports[r->to_id % CLIENT_PORTS] = r->to_port;
  log_line("hop %llu (%s): port %u > %u, server's %u > %u, proven in %.2f ms",
           (unsigned long long)r->seq, quicmig_reason_name((int)r->reason),
           r->from_port, r->to_port, r->from_remote_port, r->to_remote_port,
           (double)r->validate_time / 1e6);
}

static void on_event(quicmig *m, const quicmig_event *e, void *user_data) {
  client *c = user_data;

  (void)m;
  switch (e->type) {
  case QUICMIG_EVENT_PATH_STATE:
    if (e->to == QUICMIG_PATH_CLOSED) {
      log_line("socket of path %u (port %u) closed, it was %s", e->path,
               c->ports[e->path % CLIENT_PORTS],
               quicmig_path_state_name((int)e->from));
    }
    return;
  case QUICMIG_EVENT_VERDICT:
    log_line("verdict: %s; %llu bytes in %.1f s, %llu > %llu bytes/s",
             quicmig_verdict_name((int)e->verdict),
             (unsigned long long)e->flow_bytes, (double)e->flow_age / 1e9,
             (unsigned long long)e->rate_before,
             (unsigned long long)e->rate_after);
    return;
  default:
    log_line("%s: %llu", quicmig_event_name((int)e->type),
             (unsigned long long)e->value);
  }
}

static void on_connected(quicmig_conn *conn, void *user_data) {
  client *c = user_data;
  quicmig_conn_info info = {.size = sizeof(info)};
  char text[LOG_ADDRESS_MAX];

  c->connected_at = quicmig_clock();
  c->remotes.failures = 0;
  c->s.count.connections++;
  quicmig_conn_get_info(conn, &info);
  if (info.remote.ss_family == AF_UNSPEC) {
    info.remote = c->remotes.rows[0];
  }
  printf("connected to %s\n", log_address(&info.remote, text));
  fflush(stdout);
  if (quicmig_conn_max_datagram(conn) == 0) {
    log_line("the server takes no DATAGRAMs: nothing can be forwarded");
  }
}

/* Frees the link, keeping its counters. */
static void drop_link(client *c) {
  quicmig_stats s = {.size = sizeof(s)};

  if (!c->link) {
    return;
  }
  quicmig_get_stats(quicmig_client_migrator(c->link), &s);
  c->hops += s.hops;
  c->hops_failed += s.hops_failed;
  c->hops_refused += s.hops_refused;
  c->late_rescued += s.late_rescued;
  quicmig_client_free(c->link);
  c->link = NULL;
  quicmig_ev_set_client(c->s.ev, NULL);
  outbound_restart(&c->out);
}

/* A quarter at random, so that many clients do not come back as one. */
static void retry_later(client *c) {
  double wait = (double)c->backoff / 1e9;

  wait += wait / 4 * (double)(rand() % 1000) / 1000;
  log_line("next attempt in %.1f s", wait);
  c->backoff = c->backoff * 2 < BACKOFF_MAX ? c->backoff * 2 : BACKOFF_MAX;
  ev_now_update(c->s.loop);
  ev_timer_set(&c->retry, wait, 0.);
  ev_timer_start(c->s.loop, &c->retry);
}

static void on_closed(quicmig_conn *conn, const quicmig_close_info *info,
                      void *user_data) {
  client *c = user_data;

  (void)conn;
  if (c->is_stopping) {
    return;
  }
  log_line("connection ended: %s%s%s%s", info->by_peer ? "by the server: " : "",
           quicmig_strerror(info->err), info->reason[0] ? ": " : "",
           info->reason);
  if (c->connected_at && quicmig_clock() - c->connected_at > STEADY) {
    c->backoff = BACKOFF_FIRST;
  }
  c->remotes.failures += c->connected_at == 0;
  c->connected_at = 0;
  retry_later(c);
}

static void on_datagram(quicmig_conn *conn, const uint8_t *data, size_t len,
                        void *user_data) {
  (void)conn;
  client_take_answer(user_data, data, len);
}

static size_t on_head(quicmig_conn *conn, const uint8_t **data,
                      void *user_data) {
  client *c = user_data;

  return outbound_head(&c->out, quicmig_conn_max_datagram(conn),
                       quicmig_clock(), data);
}

static void on_pop(quicmig_conn *conn, int sent, void *user_data) {
  client *c = user_data;

  (void)conn;
  outbound_pop(&c->out, sent);
}

static int open_link(client *c) {
  static const quicmig_callbacks cb = {
      .size = sizeof(cb), .watch = on_watch, .hop = on_hop, .event = on_event};
  static const quicmig_conn_callbacks conn_cb = {.size = sizeof(conn_cb),
                                                 .connected = on_connected,
                                                 .closed = on_closed,
                                                 .datagram = on_datagram,
                                                 .datagram_head = on_head,
                                                 .datagram_pop = on_pop};
  quicmig_client_config cfg;

  quicmig_client_config_default(&cfg);
  cfg.host = c->o.host;
  cfg.remotes = c->remotes.rows;
  cfg.n_remotes = c->remotes.n;
  cfg.tls = &c->o.tls;
  cfg.migration = &c->o.migration;
  cfg.transport = &c->o.transport;
  cfg.callbacks = &cb;
  cfg.conn_callbacks = &conn_cb;
  cfg.user_data = c;
  return quicmig_client_new(&c->link, &cfg, quicmig_clock());
}

static void try_to_connect(client *c) {
  int rv;

  drop_link(c);
  rv = remotes_update(&c->remotes, &c->o.host, 1, c->o.port)
           ? open_link(c)
           : QUICMIG_ERR_RESOLVE;
  if (!c->was_tried &&
      (rv == QUICMIG_ERR_INVALID_ARGUMENT || rv == QUICMIG_ERR_CERT_FILE)) {
    cli_fail("%s", quicmig_last_error_text());
  }
  c->was_tried = true; /* from here on a file may be written anew */
  if (rv != 0) {
    c->remotes.failures++;
    c->link = NULL;
    log_line("%s", quicmig_last_error_text());
    retry_later(c);
    return;
  }
  quicmig_ev_set_client(c->s.ev, c->link);
}

static void on_retry(struct ev_loop *loop, ev_timer *w, int revents) {
  (void)loop;
  (void)revents;
  try_to_connect(w->data);
}

void link_start(client *c) {
  srand((unsigned)quicmig_clock());
  c->backoff = BACKOFF_FIRST;
  ev_timer_init(&c->retry, on_retry, 0., 0.);
  c->retry.data = c;
  try_to_connect(c);
}

void link_stop(client *c) {
  c->is_stopping = true;
  ev_timer_stop(c->s.loop, &c->retry);
  if (c->link) {
    goodbye_client(c->link, "done");
  }
  drop_link(c);
}

void link_wake(client *c) {
  if (c->link) {
    quicmig_conn_wake(quicmig_client_conn(c->link));
  }
}
