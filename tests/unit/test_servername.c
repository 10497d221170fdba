/* What users type to name a server: what is asked for, sent and verified. */
#include "endpoint/servername.h"

#include <quicmig/types.h>

#include "table.h"

#define L60 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff"

typedef struct row {
  const char *name; /* the text */
  const char *host, *sni, *verify;
} row;

static const row rows[] = {
    {"good.test", "good.test", "good.test", "good.test"},
    {"localhost", "localhost", "localhost", "localhost"},
    {"a-b.1.test", "a-b.1.test", "a-b.1.test", "a-b.1.test"},
    /* The dot is the resolver's alone. */
    {"good.test.", "good.test.", "good.test", "good.test"},
    {"localhost.", "localhost.", "localhost", "localhost"},
    {".", ".", "", "."},
    {"good.test..", "good.test..", "", "good.test."},
    {"GOOD.Test", "GOOD.Test", "good.test", "GOOD.Test"},
    /* No host names: the resolver may know them. */
    {"under_score.test", "under_score.test", "", "under_score.test"},
    {"_udp.test.", "_udp.test.", "", "_udp.test"},
    {"a..test", "a..test", "", "a..test"},
    {".test", ".test", "", ".test"},
    {"a b", "a b", "", "a b"},
    {"*.test", "*.test", "", "*.test"},
    {L60 "aaa.test", L60 "aaa.test", L60 "aaa.test", L60 "aaa.test"},
    {L60 "aaaa.test", L60 "aaaa.test", "", L60 "aaaa.test"},
    {L60 "." L60 "." L60 "." L60 ".123456789",
     L60 "." L60 "." L60 "." L60 ".123456789",
     L60 "." L60 "." L60 "." L60 ".123456789",
     L60 "." L60 "." L60 "." L60 ".123456789"},
    {L60 "." L60 "." L60 "." L60 ".1234567890",
     L60 "." L60 "." L60 "." L60 ".1234567890", "",
     L60 "." L60 "." L60 "." L60 ".1234567890"},
    /* Addresses. */
    {"10.2.0.2", "10.2.0.2", "", "10.2.0.2"},
    {"10.2.2", "10.2.2", "", "10.2.0.2"},
    {"10.131074", "10.131074", "", "10.2.0.2"},
    {"167903234", "167903234", "", "10.2.0.2"},
    {"0x0a020002", "0x0a020002", "", "10.2.0.2"},
    {"012.02.0.2", "012.02.0.2", "", "10.2.0.2"},
    {"10.2.0.2 x", "10.2.0.2 x", "", "10.2.0.2 x"},
    {"10.2.0.256", "10.2.0.256", "10.2.0.256", "10.2.0.256"},
    {"fd02::2", "fd02::2", "", "fd02::2"},
    {"FD02:0::2", "FD02:0::2", "", "fd02::2"},
    {"[fd02::2]", "fd02::2", "", "fd02::2"},
    {"fe80::5%eth0", "fe80::5%eth0", "", "fe80::5"},
    {"[fe80::5%eth0]", "fe80::5%eth0", "", "fe80::5"},
    {"::ffff:10.2.0.2", "::ffff:10.2.0.2", "", "10.2.0.2"},
    {"[good.test]", "[good.test]", "", "[good.test]"},
    {"[]", "[]", "", "[]"},
};

/* Where GnuTLS was built without libidn2 they stay as they are. */
static const row idna_rows[] = {
    {"m\xc3\xbcnchen.test", "xn--mnchen-3ya.test", "xn--mnchen-3ya.test",
     "xn--mnchen-3ya.test"},
    {"M\xc3\x9cNCHEN.test.", "xn--mnchen-3ya.test.", "xn--mnchen-3ya.test",
     "xn--mnchen-3ya.test"},
    {"fa\xc3\x9f.test", "xn--fa-hia.test", "xn--fa-hia.test",
     "xn--fa-hia.test"},
};

static void check_row(const row *r) {
  qm_servername n;

  row_equal(r, qm_servername_parse(&n, r->name), 0);
  row_string(r, n.host, r->host);
  row_string(r, n.sni, r->sni);
  row_string(r, n.verify, r->verify);
}

static void rows_of_names(void **state) {
  const row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    check_row(r);
  }
}

static void names_beyond_ascii(void **state) {
  qm_servername n;
  const row *r;

  (void)state;
  assert_int_equal(qm_servername_parse(&n, idna_rows[0].name), 0);
  if (!n.typed[0]) {
    assert_string_equal(n.host, idna_rows[0].name);
    assert_string_equal(n.sni, "");
    skip();
  }
  for (EACH_ROW(r, idna_rows)) {
    check_row(r);
    assert_int_equal(qm_servername_parse(&n, r->name), 0);
    row_string(r, n.typed, r->name);
  }
}

/* Bytes that are not UTF-8 are the resolver's business. */
static void not_utf8(void **state) {
  qm_servername n;

  (void)state;
  assert_int_equal(qm_servername_parse(&n, "m\xfcnchen.test"), 0);
  assert_string_equal(n.host, "m\xfcnchen.test");
  assert_string_equal(n.typed, "");
  assert_string_equal(n.sni, "");
}

static void lengths(void **state) {
  char text[258] = {0};
  qm_servername n;

  (void)state;
  assert_int_equal(qm_servername_parse(&n, ""), QUICMIG_ERR_INVALID_ARGUMENT);
  memset(text, 'a', 255);
  assert_int_equal(qm_servername_parse(&n, text), 0);
  assert_string_equal(n.sni, "");
  text[255] = 'a';
  assert_int_equal(qm_servername_parse(&n, text), QUICMIG_ERR_INVALID_ARGUMENT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rows_of_names),
      cmocka_unit_test(names_beyond_ascii),
      cmocka_unit_test(not_utf8),
      cmocka_unit_test(lengths),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
