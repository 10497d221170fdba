/*
 * The size of packets on the wire: it grows on the first path, stays over a hop
 * between the same hosts, falls where a path swallows large packets, and begins
 * anew with another address (RFC 9000 section 14.2).
 */
#include "rig.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))
#define HEARD 64
/* What fits beside a DATAGRAM's overhead and our connection IDs, client and
 * server, into UDP payloads of 1450, 1342, 1232 and 1200 bytes. */
enum { BEST = 1414, TUNNEL = 1306, LEAST = 1196, BASE = 1164 };
#define SERVER_MORE 4 /* its peer's IDs are that much shorter */

/* What one end was told by max_datagram. */
typedef struct told {
  size_t max[HEARD];
  size_t n;
  bool is_wrong; /* quicmig_conn_max_datagram() said something else */
} told;

static struct world {
  rig r;
  sim_line line;
  sim_filter tap;
  size_t limit, largest; /* larger packets vanish, 0: none; the largest seen */
  uint16_t port;         /* before the hop; 0: none yet */
  size_t lens[2][HEARD], n[2]; /* the first ones on others, by direction */
  told told[2];                /* client, server */
  quicmig_tstamp first_send;   /* of the application */
  quicmig_duration slowest;    /* echo */
  uint64_t small, large;       /* datagrams that the server got */
} w;

static bool tap(void *arg, const sim_pkt *p) {
  (void)arg;
  if (w.port && sim_client_port(p) != w.port && w.n[p->dir] < HEARD) {
    w.lens[p->dir][w.n[p->dir]++] = p->len;
  }
  w.largest = p->len > w.largest ? p->len : w.largest;
  return w.limit && p->len > w.limit;
}

static void on_max(quicmig_conn *c, size_t max, void *user_data) {
  told *t = &w.told[user_data == &w.r ? 1 : 0];

  t->is_wrong |= quicmig_conn_max_datagram(c) != max || t->n == HEARD;
  if (t->n < HEARD) {
    t->max[t->n++] = max;
  }
}

/* The application sends number n at first_send + n x send_every. */
static void on_echo(quicmig_conn *c, const uint8_t *data, size_t len,
                    void *user_data) {
  quicmig_duration took;
  uint64_t n;

  (void)c;
  assert_true(len >= sizeof(n));
  memcpy(&n, data, sizeof(n));
  took = w.r.world.now - (w.first_send + n * w.r.send_every);
  w.slowest = took > w.slowest ? took : w.slowest;
  ((rig_client *)user_data)->echoed++;
}

static void on_arrival(quicmig_conn *c, const uint8_t *data, size_t len,
                       void *user_data) {
  (void)user_data;
  w.small += len < 1000;
  w.large += len >= 1000;
  (void)quicmig_conn_send_datagram(c, data, len);
}

static void on_callbacks(rig *r, quicmig_conn_callbacks *cb, bool is_server) {
  (void)r;
  cb->max_datagram = on_max;
  cb->datagram = is_server ? on_arrival : on_echo;
}

static void prepare(uint32_t mode) {
  memset(&w, 0, sizeof(w));
  rig_init(&w.r, 0, false);
  sim_filter_init(&w.r.world, &w.tap, tap, NULL);
  sim_line_init(&w.r.world, &w.line, 10 * MS);
  w.r.on_callbacks = on_callbacks;
  w.r.migration.hop_mode = mode;
  w.r.migration.hop_interval = 0;
}

static void start(void) {
  assert_int_equal(rig_start(&w.r, 1), 0);
  w.first_send = w.r.next_send;
}

static quicmig_conn *client_conn(void) {
  return quicmig_client_conn(w.r.clients[0].c);
}

static uint64_t dropped(const quicmig_conn *c) {
  quicmig_conn_info i = {.size = sizeof(i)};

  quicmig_conn_get_info(c, &i);
  return i.datagrams_dropped;
}

static void hop(void) {
  w.port = rig_port(&w.r.clients[0]);
  memset(w.n, 0, sizeof(w.n));
  assert_int_equal(
      quicmig_hop(quicmig_client_migrator(w.r.clients[0].c), w.r.world.now), 0);
}

/* Both ends were told `n` sizes, these the last. */
static void assert_told(size_t n, size_t client, size_t server) {
  assert_false(w.told[0].is_wrong || w.told[1].is_wrong);
  assert_int_equal(w.told[0].max[w.told[0].n - 1], client);
  assert_int_equal(w.told[1].max[w.told[1].n - 1], server);
  assert_int_equal(quicmig_conn_max_datagram(client_conn()), client);
  assert_int_equal(quicmig_conn_max_datagram(w.r.server_conn), server);
  assert_int_equal(w.told[0].n, n);
  assert_int_equal(w.told[1].n, n);
}

