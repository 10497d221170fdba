/*
 * GnuTLS for QUIC: credentials, shared by all connections of a client or a
 * server, and one session per connection.
 */
#ifndef QM_TLS_H
#define QM_TLS_H

#include <stdbool.h>

#include <gnutls/gnutls.h>
#include <ngtcp2/ngtcp2_crypto.h>

#include "base/mem.h"
#include "endpoint/servername.h"
#include <quicmig/endpoint.h>

#define QM_ALPN_MAX 8

typedef struct qm_tls {
  gnutls_certificate_credentials_t cred;
  gnutls_priority_t priority; /* what sessions may agree on */
  gnutls_datum_t ticket_key;  /* server */
  char alpn_text[256];        /* the names, zero-terminated one after another */
  gnutls_datum_t alpn[QM_ALPN_MAX];
  unsigned n_alpn;
  qm_servername server; /* client: to verify and to send; "" with insecure */
  /* What the peer's certificate must be for: sessions point to it. */
  gnutls_typed_vdata_st wanted[2];
  unsigned n_wanted;
  bool is_server;
  bool is_insecure;
  bool asks_client; /* server: a client certificate is required */
} qm_tls;

/*
 * Loads certificates into *t, which must not be moved from then on.  host: the
 * client's fallback for server_name; NULL on a server. Errors, with their text:
 * QUICMIG_ERR_INVALID_ARGUMENT, QUICMIG_ERR_CERT_FILE, QUICMIG_ERR_TLS.
 * qm_tls_reset() is not needed then.
 */
int qm_tls_init(qm_tls *t, const quicmig_tls_config *c, bool is_server,
                const char *host);
void qm_tls_reset(qm_tls *t);

/* A session that finds its connection through ref.  resume may be NULL.
 * Errors: QUICMIG_ERR_NOMEM. */
int qm_tls_session_new(gnutls_session_t *session, const qm_tls *t,
                       ngtcp2_crypto_conn_ref *ref,
                       const gnutls_datum_t *resume);

/* GnuTLS 3.7 crashes on sessions that were damaged in storage: ours carry a
 * checksum in front and are looked at only if it fits. */
#define QM_TLS_SEAL 32

/* The session's resumption data with the seal, to be freed with mem.
 * Errors: QUICMIG_ERR_NOMEM, QUICMIG_ERR_TLS. */
int qm_tls_session_data(gnutls_session_t session, const quicmig_mem *mem,
                        gnutls_datum_t *sealed);

/* selfsign.c: puts a fresh self-signed certificate for the local host into
 * cred.  Returns a GnuTLS error code or 0. */
int qm_tls_self_sign(gnutls_certificate_credentials_t cred);

#endif
