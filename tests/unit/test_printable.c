/* What comes from outside must not reach a terminal as it is. */
#include "../../examples/printable.c"

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
    row_string(r, printable(dest, r->room, r->text), r->clean);
    row_true(r, r->room == sizeof(dest) || dest[r->room] == 'x');
  }
}

static void a_json_string_stays_one(void **state) {
  static const struct row {
    const char *name, *text, *json;
    size_t room;
  } rows[] = {
      {"plain", "laptop", "laptop", 128},
      {"nothing", "", "", 128},
      {"quotes", "a\",\"b", "a\\\",\\\"b", 128},
      {"backslash", "a\\", "a\\\\", 128},
      {"an escape sequence", "\x1b[2J", "\\u001b[2J", 128},
      {"line end, DEL", "\n\x7f", "\\u000a\\u007f", 128},
      {"C1 as UTF-8", "\xc2\x9b", "\\u009b", 128},
      {"two bytes", "m\xc3\xbcnchen", "m\\u00fcnchen", 128},
      {"three bytes", "\xe2\x82\xac", "\\u20ac", 128},
      {"four bytes", "\xf0\x9f\x98\x80", "\\ud83d\\ude00", 128},
      {"bidirectional override", "\xe2\x80\xae", "\\u202e", 128},
      {"not UTF-8", "\xff", "\\ufffd", 128},
      {"cut off", "\xe2\x82", "\\ufffd\\ufffd", 128},
      {"too long a form", "\xc0\xaf", "\\ufffd\\ufffd", 128},
      {"a surrogate", "\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd", 128},
      {"beyond the last", "\xf4\x90\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd",
       128},
      {"room for one", "\xf0\x9f\x98\x80\xf0\x9f\x98\x80", "\\ud83d\\ude00",
       24},
      {"no room", "abc", "", 1},
  };
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    char dest[128];

    memset(dest, 'x', sizeof(dest));
    row_string(r, printable_json(dest, r->room, r->text), r->json);
    row_true(r, r->room == sizeof(dest) || dest[r->room] == 'x');
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(text_from_outside_is_cleaned),
      cmocka_unit_test(a_json_string_stays_one),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