static void test_growth_is_announced(void **state) {
  static const struct {
    const char *name;
    uint32_t max_payload;
    size_t limit, client; /* swallowed above; max_datagram in the end */
    size_t n;             /* calls */
    size_t largest;       /* packet */
  } rows[] = {
      {"the default", 1452, 0, BEST, 2, 1451},
      {"nothing to find", 1200, 0, BASE, 1, 1200},
      {"the smallest probe", 1203, 0, BASE + 1, 2, 1202},
      {"1500 on Ethernet", 1500, 1472, 1406 - 36, 2, 1498},
      {"1500 on jumbo frames", 1500, 0, 1498 - 36, 2, 1499},
      {"a tunnel", 1452, 1390, TUNNEL, 2, 1450},
      {"the least path", 1452, 1200, BASE, 1, 1450},
  };
  size_t i;

  (void)state;
  for (i = 0; i < COUNT_OF(rows); i++) {
    printf("row: %s\n", rows[i].name);
    prepare(QUICMIG_MODE_MIGRATE);
    w.limit = rows[i].limit;
    w.r.client_transport.max_udp_payload = rows[i].max_payload;
    w.r.server_transport.max_udp_payload = rows[i].max_payload;
    start();
    assert_int_equal(w.told[0].max[0], BASE);
    assert_int_equal(w.told[1].max[0], BASE + SERVER_MORE);
    rig_run(&w.r, 18 * SEC);
    assert_told(rows[i].n, rows[i].client, rows[i].client + SERVER_MORE);
    assert_int_equal(w.largest, rows[i].largest);
    w.r.size = rows[i].client;
    rig_run(&w.r, 5 * SEC);
    rig_finish(&w.r, SEC);
    assert_int_equal(rig_lost(&w.r), 0);
    rig_reset(&w.r);
  }
}

/* On the new port: few packets of 1200 bytes, which validate the path, and more
 * as large as before. */
static void assert_size_kept(void) {
  size_t d, i, small, large;

  for (d = 0; d < 2; d++) {
    small = large = 0;
    for (i = 0; i < w.n[d]; i++) {
      small += w.lens[d][i] >= 1190 && w.lens[d][i] <= 1201;
      large += w.lens[d][i] >= 1400;
    }
    assert_in_range(small, 0, 8);
    assert_true(large > small);
  }
}

static void test_packets_keep_their_size(void **state) {
  static const struct {
    const char *name;
    uint32_t mode;
    uint64_t stream;
  } rows[] = {
      {"datagrams", QUICMIG_MODE_MIGRATE, 0},
      {"a full line", QUICMIG_MODE_MIGRATE, 40000000},
      {"rebind, datagrams", QUICMIG_MODE_REBIND, 0},
      {"rebind, a full line", QUICMIG_MODE_REBIND, 40000000},
  };
  size_t i, k;

  (void)state;
  for (i = 0; i < COUNT_OF(rows); i++) {
    printf("row: %s\n", rows[i].name);
    prepare(rows[i].mode);
    w.line.side[SIM_UP].rate = w.line.side[SIM_DOWN].rate = 20000000;
    w.r.stream_bytes = rows[i].stream;
    w.r.size = rows[i].stream ? 200 : 1400;
    start();
    rig_run(&w.r, SEC);
    for (k = 0; k < 5; k++) {
      hop();
      rig_run(&w.r, SEC);
      assert_size_kept();
      assert_told(2, BEST, BEST + SERVER_MORE);
    }
    assert_int_equal(rig_stats(&w.r.clients[0]).hops, 5);
    rig_reset(&w.r);
  }
}

/* One run of 1400-byte datagrams; returns the slowest echo. */
static quicmig_duration steady(uint32_t mode, quicmig_duration interval) {
  prepare(mode);
  w.r.size = 1400;
  w.r.migration.hop_interval = interval;
  start();
  rig_run(&w.r, 22 * SEC);
  rig_finish(&w.r, 2 * SEC);
  assert_true(!interval || rig_stats(&w.r.clients[0]).hops >= 20);
  assert_int_equal(rig_stats(&w.r.clients[0]).hops_failed, 0);
  assert_int_equal(w.r.clients[0].refused_sends, 0);
  assert_true(w.r.clients[0].sent >= 2199);
  assert_int_equal(rig_lost(&w.r), 0);
  assert_int_equal(dropped(client_conn()) + dropped(w.r.server_conn), 0);
  assert_told(2, BEST, BEST + SERVER_MORE);
  rig_reset(&w.r);
  return w.slowest;
}

