/* Streams that borrow: memory is read until it is acknowledged or the stream is
 * closed, and never again. */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define FORBID(p, n) __asan_poison_memory_region(p, n)
#define ALLOW(p, n) __asan_unpoison_memory_region(p, n)
#else
#define FORBID(p, n) (void)(p), (void)(n)
#define ALLOW(p, n) (void)(p), (void)(n)
#endif

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))
#define KIB 1024u
#define TOTAL (600 * KIB)

static uint8_t memory[TOTAL];

static struct world {
  rig r;
  sim_line line;
  quicmig_stream *s; /* NULL: closed */
  size_t total, lent, acked, partial, pieces;
  uint64_t got, fins, closed, peer_closed; /* the peer's, and the lender's */
  bool is_bad;
  quicmig_stream *peer;
} w;

static uint8_t pattern(size_t i) { return (uint8_t)(i * 7 + (i >> 8)); }

/* Handed back: whoever reads it now finds something else, or is caught. */
static void spoil(size_t from, size_t to) {
  memset(memory + from, 0xEE, to - from);
  FORBID(memory + from, to - from);
}

/* Lends pieces of random lengths until one is not taken. */
static void feed(void) {
  int64_t n = 1;

  while (w.s && w.lent < w.total && n > 0) {
    size_t len = (size_t)qm_rng_range(&w.r.world.rng, 1, 20000);

    len = len < w.total - w.lent ? len : w.total - w.lent;
    n = quicmig_stream_lend(w.s, memory + w.lent, len);
    assert_true(n >= 0 && (size_t)n <= len);
    w.partial += n > 0 && (size_t)n < len;
    w.pieces += n > 0;
    w.lent += (size_t)n;
    if (w.lent == w.total) {
      assert_int_equal(quicmig_stream_finish(w.s), 0);
    }
  }
}

static void on_acked(quicmig_conn *c, quicmig_stream *s, size_t acked,
                     void *user_data) {
  (void)c;
  (void)user_data;
  assert_ptr_equal(s, w.s);
  assert_true(w.acked + acked <= w.lent);
  spoil(w.acked, w.acked + acked);
  w.acked += acked;
  feed();
}

static void on_data(quicmig_conn *c, quicmig_stream *s, const uint8_t *data,
                    size_t len, int fin, void *user_data) {
  size_t i;

  (void)c;
  (void)user_data;
  w.peer = s;
  for (i = 0; i < len; i++) {
    w.is_bad |= data[i] != pattern(w.got + i);
  }
  w.got += len;
  w.fins += fin != 0;
  quicmig_stream_consume(s, len);
}

static void on_closed(quicmig_conn *c, quicmig_stream *s, uint64_t code,
                      void *user_data) {
  (void)c;
  (void)code;
  (void)user_data;
  if (s == w.s) {
    spoil(w.acked, w.lent);
    w.closed++;
    w.s = NULL;
  } else {
    w.peer_closed++;
    w.peer = NULL;
  }
}

static void on_callbacks(rig *r, quicmig_conn_callbacks *cb, bool is_server) {
  (void)r;
  (void)is_server;
  cb->stream_data = on_data;
  cb->stream_writable = on_acked;
  cb->stream_closed = on_closed;
}

static void prepare(void) {
  size_t i;

  ALLOW(memory, sizeof(memory));
  for (i = 0; i < sizeof(memory); i++) {
    memory[i] = pattern(i);
  }
  memset(&w, 0, sizeof(w));
  rig_init(&w.r, 0, false);
  sim_line_init(&w.r.world, &w.line, 10 * MS);
  w.r.on_callbacks = on_callbacks;
  w.r.send_every = 0;
  w.r.migration.hop_interval = 0;
  w.r.client_transport.stream_buffer = 64 * KIB;
  w.r.server_transport.stream_buffer = 64 * KIB;
}

static quicmig_conn *client_conn(void) {
  return quicmig_client_conn(w.r.clients[0].c);
}

static void start(bool by_server) {
  quicmig_conn *c;

  assert_int_equal(rig_start(&w.r, 1), 0);
  c = by_server ? w.r.server_conn : client_conn();
  assert_int_equal(quicmig_conn_open_stream(c, 0, &w.s), 0);
}

