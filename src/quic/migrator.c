#include "quic/migrator.h"

#include <assert.h>
#include <string.h>

#include "io/rxfault.h"
#include "quic/pacing.h"

qm_cc qm_migrator_cc(const quicmig *m) {
  ngtcp2_conn_info info;

  if (!m->conn) {
    return (qm_cc){.cwnd = 0};
  }
  ngtcp2_conn_get_conn_info(m->conn, &info);
  return (qm_cc){.cwnd = info.cwnd,
                 .srtt = info.smoothed_rtt,
                 .min_rtt = info.min_rtt == UINT64_MAX ? 0 : info.min_rtt,
                 .pto = ngtcp2_conn_get_pto(m->conn)};
}

uint64_t qm_migrator_in_flight(const quicmig *m) {
  ngtcp2_conn_info info;

  ngtcp2_conn_get_conn_info(m->conn, &info);
  return info.bytes_in_flight;
}

void qm_migrator_on_flight(quicmig *m, uint64_t before) {
  uint64_t now = qm_migrator_in_flight(m);

  qm_engine_on_flight(&m->engine, now, now < before && before != UINT64_MAX,
                      ngtcp2_conn_get_pto(m->conn), m->clock.last);
  qm_stall_on_window(m);
}

/* A keep-alive timeout of a nanosecond is always over. */
void qm_migrator_ping(quicmig *m) {
  bool is_wanted = m->keep_alive && qm_engine_wants_packet(&m->engine);

  if (is_wanted != m->is_pinging) {
    m->is_pinging = is_wanted;
    ngtcp2_conn_set_keep_alive_timeout(m->conn, is_wanted ? 1 : m->keep_alive);
  }
}

void quicmig_set_keep_alive(quicmig *m, quicmig_duration timeout) {
  m->keep_alive = timeout ? timeout : QUICMIG_NEVER;
  if (m->conn && !m->is_pinging) {
    ngtcp2_conn_set_keep_alive_timeout(m->conn, m->keep_alive);
  }
}

void qm_migrator_ngtcp2_path(const quicmig *m, const qm_path *p,
                             ngtcp2_path *dest) {
  /* ngtcp2 copies the addresses; it takes them without const. */
  *dest = (ngtcp2_path){
      .local = {.addr = (ngtcp2_sockaddr *)(uintptr_t)&p->shown.u,
                .addrlen = p->shown.len},
      .remote = {.addr = (ngtcp2_sockaddr *)(uintptr_t)&m->homes.remotes[0].u,
                 .addrlen = m->homes.remotes[0].len}};
}

qm_path *qm_migrator_find_tx(const quicmig *m, const ngtcp2_addr *local) {
  qm_path *p = qm_engine_tx(&m->engine);

  if (p && qm_migrator_is_shown_as(p, local)) {
    return p;
  }
  for (p = NULL; (p = qm_paths_next(&m->engine.paths, p));) {
    if (qm_migrator_is_shown_as(p, local)) {
      return p;
    }
  }
  return NULL;
}

static int call_socket_hook(void *ctx, int fd, const qm_addr *local) {
  quicmig *m = ctx;

  return m->cb.socket(m, fd, &local->u.sa, m->user_data);
}

/* Few systems reserve any: there is room for them only once they do.  Without
 * memory the ports are drawn as before. */
static void look_reserved(quicmig *m) {
  qm_reserved found;

  if (!qm_sock_read_reserved(m->net, &m->ports, m->clock.last, &found)) {
    return;
  }
  if (!m->ports.reserved && found.n) {
    m->ports.reserved = qm_malloc(&m->mem, sizeof(found));
  }
  if (m->ports.reserved) {
    *m->ports.reserved = found;
  }
}

