/* A client that only receives has nothing of its own in flight: it asks with a
 * PING when the stream stops, hops if that is not answered, and is silent when
 * the stream has simply ended. */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* A silence that follows one within the hour is waited for. */
#define PATIENT (5 * SEC)

static struct world {
  rig r;
  sim_line line;
  sim_filter filter;
  quicmig_stream *stream;    /* the server's */
  uint64_t wanted, written;  /* by the server */
  uint64_t received;         /* by the client */
  quicmig_tstamp last;       /* when */
  bool is_dead[65536];       /* the client's ports that lead nowhere */
  bool in[2];                /* directions */
  uint64_t up;               /* datagrams that the client sent */
  uint64_t reasons[16], bad; /* hops */
} w;

static bool drops(void *arg, const sim_pkt *p) {
  (void)arg;
  w.up += p->dir == SIM_UP;
  return w.in[p->dir] && w.is_dead[sim_client_port(p)];
}

static void fill(void) {
  static const uint8_t data[16384];
  int64_t n = 1;

  while (w.stream && w.written < w.wanted && n > 0) {
    uint64_t left = w.wanted - w.written;

    n = quicmig_stream_write(w.stream, data,
                             left < sizeof(data) ? left : sizeof(data));
    w.written += n > 0 ? (uint64_t)n : 0;
  }
}

static void begin(quicmig_conn *c, void *user_data) {
  ((rig *)user_data)->server_conn = c;
  assert_int_equal(quicmig_conn_open_stream(c, 1, &w.stream), 0);
  fill();
}

static void go_on(quicmig_conn *c, quicmig_stream *s, size_t acked,
                  void *user_data) {
  (void)c;
  (void)s;
  (void)acked;
  (void)user_data;
  fill();
}

static void receive(quicmig_conn *c, quicmig_stream *s, const uint8_t *data,
                    size_t len, int fin, void *user_data) {
  (void)c;
  (void)data;
  (void)fin;
  (void)user_data;
  w.received += len;
  w.last = w.r.world.now;
  quicmig_stream_consume(s, len);
}

static void on_callbacks(rig *r, quicmig_conn_callbacks *cb, bool is_server) {
  (void)r;
  if (is_server) {
    cb->connected = begin;
    cb->stream_writable = go_on;
  } else {
    cb->stream_data = receive;
  }
}

static void on_hop(rig_client *c, const quicmig_hop_record *h) {
  (void)c;
  w.reasons[h->reason] += h->result == 0;
  w.bad += h->result != 0;
}

static rig_client *start(uint64_t wanted) {
  rig *r = &w.r;

  rig_init(r, 0, false);
  sim_filter_init(&r->world, &w.filter, drops, NULL);
  sim_line_init(&r->world, &w.line, 15 * MS);
  w.wanted = wanted;
  r->send_every = 0;
  r->client_transport.idle_timeout = 600 * SEC;
  r->server_transport.idle_timeout = 600 * SEC;
  r->on_callbacks = on_callbacks;
  r->on_hop = on_hop;
  return &r->clients[0];
}

typedef struct row {
  const char *name;
  uint32_t mode;
  bool up, down;
  uint64_t rate; /* of the line, bits a second; 0: bursts of a window */
} row;

static const row rows[] = {
    {"migrate, both", QUICMIG_MODE_MIGRATE, true, true, 0},
    {"migrate, down", QUICMIG_MODE_MIGRATE, false, true, 0},
    {"migrate, up", QUICMIG_MODE_MIGRATE, true, false, 0},
    {"migrate, both, 50 Mbit/s", QUICMIG_MODE_MIGRATE, true, true, 50000000},
    {"migrate, both, 10 Mbit/s", QUICMIG_MODE_MIGRATE, true, true, 10000000},
    {"migrate, both, 2 Mbit/s", QUICMIG_MODE_MIGRATE, true, true, 2000000},
    {"rebind, both", QUICMIG_MODE_REBIND, true, true, 0},
    {"rebind, down", QUICMIG_MODE_REBIND, false, true, 0},
};