static void finish(void) {
  rig_reset(&w.r);
  ALLOW(memory, sizeof(memory));
}

typedef struct row {
  const char *name;
  bool by_server;
  uint32_t loss_ppm, reorder_ppm, duplicate_ppm;
  quicmig_duration hop_interval;
  uint32_t mode;
} row;

static void transfer(const row *t) {
  size_t i;

  prepare();
  for (i = 0; i < 2; i++) {
    w.line.side[i].loss_ppm = t->loss_ppm;
    w.line.side[i].reorder_ppm = t->reorder_ppm;
    w.line.side[i].duplicate_ppm = t->duplicate_ppm;
    w.line.side[i].keeps_order = t->reorder_ppm == 0;
    w.line.side[i].rate = 4000000;
  }
  w.r.migration.hop_interval = t->hop_interval;
  w.r.migration.hop_mode = t->mode;
  w.total = TOTAL;
  start(t->by_server);
  feed();
  assert_int_equal(quicmig_stream_room(w.s), 0);
  for (i = 0; i < 100 && w.closed == 0; i++) {
    rig_run(&w.r, SEC);
  }
  assert_int_equal(w.acked, TOTAL);
  assert_int_equal(w.closed, 1);
  assert_int_equal(w.got, TOTAL);
  assert_int_equal(w.fins, 1);
  assert_false(w.is_bad);
  assert_true(w.partial > 1 && w.pieces > TOTAL / 20000);
  if (t->hop_interval) {
    assert_true(rig_stats(&w.r.clients[0]).hops >= 2);
  }
  finish();
}

static void test_transfers(void **state) {
  static const row rows[] = {
      {"clean", false, 0, 0, 0, 0, 0},
      {"clean, by the server", true, 0, 0, 0, 0, 0},
      {"loss", false, 30000, 0, 0, 0, 0},
      {"loss, by the server", true, 30000, 0, 0, 0, 0},
      {"reordered and doubled", false, 0, 30000, 50000, 0, 0},
      {"hops", false, 0, 0, 0, 300 * MS, QUICMIG_MODE_MIGRATE},
      {"hops and loss", false, 20000, 10000, 0, 500 * MS, QUICMIG_MODE_MIGRATE},
      {"hops, loss, by the server", true, 20000, 10000, 0, 500 * MS,
       QUICMIG_MODE_MIGRATE},
      {"rebinds and loss", false, 20000, 0, 0, 500 * MS, QUICMIG_MODE_REBIND},
  };
  size_t i;

  (void)state;
  for (i = 0; i < COUNT_OF(rows); i++) {
    printf("row: %s\n", rows[i].name);
    transfer(&rows[i]);
  }
}

/* Two limits: bytes and pieces. */
static void test_limits(void **state) {
  size_t i;

  (void)state;
  prepare();
  start(false);
  assert_int_equal(quicmig_stream_lend(w.s, memory, 100 * KIB), 64 * KIB);
  assert_int_equal(quicmig_stream_room(w.s), 0);
  assert_int_equal(quicmig_stream_lend(w.s, memory + 64 * KIB, 1), 0);
  w.lent = w.total = 64 * KIB;
  rig_run(&w.r, 2 * SEC);
  assert_int_equal(w.acked, 64 * KIB);
  assert_int_equal(quicmig_stream_room(w.s), 64 * KIB);
  for (i = 0; i < 64; i++) {
    assert_int_equal(quicmig_stream_lend(w.s, memory + w.lent, 10), 10);
    w.lent += 10;
  }
  assert_int_equal(quicmig_stream_lend(w.s, memory + w.lent, 10), 0);
  assert_int_equal(quicmig_stream_room(w.s), 64 * KIB - 640);
  w.total = w.lent;
  rig_run(&w.r, SEC);
  assert_int_equal(w.acked, w.total);
  assert_int_equal(quicmig_stream_lend(w.s, memory + w.lent, 10), 10);
  w.lent += 10;
  assert_int_equal(quicmig_stream_finish(w.s), 0);
  rig_run(&w.r, SEC);
  assert_int_equal(w.got, w.lent);
  assert_false(w.is_bad);
  assert_int_equal(w.closed, 1);
  finish();
}

