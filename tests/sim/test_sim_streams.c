/* Streams between a client and a server of the endpoint library: limits, flow
 * control, resets (RFC 9000 sections 2 to 4). */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define KIB 1024u

/* What one side saw of a stream, by stream ID / 4. */
typedef struct seen {
  quicmig_stream *s;
  uint64_t opened, got, fins, closed, code;
  bool is_bad;
} seen;

typedef struct side {
  seen streams[64];
  bool keeps; /* does not consume */
} side;

static struct world {
  rig r;
  sim_line line;
  side sides[2]; /* client, server */
} w;

static side *side_of(void *user_data) {
  return &w.sides[user_data == &w.r ? 1 : 0];
}

static seen *look(void *user_data, quicmig_stream *s) {
  seen *x = &side_of(user_data)->streams[quicmig_stream_id(s) / 4];

  x->s = s;
  return x;
}

static uint8_t pattern(int64_t id, uint64_t i) {
  return (uint8_t)((uint64_t)id * 7 + i + (i >> 8));
}

static void on_open(quicmig_conn *c, quicmig_stream *s, void *user_data) {
  (void)c;
  look(user_data, s)->opened++;
}

static void on_data(quicmig_conn *c, quicmig_stream *s, const uint8_t *data,
                    size_t len, int fin, void *user_data) {
  seen *x = look(user_data, s);
  size_t i;

  (void)c;
  for (i = 0; i < len; i++) {
    x->is_bad |= data[i] != pattern(quicmig_stream_id(s), x->got + i);
  }
  x->got += len;
  x->fins += fin != 0;
  if (!side_of(user_data)->keeps) {
    quicmig_stream_consume(s, len);
  }
  if (fin) { /* answers a bidirectional one; refused on the others */
    (void)quicmig_stream_finish(s);
  }
}

static void on_stream_closed(quicmig_conn *c, quicmig_stream *s, uint64_t code,
                             void *user_data) {
  seen *x = look(user_data, s);

  (void)c;
  x->closed++;
  x->code = code;
  x->s = NULL;
}

static void by_hand(rig *r, quicmig_conn_callbacks *cb, bool is_server) {
  (void)r;
  (void)is_server;
  cb->stream_open = on_open;
  cb->stream_data = on_data;
  cb->stream_writable = NULL;
  cb->stream_closed = on_stream_closed;
}

static void prepare(void) {
  memset(w.sides, 0, sizeof(w.sides));
  rig_init(&w.r, 0, false);
  sim_line_init(&w.r.world, &w.line, 10 * MS);
  w.r.on_callbacks = by_hand;
  w.r.send_every = 0;
}

static quicmig_conn *client_conn(void) {
  return quicmig_client_conn(w.r.clients[0].c);
}

static void write_pattern(quicmig_stream *s, size_t len) {
  uint8_t data[8192];
  size_t i;

  for (i = 0; i < len; i++) {
    data[i] = pattern(quicmig_stream_id(s), i);
  }
  assert_int_equal(quicmig_stream_write(s, data, len), len);
}

#define LIMIT 20

/* RFC 9000 section 4.6: as many at once as the peer allows, no more; what has
 * ended gives its place back. */
static void streams_of(bool by_server, int is_bidi) {
  side *to = &w.sides[by_server ? 0 : 1], *from = &w.sides[by_server ? 1 : 0];
  quicmig_stream *s;
  quicmig_conn *c;
  size_t i, round;

  prepare();
  w.r.client_transport.max_streams_bidi = LIMIT;
  w.r.client_transport.max_streams_uni = LIMIT;
  w.r.server_transport.max_streams_bidi = LIMIT;
  w.r.server_transport.max_streams_uni = LIMIT;
  assert_int_equal(rig_start(&w.r, 1), 0);
  c = by_server ? w.r.server_conn : client_conn();
  for (round = 0; round < 2; round++) {
    for (i = 0; i < LIMIT; i++) {
      assert_int_equal(quicmig_conn_open_stream(c, is_bidi, &s), 0);
      write_pattern(s, 5000);
      assert_int_equal(quicmig_stream_finish(s), 0);
      assert_int_equal(quicmig_stream_finish(s), QUICMIG_ERR_INVALID_STATE);
      assert_int_equal(quicmig_stream_write(s, (const uint8_t *)"", 1),
                       QUICMIG_ERR_INVALID_STATE);
    }
    assert_int_equal(quicmig_conn_open_stream(c, is_bidi, &s),
                     QUICMIG_ERR_LIMIT);
    rig_run(&w.r, 2 * SEC);
  }
  for (i = 0; i < 2 * LIMIT; i++) {
    assert_int_equal(to->streams[i].opened, 1);
    assert_int_equal(to->streams[i].got, 5000);
    assert_int_equal(to->streams[i].fins, 1);
    assert_false(to->streams[i].is_bad);
    assert_int_equal(to->streams[i].closed, 1);
    assert_true(to->streams[i].code == QUICMIG_NEVER);
    assert_int_equal(from->streams[i].closed, 1);
    assert_int_equal(from->streams[i].fins, is_bidi);
  }
  rig_reset(&w.r);
}

static void test_streams(void **state) {
  int k;

  (void)state;
  for (k = 0; k < 4; k++) {
    printf("row: by the %s, %sdirectional\n", k & 1 ? "server" : "client",
           k & 2 ? "bi" : "uni");
    streams_of(k & 1, (k & 2) != 0);
  }
}

