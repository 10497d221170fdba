/* udp_forward: the header of a DATAGRAM, and split packets. */
#include "../../examples/udp_forward/frame.c"
#include "../../examples/udp_forward/inbound.c"

#include "table.h"

#define SECOND UINT64_C(1000000000)

static void headers_come_back_as_written(void **state) {
  static const struct {
    const char *name;
    frame f;
    size_t header;
  } rows[] =
      {
          {"flow 0", {.flow = 0}, 1},
          {"the last of one byte", {.flow = 31}, 1},
          {"the first of two bytes", {.flow = 32}, 2},
          {"the last of two bytes", {.flow = 8191}, 2},
          {"the first of four bytes", {.flow = 8192}, 4},
          {"the first of eight bytes", {.flow = UINT64_C(1) << 29}, 8},
          {"the last of all", {.flow = FRAME_FLOW_MAX}, 8},
          {"first half", {.flow = 5, .is_fragment = true}, 4},
          {"second half",
           {.flow = 5, .is_fragment = true, .index = 1, .packet = 65535},
           4},
          {"half, longest header",
           {.flow = FRAME_FLOW_MAX, .is_fragment = true, .packet = 258},
           FRAME_HEADER_MAX},
      },
    *row;
  uint8_t buffer[FRAME_HEADER_MAX + 3];
  frame got;

  (void)state;
  for (EACH_ROW(row, rows)) {
    uint8_t *payload = buffer + FRAME_HEADER_MAX;
    size_t n;

    memcpy(payload, "abc", 3);
    n = frame_write_before(&row->f, payload);
    row_equal(row, n, row->header);
    row_equal(row, frame_header_len(&row->f), row->header);
    row_true(row, frame_read(&got, payload - n, n + 3));
    row_equal(row, got.flow, row->f.flow);
    row_equal(row, got.is_fragment, row->f.is_fragment);
    row_equal(row, got.index, row->f.index);
    row_equal(row, got.packet, row->f.packet);
    row_equal(row, got.len, 3);
    row_true(row, memcmp(got.data, "abc", 3) == 0);
  }
}

static void refuses_what_is_malformed(void **state) {
  static const struct {
    const char *name;
    uint8_t data[12];
    size_t len;
    bool is_good;
  } rows[] =
      {
          {"nothing", {0}, 0, false},
          {"a flow and no payload", {0}, 1, true},
          {"half a varint", {0x40}, 1, false},
          {"an 8-byte varint of 7 bytes", {0xc0}, 7, false},
          {"a fragment without its header", {1}, 1, false},
          {"a fragment with half a header", {1, 0, 0}, 3, false},
          {"a fragment and no payload", {1, 0, 0, 0x02}, 4, true},
          {"part 1 of 2", {1, 0, 0, 0x12}, 4, true},
          {"part 2 of 2", {1, 0, 0, 0x22}, 4, false},
          {"part 0 of 1", {1, 0, 0, 0x01}, 4, false},
          {"part 0 of 3", {1, 0, 0, 0x03}, 4, false},
          {"part 0 of 0", {1, 0, 0, 0x00}, 4, false},
      },
    *row;
  frame f;

  (void)state;
  for (EACH_ROW(row, rows)) {
    row_equal(row, frame_read(&f, row->data, row->len), row->is_good);
  }
}

/* A fragment of the flow with one byte of payload. */
static size_t fragment(uint8_t *dest, uint64_t flow, uint16_t packet,
                       uint8_t index) {
  uint8_t buffer[FRAME_HEADER_MAX + 1];
  frame f = {
      .flow = flow, .is_fragment = true, .packet = packet, .index = index};
  size_t n = frame_write_before(&f, buffer + FRAME_HEADER_MAX);

  buffer[FRAME_HEADER_MAX] = (uint8_t)('a' + index);
  memcpy(dest, buffer + FRAME_HEADER_MAX - n, n + 1);
  return n + 1;
}

