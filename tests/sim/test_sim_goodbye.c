/* A CONNECTION_CLOSE meets a kernel that does not take it: it is kept until the
 * kernel does, for three PTOs at most, and then the program is told. */
#include "refusal.h"
#include "rig.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))
#define DELAY (10 * MS) /* one way */
#define EVER (3600 * SEC)
/* Three PTOs of that line: (20 ms + 4 * 1-10 ms + max_ack_delay of 25 ms) * 3,
 * and a millisecond, the pace of the tries. */
#define PTOS_LO 130
#define PTOS_HI 260

static struct world {
  rig r;
  sim_line line;
  sim_refusal refusal;
  quicmig_tstamp closed_at;
} w;

static quicmig_conn *client_conn(void) {
  return quicmig_client_conn(w.r.clients[0].c);
}

/* One connected client that is idle; of_server: whose kernel will refuse. */
static void prepare(bool of_server, int err) {
  rig_init(&w.r, 0, false);
  sim_line_init(&w.r.world, &w.line, DELAY);
  w.r.migration.hop_interval = 0;
  w.r.send_every = 0;
  sim_refusal_init(of_server ? &w.r.server_host : &w.r.client_host, &w.refusal,
                   SIM_SEND, err);
  w.refusal.ppm = 0;
}

static void refuse_for(quicmig_duration d) {
  w.refusal.ppm = 1000000;
  w.refusal.from = w.r.world.now;
  w.refusal.until = qm_time_add(w.r.world.now, d);
}

/* Runs until both sides know, `max` at most; *client, *server: when, in ms,
 * UINT_MAX: not. */
static void wait_for_both(quicmig_duration max, unsigned *client,
                          unsigned *server) {
  quicmig_tstamp begin = w.r.world.now;

  *client = *server = UINT_MAX;
  while (w.r.world.now < begin + max &&
         (*client == UINT_MAX || *server == UINT_MAX)) {
    unsigned ms;

    rig_run(&w.r, MS);
    ms = (unsigned)((w.r.world.now - begin) / MS);
    *client = *client == UINT_MAX && w.r.clients[0].is_closed ? ms : *client;
    *server = *server == UINT_MAX && w.r.server_closed ? ms : *server;
  }
}

/* --- the client closes --- */

static void just_close(void) { quicmig_conn_close(client_conn(), 7, "bye"); }

static void close_twice(void) {
  just_close();
  rig_run(&w.r, 5 * MS);
  quicmig_conn_close(client_conn(), 8, "again");
}

static void close_during_a_hop(void) {
  assert_int_equal(
      quicmig_hop(quicmig_client_migrator(w.r.clients[0].c), w.r.world.now), 0);
  rig_run(&w.r, MS);
  just_close();
}

/* Data is refused first, and in the way. */
static void close_behind_data(void) {
  static const uint8_t data[100];
  int i;

  for (i = 0; i < 20; i++) {
    assert_int_equal(
        quicmig_conn_send_datagram(client_conn(), data, sizeof(data)), 0);
    rig_run(&w.r, MS);
  }
  just_close();
}

static void both_close(void) {
  just_close();
  quicmig_conn_close(w.r.server_conn, 9, "bye, too");
}

static bool closes_inside;

static void close_inside(void) {
  static const uint8_t data[100];

  closes_inside = true;
  w.refusal.ppm = 0;
  assert_int_equal(
      quicmig_conn_send_datagram(client_conn(), data, sizeof(data)), 0);
  rig_run(&w.r, DELAY + DELAY / 2); /* it is on its way back */
  w.refusal.ppm = 1000000;
  rig_run(&w.r, DELAY);
  assert_false(closes_inside);
}

static void on_echo(quicmig_conn *c, const uint8_t *data, size_t len,
                    void *user_data) {
  (void)data;
  (void)len;
  (void)user_data;
  if (closes_inside) {
    closes_inside = false;
    quicmig_conn_close(c, 7, "bye");
  }
}

static void listen_to_echo(rig *r, quicmig_conn_callbacks *cb, bool is_server) {
  (void)r;
  cb->datagram = is_server ? cb->datagram : on_echo;
}

typedef struct client_row {
  const char *name;
  int err;
  quicmig_duration lasts;
  void (*act)(void);
  unsigned client_lo, client_hi; /* ms, when the closed callback comes */
  unsigned server_lo, server_hi; /* UINT_MAX: it is not told */
} client_row;

