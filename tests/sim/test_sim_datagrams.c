/* The queue of datagrams: sizes, age, what gives way when it is full, shared
 * packets, and a peer that says nothing for a long time. */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))
#define KIB 1024u
#define NUMBERS 4096

static struct world {
  rig r;
  sim_line line;
  sim_filter tap;
  bool is_dark[2];                  /* nothing passes */
  uint64_t packets[2];              /* by direction */
  uint64_t arrived[2];              /* datagrams at the client, the server */
  size_t last_len[2], writables[2]; /* client, server */
  uint8_t got[NUMBERS];             /* times, at the server */
  uint32_t last;                    /* number */
  bool is_disordered;
  uint64_t runs[2]; /* client, server */
  void (*run[2])(void *arg, int fd);
} w;

static size_t side_of(const void *user_data) {
  return user_data == &w.r ? 1 : 0;
}

static bool tap(void *arg, const sim_pkt *p) {
  (void)arg;
  w.packets[p->dir]++;
  return w.is_dark[p->dir];
}

static void run_client(void *arg, int fd) {
  w.runs[0]++;
  w.run[0](arg, fd);
}

static void run_server(void *arg, int fd) {
  w.runs[1]++;
  w.run[1](arg, fd);
}

static void on_datagram(quicmig_conn *c, const uint8_t *data, size_t len,
                        void *user_data) {
  size_t side = side_of(user_data);
  uint32_t n;

  (void)c;
  w.arrived[side]++;
  w.last_len[side] = len;
  if (side == 1 && len >= sizeof(n)) {
    memcpy(&n, data, sizeof(n));
    assert_true(n < NUMBERS);
    w.is_disordered |= w.last > n;
    w.last = n;
    w.got[n]++;
  }
}

static void on_writable(quicmig_conn *c, void *user_data) {
  (void)c;
  w.writables[side_of(user_data)]++;
}

static void on_callbacks(rig *r, quicmig_conn_callbacks *cb, bool is_server) {
  (void)r;
  (void)is_server;
  cb->datagram = on_datagram;
  cb->writable = on_writable;
}

static void prepare(void) {
  memset(&w, 0, sizeof(w));
  rig_init(&w.r, 0, false);
  sim_filter_init(&w.r.world, &w.tap, tap, NULL);
  sim_line_init(&w.r.world, &w.line, 10 * MS);
  w.r.on_callbacks = on_callbacks;
  w.r.send_every = 0;
  w.r.migration.hop_interval = 0; /* no way out of a silence */
  w.run[0] = w.r.client_actor.run;
  w.run[1] = w.r.server_actor.run;
  w.r.client_actor.run = run_client;
  w.r.server_actor.run = run_server;
}

static quicmig_conn *conn_of(size_t side) {
  return side ? w.r.server_conn : quicmig_client_conn(w.r.clients[0].c);
}

static quicmig_conn_info info_of(size_t side) {
  quicmig_conn_info i = {.size = sizeof(i)};

  quicmig_conn_get_info(conn_of(side), &i);
  return i;
}

static int send_number(size_t side, uint32_t n, size_t len) {
  uint8_t data[1501] = {0};

  memcpy(data, &n, sizeof(n));
  return quicmig_conn_send_datagram(conn_of(side), data, len);
}

/* What the server got of the numbers in [from, to), each at most once. */
static uint64_t count_got(uint32_t from, uint32_t to) {
  uint64_t n = 0;

  for (; from < to; from++) {
    assert_true(w.got[from] <= 1);
    n += w.got[from];
  }
  return n;
}

static void test_largest(void **state) {
  static const uint32_t payloads[] = {1200, 1300, 1452, 1500};
  size_t i, side;

  (void)state;
  for (i = 0; i < COUNT_OF(payloads); i++) {
    prepare();
    w.r.client_transport.max_udp_payload = payloads[i];
    w.r.server_transport.max_udp_payload = payloads[i];
    assert_int_equal(rig_start(&w.r, 1), 0);
    for (side = 0; side < 2; side++) {
      size_t max = quicmig_conn_max_datagram(conn_of(side));

      assert_in_range(max, payloads[i] - 50, payloads[i] - 30);
      assert_int_equal(send_number(side, 0, max + 1), QUICMIG_ERR_TOO_LARGE);
      assert_int_equal(info_of(side).datagrams_queued, 0);
      assert_int_equal(send_number(side, 1, max), 0);
      assert_int_equal(info_of(side).datagrams_queued, 1);
      rig_run(&w.r, SEC);
      assert_int_equal(w.arrived[1 - side], 1);
      assert_int_equal(w.last_len[1 - side], max);
      assert_int_equal(info_of(side).datagrams_dropped, 0);
    }
    rig_reset(&w.r);
  }
}

