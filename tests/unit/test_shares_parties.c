/* udp_forward: which clients are one party. */
#include "../../examples/udp_forward/parties.c"

#include "table.h"

static void a_certificate_or_else_an_address(void **state) {
  static const struct {
    const char *name;
    const char *certificate;
    int family;
    const char *address;
    const char *party;
  } rows[] = {
      {"certificate", "a.test", AF_INET, "192.0.2.1", "certificate a.test"},
      {"no name in it", "", AF_INET, "192.0.2.1", "address 192.0.2.1"},
      {"none", NULL, AF_INET, "192.0.2.1", "address 192.0.2.1"},
      {"that looks alike", "address 192.0.2.1", AF_INET, "192.0.2.2",
       "certificate address 192.0.2.1"},
      {"IPv6", NULL, AF_INET6, "2001:db8:1:2:3:4:5:6",
       "address 2001:db8:1:2::/64"},
      {"IPv6 without zeros", NULL, AF_INET6,
       "2001:db8:1:2::", "address 2001:db8:1:2::/64"},
      {"a neighbour on the link", NULL, AF_INET6, "fe80::1:2",
       "address fe80::1:2"},
      {"mapped", NULL, AF_INET6, "::ffff:192.0.2.1", "address 192.0.2.1"}};
  size_t i;

  (void)state;
  for (i = 0; i < COUNT_OF(rows); i++) {
    struct sockaddr_storage a = {.ss_family = (sa_family_t)rows[i].family};
    void *at = rows[i].family == AF_INET
                   ? (void *)&((struct sockaddr_in *)(void *)&a)->sin_addr
                   : (void *)&((struct sockaddr_in6 *)(void *)&a)->sin6_addr;
    char name[PARTY_NAME_MAX];

    assert_int_equal(inet_pton(rows[i].family, rows[i].address, at), 1);
    party_name(name, rows[i].certificate, &a);
    row_string(&rows[i], name, rows[i].party);
  }
}

static void a_party_lives_as_long_as_its_members(void **state) {
  parties all = {NULL};
  party *a, *b;

  (void)state;
  a = parties_join(&all, "a");
  b = parties_join(&all, "b");
  assert_non_null(a);
  assert_non_null(b);
  assert_ptr_not_equal(a, b);
  assert_string_equal(a->name, "a");
  assert_ptr_equal(parties_join(&all, "a"), a);
  parties_leave(&all, a);
  assert_ptr_equal(parties_join(&all, "a"), a);
  assert_int_equal(a->members, 2);
  parties_leave(&all, a);
  parties_leave(&all, b);
  assert_non_null(all.root);
  parties_leave(&all, a);
  assert_null(all.root); /* LeakSanitizer sees the rest */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_certificate_or_else_an_address),
      cmocka_unit_test(a_party_lives_as_long_as_its_members),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
