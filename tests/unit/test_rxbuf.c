/* One buffer, carved for what one receive call gives. */
#include "io/rxbuf.h"

#include "table.h"

#define GSO QUICMIG_NO_GSO
#define GRO QUICMIG_NO_GRO

struct row {
  const char *name;
  size_t size;
  uint32_t no_offload;
  size_t count, cap; /* wanted */
};

/* Each message has its own bytes, all of them inside buf. */
static void check_bytes(const struct row *r, const qm_msg *msgs) {
  size_t i, k;

  for (i = 0; i < r->count; i++) {
    memset(msgs[i].data, (int)i + 1, msgs[i].cap);
  }
  for (i = 0; i < r->count; i++) {
    for (k = 0; k < msgs[i].cap; k++) {
      row_equal(r, msgs[i].data[k], i + 1);
    }
  }
}

static void check(const struct row *r) {
  static const qm_msg clear;
  uint8_t *buf = malloc(r->size); /* exactly: a sanitizer sees one byte more */
  qm_msg msgs[QM_RX_MSGS], got;
  size_t i;

  assert_non_null(buf);
  memset(msgs, 0x5a, sizeof(msgs));
  row_equal(r, qm_rxbuf_carve(msgs, buf, r->size, r->no_offload), r->count);
  for (i = 0; i < r->count; i++) {
    row_true(r, msgs[i].data >= buf);
    row_true(r, msgs[i].data + msgs[i].cap <= buf + r->size);
    row_equal(r, msgs[i].cap, r->cap);
    got = msgs[i];
    row_equal(r, got.len, 0);
    row_equal(r, got.segment, 0);
    row_equal(r, got.ecn, 0);
    row_true(r, !got.is_truncated && !got.remote.len && !got.local.len);
    row_true(r, memcmp(&got.local, &clear.local, sizeof(got.local)) == 0);
  }
  check_bytes(r, msgs);
  free(buf);
}

static void is_carved(void **state) {
  static const struct row rows[] = {
      {"GRO", QM_RX_BYTES, 0, 2, QM_GRO_MAX},
      {"GRO, no GSO", QM_RX_BYTES, GSO, 2, QM_GRO_MAX},
      {"no GRO", QM_RX_BYTES, GRO, QM_RX_MSGS, QM_PKT_MAX},
      {"neither", QM_RX_BYTES, GRO | GSO, QM_RX_MSGS, QM_PKT_MAX},
      {"the least, GRO", QM_GRO_MAX, 0, 1, QM_GRO_MAX},
      {"the least, no GRO", QM_GRO_MAX, GRO, 32, QM_PKT_MAX},
      {"what is over stays unused", QM_GRO_MAX + 1, 0, 1, QM_GRO_MAX},
      {"one byte short of three", 3 * QM_GRO_MAX - 1, 0, 2, QM_GRO_MAX},
      {"not more than asked for", 33 * QM_GRO_MAX, 0, 32, QM_GRO_MAX},
      {"nor without GRO", 3 * QM_GRO_MAX, GRO, 32, QM_PKT_MAX},
  };
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    check(r);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(is_carved),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