/* Writes what is taken; returns how much that was. */
static uint64_t fill(quicmig_stream *s, uint64_t at, uint64_t total) {
  uint64_t begin = at;
  uint8_t data[1000];
  int64_t n = 1;
  size_t i;

  while (n > 0 && at < total) {
    for (i = 0; i < sizeof(data); i++) {
      data[i] = pattern(quicmig_stream_id(s), at + i);
    }
    n = quicmig_stream_write(
        s, data, total - at < sizeof(data) ? total - at : sizeof(data));
    assert_true(n >= 0);
    at += (uint64_t)n;
  }
  return at - begin;
}

/* The reader consumes again: everything arrives. */
static void go_on(quicmig_stream *s, uint64_t written, uint64_t total) {
  seen *at = &w.sides[1].streams[0];
  uint64_t consumed = 0;

  while (at->got < total && w.r.world.now < 300 * SEC) {
    quicmig_stream_consume(at->s, at->got - consumed);
    consumed = at->got;
    rig_run(&w.r, 200 * MS);
    written += fill(s, written, total);
  }
  assert_int_equal(written, total);
  assert_int_equal(at->got, total);
  assert_false(at->is_bad);
}

/* RFC 9000 section 4.1: who does not consume stops the sender, at a bounded
 * cost on both sides, for as long as it takes. */
static void flow_row(uint32_t stream_window, uint32_t conn_window) {
  uint32_t window = stream_window < conn_window ? stream_window : conn_window;
  seen *at = &w.sides[1].streams[0];
  uint64_t total = 1000 * KIB, written;
  size_t live[2];
  quicmig_stream *s;

  prepare();
  w.sides[1].keeps = true;
  w.r.server_transport.stream_window = stream_window;
  w.r.server_transport.connection_window = conn_window;
  w.r.client_transport.stream_buffer = 64 * KIB;
  w.r.client_transport.keep_alive = 5 * SEC;
  assert_int_equal(rig_start(&w.r, 1), 0);
  assert_int_equal(quicmig_conn_open_stream(client_conn(), 1, &s), 0);
  written = fill(s, 0, total);
  assert_int_equal(written, 64 * KIB);
  rig_run(&w.r, 2 * SEC);
  written += fill(s, written, total);
  rig_run(&w.r, 2 * SEC);
  assert_int_equal(at->got, window);
  assert_int_equal(written, window + 64 * KIB);
  assert_int_equal(quicmig_stream_write(s, (const uint8_t *)"", 1), 0);
  assert_int_equal(quicmig_stream_room(s), 0);
  live[0] = w.r.clients[0].mem.live;
  live[1] = w.r.server_mem.live;
  rig_run(&w.r, 60 * SEC);
  assert_int_equal(at->got, window);
  assert_in_range(w.r.clients[0].mem.live, 0, live[0] + KIB);
  assert_in_range(w.r.server_mem.live, 0, live[1] + KIB);
  go_on(s, written, total);
  rig_reset(&w.r);
}

static void test_flow_control(void **state) {
  (void)state;
  printf("row: the stream's window\n");
  flow_row(32 * KIB, 1024 * KIB);
  printf("row: the connection's window\n");
  flow_row(256 * KIB, 48 * KIB);
}

/* What a dead stream had not consumed counts no more against the connection. */
static void test_reset_gives_the_window_back(void **state) {
  quicmig_stream *s;
  uint64_t n;

  (void)state;
  prepare();
  w.sides[1].keeps = true;
  w.r.server_transport.connection_window = 32 * KIB;
  assert_int_equal(rig_start(&w.r, 1), 0);
  for (n = 0; n < 5; n++) {
    assert_int_equal(quicmig_conn_open_stream(client_conn(), 1, &s), 0);
    assert_int_equal(fill(s, 0, 100 * KIB), 100 * KIB);
    rig_run(&w.r, SEC);
    assert_int_equal(w.sides[1].streams[n].got, 32 * KIB);
    quicmig_stream_reset(s, 5);
    rig_run(&w.r, SEC);
  }
  rig_reset(&w.r);
}

/* RFC 9000 section 3.5: both directions end, both sides learn the code. */
static void test_reset(void **state) {
  int by_server;

  (void)state;
  for (by_server = 0; by_server < 2; by_server++) {
    quicmig_stream *s;
    seen *x;
    size_t i;

    printf("row: by the %s\n", by_server ? "server" : "client");
    prepare();
    assert_int_equal(rig_start(&w.r, 1), 0);
    assert_int_equal(quicmig_conn_open_stream(client_conn(), 1, &s), 0);
    write_pattern(s, 3000);
    rig_run(&w.r, 500 * MS);
    x = &w.sides[by_server].streams[0];
    quicmig_stream_reset(by_server ? x->s : s, 0x1234567);
    assert_int_equal(
        quicmig_stream_write(by_server ? x->s : s, (const uint8_t *)"", 1),
        QUICMIG_ERR_INVALID_STATE);
    rig_run(&w.r, 500 * MS);
    for (i = 0; i < 2; i++) {
      assert_int_equal(w.sides[i].streams[0].closed, 1);
      assert_int_equal(w.sides[i].streams[0].code, 0x1234567);
    }
    assert_false(w.r.clients[0].is_closed);
    rig_reset(&w.r);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_streams),
      cmocka_unit_test(test_flow_control),
      cmocka_unit_test(test_reset_gives_the_window_back),
      cmocka_unit_test(test_reset),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
