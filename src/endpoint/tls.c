#include "endpoint/tls.h"

#include <string.h>

#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <ngtcp2/ngtcp2_crypto_gnutls.h>

#include "endpoint/errtext.h"

/* QUIC wants TLS 1.3 without its middlebox disguise (RFC 9001 section 8.4) and
 * only AEADs with a defined header protection (section 5.3). */
#define PRIORITY                                                               \
  "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:"       \
  "+CHACHA20-POLY1305:+AES-128-CCM:-GROUP-ALL:+GROUP-X25519:"                  \
  "+GROUP-SECP256R1:+GROUP-SECP384R1:+GROUP-SECP521R1:"                        \
  "%DISABLE_TLS13_COMPAT_MODE"

/* GnuTLS 3.7 takes no longer names. */
#define ALPN_NAME_MAX 31

static int parse_alpn(qm_tls *t, const char *names) {
  size_t len = names ? strlen(names) : 0;
  char *p, *comma;

  if (len == 0 || len >= sizeof(t->alpn_text)) {
    return qm_error(QUICMIG_ERR_INVALID_ARGUMENT,
                    "alpn must be 1 to 255 characters");
  }
  memcpy(t->alpn_text, names, len + 1);
  for (p = t->alpn_text; p; p = comma ? comma + 1 : NULL) {
    comma = strchr(p, ',');
    if (comma) {
      *comma = 0;
    }
    if (*p == 0 || strlen(p) > ALPN_NAME_MAX || t->n_alpn == QM_ALPN_MAX) {
      return qm_error(QUICMIG_ERR_INVALID_ARGUMENT,
                      "alpn must be 1 to %d names of at most %d characters "
                      "separated by commas",
                      QM_ALPN_MAX, ALPN_NAME_MAX);
    }
    t->alpn[t->n_alpn++] = (gnutls_datum_t){.data = (unsigned char *)p,
                                            .size = (unsigned)strlen(p)};
  }
  return 0;
}

static int load_own(qm_tls *t, const quicmig_tls_config *c) {
  int rv;

  if (!c->cert_file != !c->key_file) {
    return qm_error(QUICMIG_ERR_INVALID_ARGUMENT,
                    "cert_file and key_file go together");
  }
  if (!c->cert_file) {
    rv = t->is_server ? qm_tls_self_sign(t->cred) : 0;
    return rv == 0 ? 0
                   : qm_error(QUICMIG_ERR_TLS, "self-signed certificate: %s",
                              gnutls_strerror(rv));
  }
  rv = gnutls_certificate_set_x509_key_file(t->cred, c->cert_file, c->key_file,
                                            GNUTLS_X509_FMT_PEM);
  if (rv < 0) {
    return qm_error(QUICMIG_ERR_CERT_FILE, "%s, %s: %s", c->cert_file,
                    c->key_file, gnutls_strerror(rv));
  }
  return 0;
}

static int load_trust(qm_tls *t, const quicmig_tls_config *c) {
  int rv;

  if (c->ca_file) {
    rv = gnutls_certificate_set_x509_trust_file(t->cred, c->ca_file,
                                                GNUTLS_X509_FMT_PEM);
    if (rv <= 0) {
      return qm_error(QUICMIG_ERR_CERT_FILE, "%s: %s", c->ca_file,
                      rv ? gnutls_strerror(rv) : "no certificate in it");
    }
    t->asks_client = t->is_server;
  } else if (!t->is_server && !c->insecure) {
    rv = gnutls_certificate_set_x509_system_trust(t->cred);
    if (rv < 0) {
      return qm_error(QUICMIG_ERR_CERT_FILE, "the system's CAs: %s",
                      gnutls_strerror(rv));
    }
  }
  return 0;
}

static int set_name(qm_tls *t, const quicmig_tls_config *c, const char *host) {
  const char *name = c->server_name ? c->server_name : host;

  if (t->is_server) {
    return 0;
  }
  if (c->insecure && (!name || !*name)) {
    return 0;
  }
  return qm_servername_parse(&t->server, name ? name : "");
}

static void want(qm_tls *t, gnutls_vdata_types_t type, const char *text) {
  t->wanted[t->n_wanted++] = (gnutls_typed_vdata_st){
      .type = type,
      .data = (unsigned char *)(uintptr_t)text,
      .size = (unsigned)strlen(text),
  };
}

/* A certificate that names purposes must name that of the side that shows it
 * (RFC 5280 section 4.2.1.12); one that names none is for all. */
static void set_wanted(qm_tls *t) {
  if (t->is_server) {
    want(t, GNUTLS_DT_KEY_PURPOSE_OID, GNUTLS_KP_TLS_WWW_CLIENT);
  } else {
    want(t, GNUTLS_DT_DNS_HOSTNAME, t->server.verify);
    want(t, GNUTLS_DT_KEY_PURPOSE_OID, GNUTLS_KP_TLS_WWW_SERVER);
  }
}

int qm_tls_init(qm_tls *t, const quicmig_tls_config *c, bool is_server,
                const char *host) {
  int rv;

  *t = (qm_tls){.is_server = is_server, .is_insecure = c && c->insecure};
  if (!c || c->size < sizeof(*c)) {
    return qm_error(QUICMIG_ERR_INVALID_ARGUMENT,
                    "tls must be set by quicmig_tls_config_default()");
  }
  if (gnutls_certificate_allocate_credentials(&t->cred) != 0) {
    t->cred = NULL;
    return QUICMIG_ERR_NOMEM;
  }
  if (gnutls_priority_init(&t->priority, PRIORITY, NULL) != 0) {
    t->priority = NULL;
    qm_tls_reset(t);
    return QUICMIG_ERR_NOMEM;
  }
  rv = parse_alpn(t, c->alpn);
  if (rv == 0) {
    rv = set_name(t, c, host);
  }
  if (rv == 0) {
    set_wanted(t);
    rv = load_own(t, c);
  }
  if (rv == 0) {
    rv = load_trust(t, c);
  }
  if (rv == 0 && is_server &&
      gnutls_session_ticket_key_generate(&t->ticket_key) != 0) {
    rv = QUICMIG_ERR_NOMEM;
  }
  if (rv != 0) {
    qm_tls_reset(t);
  }
  return rv;
}

