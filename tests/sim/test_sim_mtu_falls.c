/* The MTU of the path falls under a connection, without a word from anybody, in
 * one direction or both; or the kernel says so (EMSGSIZE).  Packets shrink
 * within a few PTOs, hops go on, and the size comes back with a path that
 * carries it. An outage of the whole path is no reason to shrink. */
#include "rig.h"

#include "endpoint/conn.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))
#define NARROW 1300
#define DELAY (20 * MS)
/* Datagrams that fit 1450, 1232 and 1200 bytes of payload, of the client. */
enum { BEST = 1414, LEAST = 1196, BASE = 1164 };
#define SERVER_MORE 4

static struct world {
  rig r;
  sim_line line;
  sim_filter filter;
  size_t limit[2]; /* larger ones vanish; 0: none */
  bool is_dead;
  size_t kernel_limit; /* the client's own interface; 0: none */
  int (*send)(void *ctx, int fd, const qm_msg *msgs, size_t n);
} w;

static bool drops(void *arg, const sim_pkt *p) {
  (void)arg;
  return w.is_dead || (w.limit[p->dir] && p->len > w.limit[p->dir]);
}

static int send_small(void *ctx, int fd, const qm_msg *msgs, size_t n) {
  size_t i, size;

  for (i = 0; w.kernel_limit && i < n; i++) {
    size = msgs[i].segment ? msgs[i].segment : msgs[i].len;
    if (size > w.kernel_limit) {
      return i ? w.send(ctx, fd, msgs, i) : -EMSGSIZE;
    }
  }
  return w.send(ctx, fd, msgs, n);
}

/* Datagrams of any size: those that do not fit the way back are not echoed. */
static void on_arrival(quicmig_conn *c, const uint8_t *data, size_t len,
                       void *user_data) {
  (void)user_data;
  (void)quicmig_conn_send_datagram(c, data, len);
}

static void on_echo(quicmig_conn *c, const uint8_t *data, size_t len,
                    void *user_data) {
  rig_client *rc = user_data;
  quicmig_duration gap = w.r.world.now - rc->last_echo;

  (void)c;
  (void)data;
  (void)len;
  rc->gap_max = gap > rc->gap_max ? gap : rc->gap_max;
  rc->last_echo = w.r.world.now;
}

static void on_callbacks(rig *r, quicmig_conn_callbacks *cb, bool is_server) {
  (void)r;
  cb->datagram = is_server ? on_arrival : on_echo;
}

static quicmig_conn *client(void) {
  return quicmig_client_conn(w.r.clients[0].c);
}

static void check_max(size_t up, size_t down) {
  assert_int_equal(quicmig_conn_max_datagram(client()), up);
  assert_int_equal(quicmig_conn_max_datagram(w.r.server_conn),
                   down + SERVER_MORE);
}

static void open_world(uint64_t stream_bytes, size_t size) {
  memset(&w, 0, sizeof(w));
  rig_init(&w.r, 0, false);
  sim_line_init(&w.r.world, &w.line, DELAY);
  sim_filter_init(&w.r.world, &w.filter, drops, NULL);
  w.send = w.r.client_host.net.send;
  w.r.client_host.net.send = send_small;
  w.line.side[SIM_UP].rate = w.line.side[SIM_DOWN].rate = 20000000;
  w.r.migration.hop_interval = 0;
  w.r.on_callbacks = on_callbacks;
  w.r.stream_bytes = stream_bytes;
  w.r.size = size;
  assert_int_equal(rig_start(&w.r, 1), 0);
  rig_run(&w.r, 2 * SEC);
  check_max(BEST, BEST);
  w.r.clients[0].gap_max = 0;
}

static void close_world(void) {
  rig_finish(&w.r, 2 * SEC);
  assert_false(w.r.clients[0].is_closed);
  rig_reset(&w.r);
}

typedef struct row {
  const char *name;
  bool up, down, kernel;
  uint64_t stream_bytes;
  size_t size; /* of datagrams */
  quicmig_duration gap;
} row;

#define BULK 1000000000

