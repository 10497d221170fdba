/*
 * One attempt of a client to connect: an ngtcp2_conn, a TLS session and a
 * migrator, and how it ends.
 *
 *   (free) > LIVE > OVER > (free)
 *
 * A dial runs while it is loaded into its client: connecting.h.
 */
#ifndef QM_DIAL_H
#define QM_DIAL_H

#include "endpoint/client.h"

/* How it ends, as in quicmig_conn. */
typedef struct qm_dial_end {
  ngtcp2_ccerr ccerr; /* its reason is in the quicmig_conn, or in ngtcp2 */
  int32_t close_err, liberr;
  bool wants_close, is_close_sent;
  char reason[QM_CONN_REASON_MAX + 1];
} qm_dial_end;

typedef struct qm_dial {
  quicmig *migrator; /* NULL: free */
  ngtcp2_conn *conn;
  gnutls_session_t session;
  qm_dial_end end; /* while it is not loaded, and so is is_held */
  uint8_t address;
  bool is_held;    /* as in quicmig_client */
  bool is_doubted; /* the kernel says that nobody listens */
  bool is_over;    /* failed; kept to tell how */
} qm_dial;

/* What the dials of a client begin with. */
typedef struct qm_dial_config {
  const qm_net *net;
  quicmig_options migration;
  quicmig_callbacks cb;
  void *user_data;
  uint8_t *resume; /* NULL: no session to resume */
  size_t resume_len;
} qm_dial_config;

static inline bool qm_dial_is_live(const qm_dial *d) {
  return d->migrator && !d->is_over;
}

/*
 * Fills *d, and leaves loaded what is.  The handshake may take until `timeout`
 * has passed.  Calls back: watch, socket, event.
 * Errors, with their text and errno: those of quicmig_client_new().  *d is free
 * then.
 */
int qm_dial_start(qm_dial *d, quicmig_client *c, const qm_dial_config *cfg,
                  const qm_addr *remote, quicmig_duration timeout,
                  quicmig_tstamp now);

void qm_dial_load(const qm_dial *d, quicmig_client *c);
/* Nothing is loaded then. */
void qm_dial_unload(qm_dial *d, quicmig_client *c);

qm_dial_end qm_dial_get_end(const quicmig_conn *c);
void qm_dial_set_end(quicmig_conn *c, const qm_dial_end *e);

/* Was anything received? */
bool qm_dial_is_deaf(const qm_dial *d);

/* A CONNECTION_CLOSE, so that the server does not wait for it until its
 * handshake times out.  Not while it is loaded.  True: the kernel has taken it;
 * else, until it has, it is to be called again with what is readable (-1:
 * nothing) and when quicmig_deadline() says. */
bool qm_dial_say_goodbye(qm_dial *d, int fd, quicmig_tstamp now);

/* Frees it, whose client has something else loaded, or nothing. */
void qm_dial_reset(qm_dial *d);

#endif
