/* The examples' knowledge of where their server is: when a name is asked for
 * again.  Addresses stand for names that change. */
#include "../../examples/remotes.c"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "table.h"

static const char *text_of(const remotes *r, size_t i, char dest[64]) {
  const struct sockaddr_in *in = (const void *)&r->rows[i];
  const struct sockaddr_in6 *in6 = (const void *)&r->rows[i];

  dest[0] = 0;
  if (i < r->n) {
    (void)inet_ntop(in->sin_family,
                    in->sin_family == AF_INET ? (const void *)&in->sin_addr
                                              : (const void *)&in6->sin6_addr,
                    dest, 64);
  }
  return dest;
}

/* One attempt after another: what the name leads to then, and what is known. */
static void asks_again(void **state) {
  static const struct row {
    const char *name, *leads_to, *known;
    unsigned failures;
  } rows[] = {
      {"nothing known yet", "192.0.2.1", "192.0.2.1", 0},
      {"a connection was lost", "192.0.2.2", "192.0.2.1", 0},
      {"the known one has failed", "192.0.2.2", "192.0.2.2", 1},
      {"not each time", "192.0.2.3", "192.0.2.2", 2},
      {"again", "192.0.2.3", "192.0.2.3", 3},
      {"no answer", "", "192.0.2.3", 5},
      {"an answer", "2001:db8::1", "2001:db8::1", 7},
  };
  const struct row *r;
  remotes known = {.n = 0};
  char text[64];

  (void)state;
  for (EACH_ROW(r, rows)) {
    known.failures = r->failures;
    row_true(r, remotes_update(&known, &r->leads_to, 1, 4433));
    row_equal(r, known.n, 1);
    row_string(r, text_of(&known, 0, text), r->known);
    row_equal(r, known.failures, r->failures);
  }
}

static void knows_nothing(void **state) {
  const char *none = "";
  remotes known = {.failures = 4};

  (void)state;
  assert_false(remotes_update(&known, &none, 1, 4433));
  assert_true(strlen(quicmig_last_error_text()) > 0);
  assert_int_equal(known.n, 0);
}

static void two_servers(void **state) {
  static const char *const hosts[] = {"192.0.2.1", "2001:db8::1"};
  const char *half[] = {"", "2001:db8::1"};
  remotes known = {.n = 0};
  char text[64];

  (void)state;
  assert_true(remotes_update(&known, hosts, 2, 4433));
  assert_int_equal(known.n, 2);
  assert_string_equal(text_of(&known, 0, text), "192.0.2.1");
  assert_string_equal(text_of(&known, 1, text), "2001:db8::1");
  known = (remotes){.n = 0};
  assert_true(remotes_update(&known, half, 2, 4433));
  assert_int_equal(known.n, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(asks_again),
      cmocka_unit_test(knows_nothing),
      cmocka_unit_test(two_servers),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
