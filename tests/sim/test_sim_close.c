/* How connections end, and what each side is told about it: always one typed
 * error, never silence. */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))
#define CRYPTO_ERROR 0x100 /* and a TLS alert: RFC 9000 section 20.1 */
#define ANY UINT64_MAX

static struct world {
  rig r;
  sim_line line;
  sim_filter filter;
  bool drops[2]; /* by direction */
} w;

static bool drops(void *arg, const sim_pkt *p) {
  (void)arg;
  return w.drops[p->dir];
}

static void prepare(void) {
  w.drops[SIM_UP] = w.drops[SIM_DOWN] = false;
  rig_init(&w.r, 0, false);
  sim_line_init(&w.r.world, &w.line, 10 * MS);
  sim_filter_init(&w.r.world, &w.filter, drops, NULL);
  w.r.client_transport.idle_timeout = w.r.server_transport.idle_timeout =
      5 * SEC;
  w.r.client_transport.handshake_timeout = 2 * SEC;
  w.r.server_transport.handshake_timeout = 2 * SEC;
  w.r.migration.hop_interval = 700 * MS;
}

/* --- the table --- */

#define FIFTY "01234567890123456789012345678901234567890123456789"
#define REASON_255 FIFTY FIFTY FIFTY FIFTY FIFTY "01234"

static quicmig_conn *client_conn(void) {
  return quicmig_client_conn(w.r.clients[0].c);
}

static void nothing(void) {}

static void other_alpn(void) { w.r.client_tls.alpn = "other"; }

static void verify(void) { w.r.client_tls.insecure = 0; }

