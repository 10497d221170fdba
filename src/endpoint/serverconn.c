#include "endpoint/server.h"

#include <string.h>

#include "quic/pacing.h"

/* After its end a connection absorbs stray packets for this many PTOs (RFC
 * 9000 section 10.2). */
#define LINGER_PTOS 3
#define REMEMBERS_PATHS 0x010c00

/* How the connection answers what ngtcp2 calls `remote`; NULL: it was
 * forgotten. */
static const qm_route *find_route(qm_sconn *c, const ngtcp2_addr *remote) {
  return qm_routes_find(&c->routes, (const struct sockaddr *)remote->addr,
                        remote->addrlen);
}

/* The peer is there, and it is proven: tell the application. */
static void on_address(qm_sconn *c, const qm_route *route) {
  quicmig_migration m;

  qm_routes_use(&c->routes, route);
  if (!qm_tracker_on_validated(&c->tracker, &route->remote,
                               c->server->clock.last, &m)) {
    return;
  }
  c->conn.remote = route->remote;
  c->conn.migrations = m.count;
  c->server->stats.migrations++;
  if (c->conn.cb.migrated) {
    c->conn.cb.migrated(&c->conn, &m, c->conn.user_data);
  }
}

static void on_path_validated(quicmig_conn *conn, const ngtcp2_path *path,
                              ngtcp2_path_validation_result res) {
  const ngtcp2_path *current = ngtcp2_conn_get_path(conn->conn);
  const qm_route *route;

  if (res == NGTCP2_PATH_VALIDATION_RESULT_SUCCESS &&
      ngtcp2_path_eq(path, current) &&
      (route = find_route(qm_sconn_of(conn), &path->remote))) {
    on_address(qm_sconn_of(conn), route);
  }
}

static void on_id_status(quicmig_conn *c, ngtcp2_connection_id_status_type type,
                         uint64_t seq) {
  (void)c;
  (void)type;
  (void)seq;
}

static int on_id_added(quicmig_conn *c, const ngtcp2_cid *id) {
  return qm_cidtable_add(&qm_sconn_of(c)->server->ids, id->data, id->datalen, c,
                         &qm_sconn_of(c)->ids);
}

static void on_id_removed(quicmig_conn *c, const ngtcp2_cid *id) {
  qm_cidtable_retire(&qm_sconn_of(c)->server->ids, id->data, id->datalen, c,
                     &qm_sconn_of(c)->ids);
}

static void on_wants_run(quicmig_conn *conn) {
  qm_sconn *c = qm_sconn_of(conn);

  if (qm_list_is_empty(&c->dirty)) {
    qm_list_push(&c->server->dirty, &c->dirty);
  }
}

static quicmig_tstamp get_now(const quicmig_conn *conn) {
  const quicmig_server *s = ((const qm_sconn *)(const void *)conn)->server;

  return s->is_inside ? s->clock.last : QUICMIG_NEVER;
}

static const qm_conn_owner owner = {
    .path_validated = on_path_validated,
    .id_status = on_id_status,
    .id_added = on_id_added,
    .id_removed = on_id_removed,
    .wants_run = on_wants_run,
    .now = get_now,
};

