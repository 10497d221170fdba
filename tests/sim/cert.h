/*
 * Certificates for tests: an EC key each, signed by an authority or by
 * themselves, valid for an hour.  Any failure ends the test program.
 */
#ifndef CERT_H
#define CERT_H

#include <stdbool.h>

#include <gnutls/x509.h>

#define CERT_PURPOSES 2

typedef struct cert {
  gnutls_x509_crt_t crt;
  gnutls_x509_privkey_t key;
} cert;

typedef struct cert_spec {
  bool is_ca;
  const char *dns;                     /* NULL: none */
  const char *ip;                      /* in text, NULL: none */
  const char *purposes[CERT_PURPOSES]; /* OIDs; NULL: none */
} cert_spec;

/* ca NULL: signed by itself. */
void cert_make(cert *c, const cert_spec *spec, const cert *ca);
void cert_reset(cert *c);

/* PEM files; key_file NULL: the certificate alone. */
void cert_write(const cert *c, const char *cert_file, const char *key_file);

#endif
