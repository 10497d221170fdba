/* How a connection ends: who said so, with which code, and as which of our
 * errors the application sees it. */
#include "endpoint/conn.h"

#include <string.h>

#include "endpoint/stream.h"

/* Alerts of TLS 1.3 (RFC 8446 section 6) inside QUIC's crypto error codes
 * (RFC 9000 section 20.1). */
#define CRYPTO_ERROR 0x100u
#define ALERT_BAD_CERTIFICATE 42
#define ALERT_UNKNOWN_CA 48
#define ALERT_CERTIFICATE_REQUIRED 116
#define ALERT_NO_APPLICATION_PROTOCOL 120

static int classify_alert(unsigned alert) {
  if (alert == ALERT_NO_APPLICATION_PROTOCOL) {
    return QUICMIG_ERR_ALPN;
  }
  if ((alert >= ALERT_BAD_CERTIFICATE && alert <= ALERT_UNKNOWN_CA &&
       alert != 47) ||
      alert == ALERT_CERTIFICATE_REQUIRED) {
    return QUICMIG_ERR_CERT_VERIFY;
  }
  return QUICMIG_ERR_TLS;
}

static int classify_peer(const ngtcp2_ccerr *e) {
  if (e->type == NGTCP2_CCERR_TYPE_APPLICATION ||
      e->error_code == NGTCP2_NO_ERROR) {
    return QUICMIG_ERR_CLOSED_BY_PEER;
  }
  if (e->error_code == NGTCP2_CONNECTION_REFUSED) {
    return QUICMIG_ERR_REFUSED;
  }
  if ((e->error_code & ~(uint64_t)0xff) == CRYPTO_ERROR) {
    return classify_alert((unsigned)(e->error_code & 0xff));
  }
  return QUICMIG_ERR_PROTOCOL;
}

static void keep_reason(quicmig_conn *c, const void *reason, size_t len) {
  len = len < QM_CONN_REASON_MAX ? len : QM_CONN_REASON_MAX;
  if (len) {
    memcpy(c->reason, reason, len);
  }
  c->reason[len] = 0;
}

/* Our TLS refused: what about? */
static void explain_tls(quicmig_conn *c) {
  unsigned status = gnutls_session_get_verify_cert_status(c->session);
  gnutls_datum_t text = {NULL, 0};

  ngtcp2_ccerr_set_tls_alert(&c->ccerr, ngtcp2_conn_get_tls_alert(c->conn),
                             NULL, 0);
  c->close_err = classify_alert(ngtcp2_conn_get_tls_alert(c->conn));
  if (!c->tls->is_insecure && status != 0 && status != (unsigned)-1) {
    c->close_err = QUICMIG_ERR_CERT_VERIFY;
    if (gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509,
                                                     &text, 0) == 0) {
      keep_reason(c, text.data, text.size ? text.size - 1 : 0);
      gnutls_free(text.data);
    }
  }
}

/* A callback of ours has failed: for want of memory, or because the peer broke
 * a rule. */
static void explain_refusal(quicmig_conn *c) {
  static const char too_early[] = "HANDSHAKE_DONE before Finished";

  if (c->refusal != QUICMIG_ERR_PROTOCOL) {
    c->close_err = QUICMIG_ERR_NOMEM;
    ngtcp2_ccerr_set_liberr(&c->ccerr, NGTCP2_ERR_CALLBACK_FAILURE, NULL, 0);
    keep_reason(c, ngtcp2_strerror(NGTCP2_ERR_CALLBACK_FAILURE),
                strlen(ngtcp2_strerror(NGTCP2_ERR_CALLBACK_FAILURE)));
    return;
  }
  c->close_err = QUICMIG_ERR_PROTOCOL;
  keep_reason(c, too_early, sizeof(too_early) - 1);
  ngtcp2_ccerr_set_transport_error(&c->ccerr, NGTCP2_PROTOCOL_VIOLATION,
                                   (const uint8_t *)c->reason,
                                   sizeof(too_early) - 1);
}

