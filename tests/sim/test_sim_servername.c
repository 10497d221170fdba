/* A server that is named in ways people type: the handshake takes each, and the
 * certificate must bear what was meant. */
#include "cert.h"
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct world {
  rig r;
  sim_line line;
  char cert[64], key[64]; /* files */
} w;

typedef struct row {
  const char *name;     /* what is typed */
  const char *dns, *ip; /* what the certificate bears */
  bool fits;
} row;

static const row rows[] = {
    {"good.test", "good.test", NULL, true},
    {"bad.test", "good.test", NULL, false},
    {"good.test.", "good.test", NULL, true},
    {"GOOD.test", "good.test", NULL, true},
    {"under_score.test", "under_score.test", NULL, true},
    {"under_score.test", "good.test", NULL, false},
    {"a.good.test.", "*.good.test", NULL, true},
    {"m\xc3\xbcnchen.test", "xn--mnchen-3ya.test", NULL, true},
    {"10.2.0.2", NULL, "10.2.0.2", true},
    {"10.2.2", NULL, "10.2.0.2", true},
    {"0x0a020002", NULL, "10.2.0.2", true},
    {"10.2.3", NULL, "10.2.0.2", false},
    {"fd02:0::2", NULL, "fd02::2", true},
    {"[fd02::2]", NULL, "fd02::2", true},
    {"fe80::5%eth0", NULL, "fe80::5", true},
    {"fe80::6%eth0", NULL, "fe80::5", false},
};

static void make(const row *t) {
  cert_spec spec = {.dns = t->dns, .ip = t->ip};
  cert c;

  cert_make(&c, &spec, NULL);
  cert_write(&c, w.cert, w.key);
  cert_reset(&c);
}

/* True: connected. */
static bool connect_to(const row *t, bool is_insecure) {
  const rig_client *c;
  bool is_connected;

  rig_init(&w.r, 0, false);
  c = &w.r.clients[0];
  sim_line_init(&w.r.world, &w.line, 5 * MS);
  w.r.send_every = 0;
  w.r.server_tls.cert_file = w.cert;
  w.r.server_tls.key_file = w.key;
  w.r.client_tls.ca_file = w.cert;
  w.r.client_tls.server_name = t->name;
  w.r.client_tls.insecure = is_insecure;
  assert_int_equal(rig_start(&w.r, 1), 0);
  is_connected = c->is_connected;
  assert_true(is_connected || c->close.err == QUICMIG_ERR_CERT_VERIFY);
  rig_reset(&w.r);
  return is_connected;
}

static void test_names(void **state) {
  const row *t;

  (void)state;
  for (t = rows; t < rows + sizeof(rows) / sizeof(rows[0]); t++) {
    printf("row: %s\n", t->name);
    make(t);
    assert_true(connect_to(t, true));
    assert_int_equal(connect_to(t, false), t->fits);
  }
}

static int make_files(void **state) {
  (void)state;
  snprintf(w.cert, sizeof(w.cert), "/tmp/qms%ld.pem", (long)getpid());
  snprintf(w.key, sizeof(w.key), "/tmp/qms%ld.key", (long)getpid());
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
  };

  return cmocka_run_group_tests(tests, make_files, remove_files);
}
