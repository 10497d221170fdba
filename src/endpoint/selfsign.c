/* A certificate for servers that were given none: P-256, 30 days, for
 * "localhost" and the loopback addresses. */
#include "endpoint/tls.h"

#include <time.h>

#include <gnutls/crypto.h>
#include <gnutls/x509.h>

#define VALID_SECONDS (30 * 86400)
/* Clocks differ. */
#define VALID_BEFORE 3600

static int set_names(gnutls_x509_crt_t crt) {
  static const unsigned char v4[4] = {127, 0, 0, 1};
  static const unsigned char v6[16] = {[15] = 1};
  int rv = gnutls_x509_crt_set_subject_alt_name(
      crt, GNUTLS_SAN_DNSNAME, "localhost", 9, GNUTLS_FSAN_SET);

  if (rv == 0) {
    rv = gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS, v4,
                                              sizeof(v4), GNUTLS_FSAN_APPEND);
  }
  if (rv == 0) {
    rv = gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS, v6,
                                              sizeof(v6), GNUTLS_FSAN_APPEND);
  }
  return rv;
}

static int fill(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key) {
  unsigned char serial[16];
  const char *err;
  time_t now = time(NULL);
  int rv = gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof(serial));

  serial[0] &= 0x7f;
  if (rv == 0) {
    rv = gnutls_x509_crt_set_dn(crt, "CN=libquicmig self-signed", &err);
  }
  if (rv == 0) {
    rv = gnutls_x509_crt_set_serial(crt, serial, sizeof(serial));
  }
  if (rv == 0) {
    rv = gnutls_x509_crt_set_activation_time(crt, now - VALID_BEFORE);
  }
  if (rv == 0) {
    rv = gnutls_x509_crt_set_expiration_time(crt, now + VALID_SECONDS);
  }
  if (rv == 0) {
    rv = gnutls_x509_crt_set_version(crt, 3);
  }
  if (rv == 0) {
    rv = set_names(crt);
  }
  if (rv == 0) {
    rv = gnutls_x509_crt_set_key(crt, key);
  }
  return rv == 0 ? gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0)
                 : rv;
}

int qm_tls_self_sign(gnutls_certificate_credentials_t cred) {
  gnutls_x509_privkey_t key = NULL;
  gnutls_x509_crt_t crt = NULL;
  int rv = gnutls_x509_privkey_init(&key);

  if (rv == 0) {
    rv = gnutls_x509_privkey_generate(
        key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1),
        0);
  }
  if (rv == 0) {
    rv = gnutls_x509_crt_init(&crt);
  }
  if (rv == 0) {
    rv = fill(crt, key);
  }
  if (rv == 0) {
    rv = gnutls_certificate_set_x509_key(cred, &crt, 1, key);
  }
  if (crt) {
    gnutls_x509_crt_deinit(crt);
  }
  if (key) {
    gnutls_x509_privkey_deinit(key);
  }
  return rv;
}
