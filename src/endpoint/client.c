/* A client: one connection over one migrator. */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "endpoint/client.h"
#include "endpoint/connecting.h"
#include "endpoint/errtext.h"
#include "endpoint/resolve.h"
#include "quic/private.h"

/* Refused this often before any answer: nobody listens.  One alone may be
 * forged, or a server that is just starting. */
#define REFUSALS_MAX 2

/* A read that moved so many packets says that the peer is sending; so many PTOs
 * later that means nothing any more. */
#define BUSY_PACKETS 2
#define BUSY_PTOS 3

static quicmig_client *client_of(quicmig_conn *c) {
  return (quicmig_client *)(void *)c;
}

static int on_confirmed(quicmig_conn *c) {
  return quicmig_on_handshake_confirmed(client_of(c)->migrator);
}

static void on_path_validated(quicmig_conn *c, const ngtcp2_path *path,
                              ngtcp2_path_validation_result res) {
  quicmig_on_path_validation(client_of(c)->migrator, path, res);
}

static void on_id_status(quicmig_conn *c, ngtcp2_connection_id_status_type type,
                         uint64_t seq) {
  quicmig_on_dcid_status(client_of(c)->migrator, type, seq);
}

static int on_id_added(quicmig_conn *c, const ngtcp2_cid *id) {
  (void)c;
  (void)id;
  return 0;
}

static void on_id_removed(quicmig_conn *c, const ngtcp2_cid *id) {
  (void)c;
  (void)id;
}

static void on_wants_run(quicmig_conn *c) { client_of(c)->wants_run = true; }

static quicmig_tstamp get_now(const quicmig_conn *conn) {
  const quicmig_client *c = (const quicmig_client *)(const void *)conn;

  return c->is_inside ? qm_migrator_now(c->migrator) : QUICMIG_NEVER;
}

static const qm_conn_owner owner = {
    .confirmed = on_confirmed,
    .path_validated = on_path_validated,
    .id_status = on_id_status,
    .id_added = on_id_added,
    .id_removed = on_id_removed,
    .wants_run = on_wants_run,
    .now = get_now,
};

static int check_config(const quicmig_client_config *cfg) {
  const char *why;

  if (!cfg || cfg->size < sizeof(*cfg)) {
    return qm_error(QUICMIG_ERR_INVALID_ARGUMENT,
                    "size must be set by quicmig_client_config_default()");
  }
  why = cfg->migration ? quicmig_options_check(cfg->migration) : NULL;
  if (why) {
    return qm_error(QUICMIG_ERR_INVALID_ARGUMENT, "%s", why);
  }
  if (!cfg->callbacks || cfg->callbacks->size < sizeof(*cfg->callbacks) ||
      !cfg->callbacks->watch) {
    return qm_error(QUICMIG_ERR_INVALID_ARGUMENT,
                    "callbacks with watch are required");
  }
  return 0;
}

static int start(quicmig_client *c, const quicmig_client_config *cfg,
                 const qm_net *net, const qm_remotes *remotes,
                 quicmig_tstamp now) {
  qm_conn_start s = {.mem = &c->mem,
                     .net = net,
                     .owner = &owner,
                     .tls = &c->tls,
                     .o = &c->o,
                     .cb = cfg->conn_callbacks,
                     .user_data = cfg->user_data};
  int rv = qm_tls_init(&c->tls, cfg->tls, false, cfg->host);

  if (rv == 0) {
    rv = qm_conn_init(&c->conn, &s);
  }
  return rv == 0 ? qm_connecting_new(c, cfg, net, remotes, now) : rv;
}

int qm_client_new(quicmig_client **pc, const quicmig_client_config *cfg,
                  const qm_net *net, quicmig_tstamp now) {
  const quicmig_mem *mem;
  quicmig_transport_options o;
  quicmig_client *c;
  qm_remotes remotes;
  int rv;

  qm_error_clear();
  rv = check_config(cfg);

  if (rv == 0) {
    rv = qm_conn_check(&o, cfg->transport, cfg->conn_callbacks);
  }
  if (rv == 0) {
    rv = qm_resolve(cfg, &remotes);
  }
  if (rv != 0) {
    return rv;
  }
  mem = cfg->mem ? cfg->mem : &qm_mem_default;
  c = qm_calloc(mem, 1, sizeof(*c));
  if (!c) {
    return qm_error(QUICMIG_ERR_NOMEM, "out of memory");
  }
  c->mem = *mem;
  c->o = o;
  c->wants_run = true;
  rv = start(c, cfg, net, &remotes, now);
  if (rv != 0) {
    int saved = errno;

    quicmig_client_free(c);
    errno = saved;
    return qm_error_default(rv);
  }
  *pc = c;
  return 0;
}