static const client_row client_rows[] = {
    {"at once", EAGAIN, 0, just_close, 0, 2, 10, 12},
    {"EAGAIN", EAGAIN, 50 * MS, just_close, 50, 53, 60, 63},
    {"ENOBUFS", ENOBUFS, 50 * MS, just_close, 50, 53, 60, 63},
    {"EPERM", EPERM, 50 * MS, just_close, 50, 53, 60, 63},
    {"no route", ENETUNREACH, 50 * MS, just_close, 50, 53, 60, 63},
    {"twice", EAGAIN, 50 * MS, close_twice, 44, 48, 54, 58},
    {"during a hop", EAGAIN, 50 * MS, close_during_a_hop, 48, 52, 58, 62},
    {"behind data", EAGAIN, 50 * MS, close_behind_data, 29, 33, 39, 43},
    {"in a callback", EAGAIN, 60 * MS, close_inside, 30, 40, 40, 50},
    /* The server says it without having heard it. */
    {"by both", EAGAIN, 50 * MS, both_close, 50, 53, 0, 2},
    {"EAGAIN for ever", EAGAIN, EVER, just_close, PTOS_LO, PTOS_HI, UINT_MAX,
     UINT_MAX},
    {"EPERM for ever", EPERM, EVER, just_close, PTOS_LO, PTOS_HI, UINT_MAX,
     UINT_MAX},
    {"for ever, behind data", EAGAIN, EVER, close_behind_data, PTOS_LO, PTOS_HI,
     UINT_MAX, UINT_MAX},
};

static void client_case(const client_row *t) {
  const rig_client *c = &w.r.clients[0];
  unsigned client, server;
  uint64_t sends;

  prepare(false, t->err);
  w.r.on_callbacks = listen_to_echo;
  assert_int_equal(rig_start(&w.r, 1), 0);
  c = &w.r.clients[0];
  refuse_for(t->lasts);
  sends = w.r.client_host.calls[SIM_SEND];
  t->act();
  wait_for_both(SEC, &client, &server);
  sends = w.r.client_host.calls[SIM_SEND] - sends;
  printf("  client %u ms, server %u ms, %llu sends, %llu refused\n", client,
         server, (unsigned long long)sends,
         (unsigned long long)w.refusal.refused);
  assert_in_range(client, t->client_lo, t->client_hi);
  assert_in_range(server, t->server_lo, t->server_hi);
  assert_int_equal(c->close.err, 0);
  assert_int_equal(c->close.code, 7);
  assert_string_equal(c->reason, "bye");
  /* At most one try a millisecond, while it waits. */
  assert_true(w.refusal.refused <= client + 50);
  assert_int_equal(w.r.client_host.open, 0);
  assert_true(quicmig_client_deadline(c->c) == QUICMIG_NEVER);
  rig_reset(&w.r);
}

static void test_client(void **state) {
  size_t i;

  (void)state;
  for (i = 0; i < COUNT_OF(client_rows); i++) {
    printf("row: %s\n", client_rows[i].name);
    client_case(&client_rows[i]);
  }
}

/* Packets come while it waits: they are read off the socket, and change
 * nothing.  Neither does the idle timeout. */
static void test_client_under_fire(void **state) {
  static const uint8_t data[100];
  unsigned client, server, ms;

  (void)state;
  prepare(false, EAGAIN);
  w.r.client_transport.idle_timeout = 100 * MS;
  w.r.client_transport.keep_alive = 40 * MS;
  assert_int_equal(rig_start(&w.r, 1), 0);
  refuse_for(EVER);
  just_close();
  for (ms = 0; ms < 100; ms += 10) {
    assert_int_equal(
        quicmig_conn_send_datagram(w.r.server_conn, data, sizeof(data)), 0);
    rig_run(&w.r, 10 * MS);
    /* Nothing can be sent any more, and nothing of it disturbs. */
    assert_int_equal(
        quicmig_conn_send_datagram(client_conn(), data, sizeof(data)),
        QUICMIG_ERR_CLOSED);
    quicmig_conn_wake(client_conn());
  }
  assert_false(w.r.clients[0].is_closed);
  wait_for_both(SEC, &client, &server);
  assert_in_range(client, PTOS_LO - 100, PTOS_HI - 100);
  assert_int_equal(w.r.clients[0].close.err, 0);
  assert_int_equal(w.r.clients[0].close.code, 7);
  rig_reset(&w.r);
}

/* Freed while it waits: one last try. */
static void test_client_is_freed(void **state) {
  bool is_open;

  (void)state;
  for (is_open = false;; is_open = true) {
    prepare(false, EAGAIN);
    assert_int_equal(rig_start(&w.r, 1), 0);
    refuse_for(EVER);
    just_close();
    rig_run(&w.r, 5 * MS);
    assert_false(w.r.clients[0].is_closed);
    w.refusal.ppm = is_open ? 0 : 1000000;
    quicmig_client_free(w.r.clients[0].c);
    w.r.n_clients = 0;
    assert_false(w.r.clients[0].is_closed); /* no callback */
    assert_int_equal(w.r.client_host.open, 0);
    assert_int_equal(w.r.clients[0].mem.live, 0);
    rig_run(&w.r, DELAY + MS);
    assert_int_equal(w.r.server_closed, is_open);
    rig_reset(&w.r);
    if (is_open) {
      break;
    }
  }
}

