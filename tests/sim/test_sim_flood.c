/*
 * Many handshakes at once, beside a connection that is used: by a flood of
 * first packets that nobody follows up, and by real clients.  The begin of a
 * handshake and its end take the server COST of time each here: its clock
 * stands still but for that, so that what it does in one run can be told, and
 * it is away for as long as a run took.
 */
#include "initials.h"
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))
#define COST (300 * QUICMIG_MICROSECOND)
#define RUN_MAX (2 * MS + 2 * COST) /* handshakes in a run */
#define SILENCE_MAX (20 * MS)
#define FLOOD_MAX 3000
#define CLIENTS 500
#define PORT 4433

static struct world {
  rig r;
  sim_line line;
  quicmig_server_callbacks cb;
  void (*connected)(quicmig_conn *c, void *user_data);
  quicmig_duration worked, most; /* in this run, in any */
  void (*run)(void *arg, int fd);
  quicmig_tstamp (*deadline)(void *arg);
  sim_actor flooder;
  quicmig_tstamp flood_at;
  quicmig_duration flood_every;
  size_t sent, n;
  uint64_t half_open; /* most at once */
} w;

static initial *initials; /* FLOOD_MAX of them */

/* --- the server's time --- */

static quicmig_tstamp get_clock(void *ctx) {
  (void)ctx;
  return w.r.world.now + w.worked;
}

static int on_accept(quicmig_server *s, quicmig_conn *c, void *user_data) {
  (void)s;
  (void)c;
  (void)user_data;
  w.worked += COST;
  return 0;
}

static void on_server_connected(quicmig_conn *c, void *user_data) {
  w.worked += COST;
  w.connected(c, user_data);
}

static void on_callbacks(rig *r, quicmig_conn_callbacks *cb, bool is_server) {
  (void)r;
  if (is_server) {
    w.connected = cb->connected;
    cb->connected = on_server_connected;
  }
}

static void on_config(rig *r, quicmig_server_config *cfg) {
  (void)r;
  w.cb = *cfg->callbacks;
  w.cb.accept = on_accept;
  cfg->callbacks = &w.cb;
}

static quicmig_server_stats server_stats(void) {
  quicmig_server_stats s = {.size = sizeof(s)};

  quicmig_server_get_stats(w.r.server, &s);
  return s;
}

static void run_server(void *arg, int fd) {
  uint64_t half_open;

  w.worked = 0;
  w.run(arg, fd);
  w.r.server_host.busy_until = w.r.world.now + w.worked;
  w.most = w.worked > w.most ? w.worked : w.most;
  w.worked = 0;
  half_open = server_stats().half_open;
  w.half_open = half_open > w.half_open ? half_open : w.half_open;
}

static quicmig_tstamp server_deadline(void *arg) {
  return qm_time_max(w.deadline(arg), w.r.server_host.busy_until);
}

/* --- the flood --- */

static quicmig_tstamp flood_deadline(void *arg) {
  (void)arg;
  return w.sent < w.n ? w.flood_at : QUICMIG_NEVER;
}

/* Each from an address of its own, where nobody is. */
static void flood_one(void *arg, int fd) {
  const initial *in = &initials[w.sent % FLOOD_MAX];
  qm_addr from = w.r.client_host.addr, to = w.r.server_host.addr;
  sim_pkt *p;

  (void)arg;
  (void)fd;
  qm_addr_set_port(&from, (uint16_t)(1024 + w.sent % 60000));
  from.u.in.sin_addr.s_addr ^= htonl(0x00420000);
  qm_addr_set_port(&to, PORT);
  p = sim_pkt_new(&w.r.world, SIM_UP, &from, &to);
  p->len = in->len;
  memcpy(p->data, in->data, in->len);
  sim_forward(&w.r.world, NULL, p);
  w.sent++;
  w.flood_at += w.flood_every;
}

static void flood(size_t n, quicmig_duration within) {
  w.sent = 0;
  w.n = n;
  w.flood_every = within / n;
  w.flood_at = w.r.world.now;
}

/* --- the tests --- */

static void prepare(void) {
  memset(&w, 0, sizeof(w));
  rig_init(&w.r, 0, false);
  sim_line_init(&w.r.world, &w.line, 10 * MS);
  w.r.migration.hop_interval = 0;
  w.r.send_every = MS;
  w.r.on_server_config = on_config;
  w.r.on_callbacks = on_callbacks;
  w.r.server_host.net.clock = get_clock;
  w.run = w.r.server_actor.run;
  w.deadline = w.r.server_actor.deadline;
  w.r.server_actor.run = run_server;
  w.r.server_actor.deadline = server_deadline;
  w.flooder = (sim_actor){.deadline = flood_deadline, .run = flood_one};
  sim_actor_add(&w.r.world, &w.flooder);
}

static void start(void) {
  assert_int_equal(rig_start(&w.r, 1), 0);
  rig_run(&w.r, SEC);
  w.r.clients[0].gap_max = 0;
  w.most = 0;
}

static void report(void) {
  const quicmig_server_stats s = server_stats();

  printf("  silence %.1f ms, most in a run %.1f ms; accepted %llu, half-open "
         "%llu at most, refused %llu, evicted %llu, dropped %llu\n",
         (double)w.r.clients[0].gap_max / 1e6, (double)w.most / 1e6,
         (unsigned long long)s.accepted, (unsigned long long)w.half_open,
         (unsigned long long)s.half_open_refused,
         (unsigned long long)s.half_open_evicted,
         (unsigned long long)s.handshakes_dropped);
}