/* Acknowledgements stay away for `wait`, then come: 100 old datagrams, of which
 * the congestion window holds some, and 10 young ones. */
static void age_row(quicmig_duration age, quicmig_duration wait, bool drops) {
  uint64_t got;
  uint32_t n;

  prepare();
  w.r.client_transport.datagram_max_age = age;
  assert_int_equal(rig_start(&w.r, 1), 0);
  w.is_dark[SIM_DOWN] = true;
  for (n = 0; n < 100; n++) {
    assert_int_equal(send_number(0, n, 1000), 0);
  }
  rig_run(&w.r, wait);
  got = count_got(0, 100);
  assert_in_range(got, 5, 50);
  assert_int_equal(info_of(0).datagrams_dropped, drops ? 100 - got : 0);
  assert_int_equal(info_of(0).datagrams_queued, drops ? 0 : 100 - got);
  for (; n < 110; n++) {
    assert_int_equal(send_number(0, n, 100), 0);
  }
  w.is_dark[SIM_DOWN] = false;
  assert_int_equal(send_number(1, 0, 10), 0); /* acknowledges as well */
  rig_run(&w.r, 20 * SEC);
  assert_int_equal(count_got(100, 110), 10);
  /* The last of the old ones may still be late when the line is open again. */
  if (drops || age == 0) {
    assert_int_equal(count_got(0, 100), drops ? got : 100);
  }
  assert_int_equal(info_of(0).datagrams_dropped, 100 - count_got(0, 100));
  assert_int_equal(info_of(0).datagrams_sent, count_got(0, 110));
  assert_false(w.is_disordered);
  rig_reset(&w.r);
}

static void test_age(void **state) {
  static const struct {
    const char *name;
    quicmig_duration age, wait;
    bool drops;
  } rows[] = {
      {"1 s, just before", SEC, SEC - 1 * MS, false},
      {"1 s, just then", SEC, SEC + 1 * MS, true},
      {"5 s, before", 5 * SEC, 4900 * MS, false},
      {"5 s, after", 5 * SEC, 5500 * MS, true},
      {"no limit", 0, 20 * SEC, false},
  };
  size_t i;

  (void)state;
  for (i = 0; i < COUNT_OF(rows); i++) {
    printf("row: %s\n", rows[i].name);
    age_row(rows[i].age, rows[i].wait, rows[i].drops);
  }
}

#define BURST 1000

/* More than fits, at once: datagrams of `a` and `b` bytes by turns. */
static void full_row(uint32_t policy, size_t a, size_t b) {
  uint32_t n, taken = 0, first = 0;

  prepare();
  w.r.client_transport.datagram_queue = 8 * KIB;
  w.r.client_transport.datagram_drop = policy;
  assert_int_equal(rig_start(&w.r, 1), 0);
  for (n = 0; n < BURST; n++) {
    int rv = send_number(0, n, n % 2 ? b : a);

    assert_true(rv == 0 ||
                (policy == QUICMIG_DROP_NEWEST && rv == QUICMIG_ERR_BLOCKED));
    taken += rv == 0;
  }
  assert_int_equal(w.writables[0], 0);
  if (policy == QUICMIG_DROP_OLDEST) {
    assert_int_equal(taken, BURST);
    taken = (uint32_t)info_of(0).datagrams_queued;
    first = BURST - taken;
  }
  assert_int_equal(info_of(0).datagrams_queued, taken);
  assert_in_range(taken * ((a + b) / 2 + 12), 8 * KIB - 2 * (b + 12), 8 * KIB);
  rig_run(&w.r, SEC);
  assert_int_equal(w.arrived[1], taken);
  if (a == b || policy == QUICMIG_DROP_OLDEST) {
    assert_int_equal(count_got(first, first + taken), taken);
  }
  assert_int_equal(info_of(0).datagrams_dropped, first);
  assert_int_equal(w.writables[0], policy == QUICMIG_DROP_NEWEST);
  assert_int_equal(send_number(0, 0, 10), 0);
  rig_reset(&w.r);
}