int qm_migrator_open_socket(quicmig *m, const qm_migrator_socket *how,
                            qm_ports *ports, qm_sock *s) {
  const quicmig_options *o = &m->engine.o;
  qm_sock_request r = {.config = {.family = qm_addr_family(&how->remote),
                                  .rcvbuf = o->rcvbuf,
                                  .sndbuf = o->sndbuf,
                                  .fwmark = o->fwmark,
                                  .no_offload = o->no_offload,
                                  .interface_name = how->interface_name,
                                  .reports_time = true,
                                  .needs_carrier = how->needs_carrier},
                       .local = how->from,
                       .remote = how->remote,
                       .hook = m->cb.socket ? call_socket_hook : NULL,
                       .hook_ctx = m};
  int sys_error = 0, rv;

  look_reserved(m);
  rv = qm_sock_open(m->net, ports, &r, s, &sys_error);
  m->sys_error = (int16_t)sys_error;
  return rv;
}

bool qm_migrator_make_way(quicmig *m, int err) {
  qm_cc cc = qm_migrator_cc(m);
  bool is_made =
      qm_sock_is_shortage(err, m->sys_error) &&
      qm_engine_give_way(&m->engine, m->sys_error, &cc, m->clock.last);

  qm_migrator_run(m);
  return is_made;
}

void qm_migrator_on_socket(quicmig *m, const qm_sock *s, uint8_t home) {
  qm_path *p = qm_paths_by_handle(&m->engine.paths, s->fd);

  p->no_offload = (uint8_t)s->no_offload;
  p->home = home;
  qm_engine_on_socket(&m->engine);
  m->cb.watch(m, s->fd, 1, m->user_data);
}

/*
 * Could a migration start now?  ngtcp2 checks the state, then for an unused ID,
 * then that the local address is another one: asked for the current path it
 * gets to the last check and changes nothing.  So no socket is opened in vain.
 */
static int check_migration(quicmig *m) {
  ngtcp2_path path = *ngtcp2_conn_get_path(m->conn);

  switch (ngtcp2_conn_initiate_migration(m->conn, &path, m->clock.last)) {
  case NGTCP2_ERR_CONN_ID_BLOCKED:
    return QUICMIG_ERR_NO_SPARE_ID;
  case NGTCP2_ERR_INVALID_STATE:
    /* Confirmed and allowed: the peer's preferred address is being tried. */
    return QUICMIG_ERR_BUSY;
  default:
    return 0;
  }
}

static bool gives_way(quicmig *m, int err, quicmig_tstamp now) {
  qm_cc cc = qm_migrator_cc(m);

  return qm_sock_is_shortage(err, m->sys_error) &&
         qm_engine_on_shortage(&m->engine, m->sys_error, &cc, now);
}

static void do_open(quicmig *m) {
  quicmig_tstamp begin = m->net->clock(m->net->ctx), now;
  qm_sock s;
  int err = 0;

  m->sys_error = 0;
  if (m->engine.hop.record.mode == QUICMIG_MODE_MIGRATE) {
    err = check_migration(m);
  }
  if (err == QUICMIG_ERR_NO_SPARE_ID &&
      m->engine.o.hop_mode == QUICMIG_MODE_REBIND &&
      !qm_engine_is_by_hand(&m->engine)) {
    /* It was to be better than what the program asked for. */
    m->engine.hop.record.mode = QUICMIG_MODE_REBIND;
    err = 0;
  }
  if (err == 0) {
    err = qm_homes_open(m, m->engine.hop.record.reason, &s);
  }
  now = qm_time_add(m->clock.last,
                    qm_time_since(m->net->clock(m->net->ctx), begin));
  if (err != 0) {
    if (!gives_way(m, err, now)) {
      qm_engine_on_refused(&m->engine, err, m->sys_error, now);
    }
    return;
  }
  qm_engine_on_opened(&m->engine, &s.local, qm_addr_port(&s.remote), s.fd, now);
  qm_migrator_on_socket(m, &s, m->homes.tried);
}

/* Nothing can be lost by moving at once: the old path is dead.  Its full window
 * would not even let a challenge out; and a server whose window is full of what
 * it sent there does not answer one (ngtcp2 1.11, 1.24), while any other packet
 * makes it follow. */