qm_sconn *qm_sconn_new(quicmig_server *s, const ngtcp2_pkt_hd *hd,
                       const ngtcp2_path *path) {
  qm_conn_start start = {.mem = &s->mem,
                         .net = s->net,
                         .owner = &owner,
                         .tls = &s->tls,
                         .o = &s->o,
                         .cb = &s->conn_cb,
                         .user_data = s->user_data,
                         .path = path,
                         .initial = hd,
                         .reset_secret = s->reset_secret,
                         .now = s->clock.last};
  qm_addr local;
  qm_sconn *c;

  if (qm_heap_reserve(&s->timers, (size_t)s->stats.connections + 1) != 0) {
    return NULL;
  }
  c = qm_calloc(&s->mem, 1, sizeof(*c));
  if (!c) {
    return NULL;
  }
  c->server = s;
  c->n_too_large = s->n_too_large;
  (void)qm_addr_set(&local, (const struct sockaddr *)path->local.addr,
                    path->local.addrlen);
  qm_routes_init(&c->routes, &local, s->reading, s->routes_key);
  qm_heap_node_init(&c->timer);
  qm_list_init(&c->link);
  qm_list_init(&c->half_open);
  qm_cid_set_init(&c->ids);
  qm_list_init(&c->dirty);
  if (qm_conn_init(&c->conn, &start) != 0) {
    qm_cidtable_forget(&s->ids, &c->ids);
    qm_list_remove(&c->dirty);
    qm_free(&s->mem, c);
    return NULL;
  }
  qm_list_push(&s->conns, &c->link);
  s->stats.connections++;
  c->began_at = s->clock.last;
  qm_list_push(&s->half_open, &c->half_open);
  s->stats.half_open++;
  if (s->cb.accept && s->cb.accept(s, &c->conn, s->user_data) != 0) {
    qm_sconn_free(c);
    return NULL;
  }
  return c;
}

/* Its handshake is complete, or has failed. */
static void leave_half_open(qm_sconn *c) {
  if (!qm_list_is_empty(&c->half_open)) {
    qm_list_remove(&c->half_open);
    c->server->stats.half_open--;
  }
}

void qm_sconn_free(qm_sconn *c) {
  quicmig_server *s = c->server;

  leave_half_open(c);
  qm_cidtable_forget(&s->ids, &c->ids);
  qm_heap_remove(&s->timers, &c->timer);
  qm_list_remove(&c->link);
  qm_list_remove(&c->dirty);
  qm_conn_reset(&c->conn);
  qm_free(&s->mem, c->close_pkt);
  qm_free(&s->mem, c);
  s->stats.connections--;
}

/* What only a write would do waits with it. */
static void arm(qm_sconn *c) {
  quicmig_tstamp at = c->is_paced ? c->pace.at : qm_conn_deadline(&c->conn);

  qm_heap_set(&c->server->timers, &c->timer,
              qm_time_min(at, ngtcp2_conn_get_expiry(c->conn.conn)));
}

/* Ends it towards the application; it stays to absorb stray packets. */
static void end(qm_sconn *c) {
  quicmig_duration pto = ngtcp2_conn_get_pto(c->conn.conn);

  qm_conn_end(&c->conn);
  leave_half_open(c);
  qm_conn_reset(&c->conn); /* 50 kB that stray packets do not need */
  qm_list_remove(&c->dirty);
  qm_heap_set(&c->server->timers, &c->timer,
              qm_time_add(c->server->clock.last, LINGER_PTOS * pto));
}

/* From 1.12 on ngtcp2 remembers paths that it validated, and goes back to one
 * without a callback.  It may have been forgotten here, and noted again. */
static bool was_validated(const qm_sconn *c, const qm_route *route) {
  return ngtcp2_version(REMEMBERS_PATHS) &&
         (route->is_validated ||
          (!route->is_second &&
           qm_tracker_is_known(&c->tracker, &route->remote)));
}

/* There may be no callback: at the first path, and where was_validated(). */
static void sync_address(qm_sconn *c) {
  const ngtcp2_path *path = ngtcp2_conn_get_path(c->conn.conn);
  const qm_route *in_use = qm_routes_in_use(&c->routes), *route;

  if (c->conn.state != QM_CONN_OPEN ||
      (in_use &&
       qm_addr_is(&in_use->shown, path->remote.addr, path->remote.addrlen))) {
    return;
  }
  route = find_route(c, &path->remote);
  if (route && (!in_use || was_validated(c, route))) {
    on_address(c, route);
  }
}

static void on_error(qm_sconn *c, int liberr) {
  bool was_open = c->conn.state == QM_CONN_OPEN;

  if (liberr == NGTCP2_ERR_DROP_CONN && !was_open) {
    c->conn.close_err = QUICMIG_ERR_PROTOCOL;
    qm_conn_end(&c->conn);
    qm_sconn_free(c);
    return;
  }
  sync_address(c);
  if (!qm_conn_on_error(&c->conn, liberr)) {
    on_wants_run(&c->conn);
  } else if (c->conn.close_err == QUICMIG_ERR_HANDSHAKE_TIMEOUT) {
    qm_sconn_give_up(c); /* its client is silent: there is nothing to absorb */
  } else {
    end(c);
  }
}

