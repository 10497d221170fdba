/* Socket addresses: what is taken, what is kept, what is equal. */
#include "base/addr.h"

#include <arpa/inet.h>
#include <sys/un.h>

#include "table.h"

static qm_addr v4(const char *host, uint16_t port) {
  struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
  qm_addr a;

  assert_int_equal(inet_pton(AF_INET, host, &in.sin_addr), 1);
  assert_int_equal(qm_addr_set(&a, (struct sockaddr *)&in, sizeof(in)), 0);
  return a;
}

static qm_addr v6(const char *host, uint16_t port, uint32_t scope) {
  struct sockaddr_in6 in6 = {.sin6_family = AF_INET6,
                             .sin6_port = htons(port),
                             .sin6_flowinfo = htonl(0xabcde),
                             .sin6_scope_id = scope};
  qm_addr a;

  assert_int_equal(inet_pton(AF_INET6, host, &in6.sin6_addr), 1);
  assert_int_equal(qm_addr_set(&a, (struct sockaddr *)&in6, sizeof(in6)), 0);
  return a;
}

static void takes_only_whole_ip_addresses(void **state) {
  static const struct row {
    const char *name;
    int family;
    socklen_t len, kept;
    int want;
  } rows[] = {
      {"IPv4", AF_INET, sizeof(struct sockaddr_in), sizeof(struct sockaddr_in),
       0},
      {"IPv6", AF_INET6, sizeof(struct sockaddr_in6),
       sizeof(struct sockaddr_in6), 0},
      {"IPv4 in a storage", AF_INET, sizeof(struct sockaddr_storage),
       sizeof(struct sockaddr_in), 0},
      {"IPv6 in a storage", AF_INET6, sizeof(struct sockaddr_storage),
       sizeof(struct sockaddr_in6), 0},
      {"IPv4, a byte short", AF_INET, sizeof(struct sockaddr_in) - 1, 0,
       QUICMIG_ERR_INVALID_ARGUMENT},
      {"IPv6, a byte short", AF_INET6, sizeof(struct sockaddr_in6) - 1, 0,
       QUICMIG_ERR_INVALID_ARGUMENT},
      {"half a family", AF_INET, 1, 0, QUICMIG_ERR_INVALID_ARGUMENT},
      {"nothing", AF_INET, 0, 0, QUICMIG_ERR_INVALID_ARGUMENT},
      {"unix", AF_UNIX, sizeof(struct sockaddr_un), 0,
       QUICMIG_ERR_INVALID_ARGUMENT},
      {"unspecified", AF_UNSPEC, sizeof(struct sockaddr_storage), 0,
       QUICMIG_ERR_INVALID_ARGUMENT},
  };
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    struct sockaddr_storage ss = {.ss_family = (sa_family_t)r->family};
    qm_addr before = v4("192.0.2.9", 99), a = before;

    row_equal(r, qm_addr_set(&a, (struct sockaddr *)&ss, r->len), r->want);
    if (r->want == 0) {
      row_equal(r, a.len, r->kept);
      row_equal(r, qm_addr_family(&a), r->family);
    } else {
      row_true(r, qm_addr_is_equal(&a, &before)); /* untouched */
    }
  }
}

static void takes_no_null(void **state) {
  qm_addr a;

  (void)state;
  assert_int_equal(qm_addr_set(&a, NULL, sizeof(struct sockaddr_in)),
                   QUICMIG_ERR_INVALID_ARGUMENT);
}

/* ngtcp2 compares paths byte by byte: what does not identify an address must
 * not differ. */
static void forgets_what_identifies_nothing(void **state) {
  struct sockaddr_in in = {.sin_family = AF_INET};
  qm_addr a = v6("2001:db8::1", 1, 0), b, plain;

  (void)state;
  assert_int_equal(a.u.in6.sin6_flowinfo, 0);
  assert_int_equal(qm_addr_set(&plain, (struct sockaddr *)&in, sizeof(in)), 0);
  memset(in.sin_zero, 0x55, sizeof(in.sin_zero));
  assert_int_equal(qm_addr_set(&b, (struct sockaddr *)&in, sizeof(in)), 0);
  assert_memory_equal(&b, &plain, sizeof(b));
}