static void test_full(void **state) {
  (void)state;
  printf("row: the newest is refused\n");
  full_row(QUICMIG_DROP_NEWEST, 100, 100);
  printf("row: the oldest gives way\n");
  full_row(QUICMIG_DROP_OLDEST, 100, 100);
  printf("row: several old ones give way to one\n");
  full_row(QUICMIG_DROP_OLDEST, 60, 1100);
}

/* Small ones share packets, large ones do not cost more than one each. */
static void test_shared_packets(void **state) {
  static const struct {
    const char *name;
    size_t len, each; /* datagrams in a packet, at least */
  } rows[] = {{"20 bytes", 20, 58},
              {"100 bytes", 100, 13},
              {"600 bytes", 600, 2},
              {"1200 bytes", 1200, 1}};
  size_t i, n = 500;

  (void)state;
  for (i = 0; i < COUNT_OF(rows); i++) {
    uint32_t k;

    printf("row: %s\n", rows[i].name);
    prepare();
    w.r.client_transport.datagram_queue = 1024 * KIB;
    assert_int_equal(rig_start(&w.r, 1), 0);
    w.packets[SIM_UP] = 0;
    for (k = 0; k < n; k++) {
      assert_int_equal(send_number(0, k, rows[i].len), 0);
    }
    rig_run(&w.r, 4 * SEC);
    assert_int_equal(count_got(0, (uint32_t)n), n);
    assert_false(w.is_disordered);
    printf("  %u packets\n", (unsigned)w.packets[SIM_UP]);
    assert_in_range(w.packets[SIM_UP], 1, n / rows[i].each + 8);
    rig_reset(&w.r);
  }
}

/* The peer falls silent while datagrams are queued every millisecond: memory is
 * bounded, and nobody runs more often than somebody queues. */
static void silent_row(size_t side, quicmig_duration age, uint32_t policy) {
  rig_mem *mem;
  uint64_t calls = 0, before;
  size_t live;

  prepare();
  w.r.client_transport.idle_timeout = w.r.server_transport.idle_timeout =
      600 * SEC;
  w.r.client_transport.datagram_max_age = age;
  w.r.server_transport.datagram_max_age = age;
  w.r.client_transport.datagram_drop = policy;
  w.r.server_transport.datagram_drop = policy;
  assert_int_equal(rig_start(&w.r, 1), 0);
  mem = side ? &w.r.server_mem : &w.r.clients[0].mem;
  live = mem->live;
  w.is_dark[SIM_UP] = w.is_dark[SIM_DOWN] = true;
  before = w.runs[side];
  for (; calls < 10000; calls++) {
    (void)send_number(side, 1, 200);
    rig_run(&w.r, 1 * MS);
    assert_in_range(mem->live, 0, live + (256 + 64) * KIB);
  }
  assert_in_range(w.runs[side] - before, 1, 2 * calls + 100);
  before = w.runs[side];
  rig_run(&w.r, 60 * SEC);
  /* What waits grows too old, each in its millisecond; else only PTOs. */
  assert_in_range(w.runs[side] - before, 0, (age ? age / (1 * MS) : 0) + 100);
  if (age) {
    assert_int_equal(info_of(side).datagrams_queued, 0);
  }
  rig_reset(&w.r);
}

static void test_silent_peer(void **state) {
  size_t i;

  (void)state;
  for (i = 0; i < 8; i++) {
    printf("row: %s, %s, %s\n", i & 1 ? "server" : "client",
           i & 2 ? "5 s" : "no age limit", i & 4 ? "oldest" : "newest");
    silent_row(i & 1, i & 2 ? 5 * SEC : 0,
               i & 4 ? QUICMIG_DROP_OLDEST : QUICMIG_DROP_NEWEST);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_largest),     cmocka_unit_test(test_age),
      cmocka_unit_test(test_full),        cmocka_unit_test(test_shared_packets),
      cmocka_unit_test(test_silent_peer),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
