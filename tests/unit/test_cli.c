/* What comes from outside must not reach a terminal as it is. */
#include "../../examples/cli.c"

#include "table.h"

static void text_from_outside_is_cleaned(void **state) {
  static const struct row {
    const char *name, *text, *clean;
    size_t room;
  } rows[] = {
      {"plain", "too many clients", "too many clients", 64},
      {"nothing", "", "", 64},
      {"an escape sequence", "\x1b[2Jgone", "?[2Jgone", 64},
      {"C1 as UTF-8",
       "a\xc2\x9b"
       "31m",
       "a??31m", 64},
      {"C1 as one byte",
       "a\x9b"
       "31m",
       "a?31m", 64},
      {"line ends", "a\r\nb\nc", "a??b?c", 64},
      {"tab, bell, backspace, DEL", "\t\a\b\x7f", "????", 64},
      {"a name in UTF-8", "m\xc3\xbcnchen", "m??nchen", 64},
      {"bidirectional override", "a\xe2\x80\xaeyrt", "a???yrt", 64},
      {"broken UTF-8", "\xff\xfe\xc3", "???", 64},
      {"quotes stay", "\"it's\\", "\"it's\\", 64},
      {"as long as there is room", "abcdef", "abc", 4},
      {"no room", "abc", "", 1},
  };
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    char dest[64];

    memset(dest, 'x', sizeof(dest));
    row_string(r, cli_clean(dest, r->room, r->text), r->clean);
    row_true(r, r->room == sizeof(dest) || dest[r->room] == 'x');
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(text_from_outside_is_cleaned),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
