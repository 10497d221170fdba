/* The name in the peer's certificate: common name, else DNS name; into buffers
 * of every size, and with a zero inside. */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <gnutls/x509.h>

#include <cmocka.h>

static struct world {
  rig r;
  sim_line line;
  char cert[64], key[64]; /* files */
} w;

typedef struct row {
  const char *name;
  const char *cn; /* NULL: none */
  size_t cn_len;
  const char *dns; /* NULL: none */
  const char *expected;
} row;

static const row rows[] = {
    {"both", "alice", 5, "alice.example", "alice"},
    {"a common name alone", "bob the 2nd", 11, NULL, "bob the 2nd"},
    {"a DNS name alone", NULL, 0, "carol.example", "carol.example"},
    {"neither", NULL, 0, NULL, ""},
    {"UTF-8", "J\xc3\xbcrgen", 7, NULL, "J\xc3\xbcrgen"},
    {"a comma", "Doe, John", 9, NULL, "Doe, John"},
    {"signs", "#a+b\"c\\d<e>;f=g", 15, NULL, "#a+b\"c\\d<e>;f=g"},
    {"a zero inside", "root\0.evil", 10, NULL, ""},
    {"a zero inside, and a DNS name", "root\0.evil", 10, "a.example", ""},
    {"hexadecimal", "#0c0a726f6f74002e", 17, NULL, "#0c0a726f6f74002e"},
    {"64 characters",
     "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", 64,
     NULL, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"},
};

static void write_file(const char *path, const gnutls_datum_t *pem) {
  FILE *f = fopen(path, "w");

  assert_non_null(f);
  assert_int_equal(fwrite(pem->data, 1, pem->size, f), pem->size);
  assert_int_equal(fclose(f), 0);
}

static void fill(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key,
                 const row *t) {
  time_t now = time(NULL);

  if (t->cn) {
    assert_int_equal(
        gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0,
                                      t->cn, (unsigned)t->cn_len),
        0);
  }
  if (t->dns) {
    assert_int_equal(
        gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS,
                                             "\12\0\0\1", 4, GNUTLS_FSAN_SET),
        0);
    assert_int_equal(gnutls_x509_crt_set_subject_alt_name(
                         crt, GNUTLS_SAN_DNSNAME, t->dns,
                         (unsigned)strlen(t->dns), GNUTLS_FSAN_APPEND),
                     0);
  }
  assert_int_equal(gnutls_x509_crt_set_serial(crt, "\1", 1), 0);
  assert_int_equal(gnutls_x509_crt_set_activation_time(crt, now - 3600), 0);
  assert_int_equal(gnutls_x509_crt_set_expiration_time(crt, now + 3600), 0);
  assert_int_equal(gnutls_x509_crt_set_version(crt, 3), 0);
  assert_int_equal(gnutls_x509_crt_set_key(crt, key), 0);
  assert_int_equal(gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0),
                   0);
}

static void make_cert(const row *t) {
  gnutls_x509_privkey_t key;
  gnutls_x509_crt_t crt;
  gnutls_datum_t pem;

  assert_int_equal(gnutls_x509_privkey_init(&key), 0);
  assert_int_equal(gnutls_x509_crt_init(&crt), 0);
  assert_int_equal(gnutls_x509_privkey_generate(
                       key, GNUTLS_PK_ECDSA,
                       GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
                   0);
  fill(crt, key, t);
  assert_int_equal(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pem), 0);
  write_file(w.cert, &pem);
  gnutls_free(pem.data);
  assert_int_equal(gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &pem),
                   0);
  write_file(w.key, &pem);
  gnutls_free(pem.data);
  gnutls_x509_crt_deinit(crt);
  gnutls_x509_privkey_deinit(key);
}

/* Into a buffer of n bytes: what fits, ended, and nothing behind it. */
static void check_name(const quicmig_conn *c, const char *expected, size_t n) {
  size_t len = strlen(expected), copied = n == 0 ? 0 : len < n ? len : n - 1;
  char dest[80];

  memset(dest, '#', sizeof(dest));
  assert_int_equal(quicmig_conn_peer_name(c, n ? dest : NULL, n), len);
  assert_memory_equal(dest, expected, copied);
  assert_int_equal(dest[copied], n ? 0 : '#');
  assert_int_equal(dest[copied + (n != 0)], '#');
}

static void test_names(void **state) {
  const row *t;
  size_t n;

  (void)state;
  for (t = rows; t < rows + sizeof(rows) / sizeof(rows[0]); t++) {
    printf("row: %s\n", t->name);
    rig_init(&w.r, 0, false);
    make_cert(t);
    sim_line_init(&w.r.world, &w.line, 5 * MS);
    w.r.send_every = 0;
    w.r.server_tls.cert_file = w.cert;
    w.r.server_tls.key_file = w.key;
    assert_int_equal(rig_start_server(&w.r), 0);
    assert_int_equal(rig_start_client(&w.r), 0);
    /* Nothing was shown yet. */
    check_name(quicmig_client_conn(w.r.clients[0].c), "", 10);
    rig_run(&w.r, SEC);
    assert_true(w.r.clients[0].is_connected);
    for (n = 0; n < 70; n++) {
      check_name(quicmig_client_conn(w.r.clients[0].c), t->expected, n);
      check_name(w.r.server_conn, "", n); /* the client shows none */
    }
    rig_reset(&w.r);
  }
}

/* A server that asks for it sees the client's. */
static void test_name_of_a_client(void **state) {
  (void)state;
  rig_init(&w.r, 0, false);
  make_cert(&rows[0]);
  sim_line_init(&w.r.world, &w.line, 5 * MS);
  w.r.server_tls.ca_file = w.cert;
  w.r.client_tls.cert_file = w.cert;
  w.r.client_tls.key_file = w.key;
  assert_int_equal(rig_start(&w.r, 1), 0);
  assert_non_null(w.r.server_conn);
  check_name(w.r.server_conn, "alice", 64);
  check_name(quicmig_client_conn(w.r.clients[0].c), "libquicmig self-signed",
             64);
  rig_reset(&w.r);
}

static int make_names(void **state) {
  (void)state;
  snprintf(w.cert, sizeof(w.cert), "/tmp/qm%ld.pem", (long)getpid());
  snprintf(w.key, sizeof(w.key), "/tmp/qm%ld.key", (long)getpid());
  return 0;
}

static int remove_files(void **state) {
  (void)state;
  unlink(w.cert);
  unlink(w.key);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_names),
      cmocka_unit_test(test_name_of_a_client),
  };

  return cmocka_run_group_tests(tests, make_names, remove_files);
}