static void compares(void **state) {
  const qm_addr none = {.len = 0};
  const struct row {
    const char *name;
    qm_addr a, b;
    bool same_host, equal;
  } rows[] = {
      {"the same", v4("192.0.2.1", 5), v4("192.0.2.1", 5), true, true},
      {"another port", v4("192.0.2.1", 5), v4("192.0.2.1", 6), true, false},
      {"another host", v4("192.0.2.1", 5), v4("192.0.2.2", 5), false, false},
      {"IPv6, the same", v6("2001:db8::1", 5, 0), v6("2001:db8::1", 5, 0), true,
       true},
      {"IPv6, another port", v6("2001:db8::1", 5, 0), v6("2001:db8::1", 6, 0),
       true, false},
      {"IPv6, last bit", v6("2001:db8::1", 5, 0), v6("2001:db8::", 5, 0), false,
       false},
      {"another scope", v6("fe80::1", 5, 1), v6("fe80::1", 5, 2), false, false},
      {"a mapped address is that address", v4("192.0.2.1", 5),
       v6("::ffff:192.0.2.1", 5, 0), true, true},
      {"none against some", none, v4("0.0.0.0", 0), false, false},
      {"none against none", none, none, true, true},
  };
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    row_equal(r, qm_addr_is_same_host(&r->a, &r->b), r->same_host);
    row_equal(r, qm_addr_is_same_host(&r->b, &r->a), r->same_host);
    row_equal(r, qm_addr_is_equal(&r->a, &r->b), r->equal);
    row_equal(r, qm_addr_is_equal(&r->b, &r->a), r->equal);
  }
}

static void knows_wildcards_and_prints(void **state) {
  const qm_addr none = {.len = 0};
  const struct row {
    const char *name;
    qm_addr a;
    bool is_wildcard;
    uint16_t port;
    const char *text;
  } rows[] = {
      {"IPv4", v4("192.0.2.1", 443), false, 443, "192.0.2.1:443"},
      {"IPv4 any", v4("0.0.0.0", 65535), true, 65535, "0.0.0.0:65535"},
      {"IPv6", v6("2001:db8::1", 1, 0), false, 1, "[2001:db8::1]:1"},
      {"IPv6 any", v6("::", 0, 0), true, 0, "[::]:0"},
      {"the longest",
       v6("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", 65535, UINT32_MAX),
       false, 65535, "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"},
      {"none", none, true, 0, "none"},
  };
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    char text[QM_ADDR_STRLEN];

    row_equal(r, qm_addr_is_wildcard(&r->a), r->is_wildcard);
    row_equal(r, qm_addr_port(&r->a), r->port);
    row_string(r, qm_addr_format(&r->a, text), r->text);
  }
}

static void any_takes_a_port(void **state) {
  static const struct row {
    const char *name;
    int family;
    socklen_t len;
  } rows[] = {{"IPv4", AF_INET, sizeof(struct sockaddr_in)},
              {"IPv6", AF_INET6, sizeof(struct sockaddr_in6)}};
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    struct sockaddr_storage ss;
    qm_addr a, back;

    memset(&ss, 0xff, sizeof(ss));
    qm_addr_any(&a, r->family);
    row_equal(r, a.len, r->len);
    row_true(r, qm_addr_is_wildcard(&a));
    row_equal(r, qm_addr_port(&a), 0);
    qm_addr_set_port(&a, 0x1234);
    row_equal(r, qm_addr_port(&a), 0x1234);
    qm_addr_copy_to(&a, &ss);
    row_equal(r, qm_addr_set(&back, (struct sockaddr *)&ss, sizeof(ss)), 0);
    row_true(r, qm_addr_is_equal(&a, &back));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(takes_only_whole_ip_addresses),
      cmocka_unit_test(takes_no_null),
      cmocka_unit_test(forgets_what_identifies_nothing),
      cmocka_unit_test(compares),
      cmocka_unit_test(knows_wildcards_and_prints),
      cmocka_unit_test(any_takes_a_port),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
