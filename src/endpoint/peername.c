/* The name in the peer's certificate. */
#include <string.h>

#include <gnutls/x509.h>

#include "endpoint/conn.h"

/* Longer names are none: a common name has at most 64 characters (RFC 5280
 * appendix A.1), a host name 255. */
#define NAME_MAX_LEN 256
/* Addresses and the like may come before the first DNS name. */
#define SANS_MAX 64

/* DER (X.690): the tags of strings that are UTF-8 as they are, and where a
 * length of more than 127 bytes is told in one byte of its own. */
#define TAG_UTF8 0x0c
#define TAG_PRINTABLE 0x13
#define TAG_IA5 0x16
#define LONG_LEN 0x81

/* GnuTLS would escape it as for a whole subject (RFC 4514), which is not the
 * name, so that the DER is asked for.  Other kinds of strings it converts. */
static int read_common_name(gnutls_x509_crt_t cert, char *name, size_t *len) {
  unsigned char der[NAME_MAX_LEN + 3];
  size_t der_len = sizeof(der), at;
  int rv = gnutls_x509_crt_get_dn_by_oid(cert, GNUTLS_OID_X520_COMMON_NAME, 0,
                                         1, der, &der_len);

  if (rv != 0 || der_len < 3) {
    return GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE;
  }
  if (der[0] != TAG_UTF8 && der[0] != TAG_PRINTABLE && der[0] != TAG_IA5) {
    return gnutls_x509_crt_get_dn_by_oid(cert, GNUTLS_OID_X520_COMMON_NAME, 0,
                                         0, name, len);
  }
  at = der[1] == LONG_LEN ? 3 : 2;
  if (der[at - 1] != der_len - at || (at == 2 && der[1] > LONG_LEN)) {
    return GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE;
  }
  *len = der_len - at;
  memcpy(name, der + at, *len);
  name[*len] = 0;
  return 0;
}

/* Zero-terminated in name, its length in *len; 0 or a GnuTLS error. */
static int read_name(gnutls_x509_crt_t cert, char *name, size_t *len) {
  int rv = read_common_name(cert, name, len);
  unsigned i;

  if (rv == 0 && *len > 0) {
    return 0;
  }
  for (i = 0; i < SANS_MAX && rv != GNUTLS_SAN_DNSNAME; i++) {
    *len = NAME_MAX_LEN;
    rv = gnutls_x509_crt_get_subject_alt_name(cert, i, name, len, NULL);
  }
  return rv == GNUTLS_SAN_DNSNAME ? 0 : GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE;
}

size_t quicmig_conn_peer_name(const quicmig_conn *c, char *dest, size_t len) {
  char name[NAME_MAX_LEN + 1] = "";
  size_t name_len = NAME_MAX_LEN, n;
  gnutls_x509_crt_t cert;
  unsigned count = 0;
  const gnutls_datum_t *chain =
      c->session ? gnutls_certificate_get_peers(c->session, &count) : NULL;

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