/* Three times in a download, a minute apart. */
static void download_row(const row *t) {
  rig_client *c;
  quicmig_duration gap;
  int i;

  memset(&w, 0, sizeof(w));
  w.in[SIM_UP] = t->up;
  w.in[SIM_DOWN] = t->down;
  c = start(UINT64_MAX);
  w.r.migration.hop_mode = t->mode;
  w.line.side[SIM_DOWN].rate = t->rate;
  w.line.side[SIM_DOWN].queue = t->rate > 5000000 ? 50 : 10;
  assert_int_equal(rig_start(&w.r, 1), 0);
  for (i = 0; i < 3; i++) {
    uint64_t before = w.received;

    rig_run(&w.r, 7 * SEC);
    assert_true(w.received > before + 500000);
    w.is_dead[rig_port(c)] = true;
    before = w.reasons[QUICMIG_REASON_DEGRADED];
    rig_run(&w.r, 100 * MS); /* what was under way has come */
    gap = w.last;
    while (w.last == gap && w.r.world.now < gap + 20 * SEC) {
      rig_run(&w.r, 10 * MS);
    }
    gap = w.r.world.now - gap;
    printf("%s: %llu ms\n", t->name, (unsigned long long)(gap / MS));
    /* So few packets of its own prove no alarm: the next one waits longer. */
    assert_true(gap <= (i == 0 ? SEC : PATIENT));
    assert_true(w.reasons[QUICMIG_REASON_DEGRADED] > before);
  }
  assert_false(c->is_closed);
  assert_true(rig_stats(c).hops <= 6);
  rig_reset(&w.r);
}

static void test_path_dies(void **state) {
  size_t i;

  (void)state;
  for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    printf("row: %s\n", rows[i].name);
    download_row(&rows[i]);
  }
}

typedef struct idle_row {
  const char *name;
  uint32_t degrade_ptos;
  quicmig_duration keep_alive;
  uint64_t lo, hi; /* datagrams of the client in the minute after the end */
} idle_row;

static const idle_row idle_rows[] = {
    {"asks a few times", 2, 0, 1, 6},
    {"not asked to", 0, 0, 0, 0},
    {"keep_alive goes on", 2, SEC, 50, 120},
    {"keep_alive alone", 0, SEC, 50, 120},
};

/* The end of a download is followed by a few PINGs, and then by nothing. */
static void test_idle(void **state) {
  const idle_row *t;
  uint64_t late;

  (void)state;
  for (t = idle_rows; t < idle_rows + 4; t++) {
    rig_client *c;

    printf("row: %s\n", t->name);
    memset(&w, 0, sizeof(w));
    c = start(1000000);
    w.r.migration.degrade_ptos = t->degrade_ptos;
    w.r.client_transport.keep_alive = t->keep_alive;
    assert_int_equal(rig_start_server(&w.r), 0);
    assert_int_equal(rig_start_client(&w.r), 0);
    while (w.received < w.wanted) {
      rig_run(&w.r, MS);
    }
    rig_run(&w.r, 50 * MS); /* the last acknowledgement */
    w.up = 0;
    rig_run(&w.r, 2 * SEC);
    late = w.up;
    rig_run(&w.r, 58 * SEC);
    late = w.up - late;
    printf("%llu datagrams, %llu of them late\n", (unsigned long long)w.up,
           (unsigned long long)late);
    assert_in_range(w.up, t->lo, t->hi);
    assert_true(t->keep_alive || late == 0);
    assert_int_equal(rig_stats(c).hops + w.bad, 0);
    rig_reset(&w.r);
  }
}

/* A slow stream, a packet a second: a few PINGs for each at most. */
static void test_trickle(void **state) {
  rig_client *c;
  int i;

  (void)state;
  memset(&w, 0, sizeof(w));
  c = start(1000);
  assert_int_equal(rig_start(&w.r, 1), 0);
  rig_run(&w.r, 5 * SEC);
  w.up = 0;
  for (i = 0; i < 60; i++) {
    w.wanted += 1000;
    fill();
    rig_run(&w.r, SEC);
  }
  printf("%llu datagrams for 60\n", (unsigned long long)w.up);
  assert_int_equal(w.received, w.wanted);
  assert_in_range(w.up, 60, 60 * 4);
  assert_int_equal(rig_stats(c).hops + w.bad, 0);
  rig_reset(&w.r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_path_dies),
      cmocka_unit_test(test_idle),
      cmocka_unit_test(test_trickle),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