/* While the connection is being made: what is given up says so as well. */
static void test_client_connects(void **state) {
  static const quicmig_duration lasts[] = {0, 50 * MS, EVER};
  unsigned client, server;
  size_t i;

  (void)state;
  for (i = 0; i < COUNT_OF(lasts); i++) {
    prepare(false, EAGAIN);
    assert_int_equal(rig_start_server(&w.r), 0);
    assert_int_equal(rig_start_client(&w.r), 0);
    rig_run(&w.r, 15 * MS); /* the server's answer is on its way */
    assert_false(w.r.clients[0].is_connected);
    refuse_for(lasts[i]);
    just_close();
    wait_for_both(2 * SEC, &client, &server);
    printf("  client %u ms, server %u ms\n", client, server);
    assert_int_equal(w.r.clients[0].close.err, 0);
    assert_int_equal(w.r.clients[0].close.code, 7);
    if (lasts[i] == EVER) { /* PTOs of 150 ms: no RTT is known */
      assert_in_range(client, 300, 1000);
    } else {
      assert_in_range(client, lasts[i] / MS, lasts[i] / MS + 3);
      assert_in_range(server, lasts[i] / MS + 10, lasts[i] / MS + 13);
    }
    assert_false(w.r.clients[0].is_connected); /* what came was dropped */
    assert_int_equal(w.r.client_host.open, 0);
    rig_reset(&w.r);
  }
}

/* An attempt to connect that fails by itself; and the program closes while that
 * attempt's last word waits. */
static void test_attempt_fails(void **state) {
  unsigned client, server;
  bool closes;

  (void)state;
  for (closes = false;; closes = true) {
    prepare(false, EAGAIN);
    w.r.client_tls.insecure = 0;
    assert_int_equal(rig_start_server(&w.r), 0);
    assert_int_equal(rig_start_client(&w.r), 0);
    rig_run(&w.r, 15 * MS);
    refuse_for(55 * MS);
    rig_run(&w.r, 20 * MS); /* it has refused the certificate since */
    assert_false(w.r.clients[0].is_closed);
    if (closes) {
      just_close();
    }
    wait_for_both(2 * SEC, &client, &server);
    printf("  client %u ms, server %u ms\n", client, server);
    assert_in_range(client, 35, 38);
    assert_in_range(server, 45, 48);
    assert_int_equal(w.r.clients[0].close.err,
                     closes ? 0 : QUICMIG_ERR_CERT_VERIFY);
    assert_int_equal(w.r.client_host.open, 0);
    rig_reset(&w.r);
    if (closes) {
      break;
    }
  }
}

/* --- the server closes --- */

static void several_ports(rig *r, quicmig_server_config *cfg) {
  (void)r;
  cfg->port_hi = 4436;
}

static void one_closes(void) { quicmig_conn_close(w.r.server_conn, 7, "bye"); }

static void all_close(void) { quicmig_server_close(w.r.server, 7, "bye"); }

/* The echo of so many datagrams is refused first. */
static void one_closes_behind_data(void) {
  static const uint8_t data[200]; /* the rig counts on it */
  int i;

  for (i = 0; i < 80; i++) {
    assert_int_equal(
        quicmig_conn_send_datagram(w.r.server_conn, data, sizeof(data)), 0);
  }
  rig_run(&w.r, 20 * MS);
  one_closes();
}

typedef struct server_row {
  const char *name;
  int err;
  quicmig_duration lasts;
  void (*act)(void);
  bool is_range;
  unsigned server_hi;
  unsigned client_lo, client_hi; /* ms; UINT_MAX: it is not told */
} server_row;

static const server_row server_rows[] = {
    {"at once", EAGAIN, 0, one_closes, false, 2, 10, 12},
    {"EAGAIN", EAGAIN, 50 * MS, one_closes, false, 2, 60, 63},
    {"EAGAIN, a range", EAGAIN, 50 * MS, one_closes, true, 2, 60, 95},
    {"ENOBUFS, a range", ENOBUFS, 50 * MS, one_closes, true, 2, 60, 95},
    {"EPERM", EPERM, 50 * MS, one_closes, false, 2, 60, 95},
    {"EPERM, a range", EPERM, 50 * MS, one_closes, true, 2, 60, 95},
    {"all", EAGAIN, 50 * MS, all_close, true, 2, 60, 95},
    {"120 ms", EAGAIN, 120 * MS, one_closes, false, 2, 130, 165},
    {"behind data", EAGAIN, 50 * MS, one_closes_behind_data, false, 33, 40, 75},
    {"for ever", EAGAIN, EVER, one_closes, false, 2, UINT_MAX, UINT_MAX},
    {"for ever, a range", EAGAIN, EVER, one_closes, true, 2, UINT_MAX,
     UINT_MAX},
    {"for ever, behind data", EAGAIN, EVER, one_closes_behind_data, false, 200,
     UINT_MAX, UINT_MAX},
};

