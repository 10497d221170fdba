/* Connecting to a server with several addresses, of which some are dead: one
 * connection comes of it, soon, and the program sees one. */
#include "connectworld.h"

#include "quic/migrator.h"
#include "refusal.h"

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))
/* A handshake over the line, with what processing takes. */
#define HANDSHAKE 45

typedef struct row {
  const char *name;
  const char *addresses[ADDRESSES];
  const char *remote; /* that the connection goes to; NULL: none comes of it */
  int err;            /* in the closed callback */
  unsigned lo, hi;    /* ms, until it is connected or closed */
  size_t sockets_max; /* opened */
  unsigned slow_v6;   /* ms, each way */
} row;

static const row rows[] = {
    {"one", {ALIVE4}, ALIVE4, 0, 0, HANDSHAKE, 1, 0},
    {"two alive", {ALIVE6, ALIVE4}, ALIVE6, 0, 0, HANDSHAKE, 1, 0},
    {"the first is dead",
     {DEAD4, ALIVE4},
     ALIVE4,
     0,
     250,
     250 + HANDSHAKE,
     2,
     0},
    {"IPv6 is swallowed",
     {DEAD6, ALIVE4},
     ALIVE4,
     0,
     250,
     250 + HANDSHAKE,
     2,
     0},
    {"IPv4 is swallowed",
     {DEAD4, ALIVE6},
     ALIVE6,
     0,
     250,
     250 + HANDSHAKE,
     2,
     0},
    {"the fourth is alive",
     {DEAD6, DEAD4, DEAD6, ALIVE4},
     ALIVE4,
     0,
     500, /* one is there twice */
     500 + HANDSHAKE,
     3,
     0},
    {"the first is refused",
     {REFUSED4, ALIVE6},
     ALIVE6,
     0,
     20,
     20 + HANDSHAKE,
     2,
     0},
    {"the first is slow",
     {ALIVE6, ALIVE4},
     ALIVE4,
     0,
     250,
     250 + HANDSHAKE,
     2,
     300},
    {"the first is a little slow and wins",
     {ALIVE6, ALIVE4},
     ALIVE6,
     0,
     220,
     249,
     1,
     110},
    {"the first is slower and still wins",
     {ALIVE6, DEAD4},
     ALIVE6,
     0,
     320,
     380,
     2,
     160},
    {"all are dead",
     {DEAD6, DEAD4},
     NULL,
     QUICMIG_ERR_HANDSHAKE_TIMEOUT,
     10000,
     10000,
     8,
     0},
    {"all are refused",
     {REFUSED6, REFUSED4},
     NULL,
     QUICMIG_ERR_REFUSED,
     0,
     600,
     4,
     0},
    {"refused and dead",
     {REFUSED6, DEAD4},
     NULL,
     QUICMIG_ERR_REFUSED, /* says more than silence */
     10000,
     10000,
     8,
     0},
};

static unsigned since_begin(quicmig_tstamp at) {
  return (unsigned)((at - w.begun_at) / MS);
}

static void check_end(const row *t) {
  const rig_client *c = &w.r.clients[0];
  char remote[64];

  assert_int_equal(w.connected, t->remote ? 1 : 0);
  assert_int_equal(w.closed, t->remote ? 0 : 1);
  if (t->remote) {
    printf("  %u ms\n", since_begin(w.connected_at));
    assert_in_range(since_begin(w.connected_at), t->lo, t->hi);
    assert_string_equal(connect_remote(remote), t->remote);
    assert_int_equal(w.r.client_host.open, 1);
    assert_ptr_equal(w.conn, quicmig_client_conn(c->c));
  } else {
    assert_int_equal(c->close.err, t->err);
    assert_int_equal(w.r.client_host.open, 0);
  }
}

static void test_addresses(void **state) {
  const row *t;

  (void)state;
  for (t = rows; t < rows + COUNT_OF(rows); t++) {
    rig_client *c;
    size_t opened;

    printf("row: %s\n", t->name);
    connect_prepare(t->addresses);
    w.slow_by[1] = t->slow_v6 * MS;
    w.r.migration.hop_interval = 0;
    assert_int_equal(connect_start(), 0);
    c = &w.r.clients[0];
    if (!t->remote) {
      sim_run(&w.r.world, w.begun_at + 20 * SEC, &c->is_closed);
      assert_in_range(since_begin(w.r.world.now), t->lo, t->hi);
    }
    rig_run(&w.r, 2 * SEC);
    opened = w.r.client_host.opened;
    printf("  %zu sockets\n", opened);
    assert_in_range(opened, 1, t->sockets_max);
    rig_run(&w.r, 10 * SEC);
    assert_int_equal(w.r.client_host.opened, opened);
    check_end(t);
    rig_reset(&w.r);
  }
}

