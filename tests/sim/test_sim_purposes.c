/* What a certificate is for (extended key usage): a server's must not be made
 * for something else, nor a client's. */
#include "cert.h"
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define SERVER GNUTLS_KP_TLS_WWW_SERVER
#define CLIENT GNUTLS_KP_TLS_WWW_CLIENT

static struct world {
  rig r;
  sim_line line;
  char ca[64], cert[64], key[64]; /* files */
} w;

typedef struct row {
  const char *name;
  cert_spec spec;
  bool serves_server, serves_client;
} row;

static const row rows[] = {
    {"no purpose named", {.dns = "good.test"}, true, true},
    {"server", {.dns = "good.test", .purposes = {SERVER}}, true, false},
    {"client", {.dns = "good.test", .purposes = {CLIENT}}, false, true},
    {"both", {.dns = "good.test", .purposes = {SERVER, CLIENT}}, true, true},
    {"e-mail",
     {.dns = "good.test", .purposes = {GNUTLS_KP_EMAIL_PROTECTION}},
     false,
     false},
    {"any purpose",
     {.dns = "good.test", .purposes = {GNUTLS_KP_ANY}},
     true,
     true},
    {"e-mail and server",
     {.dns = "good.test", .purposes = {GNUTLS_KP_EMAIL_PROTECTION, SERVER}},
     true,
     false},
};

/* ca: signed by an authority, or itself what the peer trusts. */
static void make(const row *t, bool by_ca) {
  static const cert_spec ca_spec = {.is_ca = true};
  cert ca, leaf;

  cert_make(&ca, &ca_spec, NULL);
  cert_make(&leaf, &t->spec, by_ca ? &ca : NULL);
  cert_write(by_ca ? &ca : &leaf, w.ca, NULL);
  cert_write(&leaf, w.cert, w.key);
  cert_reset(&leaf);
  cert_reset(&ca);
}

static void start(void) {
  rig_init(&w.r, 0, false);
  sim_line_init(&w.r.world, &w.line, 5 * MS);
  w.r.send_every = 0;
}

static void check_server(const row *t) {
  const rig_client *c;

  start();
  c = &w.r.clients[0];
  w.r.server_tls.cert_file = w.cert;
  w.r.server_tls.key_file = w.key;
  w.r.client_tls.ca_file = w.ca;
  w.r.client_tls.server_name = "good.test";
  w.r.client_tls.insecure = 0;
  assert_int_equal(rig_start(&w.r, 1), 0);
  assert_int_equal(c->is_connected, t->serves_server);
  if (!t->serves_server) {
    assert_true(c->is_closed);
    assert_int_equal(c->close.err, QUICMIG_ERR_CERT_VERIFY);
    assert_non_null(strstr(c->reason, "purpose"));
  }
  rig_reset(&w.r);
}

static void check_client(const row *t) {
  start();
  w.r.client_tls.cert_file = w.cert;
  w.r.client_tls.key_file = w.key;
  w.r.server_tls.ca_file = w.ca;
  assert_int_equal(rig_start(&w.r, 1), 0);
  assert_int_equal(w.r.server_conn != NULL, t->serves_client);
  if (!t->serves_client) {
    assert_int_equal(w.r.server_close.err, QUICMIG_ERR_CERT_VERIFY);
    assert_int_equal(w.r.clients[0].close.err, QUICMIG_ERR_CERT_VERIFY);
  }
  rig_reset(&w.r);
}

static void test_purposes(void **state) {
  const row *t;
  int by_ca;

  (void)state;
  for (t = rows; t < rows + sizeof(rows) / sizeof(rows[0]); t++) {
    for (by_ca = 0; by_ca < 2; by_ca++) {
      printf("row: %s%s\n", t->name, by_ca ? "" : ", trusted itself");
      make(t, by_ca);
      check_server(t);
      check_client(t);
    }
  }
}

static int make_names(void **state) {
  (void)state;
  snprintf(w.ca, sizeof(w.ca), "/tmp/qmu%ld.ca", (long)getpid());
  snprintf(w.cert, sizeof(w.cert), "/tmp/qmu%ld.pem", (long)getpid());
  snprintf(w.key, sizeof(w.key), "/tmp/qmu%ld.key", (long)getpid());
  return 0;
}

static int remove_files(void **state) {
  (void)state;
  unlink(w.ca);
  unlink(w.cert);
  unlink(w.key);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_purposes),
  };

  return cmocka_run_group_tests(tests, make_names, remove_files);
}