void qm_tls_reset(qm_tls *t) {
  if (t->cred) {
    gnutls_certificate_free_credentials(t->cred);
  }
  if (t->priority) {
    gnutls_priority_deinit(t->priority);
  }
  gnutls_free(t->ticket_key.data);
  *t = (qm_tls){.cred = NULL};
}

/* The seal: a SHA-256 over the version of GnuTLS, because the form of its
 * sessions may change, and the session. */
static int compute_seal(const unsigned char *data, size_t len,
                        unsigned char seal[QM_TLS_SEAL]) {
  const char *version = gnutls_check_version(NULL);
  gnutls_hash_hd_t hash;
  int rv = gnutls_hash_init(&hash, GNUTLS_DIG_SHA256);

  if (rv == 0) {
    rv = gnutls_hash(hash, version, strlen(version));
    if (rv == 0) {
      rv = gnutls_hash(hash, data, len);
    }
    gnutls_hash_deinit(hash, seal);
  }
  return rv;
}

static bool is_sealed(const gnutls_datum_t *d) {
  unsigned char seal[QM_TLS_SEAL];

  return d->size > QM_TLS_SEAL &&
         compute_seal(d->data + QM_TLS_SEAL, d->size - QM_TLS_SEAL, seal) ==
             0 &&
         memcmp(seal, d->data, QM_TLS_SEAL) == 0;
}

int qm_tls_session_data(gnutls_session_t session, const quicmig_mem *mem,
                        gnutls_datum_t *sealed) {
  gnutls_datum_t plain;
  unsigned char *p;
  int rv = QUICMIG_ERR_NOMEM;

  if (gnutls_session_get_data2(session, &plain) != 0) {
    return QUICMIG_ERR_TLS;
  }
  p = qm_malloc(mem, QM_TLS_SEAL + plain.size);
  if (p) {
    memcpy(p + QM_TLS_SEAL, plain.data, plain.size);
    rv = compute_seal(plain.data, plain.size, p) == 0 ? 0 : QUICMIG_ERR_TLS;
    *sealed = (gnutls_datum_t){.data = p, .size = QM_TLS_SEAL + plain.size};
  }
  if (rv != 0) {
    qm_free(mem, p);
  }
  gnutls_free(plain.data);
  return rv;
}

static void verify_peer(gnutls_session_t s, const qm_tls *t) {
  /* GnuTLS only reads it, and takes it without const. */
  gnutls_session_set_verify_cert2(
      s, (gnutls_typed_vdata_st *)(uintptr_t)t->wanted, t->n_wanted, 0);
}

static int set_up_client(gnutls_session_t s, const qm_tls *t,
                         const gnutls_datum_t *resume) {
  int rv = ngtcp2_crypto_gnutls_configure_client_session(s);

  if (rv == 0 && t->server.sni[0]) {
    rv = gnutls_server_name_set(s, GNUTLS_NAME_DNS, t->server.sni,
                                strlen(t->server.sni));
  }
  if (rv == 0 && !t->is_insecure) {
    verify_peer(s, t);
  }
  if (rv == 0 && resume && is_sealed(resume)) {
    /* A stale session only costs the resumption. */
    (void)gnutls_session_set_data(s, resume->data + QM_TLS_SEAL,
                                  resume->size - QM_TLS_SEAL);
  }
  return rv;
}

static int set_up_server(gnutls_session_t s, const qm_tls *t) {
  int rv = ngtcp2_crypto_gnutls_configure_server_session(s);

  if (rv == 0) {
    rv = gnutls_session_ticket_enable_server(s, &t->ticket_key);
  }
  if (rv == 0 && t->asks_client) {
    gnutls_certificate_server_set_request(s, GNUTLS_CERT_REQUIRE);
    verify_peer(s, t);
  }
  return rv;
}

int qm_tls_session_new(gnutls_session_t *session, const qm_tls *t,
                       ngtcp2_crypto_conn_ref *ref,
                       const gnutls_datum_t *resume) {
  gnutls_session_t s;
  int rv =
      gnutls_init(&s, t->is_server ? GNUTLS_SERVER | GNUTLS_NO_AUTO_SEND_TICKET
                                   : GNUTLS_CLIENT);

  if (rv != 0) {
    return QUICMIG_ERR_NOMEM;
  }
  /* One for all: parsed for each it takes 7 kB and a tenth of the time. */
  rv = gnutls_priority_set(s, t->priority);
  if (rv == 0) {
    gnutls_session_set_ptr(s, ref);
    rv = gnutls_credentials_set(s, GNUTLS_CRD_CERTIFICATE, t->cred);
  }
  if (rv == 0) {
    rv =
        gnutls_alpn_set_protocols(s, t->alpn, t->n_alpn, GNUTLS_ALPN_MANDATORY);
  }
  if (rv == 0) {
    rv = t->is_server ? set_up_server(s, t) : set_up_client(s, t, resume);
  }
  if (rv != 0) {
    gnutls_deinit(s);
    return QUICMIG_ERR_NOMEM;
  }
  *session = s;
  return 0;
}