/* A family without a route is no obstacle, and costs no time. */
static void test_no_route(void **state) {
  static const char *const addresses[] = {ALIVE6, ALIVE4, NULL};
  char remote[64];

  (void)state;
  connect_prepare(addresses);
  sim_uplink_set(&w.r.client_host, 1, false);
  assert_int_equal(connect_start(), 0);
  rig_run(&w.r, SEC);
  assert_int_equal(w.connected, 1);
  assert_in_range(since_begin(w.connected_at), 0, HANDSHAKE);
  assert_string_equal(connect_remote(remote), ALIVE4);
  rig_reset(&w.r);

  connect_prepare(addresses); /* no way at all */
  sim_uplink_set(&w.r.client_host, 0, false);
  sim_uplink_set(&w.r.client_host, 1, false);
  assert_int_equal(connect_start(), QUICMIG_ERR_SYSTEM);
  assert_int_equal(errno, ENETUNREACH);
  assert_int_equal(w.r.client_host.open, 0);
  assert_int_equal(w.r.clients[0].mem.live, 0);
  rig_reset(&w.r);
}

/* A server that answers, and refuses us, is not waited for until all the dead
 * ones have timed out. */
static void test_answer(void **state) {
  static const char *const addresses[] = {DEAD6, ALIVE4, DEAD4, NULL};
  rig_client *c;

  (void)state;
  connect_prepare(addresses);
  w.r.client_tls.alpn = "other";
  assert_int_equal(connect_start(), 0);
  c = &w.r.clients[0];
  sim_run(&w.r.world, w.begun_at + 20 * SEC, &c->is_closed);
  assert_int_equal(c->close.err, QUICMIG_ERR_ALPN);
  assert_true(c->close.by_peer);
  assert_in_range(since_begin(w.r.world.now), 1250, 1350);
  rig_run(&w.r, 20 * SEC);
  assert_int_equal(w.closed, 1);
  assert_int_equal(w.connected, 0);
  assert_int_equal(w.r.client_host.open, 0);
  rig_reset(&w.r);
}

/* The winner knows the other family too, and what was asked of the migrator
 * before it had won. */
static void test_winner(void **state) {
  static const char *const addresses[] = {DEAD6, ALIVE4, ALIVE6, NULL};
  quicmig_options o;
  rig_client *c;
  quicmig *m;
  int known;

  (void)state;
  connect_prepare(addresses);
  assert_int_equal(connect_start(), 0);
  c = &w.r.clients[0];
  quicmig_conn_set_user_data(quicmig_client_conn(c->c), c);
  rig_run(&w.r, 255 * MS); /* two run */
  o = w.r.migration;
  o.hop_interval = 77 * SEC;
  assert_int_equal(
      quicmig_reschedule(quicmig_client_migrator(c->c), &o, w.r.world.now), 0);
  rig_run(&w.r, SEC);
  assert_int_equal(w.connected, 1);
  m = quicmig_client_migrator(c->c);
  assert_int_equal(m->engine.o.hop_interval, 77 * SEC);
  assert_int_equal(m->homes.n_remotes, 2);
  /* It lives on with it: hops work, and data arrives. */
  w.r.send_every = 10 * MS;
  w.r.next_send = w.r.world.now;
  w.r.is_sending = true;
  assert_int_equal(quicmig_hop(m, w.r.world.now), 0);
  rig_run(&w.r, 3 * SEC);
  known = quicmig_client_migrator(c->c) == m;
  assert_true(known);
  assert_int_equal(c->results[0], 1);
  rig_finish(&w.r, SEC);
  assert_int_equal(rig_lost(&w.r), 0);
  rig_reset(&w.r);
}

/* A NAT gives the client another port while the server's answer is under way:
 * the server follows nobody during a handshake, so that only a fresh attempt
 * helps. */