/* Answers every 1st, 2nd, 4th, ... packet after the end (RFC 9000 section
 * 10.2.1). */
static void answer_stray(qm_sconn *c, const qm_msg *pkt) {
  uint8_t *room;

  c->strays++;
  if (!c->close_pkt || (c->strays & (c->strays - 1)) != 0 ||
      !qm_addr_is_equal(&c->tracker.current.addr, &pkt->remote) ||
      !(room = qm_server_room(c->server))) {
    return;
  }
  memcpy(room, c->close_pkt, c->close_len);
  qm_server_answer(c->server, pkt, c->close_len);
}

void qm_sconn_give_up(qm_sconn *c) {
  c->conn.close_err = QUICMIG_ERR_HANDSHAKE_TIMEOUT;
  qm_conn_end(&c->conn);
  qm_sconn_free(c);
}

void qm_sconn_on_address(qm_sconn *c, const qm_msg *pkt, uint64_t id) {
  if (c->conn.state != QM_CONN_ENDED) {
    qm_tracker_on_packet(&c->tracker, &pkt->remote, id);
    c->route = qm_routes_on_packet(&c->routes, &pkt->remote, &pkt->local,
                                   c->server->reading);
  }
}

/* ngtcp2 accepted the packet at hand.  (Others, copies from elsewhere, must not
 * push a path out, nor are they a sign of life.) */
static void on_accepted(qm_sconn *c) {
  ngtcp2_conn *conn = c->conn.conn;
  ngtcp2_conn_info i;

  qm_routes_on_accepted(&c->routes, c->route);
  if (!qm_pacing_is_full(conn)) {
    qm_standstill_on_room(&c->standstill);
    return;
  }
  ngtcp2_conn_get_conn_info(conn, &i);
  if (qm_standstill_on_full(&c->standstill, i.bytes_in_flight,
                            ngtcp2_conn_get_pto(conn), c->server->clock.last)) {
    qm_routes_rename(&c->routes, c->route);
    c->conn.is_validating = true;
  }
}

void qm_sconn_on_packet(qm_sconn *c, const qm_msg *pkt) {
  const ngtcp2_pkt_info pi = {.ecn = pkt->ecn};
  /* ngtcp2 copies the addresses; it takes them without const. */
  const ngtcp2_path path = {
      .local = {.addr = (ngtcp2_sockaddr *)&c->routes.local.u,
                .addrlen = c->routes.local.len},
      .remote = {.addr = (ngtcp2_sockaddr *)(uintptr_t)&c->route->shown.u,
                 .addrlen = c->route->shown.len}};
  qm_evidence_mark before;
  bool is_accepted;
  int rv;

  if (c->conn.state == QM_CONN_ENDED) {
    answer_stray(c, pkt);
    return;
  }
  c->conn.is_validating =
      c->conn.is_validating || c->route != qm_routes_in_use(&c->routes);
  before = qm_evidence_begin(&c->evidence, c->conn.conn);
  rv = ngtcp2_conn_read_pkt(c->conn.conn, &path, &pi, pkt->data, pkt->len,
                            c->server->clock.last);
  is_accepted = qm_evidence_end(&c->evidence, c->conn.conn, &before);
  if (c->conn.state != QM_CONN_HANDSHAKE) {
    leave_half_open(c);
  }
  if (rv != 0) {
    on_error(c, rv);
    return;
  }
  if (is_accepted) {
    on_accepted(c);
  }
  on_wants_run(&c->conn);
}