static void server_case(const server_row *t) {
  quicmig_server_stats s = {.size = sizeof(s)};
  unsigned client, server;

  prepare(true, t->err);
  w.r.on_server_config = t->is_range ? several_ports : NULL;
  assert_int_equal(rig_start(&w.r, 1), 0);
  refuse_for(t->lasts);
  t->act();
  wait_for_both(2 * SEC, &client, &server);
  quicmig_server_get_stats(w.r.server, &s);
  printf("  client %u ms, server %u ms, %llu refused\n", client, server,
         (unsigned long long)w.refusal.refused);
  assert_in_range(server, 0, t->server_hi);
  assert_in_range(client, t->client_lo, t->client_hi);
  if (client != UINT_MAX) {
    assert_int_equal(w.r.clients[0].close.code, 7);
  }
  assert_true(w.refusal.refused < 600);
  rig_run(&w.r, SEC);
  quicmig_server_get_stats(w.r.server, &s);
  assert_int_equal(s.connections, 0);
  assert_int_equal(s.closes_waiting, 0);
  assert_true(quicmig_server_deadline(w.r.server) == QUICMIG_NEVER);
  rig_reset(&w.r);
}

static void test_server(void **state) {
  size_t i;

  (void)state;
  for (i = 0; i < COUNT_OF(server_rows); i++) {
    printf("row: %s\n", server_rows[i].name);
    server_case(&server_rows[i]);
  }
}

/* Many at once, each of which is told; the server knows when it is done. */
static void test_many(void **state) {
  quicmig_server_stats s = {.size = sizeof(s)};
  size_t i, told = 0;
  bool is_range;

  (void)state;
  for (is_range = false;; is_range = true) {
    prepare(true, EPERM);
    w.r.on_server_config = is_range ? several_ports : NULL;
    assert_int_equal(rig_start(&w.r, 200), 0);
    refuse_for(50 * MS);
    all_close();
    rig_run(&w.r, MS);
    quicmig_server_get_stats(w.r.server, &s);
    assert_int_equal(s.closes_waiting, 200);
    rig_run(&w.r, 120 * MS);
    quicmig_server_get_stats(w.r.server, &s);
    assert_int_equal(s.closes_waiting, 0);
    for (told = i = 0; i < w.r.n_clients; i++) {
      told += w.r.clients[i].is_closed && w.r.clients[i].close.code == 7;
    }
    assert_int_equal(told, 200);
    rig_reset(&w.r);
    if (is_range) {
      break;
    }
  }
}

/* Some are dropped, and then the socket is full for ever: it is waited for. */
static void test_many_and_full(void **state) {
  quicmig_server_stats s = {.size = sizeof(s)};

  (void)state;
  prepare(true, EAGAIN);
  assert_int_equal(rig_start(&w.r, 200), 0);
  refuse_for(EVER);
  all_close();
  rig_run(&w.r, 10 * SEC);
  quicmig_server_get_stats(w.r.server, &s);
  assert_int_equal(s.closes_waiting, 0);
  rig_reset(&w.r);
}

/* Freed while it waits: one last try. */
static void test_server_is_freed(void **state) {
  (void)state;
  prepare(true, EAGAIN);
  assert_int_equal(rig_start(&w.r, 1), 0);
  refuse_for(EVER);
  all_close();
  rig_run(&w.r, 5 * MS);
  w.refusal.ppm = 0;
  rig_stop_server(&w.r);
  rig_run(&w.r, DELAY + MS);
  assert_true(w.r.clients[0].is_closed);
  assert_int_equal(w.r.clients[0].close.code, 7);
  rig_reset(&w.r);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_client),
                                     cmocka_unit_test(test_client_under_fire),
                                     cmocka_unit_test(test_client_is_freed),
                                     cmocka_unit_test(test_client_connects),
                                     cmocka_unit_test(test_attempt_fails),
                                     cmocka_unit_test(test_server),
                                     cmocka_unit_test(test_many),
                                     cmocka_unit_test(test_many_and_full),
                                     cmocka_unit_test(test_server_is_freed)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
