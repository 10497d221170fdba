/*
 * Assertions inside a table of named rows, which print the row's name when they
 * fail, and the seed of a test that draws.  `row` is a pointer to anything with
 * a `name`.
 */
#ifndef QM_TEST_TABLE_H
#define QM_TEST_TABLE_H

/* cmocka.h wants these before itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <inttypes.h>

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))
#define EACH_ROW(row, rows)                                                    \
  (row) = (rows);                                                              \
  (row) < (rows) + COUNT_OF(rows);                                             \
  (row)++

static inline void table_equal(const char *name, const char *what,
                               uint64_t actual, uint64_t expected,
                               const char *file, int line) {
  if (actual != expected) {
    print_error("row \"%s\": %s is %" PRIu64 " (%" PRId64 "), expected %" PRIu64
                " (%" PRId64 ")\n",
                name, what, actual, (int64_t)actual, expected,
                (int64_t)expected);
    _fail(file, line);
  }
}

static inline void table_string(const char *name, const char *what,
                                const char *actual, const char *expected,
                                const char *file, int line) {
  if (strcmp(actual, expected) != 0) {
    print_error("row \"%s\": %s is\n  \"%s\", expected\n  \"%s\"\n", name, what,
                actual, expected);
    _fail(file, line);
  }
}

static inline void table_true(const char *name, const char *what, int is_true,
                              const char *file, int line) {
  if (!is_true) {
    print_error("row \"%s\": not so: %s\n", name, what);
    _fail(file, line);
  }
}

#define row_equal(row, actual, expected)                                       \
  table_equal((row)->name, #actual, (uint64_t)(actual), (uint64_t)(expected),  \
              __FILE__, __LINE__)
#define row_string(row, actual, expected)                                      \
  table_string((row)->name, #actual, actual, expected, __FILE__, __LINE__)
#define row_true(row, c)                                                       \
  table_true((row)->name, #c, (c) ? 1 : 0, __FILE__, __LINE__)

/* Fixed, so that a failure comes again; QM_SEED in the environment overrides
 * it. */
static inline uint64_t test_seed(void) {
  const char *given = getenv("QM_SEED");
  uint64_t seed = given ? strtoull(given, NULL, 0) : 20240229;

  print_message("seed %" PRIu64 "\n", seed);
  return seed;
}

#endif
