/* The application's own queue of DATAGRAMs: packets are filled from it, nothing
 * is taken twice or lost, and what does not fit does not block it. */
#include "rig.h"

#include "endpoint/conn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SIZE 1000

static struct world {
  rig r;
  sim_line line;
  uint64_t ready;             /* the application has as many, all told */
  uint64_t heads, sent, lost; /* lost: popped, not sent */
  uint64_t large;             /* this one, counted from 1, is too large */
  uint64_t arrived, queued;   /* in order from the source; by send_datagram */
  uint8_t bytes[2000];
} w;

static size_t head(quicmig_conn *c, const uint8_t **data, void *user_data) {
  uint64_t n = w.sent + w.lost + 1;

  (void)user_data;
  w.heads++;
  if (n > w.ready) {
    return SIZE_MAX;
  }
  memcpy(w.bytes, &n, sizeof(n));
  *data = w.bytes;
  return n == w.large ? quicmig_conn_max_datagram(c) + 1 : SIZE;
}

static void pop(quicmig_conn *c, int sent, void *user_data) {
  (void)c;
  (void)user_data;
  w.sent += sent != 0;
  w.lost += sent == 0;
}

static void on_arrival(quicmig_conn *c, const uint8_t *data, size_t len,
                       void *user_data) {
  uint64_t n;

  (void)c;
  (void)user_data;
  memcpy(&n, data, sizeof(n));
  if (len == 10) {
    w.queued++;
    assert_int_equal(w.arrived, 0); /* before those of the source */
    return;
  }
  assert_int_equal(len, SIZE);
  w.arrived++;
  assert_int_equal(n, w.arrived + (w.large && n > w.large));
}

static void on_callbacks(rig *r, quicmig_conn_callbacks *cb, bool is_server) {
  (void)r;
  if (is_server) {
    cb->datagram = on_arrival;
  } else {
    cb->datagram_head = head;
    cb->datagram_pop = pop;
  }
}

static quicmig_conn *prepare(void) {
  memset(&w, 0, sizeof(w));
  rig_init(&w.r, 0, false);
  sim_line_init(&w.r.world, &w.line, 10 * MS);
  w.r.send_every = 0;
  w.r.on_callbacks = on_callbacks;
  assert_int_equal(rig_start(&w.r, 1), 0);
  return quicmig_client_conn(w.r.clients[0].c);
}

/* More than a window, over hops in both modes; then again after a wake. */
static void test_all_arrive_in_order(void **state) {
  static const uint32_t modes[] = {QUICMIG_MODE_MIGRATE, QUICMIG_MODE_REBIND};
  size_t i, k;

  (void)state;
  for (i = 0; i < 2; i++) {
    quicmig_conn *c = prepare();
    quicmig_options o = w.r.migration;

    o.hop_mode = modes[i];
    o.hop_interval = 200 * MS;
    assert_int_equal(
        quicmig_reschedule(quicmig_client_migrator(w.r.clients[0].c), &o,
                           w.r.world.now),
        0);
    for (k = 1; k <= 20; k++) {
      w.ready = k * 500;
      quicmig_conn_wake(c);
      rig_run(&w.r, SEC);
      assert_int_equal(w.sent, w.ready);
      assert_int_equal(w.arrived, w.ready);
    }
    assert_true(rig_stats(&w.r.clients[0]).hops >= 20);
    rig_reset(&w.r);
  }
}

static void test_one_too_large(void **state) {
  quicmig_conn *c = prepare();
  quicmig_conn_info info = {.size = sizeof(info)};

  (void)state;
  w.ready = 20;
  w.large = 7;
  quicmig_conn_wake(c);
  rig_run(&w.r, SEC);
  quicmig_conn_get_info(c, &info);
  assert_int_equal(w.lost, 1);
  assert_int_equal(w.arrived, 19);
  assert_int_equal(info.datagrams_sent, 19);
  assert_int_equal(info.datagrams_dropped, 1);
  rig_reset(&w.r);
}

/* A peer that takes smaller ones than fit a packet, or none. */
static void test_the_peers_limit(void **state) {
  static const uint64_t limits[] = {500, SIZE + 2, 3, 1, 0};
  size_t i;

  (void)state;
  for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
    quicmig_conn *c = prepare();
    const ngtcp2_transport_params *p =
        ngtcp2_conn_get_remote_transport_params(c->conn);

    /* As another peer would have said; ngtcp2 hands its own struct out. */
    ((ngtcp2_transport_params *)(uintptr_t)p)->max_datagram_frame_size =
        limits[i];
    w.ready = 20;
    quicmig_conn_wake(c);
    rig_run(&w.r, SEC);
    assert_false(w.r.clients[0].is_closed);
    assert_int_equal(w.arrived, 0);
    assert_int_equal(w.lost, limits[i] > 3 ? 20 : 0); /* else not asked */
    rig_reset(&w.r);
  }
}

/* Without a word nobody asks for ever; what is queued goes first. */
static void test_waits_for_its_turn(void **state) {
  static const uint8_t small[10];
  quicmig_conn *c = prepare();
  uint64_t asked;
  size_t i;

  (void)state;
  asked = w.heads;
  rig_run(&w.r, 20 * SEC);
  assert_true(w.heads - asked < 200);
  w.ready = 100;
  for (i = 0; i < 50; i++) {
    assert_int_equal(quicmig_conn_send_datagram(c, small, sizeof(small)), 0);
  }
  rig_run(&w.r, SEC);
  assert_int_equal(w.queued, 50);
  assert_int_equal(w.arrived, 100);
  rig_reset(&w.r);
}

static void half(rig *r, quicmig_conn_callbacks *cb, bool is_server) {
  (void)r;
  if (!is_server) {
    cb->datagram_head = head;
  }
}

static void test_both_or_neither(void **state) {
  (void)state;
  memset(&w, 0, sizeof(w));
  rig_init(&w.r, 0, false);
  sim_line_init(&w.r.world, &w.line, 10 * MS);
  w.r.on_callbacks = half;
  assert_int_equal(rig_start(&w.r, 1), QUICMIG_ERR_INVALID_ARGUMENT);
  assert_non_null(strstr(quicmig_last_error_text(), "datagram_head"));
  rig_reset(&w.r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_all_arrive_in_order),
      cmocka_unit_test(test_one_too_large),
      cmocka_unit_test(test_the_peers_limit),
      cmocka_unit_test(test_waits_for_its_turn),
      cmocka_unit_test(test_both_or_neither),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
