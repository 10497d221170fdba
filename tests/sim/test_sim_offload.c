/*
 * GSO and GRO under load, with hops: whatever a send answers, at either end, no
 * datagram is lost; a path that cannot do GSO does without for a while, and the
 * next one tries at once; a full socket makes nothing grow.
 */
#include "rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define BURST 24
#define SIZE 1100 /* of a datagram: one a packet */
#define TICK (20 * MS)
#define TICKS 125
#define FULL_FOR (50 * MS)
#define HOLD_MAX (80u << 10)   /* what waits for the kernel, in bytes */
#define UNDER_WAY (256u << 10) /* what ngtcp2 keeps beside it */
#define PATHS 65536            /* by the server's port or the client's socket */

/* The messages that an error is for. */
typedef enum victim {
  ANY,
  GROUPED, /* several datagrams */
  MARKED,  /* with ECN bits */
  ONE,     /* several, to the first of two clients */
  LARGE    /* longer datagrams than a device of MTU 1428 takes */
} victim;

typedef struct row {
  const char *name;
  int err; /* 0: none */
  victim victim;
  uint64_t from, count;    /* of these messages */
  quicmig_duration period; /* or all in the first 50 ms of each; 0: not so */
  bool ends_gso;           /* for a second, on the path that meets it */
} row;

/* What one end sends and receives; the fault_arg of its host. */
typedef struct watch {
  const row *r; /* NULL: no errors */
  sim *world;
  const qm_msg *msgs;  /* being sent, on fd */
  const qm_msg *first; /* of the call */
  int fd;
  uint32_t lacks;        /* offloads, on this host */
  uint64_t victims, met; /* met: paths that met an error */
  uint16_t one;          /* port of the client that is the victim */
  quicmig_tstamp met_at[PATHS], hit_at;
  uint64_t grouped_tx, grouped_rx;
  /* On paths that met an error, within a second and later, and on others since
   * the first one. */
  uint64_t grouped_soon, grouped_late, grouped_elsewhere;
  uint64_t hits;
  uint64_t roomy; /* receive calls with room for several */
  qm_net sim;     /* without us */
} watch;

typedef struct world {
  rig r;
  sim_line line;
  watch client, server;
  /* Memory before the errors and then: the migrator's, and all of both ends. */
  size_t base, held_max, live_base[2], live_max[2];
} world;

static bool is_victim(const row *r, const qm_msg *m, uint16_t one) {
  switch (r->victim) {
  case GROUPED:
    return qm_msg_count(m) > 1;
  case MARKED:
    return m->ecn != 0;
  case ONE:
    return qm_msg_count(m) > 1 && qm_addr_port(&m->remote) == one;
  case LARGE:
    return (m->segment ? m->segment : m->len) > 1400;
  case ANY:
    break;
  }
  return true;
}

/* An error behind a message that was taken is not told: as with sendmmsg(). */
static bool is_hit(watch *w, const qm_msg *m) {
  const row *r = w->r;

  if (!r || !r->err || !is_victim(r, m, w->one) ||
      (m != w->first && r->victim != ONE)) {
    return false;
  }
  return r->period ? w->world->now % r->period < FULL_FOR
                   : w->victims++ - r->from < r->count;
}

/* A client's socket is connected; a server's messages name the client. */
static uint16_t path_of(const watch *w, const qm_msg *m) {
  return m->remote.len ? qm_addr_port(&m->remote) : (uint16_t)w->fd;
}

static void count_group(watch *w, quicmig_tstamp met_at) {
  if (!met_at) {
    w->grouped_elsewhere += w->met != 0;
  } else if (w->world->now > met_at + SEC) {
    w->grouped_late++;
  } else { /* what was written with the first one meets the error as well */
    w->grouped_soon += w->world->now > met_at;
  }
}