int quicmig_client_new(quicmig_client **pc, const quicmig_client_config *cfg,
                       quicmig_tstamp now) {
  return qm_client_new(pc, cfg, &qm_net_kernel, now);
}

void quicmig_client_free(quicmig_client *c) {
  quicmig_mem mem;

  if (!c) {
    return;
  }
  assert(!c->is_inside); /* the run that is under way would go on with it */
  c->is_inside = true;
  if (c->migrator) {
    (void)qm_migrator_flush(c->migrator); /* the last word, perhaps */
  }
  qm_connecting_free(c);
  quicmig_free(c->migrator);
  if (c->conn.owner) {
    qm_conn_reset(&c->conn);
  }
  qm_tls_reset(&c->tls);
  mem = c->mem;
  qm_free(&mem, c);
}

quicmig_conn *quicmig_client_conn(quicmig_client *c) { return &c->conn; }

quicmig *quicmig_client_migrator(quicmig_client *c) { return c->migrator; }

quicmig_tstamp quicmig_client_deadline(const quicmig_client *c) {
  quicmig_tstamp at;

  if (c->conn.state == QM_CONN_ENDED) {
    return QUICMIG_NEVER;
  }
  if (c->wants_run) {
    return 0;
  }
  at = c->connecting ? qm_connecting_deadline(c) : QUICMIG_NEVER;
  if (c->conn.state == QM_CONN_HANDSHAKE) {
    return at;
  }
  at = qm_time_min(at, quicmig_deadline(c->migrator));
  return c->is_held
             ? at
             : qm_time_min(at, qm_migrator_outer(c->migrator,
                                                 qm_conn_deadline(&c->conn)));
}

static ngtcp2_ssize write_pkt(quicmig *m, ngtcp2_path *path,
                              ngtcp2_pkt_info *pi, uint8_t *dest,
                              size_t destlen, quicmig_tstamp now, void *arg) {
  quicmig_client *c = arg;

  (void)m;
  (void)destlen;
  return qm_conn_write_pkt(&c->conn, path, pi, dest, now);
}

/* Nobody answered and the kernel says that nobody listens? */
static bool is_refused(const quicmig_client *c, uint64_t limit) {
  quicmig_stats s = {.size = sizeof(s)};

  if (c->conn.state != QM_CONN_HANDSHAKE) {
    return false;
  }
  quicmig_get_stats(c->migrator, &s);
  return s.rx_packets == 0 && s.refused >= limit;
}

/* Are hops scheduled at all? */
static bool is_hopping(const quicmig_options *o) {
  return o->hop_interval || o->hop_bytes || o->hop_packets || o->adaptive;
}

/*
 * A download sends nothing that would be acknowledged, so that its end and a
 * dead path look alike.  For a while after packets came in numbers, a PTO of
 * silence is answered with a PING: if that is not acknowledged the path is
 * dead (degrade_ptos).
 */
static void listen_closely(quicmig_client *c, int got) {
  const quicmig_options *o = qm_migrator_options(c->migrator);
  quicmig_tstamp now = qm_migrator_now(c->migrator);
  quicmig_duration pto = ngtcp2_conn_get_pto(c->conn.conn);
  quicmig_duration wanted = c->o.keep_alive ? c->o.keep_alive : QUICMIG_NEVER;

  if (now >= qm_time_add(c->counted_at, pto)) {
    c->counted_at = now;
    c->counted = 0;
  }
  c->counted += got;
  if (got && c->counted >= BUSY_PACKETS) {
    c->busy_at = now;
  }
  if (o->degrade_ptos && is_hopping(o) && c->busy_at &&
      now < qm_time_add(c->busy_at, BUSY_PTOS * pto)) {
    wanted = qm_time_min(wanted, pto);
  }
  if (wanted != c->keep_alive) {
    c->keep_alive = wanted;
    quicmig_set_keep_alive(c->migrator, wanted);
  }
}

