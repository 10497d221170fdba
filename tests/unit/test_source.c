/* Which of several sockets is read next. */
#include "io/source.h"

#include "table.h"

typedef struct row {
  const char *name;
  size_t n;
  bool has_msg[4];
  uint64_t at[4];
  int wanted; /* -1: none */
} row;

static const row rows[] = {
    {"no source", 0, {false}, {0}, -1},
    {"none has a message", 3, {false, false, false}, {1, 2, 3}, -1},
    {"one has", 3, {false, true, false}, {1, 2, 3}, 1},
    {"in order", 3, {true, true, true}, {1, 2, 3}, 0},
    {"the last came first", 3, {true, true, true}, {5, 4, 3}, 2},
    {"one without a message does not count",
     3,
     {true, false, true},
     {5, 1, 4},
     2},
    {"two at once", 4, {true, true, true, true}, {5, 4, 4, 6}, 1},
    {"nobody knows when", 3, {true, true, true}, {0, 0, 0}, 0},
    {"of one nobody knows when", 3, {true, true, true}, {7, 0, 3}, 1},
};

static void earliest(void **state) {
  const row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    qm_source sources[4] = {{.id = 0}};
    size_t i;

    for (i = 0; i < r->n; i++) {
      sources[i].has_msg = r->has_msg[i];
      sources[i].msg.at = r->at[i];
    }
    row_true(r, qm_source_earliest(sources, r->n) ==
                    (r->wanted < 0 ? NULL : &sources[r->wanted]));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(earliest)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