/* Is asked for each message of a batch, in order. */
static int inject(void *arg, sim_call call, uint64_t index) {
  watch *w = arg;
  const qm_msg *m = w->msgs;
  bool is_grouped = call == SIM_SEND && qm_msg_count(m) > 1;
  quicmig_tstamp *met_at;

  (void)index;
  if (call != SIM_SEND) {
    return 0;
  }
  w->msgs++;
  w->grouped_tx += is_grouped;
  met_at = &w->met_at[path_of(w, m)];
  if (is_grouped) {
    count_group(w, *met_at);
  }
  if (!is_hit(w, m)) {
    return 0;
  }
  if (m != w->first) { /* ends the batch, and comes again as the first */
    return w->r->err;
  }
  w->hits++;
  w->hit_at = w->world->now;
  if (!*met_at && (is_grouped || !w->r->ends_gso)) {
    *met_at = w->world->now;
    w->met++;
  }
  return w->r->err;
}

static watch *watch_of(void *ctx) { return ((sim_host *)ctx)->fault_arg; }

static int watch_open(void *ctx, const qm_sock_config *c, int *fd,
                      uint32_t *no_offload) {
  watch *w = watch_of(ctx);
  qm_sock_config mine = *c;
  int rv;

  mine.no_offload |= w->lacks;
  rv = w->sim.open(ctx, &mine, fd, no_offload);
  if (rv == 0) {
    w->met_at[*fd] = 0;
  }
  return rv;
}

static int watch_send(void *ctx, int fd, const qm_msg *msgs, size_t n) {
  watch *w = watch_of(ctx);

  w->msgs = w->first = msgs;
  w->fd = fd;
  return w->sim.send(ctx, fd, msgs, n);
}

static int watch_recv(void *ctx, int fd, qm_msg *msgs, size_t n) {
  watch *w = watch_of(ctx);
  int got, i;

  w->roomy += msgs[0].cap > QM_PKT_MAX;
  got = w->sim.recv(ctx, fd, msgs, n);
  for (i = 0; i < got; i++) {
    w->grouped_rx += msgs[i].segment != 0;
  }
  return got;
}

static void watch_init(watch *w, sim_host *h) {
  *w = (watch){.sim = h->net, .world = h->world};
  h->net.open = watch_open;
  h->net.send = watch_send;
  h->net.recv = watch_recv;
  h->fault = inject;
  h->fault_arg = w;
}

static void forget_memory(world *w) {
  w->base = w->held_max = 0;
  w->live_base[0] = w->live_base[1] = w->live_max[0] = w->live_max[1] = 0;
}

static void prepare(world *w) {
  rig *r = &w->r;

  rig_init(r, 11, false);
  sim_line_init(&r->world, &w->line, 5 * MS);
  watch_init(&w->client, &r->client_host);
  watch_init(&w->server, &r->server_host);
  forget_memory(w);
  r->migration.hop_interval = 500 * MS;
  r->migration.hop_quiet = 0;
  r->send_every = 0; /* bursts instead */
  r->size = SIZE;
  r->client_transport.datagram_queue = 4 << 20;
  r->server_transport.datagram_queue = 4 << 20;
}

static void look_at_memory(world *w) {
  const rig_client *c = &w->r.clients[0];
  size_t held = quicmig_memory(quicmig_client_migrator(c->c));
  const size_t live[2] = {c->mem.live, w->r.server_mem.live};
  int i;

  w->base = w->base ? w->base : held;
  held -= w->base;
  w->held_max = held > w->held_max ? held : w->held_max;
  for (i = 0; i < 2; i++) {
    w->live_base[i] = w->live_base[i] ? w->live_base[i] : live[i];
    w->live_max[i] = live[i] > w->live_max[i] ? live[i] : w->live_max[i];
  }
}

static void send_burst(rig_client *c) {
  static uint8_t data[SIZE];
  size_t i;

  for (i = 0; i < BURST; i++) {
    assert_int_equal(quicmig_conn_send_datagram(quicmig_client_conn(c->c), data,
                                                sizeof(data)),
                     0);
    c->sent++;
  }
}

