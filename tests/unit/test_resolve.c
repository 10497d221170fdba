/* Where the server is: what is given, what the resolver says, and what is
 * refused, with its text.  Asks no name server. */
#include "endpoint/resolve.h"

#include <arpa/inet.h>

#include "table.h"

static qm_addr parse(const char *text) {
  qm_addr a = {.len = 0};

  if (text && strchr(text, ':')) {
    qm_addr_any(&a, AF_INET6);
    assert_int_equal(inet_pton(AF_INET6, text, &a.u.in6.sin6_addr), 1);
  } else if (text) {
    qm_addr_any(&a, AF_INET);
    assert_int_equal(inet_pton(AF_INET, text, &a.u.in.sin_addr), 1);
  }
  if (text) {
    qm_addr_set_port(&a, 443);
  }
  return a;
}

typedef struct row {
  const char *name;
  const char *remote, *remote2, *host; /* given; NULL: not */
  uint64_t port;
  int rv;
  const char *text;     /* in the error's */
  const char *found[2]; /* NULL: none */
} row;

#define BAD QUICMIG_ERR_INVALID_ARGUMENT
#define LABEL "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff"

static const row rows[] = {
    {"v4", "192.0.2.1", NULL, NULL, 0, 0, NULL, {"192.0.2.1", NULL}},
    {"v6", "2001:db8::1", NULL, NULL, 0, 0, NULL, {"2001:db8::1", NULL}},
    {"v4, v6",
     "192.0.2.1",
     "2001:db8::1",
     NULL,
     0,
     0,
     NULL,
     {"192.0.2.1", "2001:db8::1"}},
    {"v6, v4",
     "2001:db8::1",
     "192.0.2.1",
     NULL,
     0,
     0,
     NULL,
     {"2001:db8::1", "192.0.2.1"}},
    {"remote before host",
     "192.0.2.1",
     NULL,
     "192.0.2.9",
     443,
     0,
     NULL,
     {"192.0.2.1", NULL}},
    {"twice v4", "192.0.2.1", "192.0.2.2", NULL, 0, BAD, "remote2", {0}},
    {"twice v6", "2001:db8::1", "2001:db8::2", NULL, 0, BAD, "remote2", {0}},
    {"number", NULL, NULL, "192.0.2.7", 443, 0, NULL, {"192.0.2.7", NULL}},
    {"v6 number", NULL, NULL, "2001:db8::7", 443, 0, NULL, {"2001:db8::7"}},
    {"number, remote2",
     NULL,
     "2001:db8::1",
     "192.0.2.7",
     443,
     0,
     NULL,
     {"192.0.2.7", "2001:db8::1"}},
    {"number, wrong remote2",
     NULL,
     "192.0.2.1",
     "192.0.2.7",
     443,
     BAD,
     "remote2",
     {0}},
    {"nothing", NULL, NULL, NULL, 443, BAD, "host and port", {0}},
    {"no port", NULL, NULL, "192.0.2.7", 0, BAD, "port", {0}},
    {"port too high", NULL, NULL, "192.0.2.7", 65536, BAD, "port", {0}},
    {"port far too high", NULL, NULL, "::1", UINT64_MAX, BAD, "port", {0}},
    {"no such name",
     NULL,
     NULL,
     LABEL LABEL ".invalid", /* longer than a label may be */
     443,
     QUICMIG_ERR_RESOLVE,
     LABEL,
     {0}},
};

static void check_row(const row *r) {
  qm_addr given = parse(r->remote), second = parse(r->remote2);
  qm_remotes found;
  quicmig_client_config cfg;
  size_t i;

  quicmig_client_config_default(&cfg);
  cfg.host = r->host;
  cfg.port = r->port;
  cfg.remote = r->remote ? &given.u.sa : NULL;
  cfg.remotelen = given.len;
  cfg.remote2 = r->remote2 ? &second.u.sa : NULL;
  cfg.remote2len = second.len;
  row_equal(r, qm_resolve(&cfg, &found), r->rv);
  if (r->rv != 0) {
    row_true(r, strstr(quicmig_last_error_text(), r->text));
    return;
  }
  row_equal(r, found.n, r->found[1] ? 2 : 1);
  for (i = 0; i < found.n; i++) {
    qm_addr expected = parse(r->found[i]);

    row_true(r, qm_addr_is_equal(&found.rows[i], &expected));
  }
}

static void rows_of_addresses(void **state) {
  const row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    check_row(r);
  }
}

