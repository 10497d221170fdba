/* A stream lent in many small pieces and finished at once: all of it arrives,
 * and its end with the last byte. */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct world {
  rig r;
  sim_line line;
  uint64_t got, fins;
  bool is_bad;
} w;

static uint8_t memory[8192];

static void on_data(quicmig_conn *c, quicmig_stream *s, const uint8_t *data,
                    size_t len, int fin, void *user_data) {
  (void)c;
  (void)user_data;
  w.is_bad |= w.fins != 0 || memcmp(data, memory + w.got, len) != 0;
  w.got += len;
  w.fins += fin != 0;
  quicmig_stream_consume(s, len);
}

static void on_callbacks(rig *r, quicmig_conn_callbacks *cb, bool is_server) {
  (void)r;
  if (is_server) {
    cb->stream_data = on_data;
  }
}

static void test_small_pieces(void **state) {
  static const struct {
    const char *name;
    size_t pieces, each;
  } rows[] = {{"one byte", 1, 1},
              {"as many as are shown at once", 8, 50},
              {"one more", 9, 50},
              {"many, of less than a packet", 20, 50},
              {"all there may be, of one byte", 64, 1},
              {"all there may be", 64, 100},
              {"each a packet's rest", 5, 1400}};
  size_t i, k;

  (void)state;
  for (i = 0; i < sizeof(memory); i++) {
    memory[i] = (uint8_t)(i * 7 + (i >> 8));
  }
  for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    quicmig_stream *s;

    printf("row: %s\n", rows[i].name);
    memset(&w, 0, sizeof(w));
    rig_init(&w.r, 0, false);
    sim_line_init(&w.r.world, &w.line, 10 * MS);
    w.r.send_every = 0;
    w.r.on_callbacks = on_callbacks;
    assert_int_equal(rig_start(&w.r, 1), 0);
    assert_int_equal(
        quicmig_conn_open_stream(quicmig_client_conn(w.r.clients[0].c), 0, &s),
        0);
    for (k = 0; k < rows[i].pieces; k++) {
      assert_int_equal(
          quicmig_stream_lend(s, memory + k * rows[i].each, rows[i].each),
          rows[i].each);
    }
    assert_int_equal(quicmig_stream_finish(s), 0);
    rig_run(&w.r, SEC);
    assert_int_equal(w.got, rows[i].pieces * rows[i].each);
    assert_int_equal(w.fins, 1);
    assert_false(w.is_bad);
    rig_reset(&w.r);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_small_pieces)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