static void test_refusals(void **state) {
  uint8_t data[9] = {0};
  quicmig_stream *s;

  (void)state;
  prepare();
  start(false);
  /* Out of memory: nothing is decided yet. */
  w.r.clients[0].mem.fail_at = w.r.clients[0].mem.calls;
  assert_int_equal(quicmig_stream_lend(w.s, memory, 9), QUICMIG_ERR_NOMEM);
  assert_int_equal(quicmig_stream_lend(w.s, memory, 9), 9);
  assert_int_equal(quicmig_stream_write(w.s, data, 9),
                   QUICMIG_ERR_INVALID_STATE);
  w.lent = w.total = 9;
  rig_run(&w.r, 100 * MS);
  assert_int_equal(quicmig_stream_lend(w.peer, data, 9), /* to be read only */
                   QUICMIG_ERR_INVALID_STATE);
  assert_int_equal(quicmig_stream_finish(w.s), 0);
  assert_int_equal(quicmig_stream_lend(w.s, data, 9),
                   QUICMIG_ERR_INVALID_STATE);
  assert_int_equal(quicmig_conn_open_stream(client_conn(), 1, &s), 0);
  assert_int_equal(quicmig_stream_write(s, data, 9), 9);
  assert_int_equal(quicmig_stream_lend(s, data, 9), QUICMIG_ERR_INVALID_STATE);
  quicmig_stream_reset(s, 1);
  assert_int_equal(quicmig_conn_open_stream(client_conn(), 1, &s), 0);
  quicmig_stream_reset(s, 1);
  assert_int_equal(quicmig_stream_lend(s, data, 9), QUICMIG_ERR_INVALID_STATE);
  assert_int_equal(quicmig_conn_open_stream(client_conn(), 1, &s), 0);
  quicmig_conn_close(client_conn(), 0, NULL);
  assert_int_equal(quicmig_stream_lend(s, data, 9), QUICMIG_ERR_CLOSED);
  rig_run(&w.r, SEC);
  finish();
}

/* How the stream or the connection ends while pieces are lent and sent. */
typedef enum end {
  BY_LENDER,
  BY_PEER,
  CONN_CLOSED,
  CONN_CLOSED_BY_PEER,
  CONN_IDLE,
  CLIENT_FREED,
  ENDS
} end;

static void end_now(end e) {
  switch (e) {
  case BY_LENDER:
    quicmig_stream_reset(w.s, 7);
    break;
  case BY_PEER:
    assert_non_null(w.peer);
    quicmig_stream_reset(w.peer, 7);
    break;
  case CONN_CLOSED:
    quicmig_conn_close(client_conn(), 7, "enough");
    break;
  case CONN_CLOSED_BY_PEER:
    quicmig_conn_close(w.r.server_conn, 7, "enough");
    break;
  case CONN_IDLE:
    w.line.side[0].loss_ppm = w.line.side[1].loss_ppm = 1000000;
    break;
  case CLIENT_FREED:
    quicmig_client_free(w.r.clients[0].c);
    w.r.n_clients = 0;
    spoil(w.acked, w.lent);
    break;
  case ENDS:
    break;
  }
}

static void test_ends_while_lent(void **state) {
  end e;

  (void)state;
  for (e = BY_LENDER; e < ENDS; e++) {
    printf("row: %d\n", (int)e);
    prepare();
    w.line.side[SIM_UP].rate = 1000000;
    w.line.side[SIM_UP].loss_ppm = 50000;
    start(false);
    w.total = TOTAL;
    feed();
    rig_run(&w.r, 300 * MS);
    assert_true(w.got > 0 && w.acked < w.lent);
    w.total = w.lent; /* no more */
    end_now(e);
    rig_run(&w.r, 90 * SEC);
    assert_int_equal(w.closed, e != CLIENT_FREED);
    assert_false(w.is_bad);
    assert_true(w.got < TOTAL);
    finish();
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_transfers),
      cmocka_unit_test(test_limits),
      cmocka_unit_test(test_refusals),
      cmocka_unit_test(test_ends_while_lent),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