static bool may_move_at_once(const quicmig *m) {
  return qm_stall_is_now(m) ||
         m->engine.hop.record.reason == QUICMIG_REASON_DEGRADED ||
         (qm_engine_is_urgent(m->engine.hop.record.reason) &&
          qm_pacing_is_full(m->conn));
}

/* What was asked for by hand is always proven first. */
static int initiate(quicmig *m, const ngtcp2_path *path) {
  return may_move_at_once(m) && !qm_engine_is_by_hand(&m->engine)
             ? ngtcp2_conn_initiate_immediate_migration(m->conn, path,
                                                        m->clock.last)
             : ngtcp2_conn_initiate_migration(m->conn, path, m->clock.last);
}

static void do_migrate(quicmig *m, uint32_t id) {
  const qm_path *p = qm_paths_find(&m->engine.paths, id);
  ngtcp2_path path;
  int err;

  qm_migrator_ngtcp2_path(m, p, &path);
  err = check_migration(m);
  if (err == 0) {
    switch (initiate(m, &path)) {
    case 0:
      qm_engine_on_probing(&m->engine, ngtcp2_conn_get_pto(m->conn),
                           m->clock.last);
      qm_migrator_sync(m);
      m->write_at = m->clock.last; /* challenges leave in a write only */
      return;
    case NGTCP2_ERR_NOMEM:
      err = QUICMIG_ERR_NOMEM;
      break;
    default:
      err = QUICMIG_ERR_INVALID_STATE;
      break;
    }
  }
  qm_engine_on_refused(&m->engine, err, 0, m->clock.last);
}

void qm_migrator_close_socket(quicmig *m, int fd, uint8_t rx_faults) {
  if (!qm_rxfault_is_paused(rx_faults)) {
    m->cb.watch(m, fd, 0, m->user_data);
  }
  m->net->close(m->net->ctx, fd);
  qm_engine_on_socket_closed(&m->engine);
}

static void do_record(quicmig *m) {
  quicmig_hop_record *r = &m->engine.hop.record;
  qm_cc cc = qm_migrator_cc(m);

  r->cwnd_after = cc.cwnd;
  r->srtt_after = cc.srtt;
  qm_homes_on_record(m, r);
  if (m->cb.hop) {
    m->cb.hop(m, r, m->user_data);
  }
}

static void add_evidence(quicmig *m, quicmig_event *e) {
  qm_news news;

  if (qm_policy_next(m->engine.policy, &news)) {
    m->engine.news_told--;
    e->verdict = news.verdict;
    e->flow_bytes = news.flow.bytes;
    e->flow_age = news.flow.age;
    e->rate_before = news.rate_before;
    e->rate_after = news.rate_after;
  }
}

static void do_event(quicmig *m, const qm_action *a) {
  quicmig_event e = {.size = sizeof(e),
                     .type = a->event,
                     .path = a->path,
                     .from = a->from,
                     .to = a->to,
                     .value = a->value};

  if (a->event == QUICMIG_EVENT_VERDICT) {
    add_evidence(m, &e);
  }
  if (m->cb.event) {
    m->cb.event(m, &e, m->user_data);
  }
}

static void carry_out(quicmig *m, const qm_action *a) {
  switch ((qm_action_type)a->type) {
  case QM_ACT_OPEN:
    do_open(m);
    break;
  case QM_ACT_MIGRATE:
    do_migrate(m, a->path);
    break;
  case QM_ACT_REBIND:
    qm_engine_on_probing(&m->engine, ngtcp2_conn_get_pto(m->conn),
                         m->clock.last);
    m->write_at = m->clock.last; /* the proof needs a packet */
    break;
  case QM_ACT_CLOSE:
    qm_migrator_close_socket(m, (int)a->value, a->from);
    break;
  case QM_ACT_RECORD:
    do_record(m);
    break;
  case QM_ACT_EVENT:
    do_event(m, a);
    break;
  }
}

void qm_migrator_run(quicmig *m) {
  qm_action a;

  while (qm_engine_next(&m->engine, &a)) {
    carry_out(m, &a);
  }
}