static void test_nat_rebinds(void **state) {
  static const char *const addresses[] = {ALIVE4, NULL};
  static sim_nat nat;
  static sim_line beyond;
  unsigned ms;

  (void)state;
  for (ms = 15; ms < 50; ms += 10) { /* then it has the answer */
    connect_prepare(addresses);
    sim_nat_init(&w.r.world, &nat, "10.5.0.1");
    sim_line_init(&w.r.world, &beyond, 20 * MS);
    assert_int_equal(connect_start(), 0);
    rig_run(&w.r, ms * MS);
    sim_nat_rebind(&nat);
    rig_run(&w.r, 12 * SEC);
    printf("rebound after %u ms: connected after %u ms\n", ms,
           since_begin(w.connected_at));
    assert_int_equal(w.connected, 1);
    assert_int_equal(w.closed, 0);
    assert_in_range(since_begin(w.connected_at), 60, 1100);
    w.r.send_every = 10 * MS;
    w.r.next_send = w.r.world.now;
    w.r.is_sending = true;
    rig_run(&w.r, SEC);
    rig_finish(&w.r, SEC);
    assert_int_equal(w.r.clients[0].sent, 101);
    assert_int_equal(rig_lost(&w.r), 0);
    sim_nat_reset(&nat);
    rig_reset(&w.r);
  }
}

/* The server is told that the loser is gone: nothing is left there. */
static void test_loser(void **state) {
  static const char *const addresses[] = {ALIVE6, ALIVE4, NULL};
  quicmig_server_stats s = {.size = sizeof(s)};

  (void)state;
  connect_prepare(addresses);
  w.slow_by[1] = 300 * MS;
  assert_int_equal(connect_start(), 0);
  rig_run(&w.r, 3 * SEC);
  assert_int_equal(w.connected, 1);
  quicmig_server_get_stats(w.r.server, &s);
  assert_int_equal(s.accepted, 2);
  assert_int_equal(w.r.server_closed, 1);
  rig_reset(&w.r);
}

/* The kernel does not take the last word of the attempt that has lost: it is
 * kept for a while beside the connection. */
static bool is_v6(void *arg, const sim_sock *s) {
  (void)arg;
  return qm_addr_family(&s->remote) == AF_INET6;
}

static void test_loser_waits(void **state) {
  static const char *const addresses[] = {ALIVE6, ALIVE4, NULL};
  static const quicmig_duration lasts[] = {0, 50 * MS, 3600 * SEC};
  sim_refusal refusal;
  size_t i;

  (void)state;
  for (i = 0; i < COUNT_OF(lasts); i++) {
    connect_prepare(addresses);
    w.slow_by[1] = 200 * MS;
    sim_refusal_init(&w.r.client_host, &refusal, SIM_SEND, EAGAIN);
    refusal.is_meant = is_v6;
    refusal.from = w.r.world.now + 270 * MS; /* the other one is about to win */
    refusal.until = refusal.from + 35 * MS + lasts[i];
    assert_int_equal(connect_start(), 0);
    rig_run(&w.r, 300 * MS);
    assert_int_equal(w.connected, 1);
    assert_int_equal(w.r.client_host.open, 2);
    rig_run(&w.r, lasts[i] > SEC ? SEC : lasts[i] + 10 * MS);
    assert_int_equal(w.r.client_host.open, 1); /* taken, or given up */
    assert_true(refusal.refused > 10 && refusal.refused < 1000);
    rig_run(&w.r, 250 * MS);
    assert_int_equal(w.r.server_closed, lasts[i] <= SEC);
    assert_int_equal(w.closed, 0);
    rig_reset(&w.r);
  }
}

/* Freed, or closed, at any moment: no callback, or one. */
static void test_given_up(void **state) {
  static const char *const addresses[] = {DEAD6, REFUSED4, ALIVE4, DEAD4, NULL};
  unsigned ms;
  bool closes;

  (void)state;
  for (ms = 0; ms <= 1000; ms += ms < 500 ? 23 : 100) {
    for (closes = false;; closes = true) {
      rig_client *c;

      connect_prepare(addresses);
      w.slow_by[0] = 400 * MS;
      assert_int_equal(connect_start(), 0);
      c = &w.r.clients[0];
      rig_run(&w.r, ms * MS);
      assert_int_equal(w.connected, 0);
      if (closes) {
        quicmig_conn_close(quicmig_client_conn(c->c), 7, "enough");
        rig_run(&w.r, 20 * SEC);
        assert_int_equal(w.closed, 1);
        assert_int_equal(c->close.err, 0);
        assert_int_equal(c->close.code, 7);
        assert_true(c->close.is_app);
        assert_string_equal(c->reason, "enough");
      }
      quicmig_client_free(c->c);
      w.r.n_clients = 0;
      assert_int_equal(w.connected, 0);
      assert_int_equal(w.closed, closes);
      assert_int_equal(w.r.client_host.open, 0);
      assert_int_equal(c->mem.live, 0);
      rig_reset(&w.r);
      if (closes) {
        break;
      }
    }
  }
}