static const row rows[] = {
    {"up, bulk beside small", true, false, false, BULK, 100, 1500 * MS},
    {"down, bulk beside small", false, true, false, BULK, 100, 1500 * MS},
    {"both, bulk beside small", true, true, false, BULK, 100, 2 * SEC},
    {"up, a VPN's large datagrams", true, false, false, 0, 1350, 0},
    {"down, a VPN's large datagrams", false, true, false, 0, 1350, 0},
    {"the kernel says so, bulk", false, false, true, BULK, 100, 100 * MS},
};

static uint64_t echoed(void) { return w.r.clients[0].stream_echoed; }

/* How long until both ends know. */
static quicmig_duration await_shrink(const row *t) {
  quicmig_tstamp begin = w.r.world.now;
  size_t up = t->up || t->kernel ? BASE : BEST, down = t->down ? BASE : BEST;

  while ((quicmig_conn_max_datagram(client()) != up ||
          quicmig_conn_max_datagram(w.r.server_conn) != down + SERVER_MORE) &&
         w.r.world.now < begin + 4 * SEC) {
    rig_run(&w.r, 5 * MS);
  }
  return w.r.world.now - begin;
}

static void fall(const row *t) {
  rig_client *c;
  quicmig_duration shrank;
  uint64_t before;

  open_world(t->stream_bytes, t->size);
  c = &w.r.clients[0];
  w.limit[SIM_UP] = t->up ? NARROW : 0;
  w.limit[SIM_DOWN] = t->down ? NARROW : 0;
  w.kernel_limit = t->kernel ? NARROW : 0;
  shrank = await_shrink(t);
  w.r.size = 100;
  before = echoed();
  rig_run(&w.r, 3 * SEC);
  printf("  shrank after %llu ms, gap %llu ms, %llu kB in 3 s\n",
         (unsigned long long)(shrank / MS),
         (unsigned long long)(c->gap_max / MS),
         (unsigned long long)((echoed() - before) / 1000));
  check_max(t->up || t->kernel ? BASE : BEST, t->down ? BASE : BEST);
  assert_true(!t->gap || c->gap_max < t->gap);
  assert_true(!t->stream_bytes || echoed() - before > 1000000);
  /* A hop works, and its path is searched anew. */
  assert_int_equal(quicmig_hop(quicmig_client_migrator(c->c), w.r.world.now),
                   0);
  rig_run(&w.r, 8 * SEC);
  assert_int_equal(c->results[0], 1);
  check_max(t->up || t->kernel ? LEAST : BEST, t->down ? LEAST : BEST);
  w.limit[SIM_UP] = w.limit[SIM_DOWN] = w.kernel_limit = 0;
  assert_int_equal(quicmig_hop(quicmig_client_migrator(c->c), w.r.world.now),
                   0);
  rig_run(&w.r, 8 * SEC);
  check_max(BEST, BEST);
  close_world();
}

static void packets_shrink(void **state) {
  size_t i;

  (void)state;
  for (i = 0; i < COUNT_OF(rows); i++) {
    printf("row: %s\n", rows[i].name);
    fall(&rows[i]);
  }
}

/* Nothing passes for a while: the size is what it was, once something does. */
static void an_outage_is_no_reason(void **state) {
  static const struct {
    const char *name;
    uint64_t stream_bytes;
    size_t size;
    quicmig_duration lasts;
  } outages[] = {
      {"bulk, a second", BULK, 100, SEC},
      {"bulk, four seconds", BULK, 100, 4 * SEC},
      {"large datagrams, a second", 0, 1350, SEC},
      {"large datagrams, four seconds", 0, 1350, 4 * SEC},
      {"both, two seconds", BULK, 1350, 2 * SEC},
  };
  size_t i;

  (void)state;
  for (i = 0; i < COUNT_OF(outages); i++) {
    printf("row: %s\n", outages[i].name);
    open_world(outages[i].stream_bytes, outages[i].size);
    w.is_dead = true;
    rig_run(&w.r, outages[i].lasts);
    w.is_dead = false;
    rig_run(&w.r, 8 * SEC);
    check_max(BEST, BEST);
    assert_int_equal(client()->hole.state, QM_BLACKHOLE_CLEAR);
    assert_int_equal(w.r.server_conn->hole.state, QM_BLACKHOLE_CLEAR);
    close_world();
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(packets_shrink),
      cmocka_unit_test(an_outage_is_no_reason),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
