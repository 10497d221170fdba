/* The name in the peer's certificate. */
#include <string.h>

#include <gnutls/x509.h>

#include "endpoint/conn.h"

/* Longer names are none: a common name has at most 64 characters (RFC 5280
 * appendix A.1), a host name 255. */
#define NAME_MAX_LEN 256

/* Zero-terminated in name, its length in *len; 0 or a GnuTLS error. */
static int read_name(gnutls_x509_crt_t cert, char *name, size_t *len) {
  int rv = gnutls_x509_crt_get_dn_by_oid(cert, GNUTLS_OID_X520_COMMON_NAME, 0,
                                         0, name, len);

  if (rv == 0 && *len > 0) {
    return 0;
  }
  *len = NAME_MAX_LEN;
  rv = gnutls_x509_crt_get_subject_alt_name(cert, 0, name, len, NULL);
  return rv == GNUTLS_SAN_DNSNAME ? 0 : GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE;
}

size_t quicmig_conn_peer_name(const quicmig_conn *c, char *dest, size_t len) {
  char name[NAME_MAX_LEN + 1] = "";
  size_t name_len = NAME_MAX_LEN, n;
  gnutls_x509_crt_t cert;
  unsigned count;
  const gnutls_datum_t *chain =
      gnutls_certificate_get_peers(c->session, &count);

  if (len) {
    dest[0] = 0;
  }
  if (!chain || count == 0 || gnutls_x509_crt_init(&cert) != 0) {
    return 0;
  }
  if (gnutls_x509_crt_import(cert, &chain[0], GNUTLS_X509_FMT_DER) != 0 ||
      read_name(cert, name, &name_len) != 0 ||
      strlen(name) != name_len) { /* a zero inside is a trick */
    name[0] = 0;
  }
  gnutls_x509_crt_deinit(cert);
  n = strlen(name);
  if (len) {
    size_t copied = n < len ? n : len - 1;

    memcpy(dest, name, copied);
    dest[copied] = 0;
  }
  return n;
}
