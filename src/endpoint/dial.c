#include "endpoint/dial.h"

#include <errno.h>
#include <string.h>

#include "endpoint/errtext.h"
#include "quic/private.h"

qm_dial_end qm_dial_get_end(const quicmig_conn *c) {
  qm_dial_end e = {.ccerr = c->ccerr,
                   .close_err = c->close_err,
                   .liberr = c->liberr,
                   .wants_close = c->wants_close,
                   .is_close_sent = c->is_close_sent};

  memcpy(e.reason, c->reason, sizeof(e.reason));
  return e;
}

void qm_dial_set_end(quicmig_conn *c, const qm_dial_end *e) {
  c->ccerr = e->ccerr;
  c->close_err = e->close_err;
  c->liberr = e->liberr;
  c->wants_close = e->wants_close;
  c->is_close_sent = e->is_close_sent;
  memcpy(c->reason, e->reason, sizeof(c->reason));
}

void qm_dial_load(const qm_dial *d, quicmig_client *c) {
  c->conn.conn = d->conn;
  c->conn.session = d->session;
  c->migrator = d->migrator;
  c->is_held = d->is_held;
  qm_dial_set_end(&c->conn, &d->end);
}

void qm_dial_unload(qm_dial *d, quicmig_client *c) {
  d->is_held = c->is_held;
  d->end = qm_dial_get_end(&c->conn);
  c->conn.conn = NULL;
  c->conn.session = NULL;
  c->migrator = NULL;
}

/* Borrows c->conn from what is loaded. */
static int start_conn(qm_dial *d, quicmig_client *c, const qm_dial_config *cfg,
                      quicmig_duration timeout, quicmig_tstamp now) {
  gnutls_datum_t resume = {.data = cfg->resume,
                           .size = (unsigned)cfg->resume_len};
  ngtcp2_conn *conn = c->conn.conn;
  gnutls_session_t session = c->conn.session;
  ngtcp2_path_storage ps;
  qm_conn_dial_start s = {.path = &ps.path,
                          .resume = cfg->resume ? &resume : NULL,
                          .timeout = timeout,
                          .now = now};
  int rv;

  quicmig_get_path(d->migrator, &ps);
  c->conn.conn = NULL;
  c->conn.session = NULL;
  rv = qm_conn_dial(&c->conn, &s);
  d->conn = c->conn.conn;
  d->session = c->conn.session;
  c->conn.conn = conn;
  c->conn.session = session;
  return rv == 0 ? quicmig_attach(d->migrator, d->conn) : rv;
}

int qm_dial_start(qm_dial *d, quicmig_client *c, const qm_dial_config *cfg,
                  const qm_addr *remote, quicmig_duration timeout,
                  quicmig_tstamp now) {
  int rv, saved;

  *d = (qm_dial){.migrator = NULL};
  ngtcp2_ccerr_default(&d->end.ccerr);
  rv = qm_migrator_new(&d->migrator, &cfg->migration, &cfg->cb, &c->mem,
                       cfg->net, &remote->u.sa, remote->len, now,
                       cfg->user_data);
  if (rv != 0) {
    return qm_error(rv, "opening the first socket: %s",
                    rv == QUICMIG_ERR_SYSTEM || rv == QUICMIG_ERR_PORTS_REFUSED
                        ? strerror(errno)
                        : quicmig_strerror(rv));
  }
  qm_migrator_pace(d->migrator);
  rv = start_conn(d, c, cfg, timeout, now);
  if (rv != 0) {
    saved = errno;
    qm_dial_reset(d);
    errno = saved;
  }
  return rv;
}

bool qm_dial_is_deaf(const qm_dial *d) {
  quicmig_stats s = {.size = sizeof(s)};

  quicmig_get_stats(d->migrator, &s);
  return s.rx_packets == 0;
}

static ngtcp2_ssize write_last(quicmig *m, ngtcp2_path *path,
                               ngtcp2_pkt_info *pi, uint8_t *dest,
                               size_t destlen, quicmig_tstamp now, void *arg) {
  qm_dial *d = arg;
  ngtcp2_ccerr none;
  ngtcp2_ssize n;

  (void)m;
  (void)destlen;
  if (d->end.is_close_sent) {
    return 0;
  }
  d->end.is_close_sent = true;
  ngtcp2_ccerr_default(&none);
  n = ngtcp2_conn_write_connection_close(d->conn, path, pi, dest, QM_PMTU_BASE,
                                         &none, now);
  return n > 0 ? n : 0;
}

bool qm_dial_say_goodbye(qm_dial *d, int fd, quicmig_tstamp now) {
  if (!qm_dial_is_live(d)) {
    return true;
  }
  if (!d->end.is_close_sent) {
    qm_migrator_release(d->migrator);
  }
  if (fd >= 0) {
    (void)quicmig_read(d->migrator, fd, now); /* dropped */
  }
  (void)quicmig_write(d->migrator, write_last, now, d);
  return !qm_migrator_is_holding(d->migrator);
}

void qm_dial_reset(qm_dial *d) {
  if (d->migrator) {
    (void)qm_migrator_flush(d->migrator); /* the last word, perhaps */
  }
  quicmig_free(d->migrator);
  ngtcp2_conn_del(d->conn);
  if (d->session) {
    gnutls_deinit(d->session);
  }
  *d = (qm_dial){.migrator = NULL};
}