void qm_sconn_on_time(qm_sconn *c) {
  quicmig_tstamp now = c->server->clock.last;
  int rv = 0;

  if (c->conn.state == QM_CONN_ENDED) {
    qm_sconn_free(c);
    return;
  }
  /* Every write arms it again; it must not stay due if there is none. */
  qm_heap_set(&c->server->timers, &c->timer, QUICMIG_NEVER);
  if (ngtcp2_conn_get_expiry(c->conn.conn) <= now) {
    rv = ngtcp2_conn_handle_expiry(c->conn.conn, now);
  }
  if (rv != 0) {
    on_error(c, rv);
    return;
  }
  on_wants_run(&c->conn);
}

/* On a path that was forgotten, by a flood of others, nothing is sent. */
static void add(qm_sconn *c, const ngtcp2_addr *remote,
                const ngtcp2_pkt_info *pi, size_t len) {
  const qm_route *route = find_route(c, remote);

  if (route) {
    qm_server_add(c->server, route, (uint8_t)pi->ecn, len);
  } else {
    c->server->stats.tx_dropped++;
  }
}

/* A CONNECTION_CLOSE was written to pkt: the end, with a copy of it to be said
 * again.  Without memory for that it is one packet like others. */
static void say_goodbye(qm_sconn *c, const ngtcp2_addr *remote,
                        const ngtcp2_pkt_info *pi, uint8_t *pkt, size_t len) {
  c->close_pkt = len ? qm_malloc(&c->server->mem, len) : NULL;
  if (c->close_pkt) {
    memcpy(c->close_pkt, pkt, len);
    c->close_len = len;
    (void)qm_addr_set(&c->close_to, (const struct sockaddr *)remote->addr,
                      remote->addrlen);
  } else if (len) {
    add(c, remote, pi, len);
  }
  end(c);
  if (c->close_pkt) {
    qm_sconn_say_goodbye(c, pkt);
  }
}

void qm_sconn_say_goodbye(qm_sconn *c, uint8_t *room) {
  const qm_route *route =
      qm_routes_find(&c->routes, &c->close_to.u.sa, c->close_to.len);

  if (route) {
    memcpy(room, c->close_pkt, c->close_len);
    qm_server_add_goodbye(c, route);
  } else {
    c->server->stats.tx_dropped++;
  }
}

/* The last burst has to leave before the next; a goodbye waits for nothing. */
static bool waits_for_pace(qm_sconn *c) {
  c->is_paced =
      !c->conn.wants_close && !qm_pace_is_open(&c->pace, c->server->clock.last);
  if (c->is_paced) {
    qm_list_remove(&c->dirty);
    arm(c);
  }
  return c->is_paced;
}

bool qm_sconn_write(qm_sconn *c) {
  quicmig_server *s = c->server;
  size_t most, left;
  ngtcp2_path_storage ps;
  ngtcp2_pkt_info pi;
  ngtcp2_ssize n = 0;
  uint8_t *room = NULL;

  if (waits_for_pace(c)) {
    return true;
  }
  most = left = qm_pacing_quantum(c->conn.conn);
  ngtcp2_path_storage_zero(&ps);
  sync_address(c);
  if (c->n_too_large != s->n_too_large) { /* perhaps one of ours */
    c->n_too_large = s->n_too_large;
    qm_conn_on_too_large(&c->conn, s->too_large, false);
  }
  qm_conn_begin_write(&c->conn, s->clock.last);
  while ((size_t)n <= left && (room = qm_server_room(s))) {
    n = qm_conn_write_pkt(&c->conn, &ps.path, &pi, room, s->clock.last);
    if (n <= 0 || c->conn.is_close_sent) {
      break;
    }
    left -= (size_t)n < left ? (size_t)n : left;
    add(c, &ps.path.remote, &pi, (size_t)n);
  }
  if (n < 0) {
    on_error(c, (int)n);
    return true;
  }
  qm_pacing_on_written(c->conn.conn, &c->pace, most - left, s->clock.last);
  if (c->conn.is_close_sent) {
    say_goodbye(c, &ps.path.remote, &pi, room, (size_t)n);
    return true;
  }
  arm(c);
  if (room && n == 0) {
    qm_list_remove(&c->dirty);
  }
  qm_conn_after_write(&c->conn); /* may make it dirty again */
  return room != NULL;
}