/* A client that comes now is connected soon. */
static void a_client_gets_in(quicmig_duration within) {
  rig_client *c = &w.r.clients[w.r.n_clients];

  assert_int_equal(rig_start_client(&w.r), 0);
  rig_run(&w.r, within);
  assert_true(c->is_connected && !c->is_closed);
}

/* Nobody who is connected notices; what it took comes back. */
static void test_silence(void **state) {
  static const struct {
    const char *name;
    size_t n;
  } rows[] = {{"500", 500}, {"1,000", 1000}, {"3,000", 3000}};
  size_t i;

  (void)state;
  for (i = 0; i < COUNT_OF(rows); i++) {
    quicmig_server_stats s;
    size_t live;

    printf("row: %s\n", rows[i].name);
    prepare();
    start();
    live = w.r.server_mem.live;
    flood(rows[i].n, 100 * MS);
    rig_run(&w.r, 2 * SEC);
    report();
    s = server_stats();
    assert_true(w.r.clients[0].gap_max <= SILENCE_MAX);
    assert_true(w.most <= RUN_MAX);
    assert_true(s.half_open > 0 && s.half_open <= 1024);
    assert_true(s.accepted - 1 + s.half_open_refused + s.handshakes_dropped >=
                rows[i].n);
    printf("  bytes before %zu, then %zu", live, w.r.server_mem.live);
    rig_run(&w.r, 10 * SEC); /* handshake_timeout */
    s = server_stats();
    assert_int_equal(s.half_open, 0);
    assert_int_equal(s.connections, 1);
    printf(", after %zu\n", w.r.server_mem.live);
    assert_true(w.r.server_mem.live <= live + 256 * 1024);
    a_client_gets_in(SEC);
    rig_finish(&w.r, SEC);
    assert_int_equal(rig_lost(&w.r), 0);
    rig_reset(&w.r);
  }
}

/* A flood that goes on holds each place for a second at least, but not for
 * the handshake_timeout: whoever comes gets in. */
static void lasting_flood(uint32_t max_half_open, uint32_t max_connections) {
  prepare();
  w.r.server_transport.max_half_open = max_half_open;
  w.r.server_transport.max_connections = max_connections;
  start();
  flood(800, 20 * SEC);
  rig_run(&w.r, 10 * SEC);
  a_client_gets_in(200 * MS);
  rig_run(&w.r, 10 * SEC);
  report();
  assert_in_range(w.half_open, 63, 64); /* we are the 64th connection */
  assert_true(server_stats().half_open_evicted > 500);
  assert_int_equal(server_stats().half_open_refused, 0);
  rig_finish(&w.r, SEC);
  assert_int_equal(rig_lost(&w.r), 0);
  rig_reset(&w.r);
}

/* Whichever of the limits is reached first. */
static void test_lasting_flood(void **state) {
  (void)state;
  lasting_flood(64, 10000);
  lasting_flood(1024, 64);
}

/* One that nobody can cope with is refused, and the cap holds. */
static void test_cap(void **state) {
  (void)state;
  prepare();
  w.r.server_transport.max_half_open = 64;
  start();
  flood(3000, 3 * SEC);
  rig_run(&w.r, 3 * SEC);
  report();
  assert_int_equal(w.half_open, 64);
  assert_true(server_stats().half_open_refused > 2000);
  a_client_gets_in(3 * SEC);
  rig_finish(&w.r, SEC);
  assert_int_equal(rig_lost(&w.r), 0);
  rig_reset(&w.r);
}

/* Handshakes that fail are answered, and their connections linger for stray
 * packets; they keep little. */
static void test_failed_linger(void **state) {
  initial *others = initials, *strangers = initials_new(500, "unknown");
  size_t live;

  (void)state;
  prepare();
  start();
  live = w.r.server_mem.live;
  initials = strangers;
  flood(500, 100 * MS);
  rig_run(&w.r, 300 * MS);
  report();
  initials = others;
  assert_int_equal(server_stats().connections, 501);
  assert_int_equal(server_stats().half_open, 0);
  printf("  %zu bytes each\n", (w.r.server_mem.live - live) / 500);
  assert_true((w.r.server_mem.live - live) / 500 < 8 * 1024);
  rig_run(&w.r, 10 * SEC);
  assert_int_equal(server_stats().connections, 1);
  rig_reset(&w.r);
  free(strangers);
}

/* After a restart of the server all its clients come at once; and it pauses,
 * so that many answers wait when it goes on. */
static void test_surge(void **state) {
  size_t i, connected = 0;

  (void)state;
  prepare();
  start();
  for (i = 0; i < CLIENTS; i++) {
    assert_int_equal(rig_start_client(&w.r), 0);
  }
  w.r.is_sending = false;
  rig_run(&w.r, 50 * MS);
  w.r.server_host.busy_until = w.r.world.now + 100 * MS;
  rig_run(&w.r, 2 * SEC);
  for (i = 0; i <= CLIENTS; i++) {
    connected += w.r.clients[i].is_connected && !w.r.clients[i].is_closed;
  }
  report();
  printf("  %zu connected\n", connected);
  assert_int_equal(connected, CLIENTS + 1);
  assert_true(w.most <= RUN_MAX);
  assert_int_equal(server_stats().half_open, 0);
  rig_reset(&w.r);
}

static int make_initials(void **state) {
  (void)state;
  initials = initials_new(FLOOD_MAX, "sim");
  return 0;
}

static int free_initials(void **state) {
  (void)state;
  free(initials);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_silence), cmocka_unit_test(test_lasting_flood),
      cmocka_unit_test(test_cap),     cmocka_unit_test(test_failed_linger),
      cmocka_unit_test(test_surge),
  };

  return cmocka_run_group_tests(tests, make_initials, free_initials);
}
