/* A message and its datagrams: how many, where each begins and how long it is.
 */
#include "io/net.h"

#include "table.h"

struct row {
  const char *name;
  size_t len, segment;
  size_t count, last; /* wanted: datagrams, bytes of the last one */
};

static void check(const struct row *r) {
  static uint8_t data[QM_GRO_MAX];
  qm_msg m = {.data = data, .len = r->len, .segment = r->segment};
  size_t i, len = 99999, total = 0;

  row_equal(r, qm_msg_count(&m), r->count);
  for (i = 0; i < r->count; i++) {
    row_equal(r, qm_msg_at(&m, i, &len) - data, total);
    row_true(r, i + 1 == r->count || len == r->segment);
    total += len;
  }
  row_equal(r, len, r->last);
  row_equal(r, total, r->len);
}

static void is_cut_into_datagrams(void **state) {
  static const struct row rows[] = {
      {"one datagram", 1000, 0, 1, 1000},
      {"an empty one", 0, 0, 1, 0},
      {"an empty one, with a segment size", 0, 1200, 1, 0},
      {"one as long as a segment", 1200, 1200, 1, 1200},
      {"one shorter than a segment", 700, 1200, 1, 700},
      {"two of a size", 2400, 1200, 2, 1200},
      {"the last is shorter", 2500, 1200, 3, 100},
      {"the last is one byte", 2401, 1200, 3, 1},
      {"the last is one byte short", 3599, 1200, 3, 1199},
      {"one byte each", 64, 1, 64, 1},
      {"as many as there may be", 64 * 1000, 1000, 64, 1000},
      {"the largest that UDP carries", 65507, 1452, 46, 167},
  };
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    check(r);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(is_cut_into_datagrams),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