/* The path under validation that ngtcp2 knows by this local address. */
static const qm_path *find_probed(const quicmig *m, const ngtcp2_addr *local) {
  qm_path *p = NULL;

  while ((p = qm_paths_next(&m->engine.paths, p))) {
    if (qm_path_is_held(p) && qm_migrator_is_shown_as(p, local)) {
      return p;
    }
  }
  return NULL;
}

void qm_migrator_sync(quicmig *m) {
  const ngtcp2_path *path = ngtcp2_conn_get_path(m->conn);
  const qm_path *p;

  if (!m->engine.is_confirmed ||
      qm_migrator_is_shown_as(qm_engine_active(&m->engine), &path->local)) {
    return;
  }
  p = find_probed(m, &path->local);
  if (p) {
    qm_engine_on_validated(&m->engine, p->id, m->clock.last);
  }
}

void qm_migrator_on_socket_error(quicmig *m, const qm_path *p, int err) {
  uint32_t id = p->id;
  qm_cc cc;

  /* A record that waits to be given out must not be overwritten. */
  qm_migrator_run(m);
  p = qm_paths_find(&m->engine.paths, id);
  if (!p || qm_migrator_is_closing(m)) {
    return;
  }
  cc = qm_migrator_cc(m);
  qm_engine_on_path_error(&m->engine, p, err, &cc, m->clock.last);
  qm_migrator_run(m);
}

/* The smaller of both ends' (RFC 9000 section 10.1); 0: there is none. */
static quicmig_duration idle_timeout(const quicmig *m,
                                     const ngtcp2_transport_params *remote) {
  quicmig_duration ours =
      ngtcp2_conn_get_local_transport_params(m->conn)->max_idle_timeout;
  quicmig_duration theirs = remote ? remote->max_idle_timeout : 0;

  return ours && theirs ? qm_time_min(ours, theirs) : ours + theirs;
}

/* A server confirms when it has our Finished (RFC 9001 section 4.1.2), so that
 * something must have been written since ours was ready. */
int quicmig_on_handshake_confirmed(quicmig *m) {
  const ngtcp2_transport_params *params;
  bool forbids;

  if (!m->conn) {
    return QUICMIG_ERR_INVALID_STATE;
  }
  if (!m->has_finished) {
    return QUICMIG_ERR_PROTOCOL;
  }
  params = ngtcp2_conn_get_remote_transport_params(m->conn);
  forbids = (params && params->disable_active_migration) ||
            ngtcp2_conn_get_dcid(m->conn)->datalen == 0;
  qm_engine_on_idle_timeout(&m->engine, idle_timeout(m, params));
  qm_engine_on_confirmed(&m->engine, forbids,
                         params ? params->active_connection_id_limit : 2,
                         m->clock.last);
  return 0;
}

void quicmig_on_path_validation(quicmig *m, const ngtcp2_path *path,
                                ngtcp2_path_validation_result res) {
  const qm_path *p = find_probed(m, &path->local);

  if (!p) {
    return;
  }
  switch (res) {
  case NGTCP2_PATH_VALIDATION_RESULT_SUCCESS:
    qm_engine_on_validated(&m->engine, p->id, m->clock.last);
    break;
  case NGTCP2_PATH_VALIDATION_RESULT_FAILURE:
    qm_engine_on_failed(&m->engine, p->id, QUICMIG_ERR_VALIDATION_FAILED,
                        m->clock.last);
    break;
  case NGTCP2_PATH_VALIDATION_RESULT_ABORTED:
    qm_engine_on_failed(&m->engine, p->id, QUICMIG_ERR_ABORTED, m->clock.last);
    break;
  }
}

void quicmig_on_dcid_status(quicmig *m, ngtcp2_connection_id_status_type type,
                            uint64_t seq) {
  if (type == NGTCP2_CONNECTION_ID_STATUS_TYPE_ACTIVATE) {
    qm_engine_on_id_used(&m->engine, seq);
  } else {
    qm_engine_on_id_retired(&m->engine, seq);
  }
}