/* Before and after writing, where callbacks may run. */
static void begin_write(quicmig_client *c) {
  qm_migrator_set_inside(c->migrator, true);
  qm_conn_begin_write(&c->conn, qm_migrator_now(c->migrator));
  qm_migrator_set_inside(c->migrator, false);
}

static void after_write(quicmig_client *c) {
  size_t too_large = qm_migrator_take_too_large(c->migrator);

  qm_migrator_set_inside(c->migrator, true);
  if (too_large) {
    qm_conn_on_too_large(&c->conn, too_large, true);
    c->wants_run = true;
  }
  qm_conn_after_write(&c->conn);
  qm_migrator_set_inside(c->migrator, false);
}

/* Writes, after what the peer or the program wants to end is released. */
static int write_some(quicmig_client *c, quicmig_tstamp now) {
  if (c->conn.wants_close) {
    qm_migrator_release(c->migrator);
  }
  return quicmig_write(c->migrator, write_pkt, now, c);
}

/* The CONNECTION_CLOSE is written.  True: the kernel has taken it, or will not
 * do so within three PTOs.  What is received is read off the sockets, and
 * ngtcp2 drops it. */
static bool say_goodbye(quicmig_client *c, int fd, quicmig_tstamp now) {
  c->wants_run = false;
  if (fd >= 0) {
    (void)quicmig_read(c->migrator, fd, now);
  }
  c->is_held = quicmig_write(c->migrator, write_pkt, now, c) != 0;
  return !qm_migrator_is_holding(c->migrator);
}

/* Reads, lets time pass, writes.  True: the connection is over. */
static bool step(quicmig_client *c, int fd, quicmig_tstamp now) {
  int rv;

  if (c->conn.is_close_sent) {
    return say_goodbye(c, fd, now);
  }
  rv = fd >= 0 ? quicmig_read(c->migrator, fd, now) : 0;
  if (rv != QUICMIG_ERR_CONN) {
    if (c->conn.state == QM_CONN_OPEN) {
      listen_closely(c, rv);
    }
    rv = quicmig_on_time(c->migrator, now);
  }
  if (rv == QUICMIG_ERR_CONN &&
      qm_conn_on_error(&c->conn, quicmig_conn_error(c->migrator))) {
    return true;
  }
  c->wants_run = false;
  c->conn.is_validating =
      qm_migrator_is_validating(c->migrator) || c->conn.is_own_first;
  begin_write(c);
  rv = write_some(c, now);
  if (rv == QUICMIG_ERR_CONN) {
    if (qm_conn_on_error(&c->conn, quicmig_conn_error(c->migrator))) {
      return true;
    }
    rv = write_some(c, now);
  }
  c->is_held = rv != 0;
  after_write(c);
  return c->conn.is_close_sent && !qm_migrator_is_holding(c->migrator);
}

/* As qm_client_turn. */
static bool take_turn(quicmig_client *c, int fd, quicmig_tstamp now) {
  bool is_over = step(c, fd, now);

  if (is_refused(c, is_over ? 1 : REFUSALS_MAX)) {
    c->conn.close_err = QUICMIG_ERR_REFUSED;
    is_over = true;
  }
  return is_over;
}

int quicmig_client_run(quicmig_client *c, int fd, quicmig_tstamp now) {
  bool is_over;

  if (c->is_inside || (c->migrator && qm_migrator_is_inside(c->migrator))) {
    return QUICMIG_ERR_REENTRANT;
  }
  if (c->conn.state == QM_CONN_ENDED) {
    return QUICMIG_ERR_CLOSED;
  }
  c->is_inside = true;
  is_over = c->connecting ? qm_connecting_run(c, fd, now, take_turn)
                          : take_turn(c, fd, now);
  if (is_over) {
    qm_connecting_free(c);
    (void)quicmig_detach(c->migrator);
    qm_migrator_set_inside(c->migrator, true);
    qm_conn_end(&c->conn);
    qm_migrator_set_inside(c->migrator, false);
  }
  c->is_inside = false;
  return is_over ? QUICMIG_ERR_CLOSED : 0;
}