bool qm_conn_on_error(quicmig_conn *c, int liberr) {
  if (c->wants_close || c->is_close_sent) {
    /* Too late to say anything, or said already. */
    return c->is_close_sent || liberr == NGTCP2_ERR_IDLE_CLOSE ||
           liberr == NGTCP2_ERR_HANDSHAKE_TIMEOUT;
  }
  c->liberr = liberr;
  switch (liberr) {
  case NGTCP2_ERR_DRAINING:
    c->ccerr = *ngtcp2_conn_get_ccerr(c->conn);
    c->close_err = classify_peer(&c->ccerr);
    keep_reason(c, c->ccerr.reason, c->ccerr.reasonlen);
    return true;
  case NGTCP2_ERR_IDLE_CLOSE:
    c->close_err = c->state == QM_CONN_OPEN ? QUICMIG_ERR_IDLE
                                            : QUICMIG_ERR_HANDSHAKE_TIMEOUT;
    ngtcp2_ccerr_set_liberr(&c->ccerr, liberr, NULL, 0);
    return true;
  case NGTCP2_ERR_HANDSHAKE_TIMEOUT:
    c->close_err = QUICMIG_ERR_HANDSHAKE_TIMEOUT;
    ngtcp2_ccerr_set_liberr(&c->ccerr, liberr, NULL, 0);
    return true;
  case NGTCP2_ERR_DROP_CONN:
  case NGTCP2_ERR_RETRY:
  case NGTCP2_ERR_CLOSING:
    c->close_err = QUICMIG_ERR_PROTOCOL;
    return true;
  case NGTCP2_ERR_CRYPTO:
    explain_tls(c);
    break;
  case NGTCP2_ERR_CALLBACK_FAILURE:
    explain_refusal(c);
    break;
  default:
    c->close_err =
        liberr == NGTCP2_ERR_NOMEM ? QUICMIG_ERR_NOMEM : QUICMIG_ERR_PROTOCOL;
    ngtcp2_ccerr_set_liberr(&c->ccerr, liberr, NULL, 0);
    keep_reason(c, ngtcp2_strerror(liberr), strlen(ngtcp2_strerror(liberr)));
    break;
  }
  c->wants_close = true;
  return false;
}

/* Is the end decided?  What a client sees of itself while it connects may be
 * one attempt of several, which has failed: the others are to be closed too. */
static bool is_ending(const quicmig_conn *c) {
  bool is_attempt = !c->tls->is_server && c->state == QM_CONN_HANDSHAKE;

  return c->state == QM_CONN_ENDED ||
         ((c->wants_close || c->is_close_sent) &&
          (!is_attempt || c->ccerr.type == NGTCP2_CCERR_TYPE_APPLICATION));
}

void quicmig_conn_close(quicmig_conn *c, uint64_t code, const char *reason) {
  if (is_ending(c)) {
    return;
  }
  c->close_err = 0;
  c->liberr = 0;
  keep_reason(c, reason, reason ? strlen(reason) : 0);
  ngtcp2_ccerr_set_application_error(
      &c->ccerr, code, (const uint8_t *)c->reason, strlen(c->reason));
  c->wants_close = true;
  c->owner->wants_run(c);
}

void qm_conn_end(quicmig_conn *c) {
  bool by_peer = ngtcp2_conn_in_draining_period(c->conn) != 0;
  quicmig_close_info info = {.size = sizeof(info),
                             .err = c->close_err,
                             .by_peer = by_peer,
                             .is_app =
                                 c->ccerr.type == NGTCP2_CCERR_TYPE_APPLICATION,
                             .liberr = c->liberr,
                             .code = c->ccerr.error_code,
                             .reason = c->reason};

  if (c->state == QM_CONN_ENDED) {
    return;
  }
  c->state = QM_CONN_ENDED; /* before the callbacks: they cannot undo it */
  c->wants_close = false;
  while (!qm_list_is_empty(&c->streams)) {
    qm_stream_on_closed(qm_list_entry(c->streams.next, quicmig_stream, link),
                        QUICMIG_NEVER);
  }
  if (c->cb.closed) {
    c->cb.closed(c, &info, c->user_data);
  }
}
