/*
 * Datagrams and limits of connections between a client and a server of the
 * endpoint library; see also test_sim_streams.c, test_sim_callbacks.c and
 * test_sim_session.c.  QUICMIG_ERR_NO_DATAGRAMS is not met here: each of our
 * own endpoints takes them.
 */
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
  uint64_t datagrams, bytes,
      writables;     /* the server got; the client was told */
  uint64_t pokes[2]; /* callbacks of the client, the server */
  uint8_t last[1500];
} w;

static void count_datagram(quicmig_conn *c, const uint8_t *data, size_t len,
                           void *user_data) {
  (void)c;
  (void)user_data;
  w.datagrams++;
  w.bytes += len;
  if (len) {
    memcpy(w.last, data, len);
  }
}

static void count_writable(quicmig_conn *c, void *user_data) {
  (void)c;
  (void)user_data;
  w.writables++;
}

static void count_only(rig *r, quicmig_conn_callbacks *cb, bool is_server) {
  (void)r;
  if (is_server) {
    cb->datagram = count_datagram;
  } else {
    cb->writable = count_writable;
  }
}

static void prepare(void) {
  w.datagrams = w.bytes = w.writables = 0;
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

/* --- datagrams --- */

static void assert_closed_for(quicmig_conn *c) {
  quicmig_stream *s;

  assert_int_equal(quicmig_conn_send_datagram(c, w.last, 1),
                   QUICMIG_ERR_CLOSED);
  assert_int_equal(quicmig_conn_open_stream(c, 1, &s), QUICMIG_ERR_CLOSED);
}

static void test_datagram_sizes(void **state) {
  uint8_t data[1501];
  quicmig_stream *s;
  quicmig_conn *c;
  size_t max, i;

  (void)state;
  prepare();
  w.r.on_callbacks = count_only;
  assert_int_equal(rig_start_server(&w.r), 0);
  assert_int_equal(rig_start_client(&w.r), 0);
  c = client_conn(0);
  for (i = 0; i < sizeof(data); i++) {
    data[i] = (uint8_t)(i * 3);
  }
  assert_int_equal(quicmig_conn_max_datagram(c), 0);
  assert_int_equal(quicmig_conn_send_datagram(c, data, 1),
                   QUICMIG_ERR_INVALID_STATE);
  assert_int_equal(quicmig_conn_open_stream(c, 1, &s),
                   QUICMIG_ERR_INVALID_STATE);
  rig_run(&w.r, 2 * SEC);
  max = quicmig_conn_max_datagram(c);
  assert_in_range(max, 1300, 1452);
  assert_int_equal(quicmig_conn_send_datagram(c, data, max + 1),
                   QUICMIG_ERR_TOO_LARGE);
  assert_int_equal(quicmig_conn_send_datagram(c, data, max), 0);
  rig_run(&w.r, SEC);
  assert_int_equal(w.datagrams, 1);
  assert_int_equal(w.bytes, max);
  assert_memory_equal(w.last, data, max);
  quicmig_conn_close(c, 0, NULL);
  assert_closed_for(c);
  rig_run(&w.r, SEC);
  assert_true(w.r.clients[0].is_closed);
  assert_closed_for(c);
  assert_int_equal(quicmig_conn_max_datagram(c), 0);
  rig_reset(&w.r);
}

/* RFC 9221 section 4 allows it.  ngtcp2 1.11 asserts that a piece of data is
 * not empty. */
static void test_datagram_of_no_bytes(void **state) {
  quicmig_conn *c;

  (void)state;
  prepare();
  w.r.on_callbacks = count_only;
  assert_int_equal(rig_start(&w.r, 1), 0);
  c = client_conn(0);
  assert_int_equal(quicmig_conn_send_datagram(c, NULL, 0), 0);
  assert_int_equal(quicmig_conn_send_datagram(c, w.last, 1), 0);
  assert_int_equal(quicmig_conn_send_datagram(c, w.last, 0), 0);
  rig_run(&w.r, SEC);
  assert_false(w.r.clients[0].is_closed);
  assert_int_equal(w.datagrams, 3);
  assert_int_equal(w.bytes, 1);
  rig_reset(&w.r);
}

/* Full is told, then that it is not: each datagram that was taken arrives. */
static void test_blocked(void **state) {
  uint64_t taken = 0, blocked = 0;
  quicmig_conn *c;
  int turn, rv;

  (void)state;
  prepare();
  w.r.on_callbacks = count_only;
  w.r.client_transport.datagram_queue = 4096;
  assert_int_equal(rig_start(&w.r, 1), 0);
  c = client_conn(0);
  for (turn = 0; turn < 200; turn++) {
    while ((rv = quicmig_conn_send_datagram(c, w.last, 100)) == 0) {
      taken++;
    }
    assert_int_equal(rv, QUICMIG_ERR_BLOCKED);
    assert_int_equal(w.writables, blocked);
    blocked++;
    assert_in_range(info_of(c).datagrams_queued, 4096 / 112 - 1, 4096 / 112);
    rig_run(&w.r, 20 * MS);
    assert_int_equal(w.writables, blocked); /* once, not again and again */
  }
  rig_run(&w.r, SEC);
  assert_int_equal(info_of(c).datagrams_queued, 0);
  assert_int_equal(info_of(c).datagrams_sent, taken);
  assert_int_equal(w.datagrams, taken);
  rig_reset(&w.r);
}

/* The largest that fit keep fitting over each hop, both ways. */
static void test_largest_across_hops(void **state) {
  static const struct {
    const char *name;
    quicmig_duration delay, every;
  } rows[] = {{"5 ms", 5 * MS, 10 * MS}, {"40 ms", 40 * MS, 20 * MS}};
  size_t i;

  (void)state;
  for (i = 0; i < COUNT_OF(rows); i++) {
    quicmig_stats s;

    printf("row: %s\n", rows[i].name);
    prepare();
    w.line.side[SIM_UP].delay = w.line.side[SIM_DOWN].delay = rows[i].delay;
    w.r.send_every = rows[i].every;
    w.r.migration.hop_interval = 3 * SEC;
    assert_int_equal(rig_start(&w.r, 1), 0);
    w.r.size = quicmig_conn_max_datagram(client_conn(0));
    assert_in_range(w.r.size, 1300, 1452);
    rig_run(&w.r, 30 * SEC);
    rig_finish(&w.r, 3 * SEC);
    s = rig_stats(&w.r.clients[0]);
    assert_in_range(s.hops, 8, 13);
    assert_int_equal(rig_lost(&w.r), 0);
    assert_true(w.r.clients[0].sent >= 29 * SEC / rows[i].every);
    assert_int_equal(w.r.clients[0].refused_sends, 0);
    assert_int_equal(info_of(client_conn(0)).datagrams_dropped, 0);
    assert_int_equal(info_of(w.r.server_conn).datagrams_dropped, 0);
    rig_reset(&w.r);
  }
}

/* --- limits of connections --- */

/* The smaller of both sides' idle timeouts counts (RFC 9000 section 10.1). */
static void test_keep_alive(void **state) {
  static const struct {
    const char *name;
    quicmig_duration client, server, keep_alive;
    bool lives;
  } rows[] = {{"none", 3 * SEC, 3 * SEC, 0, false},
              {"none, the client's counts", 3 * SEC, 0, 0, false},
              {"none, the server's counts", 0, 3 * SEC, 0, false},
              {"every second", 3 * SEC, 3 * SEC, SEC, true},
              {"no timeout", 0, 0, 0, true}};
  size_t i;

  (void)state;
  for (i = 0; i < COUNT_OF(rows); i++) {
    rig_client *c = &w.r.clients[0];

    printf("row: %s\n", rows[i].name);
    prepare();
    c = &w.r.clients[0];
    w.r.client_transport.idle_timeout = rows[i].client;
    w.r.server_transport.idle_timeout = rows[i].server;
    w.r.client_transport.keep_alive = rows[i].keep_alive;
    assert_int_equal(rig_start(&w.r, 1), 0);
    rig_run(&w.r, 30 * SEC);
    assert_int_equal(c->is_closed, !rows[i].lives);
    assert_int_equal(w.r.server_closed, !rows[i].lives);
    assert_int_equal(c->close.err, rows[i].lives ? 0 : QUICMIG_ERR_IDLE);
    rig_reset(&w.r);
  }
}

#define LIMIT 3

/* One too many hears nothing; a place that gets free is filled again. */
static void test_max_connections(void **state) {
  quicmig_server_stats s = {.size = sizeof(s)};
  size_t i;

  (void)state;
  prepare();
  w.r.server_transport.max_connections = LIMIT;
  w.r.client_transport.handshake_timeout = SEC;
  assert_int_equal(rig_start(&w.r, LIMIT + 1), 0);
  quicmig_server_get_stats(w.r.server, &s);
  assert_int_equal(s.connections, LIMIT);
  assert_int_equal(s.accepted, LIMIT);
  assert_true(s.refused >= 1);
  for (i = 0; i < LIMIT; i++) {
    assert_true(w.r.clients[i].is_connected && !w.r.clients[i].is_closed);
  }
  assert_true(w.r.clients[LIMIT].is_closed);
  assert_int_equal(w.r.clients[LIMIT].close.err, QUICMIG_ERR_HANDSHAKE_TIMEOUT);
  quicmig_conn_close(client_conn(0), 0, NULL);
  rig_run(&w.r, 2 * SEC);
  assert_int_equal(rig_start_client(&w.r), 0);
  rig_run(&w.r, 500 * MS);
  assert_true(w.r.clients[LIMIT + 1].is_connected);
  quicmig_server_get_stats(w.r.server, &s);
  assert_int_equal(s.connections, LIMIT);
  rig_reset(&w.r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_datagram_sizes),
      cmocka_unit_test(test_blocked),
      cmocka_unit_test(test_largest_across_hops),
      cmocka_unit_test(test_keep_alive),
      cmocka_unit_test(test_max_connections),
      cmocka_unit_test(test_datagram_of_no_bytes),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