/* A CA that has signed nobody. */
static const char ca_pem[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBeTCCAR+gAwIBAgIURXS1pa5XHwDOAI7vSxMfULrRGQwwCgYIKoZIzj0EAwIw\n"
    "ETEPMA0GA1UEAwwGbm9ib2R5MCAXDTI2MTEyMDEwMjkxM1oYDzIxMjYxMDI3MTAy\n"
    "OTEzWjARMQ8wDQYDVQQDDAZub2JvZHkwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC\n"
    "AASOxmR6g2exl27KwJSWe2FsGw7ejgCkbGXHNvnXCPNVKCGfqlzhw4IuJ5wcJl8V\n"
    "uggLKihMmKU5CzhRdbjD9yFNo1MwUTAdBgNVHQ4EFgQUxuiWDuAm/zsUb7xwkQez\n"
    "XhTvLsQwHwYDVR0jBBgwFoAUxuiWDuAm/zsUb7xwkQezXhTvLsQwDwYDVR0TAQH/\n"
    "BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiANsphvlSu21z8qqOE5/Ff3ZdvaD1Zo\n"
    "JaZoPIDOIVkIXwIhAKlykvyUtbrAR0Q7YAX6c8j62vqZnFxXk017/y5VEX2d\n"
    "-----END CERTIFICATE-----\n";
static char ca_path[] = "/tmp/quicmig-ca-XXXXXX";

static void ask_client(void) { w.r.server_tls.ca_file = ca_path; }

static void client_closes(void) {
  quicmig_conn_close(client_conn(), 42, "bye");
  quicmig_conn_close(client_conn(), 43, "again"); /* harmless */
}

static void server_closes(void) {
  quicmig_conn_close(w.r.server_conn, (1ull << 62) - 1, "go \xff away");
}

static void all_close(void) { quicmig_server_close(w.r.server, 7, NULL); }

static void closes_at_length(void) {
  quicmig_conn_close(client_conn(), 0, REASON_255 "and more");
}

static void both_close(void) {
  quicmig_conn_close(client_conn(), 1, "client");
  quicmig_conn_close(w.r.server_conn, 2, "server");
}

static void line_dies(void) { w.drops[SIM_UP] = w.drops[SIM_DOWN] = true; }

static void dead_from_the_start(void) { line_dies(); }

static void deaf_client(void) { w.drops[SIM_DOWN] = true; }

/* What a side must have been told. */
typedef struct ending {
  int err;
  int by_peer, is_app;
  uint64_t code;      /* ANY: not looked at */
  const char *reason; /* NULL: not looked at, but not empty */
} ending;

typedef struct row {
  const char *name;
  void (*before)(void); /* the start */
  void (*act)(void);    /* after 2 s */
  bool is_connected;    /* the client was */
  uint64_t server_ends; /* connections that ended on the server */
  ending client, server;
} row;

static const row rows[] = {
    {"closed by the client",
     nothing,
     client_closes,
     true,
     1,
     {0, 0, 1, 42, "bye"},
     {QUICMIG_ERR_CLOSED_BY_PEER, 1, 1, 42, "bye"}},
    {"closed by the server",
     nothing,
     server_closes,
     true,
     1,
     {QUICMIG_ERR_CLOSED_BY_PEER, 1, 1, (1ull << 62) - 1, "go \xff away"},
     {0, 0, 1, (1ull << 62) - 1, "go \xff away"}},
    {"the whole server closes",
     nothing,
     all_close,
     true,
     1,
     {QUICMIG_ERR_CLOSED_BY_PEER, 1, 1, 7, ""},
     {0, 0, 1, 7, ""}},
    {"closed by both", /* neither hears the other before it has spoken */
     nothing,
     both_close,
     true,
     1,
     {0, 0, 1, 1, "client"},
     {0, 0, 1, 2, "server"}},
    {"a reason of 263 bytes is cut",
     nothing,
     closes_at_length,
     true,
     1,
     {0, 0, 1, 0, REASON_255},
     {QUICMIG_ERR_CLOSED_BY_PEER, 1, 1, 0, REASON_255}},
    {"the line dies",
     nothing,
     line_dies,
     true,
     1,
     {QUICMIG_ERR_IDLE, 0, 0, ANY, ""},
     {QUICMIG_ERR_IDLE, 0, 0, ANY, ""}},
    {"nobody answers",
     dead_from_the_start,
     nothing,
     false,
     0,
     {QUICMIG_ERR_HANDSHAKE_TIMEOUT, 0, 0, ANY, ""},
     {0, 0, 0, 0, ""}},
    {"the answers are lost",
     deaf_client,
     nothing,
     false,
     2, /* the client tries again after a second */
     {QUICMIG_ERR_HANDSHAKE_TIMEOUT, 0, 0, ANY, ""},
     {QUICMIG_ERR_HANDSHAKE_TIMEOUT, 0, 0, ANY, ""}},
    {"no common protocol",
     other_alpn,
     nothing,
     false,
     1,
     {QUICMIG_ERR_ALPN, 1, 0, CRYPTO_ERROR + 120, ""},
     {QUICMIG_ERR_ALPN, 0, 0, CRYPTO_ERROR + 120, ""}},
    {"a certificate nobody vouches for",
     verify,
     nothing,
     false,
     1,
     {QUICMIG_ERR_CERT_VERIFY, 0, 0, ANY, NULL},
     {QUICMIG_ERR_CERT_VERIFY, 1, 0, ANY, ""}},
    {"no certificate of the client's",
     ask_client,
     nothing,
     true, /* it is the last to be heard: RFC 9001 section 4.1.1 */
     1,
     {QUICMIG_ERR_CERT_VERIFY, 1, 0, CRYPTO_ERROR + 116, ""},
     {QUICMIG_ERR_CERT_VERIFY, 0, 0, CRYPTO_ERROR + 116, ""}},
};

static void check(const char *who, const quicmig_close_info *i,
                  const ending *want) {
  printf("  the %s: %s%s%s, code 0x%llx, \"%s\"\n", who,
         quicmig_err_name(i->err), i->by_peer ? ", by peer" : "",
         i->is_app ? ", application" : "", (unsigned long long)i->code,
         i->reason);
  assert_int_equal(i->size, sizeof(*i));
  assert_int_equal(i->err, want->err);
  assert_int_equal(i->by_peer, want->by_peer);
  assert_int_equal(i->is_app, want->is_app);
  if (want->code != ANY) {
    assert_int_equal(i->code, want->code);
  }
  if (want->reason) {
    assert_string_equal(i->reason, want->reason);
  } else {
    assert_true(strlen(i->reason) > 10);
  }
}

static void end_row(const row *t) {
  rig_client *c;

  prepare();
  t->before();
  assert_int_equal(rig_start(&w.r, 1), 0);
  c = &w.r.clients[0];
  t->act();
  rig_run(&w.r, 10 * SEC);
  assert_int_equal(c->is_connected, t->is_connected);
  assert_true(c->is_closed);
  check("client", &c->close, &t->client);
  assert_int_equal(w.r.server_closed, t->server_ends);
  if (t->server_ends) {
    check("server", &w.r.server_close, &t->server);
  }
  assert_int_equal(w.r.client_host.open, 0); /* no socket is left */
  assert_true(quicmig_client_deadline(c->c) == QUICMIG_NEVER);
  assert_true(quicmig_server_deadline(w.r.server) == QUICMIG_NEVER);
  rig_reset(&w.r);
}

static void test_endings(void **state) {
  FILE *f = fdopen(mkstemp(ca_path), "w");
  size_t i;

  (void)state;
  assert_non_null(f);
  assert_int_equal(fwrite(ca_pem, sizeof(ca_pem) - 1, 1, f), 1);
  fclose(f);
  for (i = 0; i < COUNT_OF(rows); i++) {
    printf("row: %s\n", rows[i].name);
    end_row(&rows[i]);
  }
  unlink(ca_path);
}

/* --- a server that has forgotten --- */

/* Its secret is new, so its stateless resets mean nothing to the client (RFC
 * 9000 section 10.3.1): the idle timeout ends it. */
static void test_server_dies(void **state) {
  static const bool restarts[] = {false, true};
  size_t i;

  (void)state;
  for (i = 0; i < COUNT_OF(restarts); i++) {
    quicmig_server_stats s = {.size = sizeof(s)};
    rig_client *c;

    printf("row: %s\n", restarts[i] ? "restarted" : "gone");
    prepare();
    assert_int_equal(rig_start(&w.r, 1), 0);
    c = &w.r.clients[0];
    rig_stop_server(&w.r);
    assert_int_equal(w.r.server_close.err, QUICMIG_ERR_CLOSED);
    assert_int_equal(w.r.server_host.open, 0);
    assert_int_equal(w.r.server_mem.live, 0);
    if (restarts[i]) {
      assert_int_equal(rig_start_server(&w.r), 0);
    }
    rig_run(&w.r, 20 * SEC);
    assert_true(c->is_closed);
    assert_int_equal(c->close.err, QUICMIG_ERR_IDLE);
    if (restarts[i]) {
      quicmig_server_get_stats(w.r.server, &s);
      assert_in_range(s.resets_sent, 1, 1000);
      assert_int_equal(rig_start_client(&w.r), 0); /* it serves new ones */
      rig_run(&w.r, SEC);
      assert_true(w.r.clients[1].is_connected);
    }
    rig_reset(&w.r);
  }
}

/* The server closes, nobody hears it, it forgets: the next packet of the client
 * is answered with a stateless reset that counts. */
static void test_stateless_reset(void **state) {
  quicmig_server_stats s = {.size = sizeof(s)};
  rig_client *c = &w.r.clients[0];

  (void)state;
  prepare();
  w.r.client_transport.idle_timeout = w.r.server_transport.idle_timeout =
      60 * SEC;
  assert_int_equal(rig_start(&w.r, 1), 0);
  c = &w.r.clients[0];
  w.drops[SIM_DOWN] = true;
  quicmig_conn_close(w.r.server_conn, 1, "unheard");
  rig_run(&w.r, 3 * SEC);
  quicmig_server_get_stats(w.r.server, &s);
  assert_int_equal(s.connections, 0);
  assert_false(c->is_closed);
  w.drops[SIM_DOWN] = false;
  rig_run(&w.r, 3 * SEC);
  quicmig_server_get_stats(w.r.server, &s);
  assert_true(s.resets_sent >= 1);
  assert_true(c->is_closed);
  assert_int_equal(c->close.err, QUICMIG_ERR_CLOSED_BY_PEER);
  assert_int_equal(c->close.by_peer, 1);
  assert_int_equal(c->close.is_app, 0);
  rig_reset(&w.r);
}

/* The first one who says it is heard, whatever was lost before: the server
 * answers stray packets with its CONNECTION_CLOSE (RFC 9000 section 10.2.1). */
static void test_close_is_repeated(void **state) {
  rig_client *c;

  (void)state;
  prepare();
  w.r.migration.hop_interval = 0;
  assert_int_equal(rig_start(&w.r, 1), 0);
  c = &w.r.clients[0];
  w.drops[SIM_DOWN] = true;
  quicmig_conn_close(w.r.server_conn, 99, "once more");
  rig_run(&w.r, 30 * MS);
  assert_false(c->is_closed);
  w.drops[SIM_DOWN] = false;
  rig_run(&w.r, 500 * MS);
  assert_true(c->is_closed);
  assert_int_equal(c->close.err, QUICMIG_ERR_CLOSED_BY_PEER);
  assert_int_equal(c->close.code, 99);
  assert_string_equal(c->close.reason, "once more");
  rig_reset(&w.r);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_endings),
                                     cmocka_unit_test(test_server_dies),
                                     cmocka_unit_test(test_stateless_reset),
                                     cmocka_unit_test(test_close_is_repeated)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