static void load(world *w, int ticks) {
  size_t i;

  for (; ticks; ticks--) {
    for (i = 0; i < w->r.n_clients; i++) {
      send_burst(&w->r.clients[i]);
    }
    rig_run(&w->r, TICK);
    look_at_memory(w);
  }
}

/* Runs with the errors, then a while without new data. */
static void play(world *w, const row *client, const row *server) {
  rig *r = &w->r;

  assert_int_equal(rig_start(r, 1), 0);
  assert_true(r->clients[0].is_connected);
  load(w, 10); /* queues are allocated */
  forget_memory(w);
  w->client.r = client;
  w->server.r = server;
  load(w, TICKS);
  rig_finish(r, 3 * SEC);
  printf("    %llu hops, %llu of %llu lost, held %zu, memory +%zu and +%zu\n",
         (unsigned long long)rig_stats(&r->clients[0]).hops,
         (unsigned long long)rig_lost(r),
         (unsigned long long)r->clients[0].sent, w->held_max,
         w->live_max[0] - w->live_base[0], w->live_max[1] - w->live_base[1]);
  assert_false(r->clients[0].is_closed);
  assert_true(rig_stats(&r->clients[0]).hops >= 3);
  assert_int_equal(rig_lost(r), 0);
  assert_int_equal(quicmig_memory(quicmig_client_migrator(r->clients[0].c)),
                   w->base);
}

static const row rows[] = {
    {"no error", 0, ANY, 0, 0, 0, false},
    {"EIO, the first group", EIO, GROUPED, 0, 1, 0, true},
    {"EIO, the 9th group", EIO, GROUPED, 8, 1, 0, true},
    {"EIO, each group: no checksums", EIO, GROUPED, 0, UINT64_MAX, 0, true},
    {"EINVAL, the 9th group", EINVAL, GROUPED, 8, 1, 0, true},
    {"EINVAL, each group", EINVAL, GROUPED, 0, UINT64_MAX, 0, true},
    {"EIO, whatever is marked", EIO, MARKED, 0, UINT64_MAX, 0, true},
    {"EAGAIN, the first", EAGAIN, ANY, 0, 1, 0, false},
    {"EAGAIN, the 9th", EAGAIN, ANY, 8, 1, 0, false},
    {"EAGAIN, the 9th to 19th", EAGAIN, ANY, 8, 11, 0, false},
    {"ECONNREFUSED, the 9th", ECONNREFUSED, ANY, 8, 1, 0, false},
    {"ENOBUFS, the 9th", ENOBUFS, ANY, 8, 1, 0, false},
    {"ENOBUFS, the 9th group", ENOBUFS, GROUPED, 8, 1, 0, false},
    {"EAGAIN, 50 ms of 300", EAGAIN, ANY, 0, 0, 300 * MS, false},
    {"ENOBUFS, 50 ms of 300", ENOBUFS, ANY, 0, 0, 300 * MS, false},
};

/* What every row wants of the end that met the errors. */
static void check(const world *w, const watch *end, const row *r) {
  bool is_client = end == &w->client;

  assert_true(end->grouped_tx > 0);
  assert_true(w->client.grouped_rx > 0 && w->server.grouped_rx > 0);
  assert_int_equal(end->met > 0, r->err != 0);
  if (r->ends_gso) {
    /* The paths of a client share one clock; without marks all is well. */
    assert_true(end->grouped_soon <= (is_client ? 2 : 0) ||
                r->victim == MARKED);
    assert_true(end->grouped_elsewhere > 0);
  } else if (r->err) {
    assert_true(end->grouped_soon + end->grouped_late > 0);
  }
  if (r->ends_gso && r->count == UINT64_MAX) {
    assert_true(end->met >= 3); /* each new path tries */
  }
  if (r->count <= 1 || !is_client) { /* what is refused often may wait */
    assert_int_equal(w->held_max > 0, r->period && is_client);
  }
  assert_true(w->held_max <= HOLD_MAX);
  assert_true(w->live_max[0] <= w->live_base[0] + HOLD_MAX + UNDER_WAY);
  assert_true(w->live_max[1] <= w->live_base[1] + UNDER_WAY);
}

