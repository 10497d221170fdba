/* udp_forward: what waits for QUIC, and packets that go in two halves. */
#include "../../examples/udp_forward/frame.c"
#include "../../examples/udp_forward/outbound.c"
#include "../../examples/udp_forward/packets.c"

#include "table.h"

#define SECOND UINT64_C(1000000000)

typedef struct rig {
  pool pool;
  counters count;
  outbound out;
} rig;

static void set_up(rig *r, uint32_t limit) {
  *r = (rig){.count = {0}};
  assert_true(pool_init(&r->pool, 2 * limit + 1));
  outbound_init(&r->out, &r->pool, limit, &r->count);
}

static void tear_down(rig *r) {
  size_t i;

  outbound_reset(&r->out);
  for (i = 0; i < r->pool.n; i++) {
    assert_non_null(pool_get(&r->pool)); /* all came back */
  }
  assert_null(pool_get(&r->pool));
  pool_reset(&r->pool);
}

/* Queues a packet of flow 3 whose bytes are 0, 1, 2... */
static bool push(rig *r, size_t len, uint64_t now) {
  packet *k = pool_get(&r->pool);
  size_t i;

  assert_non_null(k);
  k->flow = 3;
  k->len = len;
  for (i = 0; i < len; i++) {
    k->data[i] = (uint8_t)i;
  }
  if (!outbound_push(&r->out, k, now)) {
    pool_put(&r->pool, k);
    return false;
  }
  return true;
}

static void splits_what_does_not_fit(void **state) {
  static const struct {
    const char *name;
    size_t len, max;
    size_t sent[2]; /* lengths with the header; 0: none */
  } rows[] =
      {
          {"empty", 0, 1400, {1, 0}},
          {"fits", 1399, 1400, {1400, 0}},
          {"one too many", 1400, 1400, {704, 704}},
          {"odd", 1401, 1400, {705, 704}},
          {"the largest", 2 * 1396, 1400, {1400, 1400}},
          {"larger than that", 2 * 1396 + 1, 1400, {0, 0}},
          {"no DATAGRAMs", 10, 0, {0, 0}},
      },
    *row;

  (void)state;
  for (EACH_ROW(row, rows)) {
    uint8_t got[PACKET_MAX];
    const uint8_t *data = NULL;
    size_t i, j, n, sum = 0;
    frame f;
    rig r;

    set_up(&r, 4);
    row_true(row, push(&r, row->len, 0));
    for (i = 0; i < 2 && row->sent[i]; i++) {
      n = outbound_head(&r.out, row->max, 0, &data);
      row_equal(row, n, row->sent[i]);
      row_equal(row, outbound_head(&r.out, row->max, 0, &data), n);
      row_true(row, frame_read(&f, data, n));
      row_equal(row, f.flow, 3);
      row_equal(row, f.is_fragment, row->sent[1] != 0);
      row_equal(row, f.index, i);
      if (f.len) {
        memcpy(got + sum, f.data, f.len);
      }
      sum += f.len;
      outbound_pop(&r.out, 1);
    }
    row_equal(row, outbound_head(&r.out, row->max, 0, &data), SIZE_MAX);
    row_equal(row, sum, row->sent[0] ? row->len : 0);
    for (j = 0; j < sum; j++) {
      row_equal(row, got[j], (uint8_t)j);
    }
    row_equal(row, r.count.fragmented, row->sent[1] != 0);
    row_equal(row, r.count.too_large, row->sent[0] == 0);
    tear_down(&r);
  }
}

static void drops_the_newest_when_full(void **state) {
  const uint8_t *data;
  rig r;

  (void)state;
  set_up(&r, 2);
  assert_true(push(&r, 1, 0));
  assert_true(push(&r, 2, 0));
  assert_false(push(&r, 3, 0));
  assert_int_equal(outbound_head(&r.out, 1400, 0, &data), 2);
  outbound_pop(&r.out, 1);
  assert_true(push(&r, 4, 0));
  assert_int_equal(outbound_head(&r.out, 1400, 0, &data), 3);
  outbound_pop(&r.out, 1);
  assert_int_equal(outbound_head(&r.out, 1400, 0, &data), 5);
  tear_down(&r);
}