/* In the callback that each attempt's socket goes through: looks at everything,
 * and closes at the close_at-th one. */
static unsigned sockets, close_at;

static int look_around(rig_client *c, int fd) {
  quicmig_conn_info info = {.size = sizeof(info)};
  quicmig_stats stats = {.size = sizeof(stats)};
  quicmig_conn *conn;
  char name[8];

  (void)fd;
  sockets++;
  if (!c->c) {
    return 0; /* the first one: quicmig_client_new() has not returned */
  }
  conn = quicmig_client_conn(c->c);
  quicmig_conn_get_info(conn, &info);
  quicmig_get_stats(quicmig_client_migrator(c->c), &stats);
  assert_int_equal(quicmig_conn_peer_name(conn, name, sizeof(name)), 0);
  assert_int_equal(quicmig_conn_max_datagram(conn), 0);
  assert_false(info.is_open);
  assert_int_equal(stats.sockets_open, 1);
  assert_int_equal(quicmig_client_run(c->c, -1, w.r.world.now),
                   QUICMIG_ERR_REENTRANT);
  if (sockets == close_at) {
    quicmig_conn_close(conn, 7, "enough");
  }
  return 0;
}

static void test_inside_callbacks(void **state) {
  static const char *const addresses[] = {DEAD6, REFUSED4, ALIVE4, NULL};

  (void)state;
  for (close_at = 2; close_at <= 4; close_at++) {
    const rig_client *c;

    sockets = 0;
    connect_prepare(addresses);
    w.r.migration.hop_interval = 0;
    w.r.on_socket = look_around;
    assert_int_equal(connect_start(), 0);
    c = &w.r.clients[0];
    rig_run(&w.r, 20 * SEC);
    assert_int_equal(w.connected, close_at == 4); /* there are three */
    assert_int_equal(w.closed, close_at < 4);
    assert_int_equal(c->close.err, 0);
    rig_reset(&w.r);
  }
}

/* The at-th allocation fails, and all later ones until the race is decided.
 * Returns how many there were. */
static uint64_t run_without_memory(uint64_t at, bool is_for_ever,
                                   uint64_t *connected) {
  static const char *const addresses[] = {DEAD6, ALIVE4, NULL};
  uint64_t calls;
  rig_client *c;
  int rv;

  connect_prepare(addresses);
  c = &w.r.clients[0];
  c->mem.fail_at = at;
  c->mem.fails_always = is_for_ever;
  rv = connect_start();
  if (rv == 0) {
    sim_run(&w.r.world, w.begun_at + 300 * MS, &c->is_connected);
    calls = c->mem.calls;
    c->mem.fail_at = UINT64_MAX;
    c->mem.fails_always = false;
    rig_run(&w.r, 12 * SEC);
    assert_true(w.connected || w.closed);
    assert_in_range(w.connected, 0, 1);
    assert_in_range(w.closed, 0, 1);
    *connected += w.connected;
    quicmig_client_free(c->c);
    w.r.n_clients = 0;
  } else {
    assert_int_equal(rv, QUICMIG_ERR_NOMEM);
    calls = c->mem.calls;
  }
  assert_int_equal(w.r.client_host.open, 0);
  assert_int_equal(c->mem.live, 0);
  rig_reset(&w.r);
  return calls;
}

static void test_no_memory(void **state) {
  uint64_t connected = 0, i;
  uint64_t calls = run_without_memory(UINT64_MAX, false, &connected);

  (void)state;
  assert_int_equal(connected, 1);
  for (i = 0; i < calls; i++) {
    (void)run_without_memory(i, false, &connected);
    (void)run_without_memory(i, true, &connected);
  }
  printf("%llu allocations, %llu of %llu connected\n",
         (unsigned long long)calls, (unsigned long long)connected,
         (unsigned long long)(2 * calls + 1));
  assert_true(calls > 50);
  assert_true(connected > 10);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_addresses),        cmocka_unit_test(test_no_route),
      cmocka_unit_test(test_answer),           cmocka_unit_test(test_winner),
      cmocka_unit_test(test_nat_rebinds),      cmocka_unit_test(test_loser),
      cmocka_unit_test(test_loser_waits),      cmocka_unit_test(test_given_up),
      cmocka_unit_test(test_inside_callbacks), cmocka_unit_test(test_no_memory),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