static void play_row(const row *r, bool is_client) {
  static world w;

  printf("row: %s, %s\n", is_client ? "client" : "server", r->name);
  prepare(&w);
  play(&w, is_client ? r : NULL, is_client ? NULL : r);
  check(&w, is_client ? &w.client : &w.server, r);
  rig_reset(&w.r);
}

static void test_client(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    play_row(&rows[i], true);
  }
}

static void test_server(void **state) {
  size_t i;

  (void)state;
  for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    if (rows[i].err != ECONNREFUSED) { /* its socket is not connected */
      play_row(&rows[i], false);
    }
  }
}

/* An MTU probe that the device does not take, alone or as the first of a
 * message, says nothing about GSO. */
static void test_probes(void **state) {
  static const row r = {
      "EMSGSIZE, MTU probes", EMSGSIZE, LARGE, 0, UINT64_MAX, 0, false};

  (void)state;
  play_row(&r, true);
  play_row(&r, false);
}

static void check_without(const watch *w, uint32_t no_offload) {
  assert_int_equal(w->grouped_tx > 0, !(no_offload & QUICMIG_NO_GSO));
  assert_int_equal(w->grouped_rx > 0, !(no_offload & QUICMIG_NO_GRO));
  assert_true(w->roomy > 0 || (no_offload & QUICMIG_NO_GRO));
}

/* The client by its options, the server by what its kernel lacks. */
static void test_without(void **state) {
  uint32_t client, server;
  static world w;

  (void)state;
  for (client = 0; client < 4; client++) {
    for (server = 0; server < 4; server++) {
      printf("row: without %u and %u\n", client, server);
      prepare(&w);
      w.r.migration.no_offload = client;
      w.server.lacks = server;
      play(&w, NULL, NULL);
      check_without(&w.client, client);
      check_without(&w.server, server);
      rig_reset(&w.r);
    }
  }
}

/* What the way to one client refuses, the others keep; and it is asked again
 * after one, two, four, ... seconds. */
static void test_one_client(void **state) {
  static const row bad = {
      "EINVAL, the groups of one", EINVAL, ONE, 0, UINT64_MAX, 0, true};
  static world w;
  watch *s = &w.server;
  uint64_t before;

  (void)state;
  prepare(&w);
  w.r.migration.hop_interval = 0;
  assert_int_equal(rig_start(&w.r, 2), 0);
  load(&w, 10);
  s->one = rig_port(&w.r.clients[0]);
  s->r = &bad;
  load(&w, 500); /* 10 s */
  printf("    refused %llu, to the other %llu groups\n",
         (unsigned long long)s->hits, (unsigned long long)s->grouped_elsewhere);
  assert_int_equal(s->met, 1);
  assert_int_equal(s->grouped_soon, 0);
  assert_in_range(s->hits, 3, 10); /* at 0, 1, 3, 7 s, one or two messages */
  assert_true(s->grouped_elsewhere > 400);
  s->r = NULL; /* the next try, 8 s after the last one, is taken */
  load(&w, 450);
  assert_true(w.r.world.now > s->hit_at + 8 * SEC);
  before = s->grouped_late;
  load(&w, 50);
  assert_true(s->grouped_late >= before + 40);
  rig_finish(&w.r, SEC);
  assert_int_equal(rig_lost(&w.r), 0);
  rig_reset(&w.r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_client), cmocka_unit_test(test_server),
      cmocka_unit_test(test_probes), cmocka_unit_test(test_one_client),
      cmocka_unit_test(test_without)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