/* Neither family, and too short. */
static void odd_addresses(void **state) {
  struct sockaddr other = {.sa_family = AF_UNIX};
  qm_addr good = parse("192.0.2.1");
  qm_remotes found;
  quicmig_client_config cfg;

  (void)state;
  quicmig_client_config_default(&cfg);
  cfg.remote = &other;
  cfg.remotelen = sizeof(other);
  assert_int_equal(qm_resolve(&cfg, &found), BAD);
  assert_non_null(strstr(quicmig_last_error_text(), "remote"));
  cfg.remote = &good.u.sa;
  cfg.remotelen = good.len - 1;
  assert_int_equal(qm_resolve(&cfg, &found), BAD);
  cfg.remotelen = good.len;
  cfg.remote2 = &other;
  cfg.remote2len = sizeof(other);
  assert_int_equal(qm_resolve(&cfg, &found), BAD);
  assert_non_null(strstr(quicmig_last_error_text(), "remote2"));
}

/* Forms that are not names. */
static void short_forms(void **state) {
  static const struct row {
    const char *name, *found;
  } forms[] = {{"192.0.513", "192.0.2.1"},
               {"0xc0000201", "192.0.2.1"},
               {"::ffff:192.0.2.1", "192.0.2.1"},
               {"[2001:db8::1]", "2001:db8::1"}};
  const struct row *r;
  quicmig_client_config cfg;
  qm_remotes found;

  (void)state;
  quicmig_client_config_default(&cfg);
  cfg.port = 443;
  for (EACH_ROW(r, forms)) {
    qm_addr expected = parse(r->found);

    cfg.host = r->name;
    row_equal(r, qm_resolve(&cfg, &found), 0);
    row_equal(r, found.n, 1);
    row_true(r, qm_addr_is_equal(&found.rows[0], &expected));
  }
}

/* A list of the program's: as it is, once each, and no more than eight. */
static void lists(void **state) {
  struct sockaddr_storage list[12] = {{.ss_family = AF_UNSPEC}};
  quicmig_client_config cfg;
  qm_remotes found;
  size_t i;

  (void)state;
  quicmig_client_config_default(&cfg);
  cfg.host = "not-asked.invalid";
  cfg.remotes = list;
  for (i = 0; i < 12; i++) {
    qm_addr a = parse(i % 2 ? "192.0.2.1" : "2001:db8::1");

    qm_addr_set_port(&a, (uint16_t)(443 + i));
    qm_addr_copy_to(&a, &list[i]);
  }
  cfg.n_remotes = 3;
  list[2] = list[0];
  assert_int_equal(qm_resolve(&cfg, &found), 0);
  assert_int_equal(found.n, 2);
  assert_int_equal(qm_addr_port(&found.rows[1]), 444);
  cfg.n_remotes = 12;
  assert_int_equal(qm_resolve(&cfg, &found), 0);
  assert_int_equal(found.n, 8);
  assert_int_equal(qm_addr_port(&found.rows[7]), 451);
  list[3].ss_family = AF_UNIX;
  assert_int_equal(qm_resolve(&cfg, &found), BAD);
  assert_non_null(strstr(quicmig_last_error_text(), "remotes"));
}

/* What /etc/hosts says: the families by turns; the port is set on all. */
static void localhost(void **state) {
  struct sockaddr_storage dest[8];
  quicmig_client_config cfg;
  qm_remotes found;
  size_t i;

  (void)state;
  quicmig_client_config_default(&cfg);
  cfg.host = "localhost";
  cfg.port = 4433;
  if (qm_resolve(&cfg, &found) != 0) {
    skip();
  }
  for (i = 0; i < found.n; i++) {
    assert_int_equal(qm_addr_port(&found.rows[i]), 4433);
  }
  assert_int_equal(quicmig_resolve("localhost", 4433, dest, 8), found.n);
  assert_true(qm_addr_is(&found.rows[0], &dest[0], found.rows[0].len));
  assert_int_equal(quicmig_resolve("localhost", 4433, dest, 1), 1);
  assert_int_equal(quicmig_resolve("localhost", 0, dest, 8), BAD);
  assert_int_equal(quicmig_resolve(NULL, 1, dest, 8), BAD);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rows_of_addresses), cmocka_unit_test(odd_addresses),
      cmocka_unit_test(short_forms),       cmocka_unit_test(lists),
      cmocka_unit_test(localhost),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