static void test_large_datagrams_over_hops(void **state) {
  quicmig_duration still = steady(QUICMIG_MODE_MIGRATE, 0);

  (void)state;
  assert_in_range(steady(QUICMIG_MODE_MIGRATE, SEC), 0, still + 5 * MS);
  assert_in_range(steady(QUICMIG_MODE_REBIND, SEC), 0, still + 5 * MS);
}

/* From a hop on the path swallows packets larger than `limit`.  Both ends find
 * out, and what then fits flows.  (In REBIND mode ngtcp2 has no new path to
 * probe: the client goes on as before.) */
static void swallow(size_t limit, size_t want) {
  prepare(QUICMIG_MODE_MIGRATE);
  w.r.size = 1400;
  start();
  rig_run(&w.r, SEC);
  assert_told(2, BEST, BEST + SERVER_MORE);
  w.limit = limit;
  hop();
  rig_run(&w.r, 15 * SEC);
  assert_true(w.r.clients[0].refused_sends > 0);
  assert_int_equal(quicmig_conn_max_datagram(client_conn()), want);
  assert_int_equal(quicmig_conn_max_datagram(w.r.server_conn),
                   want + SERVER_MORE);
  w.r.clients[0].sent = w.r.clients[0].echoed = 0;
  w.r.size = want;
  rig_run(&w.r, 10 * SEC);
  rig_finish(&w.r, 2 * SEC);
  assert_in_range(w.r.clients[0].sent, 999, 1001);
  assert_int_equal(rig_lost(&w.r), 0);
  assert_false(w.r.clients[0].is_closed);
  rig_reset(&w.r);
}

static void test_swallowing_paths(void **state) {
  static const struct {
    const char *name;
    size_t limit, want;
  } rows[] = {
      {"1400", 1400, TUNNEL},
      {"1300", 1300, LEAST},
      {"1200", 1200, BASE},
  };
  size_t i;

  (void)state;
  for (i = 0; i < COUNT_OF(rows); i++) {
    printf("row: %s\n", rows[i].name);
    swallow(rows[i].limit, rows[i].want);
  }
}

/* What fits no more gives way to what does. */
static void test_no_datagram_blocks_the_queue(void **state) {
  uint8_t data[1400] = {0};
  size_t i;

  (void)state;
  prepare(QUICMIG_MODE_MIGRATE);
  w.r.send_every = 0;
  w.r.client_transport.datagram_max_age = 0;
  start();
  w.limit = 1300;
  hop();
  rig_run(&w.r, 100 * MS);
  for (i = 0; i < 150; i++) {
    assert_int_equal(
        quicmig_conn_send_datagram(client_conn(), data, i % 3 ? 1400 : 100), 0);
  }
  w.small = w.large = 0;
  rig_run(&w.r, 10 * SEC);
  assert_int_equal(w.large, 0);
  assert_in_range(w.small, 45, 50); /* some shared packets with large ones */
  assert_in_range(dropped(client_conn()), 40, 100);
  assert_int_equal(quicmig_conn_max_datagram(client_conn()), LEAST);
  assert_int_equal(quicmig_conn_send_datagram(client_conn(), data, 100), 0);
  rig_run(&w.r, SEC);
  assert_in_range(w.small, 46, 51);
  rig_reset(&w.r);
}

static void test_another_address_begins_anew(void **state) {
  (void)state;
  prepare(QUICMIG_MODE_MIGRATE);
  start();
  rig_run(&w.r, SEC);
  assert_told(2, BEST, BEST + SERVER_MORE);
  inet_pton(AF_INET, "10.0.0.2", &w.r.client_host.addr.u.in.sin_addr);
  hop();
  rig_run(&w.r, SEC);
  assert_int_equal(w.r.migrations_ip, 1);
  assert_told(4, BEST, BEST + SERVER_MORE);
  assert_int_equal(w.told[0].max[2], BASE);
  assert_int_equal(w.told[1].max[2], BASE + SERVER_MORE);
  rig_finish(&w.r, SEC);
  assert_int_equal(rig_lost(&w.r), 0);
  rig_reset(&w.r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_growth_is_announced),
      cmocka_unit_test(test_packets_keep_their_size),
      cmocka_unit_test(test_large_datagrams_over_hops),
      cmocka_unit_test(test_swallowing_paths),
      cmocka_unit_test(test_no_datagram_blocks_the_queue),
      cmocka_unit_test(test_another_address_begins_anew),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