static void halves_become_packets(void **state) {
  static const struct {
    const char *name;
    struct {
      uint64_t flow, at;
      uint16_t packet;
      uint8_t index;
    } in[3];
    size_t n;
    uint64_t whole, incomplete;
  } rows[] =
      {
          {"in order", {{1, 0, 7, 0}, {1, 0, 7, 1}}, 2, 1, 0},
          {"the other way", {{1, 0, 7, 1}, {1, 0, 7, 0}}, 2, 1, 0},
          {"one only", {{1, 0, 7, 1}}, 1, 0, 0},
          {"twice the same", {{1, 0, 7, 1}, {1, 0, 7, 1}}, 2, 0, 1},
          {"of two packets", {{1, 0, 7, 0}, {1, 0, 8, 1}}, 2, 0, 0},
          {"of two flows", {{1, 0, 7, 0}, {2, 0, 7, 1}}, 2, 0, 1},
          {"just in time", {{1, 0, 7, 0}, {1, SECOND, 7, 1}}, 2, 1, 0},
          {"too late", {{1, 0, 7, 0}, {1, SECOND + 1, 7, 1}}, 2, 0, 1},
          {"driven out",
           {{1, 0, 7, 0}, {1, 0, 7 + INBOUND_SLOTS, 0}, {1, 0, 7, 1}},
           3,
           0,
           2},
          {"one between", {{1, 0, 7, 0}, {1, 0, 8, 0}, {1, 0, 7, 1}}, 3, 1, 0},
      },
    *row;
  uint8_t data[FRAME_HEADER_MAX + 1];
  inbound_packet p;
  size_t i, len;

  (void)state;
  for (EACH_ROW(row, rows)) {
    counters count = {0};
    inbound in;
    uint64_t whole = 0;

    inbound_init(&in, INBOUND_SLOTS, &count);
    for (i = 0; i < row->n; i++) {
      len =
          fragment(data, row->in[i].flow, row->in[i].packet, row->in[i].index);
      if (inbound_take(&in, data, len, row->in[i].at, &p)) {
        whole++;
        row_equal(row, p.flow, row->in[i].flow);
        row_true(row, p.len[0] == 1 && p.data[0][0] == 'a');
        row_true(row, p.len[1] == 1 && p.data[1][0] == 'b');
      }
    }
    row_equal(row, whole, row->whole);
    row_equal(row, count.reassembled, row->whole);
    row_equal(row, count.incomplete, row->incomplete);
    inbound_reset(&in);
  }
}

/* Memory comes as it is needed, and there is a bound. */
static void places_grow(void **state) {
  static const struct {
    const char *name;
    size_t most, packets;
    uint64_t every; /* ns between them */
    size_t places, incomplete;
  } rows[] =
      {
          {"one", 64, 1, 0, 4, 0},           {"four", 64, 4, 0, 4, 0},
          {"five", 64, 5, 0, 8, 0},          {"all", 64, 64, 0, 64, 0},
          {"too many", 64, 65, 0, 64, 1},    {"a stranger's", 8, 20, 0, 8, 12},
          {"slowly", 64, 64, SECOND, 4, 60},
      },
    *row;
  uint8_t data[FRAME_HEADER_MAX + 1];
  inbound_packet p;
  size_t i, len;

  (void)state;
  for (EACH_ROW(row, rows)) {
    counters count = {0};
    inbound in;

    inbound_init(&in, row->most, &count);
    for (i = 0; i < row->packets; i++) {
      len = fragment(data, 1, (uint16_t)(65530 + i), 0);
      row_true(row, !inbound_take(&in, data, len, i * row->every, &p));
    }
    row_equal(row, in.n, row->places);
    row_equal(row, count.incomplete, row->incomplete);
    for (i = row->packets > row->places ? row->packets - row->places : 0;
         i < row->packets && !row->every; i++) {
      len = fragment(data, 1, (uint16_t)(65530 + i), 1);
      row_true(row, inbound_take(&in, data, len, 0, &p));
    }
    inbound_reset(&in);
  }
}

static void oversized_halves_are_refused(void **state) {
  static uint8_t data[4 + INBOUND_PART_MAX + 1] = {1, 0, 0, 0x02};
  counters count = {0};
  inbound_packet p;
  inbound in;

  (void)state;
  inbound_init(&in, INBOUND_SLOTS, &count);
  assert_false(inbound_take(&in, data, sizeof(data), 0, &p));
  assert_int_equal(count.incomplete, 1);
  assert_false(inbound_take(&in, data, sizeof(data) - 1, 0, &p));
  data[3] = 0x12;
  assert_true(inbound_take(&in, data, sizeof(data) - 1, 0, &p));
  assert_int_equal(p.len[0] + p.len[1], 2 * INBOUND_PART_MAX);
  inbound_reset(&in);
}

/* Whatever arrives, no more than INBOUND_SLOTS halves are kept, and nothing is
 * read beyond its end: for the sanitizers. */
static void garbage_is_survived(void **state) {
  counters count = {0};
  inbound_packet p;
  inbound in;
  int i;

  (void)state;
  srand((unsigned)test_seed());
  inbound_init(&in, INBOUND_SLOTS, &count);
  for (i = 0; i < 100000; i++) {
    size_t j, len = (size_t)(rand() % 24);
    uint8_t *data = malloc(len ? len : 1);

    assert_non_null(data);
    for (j = 0; j < len; j++) {
      data[j] = (uint8_t)rand();
    }
    (void)inbound_take(&in, data, len, (uint64_t)i * 1000, &p);
    free(data);
  }
  assert_true(count.malformed > 0);
  inbound_reset(&in);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(headers_come_back_as_written),
      cmocka_unit_test(refuses_what_is_malformed),
      cmocka_unit_test(halves_become_packets),
      cmocka_unit_test(places_grow),
      cmocka_unit_test(oversized_halves_are_refused),
      cmocka_unit_test(garbage_is_survived),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
