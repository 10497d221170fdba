#include "cert.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <arpa/inet.h>

static void check(int rv) { assert(rv >= 0); } /* kept in release builds */

static void add_names(gnutls_x509_crt_t crt, const cert_spec *spec) {
  unsigned char ip[16];

  if (spec->dns) {
    check(gnutls_x509_crt_set_subject_alt_name(
        crt, GNUTLS_SAN_DNSNAME, spec->dns, (unsigned)strlen(spec->dns),
        GNUTLS_FSAN_SET));
  }
  if (spec->ip) {
    bool is_v6 = strchr(spec->ip, ':') != NULL;

    check(inet_pton(is_v6 ? AF_INET6 : AF_INET, spec->ip, ip) - 1);
    check(gnutls_x509_crt_set_subject_alt_name(
        crt, GNUTLS_SAN_IPADDRESS, ip, is_v6 ? 16 : 4, GNUTLS_FSAN_APPEND));
  }
}

static void fill(const cert *c, const cert_spec *spec) {
  time_t now = time(NULL);
  const char *err;
  size_t i;

  check(gnutls_x509_crt_set_version(c->crt, 3));
  check(
      gnutls_x509_crt_set_dn(c->crt, spec->is_ca ? "CN=ca" : "CN=leaf", &err));
  check(gnutls_x509_crt_set_serial(c->crt, spec->is_ca ? "\1" : "\2", 1));
  check(gnutls_x509_crt_set_activation_time(c->crt, now - 3600));
  check(gnutls_x509_crt_set_expiration_time(c->crt, now + 3600));
  check(gnutls_x509_crt_set_key(c->crt, c->key));
  if (spec->is_ca) {
    check(gnutls_x509_crt_set_ca_status(c->crt, 1));
    check(gnutls_x509_crt_set_key_usage(c->crt, GNUTLS_KEY_KEY_CERT_SIGN));
  }
  add_names(c->crt, spec);
  for (i = 0; i < CERT_PURPOSES && spec->purposes[i]; i++) {
    check(gnutls_x509_crt_set_key_purpose_oid(c->crt, spec->purposes[i], 0));
  }
}

void cert_make(cert *c, const cert_spec *spec, const cert *ca) {
  check(gnutls_x509_privkey_init(&c->key));
  check(gnutls_x509_privkey_generate(
      c->key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1),
      0));
  check(gnutls_x509_crt_init(&c->crt));
  fill(c, spec);
  ca = ca ? ca : c;
  check(gnutls_x509_crt_sign2(c->crt, ca->crt, ca->key, GNUTLS_DIG_SHA256, 0));
}

void cert_reset(cert *c) {
  gnutls_x509_crt_deinit(c->crt);
  gnutls_x509_privkey_deinit(c->key);
}

static void write_file(const char *path, gnutls_datum_t *pem) {
  FILE *f = fopen(path, "w");
  size_t n = f ? fwrite(pem->data, 1, pem->size, f) : 0;

  assert(f && n == pem->size);
  check(fclose(f));
  gnutls_free(pem->data);
}

void cert_write(const cert *c, const char *cert_file, const char *key_file) {
  gnutls_datum_t pem;

  check(gnutls_x509_crt_export2(c->crt, GNUTLS_X509_FMT_PEM, &pem));
  write_file(cert_file, &pem);
  if (key_file) {
    check(gnutls_x509_privkey_export2(c->key, GNUTLS_X509_FMT_PEM, &pem));
    write_file(key_file, &pem);
  }
}
