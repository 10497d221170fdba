/* What TLS brings along: resumption of a session, and the application protocol
 * that both sides speak. */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

static struct world {
  rig r;
  sim_line line;
} w;

static void prepare(void) {
  rig_init(&w.r, 0, false);
  sim_line_init(&w.r.world, &w.line, 10 * MS);
  w.r.send_every = 0;
}

static quicmig_conn *client_conn(size_t i) {
  return quicmig_client_conn(w.r.clients[i].c);
}

static quicmig_conn_info info_of(const quicmig_conn *c) {
  quicmig_conn_info i = {.size = sizeof(i)};

  quicmig_conn_get_info(c, &i);
  return i;
}

/* Connects once more with this session; returns whether it was resumed. */
static bool resume(const uint8_t *session, size_t len) {
  rig_client *c = &w.r.clients[w.r.n_clients];
  bool is_resumed;

  w.r.session = session;
  w.r.session_len = len;
  assert_int_equal(rig_start_client(&w.r), 0);
  rig_run(&w.r, 300 * MS);
  assert_true(c->is_connected && !c->is_closed);
  is_resumed = info_of(quicmig_client_conn(c->c)).is_resumed;
  assert_int_equal(info_of(w.r.server_conn).is_resumed, is_resumed);
  quicmig_client_free(c->c);
  w.r.n_clients--;
  return is_resumed;
}

/* Whatever the bytes are, they only cost the resumption. */
static void test_resumption(void **state) {
  uint8_t own[4096], bad[4096];
  size_t len, i;

  (void)state;
  prepare();
  assert_int_equal(rig_start(&w.r, 1), 0);
  assert_int_equal(info_of(client_conn(0)).is_resumed, 0);
  len = w.r.clients[0].session_len;
  assert_in_range(len, 50, sizeof(own));
  memcpy(own, w.r.clients[0].session, len);
  assert_true(resume(own, len));
  assert_true(resume(own, len)); /* again */
  assert_false(resume(own, 0));
  for (i = 0; i < len; i++) {
    bad[i] = (uint8_t)(i * 37 + 11);
  }
  assert_false(resume(bad, len));
  rig_stop_server(&w.r); /* a new one has a new ticket key */
  assert_int_equal(rig_start_server(&w.r), 0);
  assert_false(resume(own, len));
  rig_reset(&w.r);
}

/* GnuTLS 3.7.9 does not survive a session that was damaged: a handshake after
 * gnutls_session_set_data() has refused one, and its deinit, crash. */
static void test_damaged_session(void **state) {
  uint8_t own[4096], bad[4096];
  size_t len, i;

  (void)state;
  prepare();
  assert_int_equal(rig_start(&w.r, 1), 0);
  len = w.r.clients[0].session_len;
  memcpy(own, w.r.clients[0].session, len);
  for (i = 1; i < len; i += 41) {
    assert_false(resume(own, i));
  }
  for (i = 0; i < len; i += 8) {
    memcpy(bad, own, len);
    bad[i] ^= 1;
    (void)resume(bad, len);
  }
  rig_reset(&w.r);
}

/* RFC 7301: one name that both have. */
static void test_alpn(void **state) {
#define THIRTY "012345678901234567890123456789"
  static const struct {
    const char *name, *client, *server, *agreed;
  } rows[] = {
      {"one each", "sim", "sim", "sim"},
      {"the client's second", "a,sim", "sim", "sim"},
      {"the server's second", "sim", "a,sim", "sim"},
      {"one of three", "a,b,c", "x,b,z", "b"},
      {"eight", "a,b,c,d,e,f,g,h", "h", "h"},
      {"31 bytes", THIRTY "a", THIRTY "a", THIRTY "a"},
  };
  size_t i;

  (void)state;
  for (i = 0; i < COUNT_OF(rows); i++) {
    printf("row: %s\n", rows[i].name);
    prepare();
    w.r.client_tls.alpn = rows[i].client;
    w.r.server_tls.alpn = rows[i].server;
    assert_int_equal(rig_start_server(&w.r), 0);
    assert_int_equal(rig_start_client(&w.r), 0);
    assert_string_equal(info_of(client_conn(0)).alpn, "");
    rig_run(&w.r, SEC);
    assert_string_equal(info_of(client_conn(0)).alpn, rows[i].agreed);
    assert_string_equal(info_of(w.r.server_conn).alpn, rows[i].agreed);
    rig_reset(&w.r);
  }
}

/* GnuTLS 3.7.9 takes names of at most 31 bytes: more must be refused by its
 * name, on both sides, and not as a lack of memory. */
static void test_alpn_too_long(void **state) {
  int client, server;

  (void)state;
  prepare();
  w.r.client_tls.alpn = w.r.server_tls.alpn = THIRTY "ab";
  client = rig_start_client(&w.r);
  server = rig_start_server(&w.r);
  rig_reset(&w.r);
  assert_int_equal(client, QUICMIG_ERR_INVALID_ARGUMENT);
  assert_int_equal(server, QUICMIG_ERR_INVALID_ARGUMENT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_resumption),
      cmocka_unit_test(test_alpn),
      cmocka_unit_test(test_alpn_too_long),
      cmocka_unit_test(test_damaged_session),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
