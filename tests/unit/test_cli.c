/* What the example programs write beside their work. */
#include "../../examples/cli.c"
#include "../../examples/printable.c"

#include "table.h"

/* /dev/full takes nothing, like a disk that is full. */
static void what_was_not_written_is_no_success(void **state) {
  static const struct row {
    const char *name, *file;
    int lines, failed;
  } rows[] = {
      {"no log", NULL, 2, 0},
      {"taken", "/dev/null", 2, 0},
      {"a full disk", "/dev/full", 2, 1},
      {"nothing to write", "/dev/full", 0, 0},
  };
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    cli_log l;
    int i;

    cli_log_open(&l, r->file);
    for (i = 0; i < r->lines; i++) {
      cli_log_line(&l, "{\"seq\":%d}", i);
    }
    row_equal(r, cli_log_close(&l), r->failed);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_was_not_written_is_no_success),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