static void leaves_the_others_their_share(void **state) {
  outbound hogs[3];
  counters count = {0};
  packet *k;
  pool p;
  size_t i, n;

  (void)state;
  assert_true(pool_init(&p, 80));
  for (i = 0; i < 3; i++) {
    outbound_init(&hogs[i], &p, 1000, &count);
    for (n = 0; (k = pool_get(&p)) && outbound_push(&hogs[i], k, 0); n++) {
    }
    pool_put(&p, k);
    /* As much as is left then: a half, a quarter, an eighth. */
    assert_int_equal(n, (size_t)40 >> i);
  }
  for (i = 0; i < 3; i++) {
    outbound_reset(&hogs[i]);
  }
  assert_int_equal(p.left, 80);
  pool_reset(&p);
}

static void drops_what_has_waited_too_long(void **state) {
  const uint8_t *data;
  rig r;

  (void)state;
  set_up(&r, 2);
  assert_true(push(&r, 1, 0));
  assert_true(push(&r, 2, SECOND));
  assert_true(push(&r, 3, OUTBOUND_AGE + 1)); /* in place of the first */
  assert_int_equal(r.count.stale, 1);
  assert_int_equal(
      outbound_head(&r.out, 1400, OUTBOUND_AGE + 2 * SECOND, &data), 4);
  assert_int_equal(r.count.stale, 2);
  /* What was offered stays, however old it is. */
  assert_int_equal(outbound_head(&r.out, 1400, 9 * OUTBOUND_AGE, &data), 4);
  tear_down(&r);
}

static void a_half_that_does_not_fit_any_more_ends_the_packet(void **state) {
  const uint8_t *data;
  frame f;
  size_t n;
  rig r;

  (void)state;
  set_up(&r, 2);
  assert_true(push(&r, 2000, 0));
  assert_true(push(&r, 2000, 0));
  (void)outbound_head(&r.out, 1400, 0, &data);
  outbound_pop(&r.out, 0); /* the first half: the second would be for nothing */
  assert_int_equal(r.count.too_large, 1);
  n = outbound_head(&r.out, 1400, 0, &data);
  assert_true(frame_read(&f, data, n));
  assert_int_equal(f.index, 0);
  assert_int_equal(f.packet, 1);
  outbound_pop(&r.out, 1);
  (void)outbound_head(&r.out, 1400, 0, &data);
  outbound_pop(&r.out, 0);
  assert_int_equal(r.count.too_large, 2);
  assert_int_equal(outbound_head(&r.out, 1400, 0, &data), SIZE_MAX);
  tear_down(&r);
}

static void another_connection_begins_with_a_whole_packet(void **state) {
  const uint8_t *data;
  frame f;
  size_t n;
  rig r;

  (void)state;
  set_up(&r, 2);
  assert_true(push(&r, 2000, 0));
  (void)outbound_head(&r.out, 1400, 0, &data);
  outbound_restart(&r.out); /* nothing was sent: all of it again */
  n = outbound_head(&r.out, 1200, 0, &data);
  assert_true(frame_read(&f, data, n));
  assert_int_equal(f.index, 0);
  outbound_pop(&r.out, 1);
  outbound_restart(&r.out); /* half of it was */
  assert_int_equal(outbound_head(&r.out, 1400, 0, &data), SIZE_MAX);
  outbound_restart(&r.out);
  tear_down(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(splits_what_does_not_fit),
      cmocka_unit_test(drops_the_newest_when_full),
      cmocka_unit_test(leaves_the_others_their_share),
      cmocka_unit_test(drops_what_has_waited_too_long),
      cmocka_unit_test(a_half_that_does_not_fit_any_more_ends_the_packet),
      cmocka_unit_test(another_connection_begins_with_a_whole_packet),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
