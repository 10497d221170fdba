/* The range of local ports, the reserved and the excluded ones, and the
 * history. */
#include "io/ports.h"

#include <stdio.h>

#include "table.h"

static void ranges(void **state) {
  static const struct row {
    const char *name;
    uint16_t lo, hi, first, last;
    uint32_t count;
  } rows[] = {
      {"the default", 0, 0, 1024, 65535, 64512},
      {"one port", 5000, 5000, 5000, 5000, 1},
      {"a few", 5000, 5009, 5000, 5009, 10},
      {"everything", 1, 65535, 1, 65535, 65535},
  };
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    qm_ports p;

    qm_ports_init(&p, r->lo, r->hi);
    row_equal(r, qm_ports_count(&p), r->count);
    row_equal(r, qm_ports_at(&p, 0), r->first);
    row_equal(r, qm_ports_at(&p, r->count - 1), r->last);
    row_equal(r, qm_ports_at(&p, r->count), r->first);
    row_true(r, qm_ports_at(&p, UINT32_MAX) >= r->first &&
                    qm_ports_at(&p, UINT32_MAX) <= r->last);
  }
}

static void never_an_excluded_port(void **state) {
  static const struct row {
    const char *name;
    uint16_t port;
    bool is_allowed;
  } rows[] = {
      {"none", 0, false},      {"echo", 7, false},
      {"qotd", 17, false},     {"chargen", 19, false},
      {"dns", 53, false},      {"portmap", 111, false},
      {"ntp", 123, false},     {"netbios name", 137, false},
      {"netbios", 138, false}, {"snmp", 161, false},
      {"cldap", 389, false},   {"ipsec", 500, false},
      {"rip", 520, false},     {"ssdp", 1900, false},
      {"wsd", 3702, false},    {"mdns", 5353, false},
      {"llmnr", 5355, false},  {"memcached", 11211, false},
      {"quake", 20800, false}, {"steam", 27015, false},
      {"https", 443, true},    {"first plain", 1024, true},
      {"last", 65535, true},   {"beside ssdp", 1901, true},
  };
  const struct row *r;
  qm_ports p;

  (void)state;
  qm_ports_init(&p, 0, 0);
  for (EACH_ROW(r, rows)) {
    row_equal(r, qm_ports_is_allowed(&p, r->port), r->is_allowed);
  }
}

static void the_last_sixteen_do_not_come_again(void **state) {
  uint16_t port;
  qm_ports p;

  (void)state;
  qm_ports_init(&p, 0, 0);
  for (port = 2000; port < 2016; port++) {
    assert_true(qm_ports_is_allowed(&p, port));
    qm_ports_on_used(&p, port);
    assert_false(qm_ports_is_allowed(&p, port));
  }
  for (port = 2000; port < 2016; port++) {
    assert_false(qm_ports_is_allowed(&p, port));
  }
  /* The seventeenth pushes out the oldest, and only that. */
  qm_ports_on_used(&p, 2016);
  assert_true(qm_ports_is_allowed(&p, 2000));
  for (port = 2001; port <= 2016; port++) {
    assert_false(qm_ports_is_allowed(&p, port));
  }
  qm_ports_on_used(&p, 2017);
  assert_true(qm_ports_is_allowed(&p, 2001));
  assert_false(qm_ports_is_allowed(&p, 2002));
}

struct reserved_row {
  const char *name, *text;
  uint16_t lo, hi;
  int rv;
  uint32_t left;
  const char *want; /* the ports reserved, of the range */
};

#define BAD QUICMIG_ERR_INVALID_ARGUMENT

static const struct reserved_row reserved_rows[] = {
    {"nothing", "", 5000, 5009, 0, 10, ""},
    {"the kernel's nothing", "\n", 5000, 5009, 0, 10, ""},
    {"one", "5003\n", 5000, 5009, 0, 9, "5003 "},
    {"a range", "5003-5005\n", 5000, 5009, 0, 7, "5003-5005 "},
    {"both", "80,5001,5003-5005,8080\n", 5000, 5009, 0, 6, "5001 5003-5005 "},
    {"no newline", "5001,5003", 5000, 5009, 0, 8, "5001 5003 "},
    {"neighbours", "5001,5002,5003-5004", 5000, 5009, 0, 6, "5001-5004 "},
    {"out of order", "5008,5001-5002", 5000, 5009, 0, 7, "5001-5002 5008 "},
    {"overlapping", "5001-5006,5003,5005-5007", 5000, 5009, 0, 3, "5001-5007 "},
    {"beside the range", "1-4999,5010-65535", 5000, 5009, 0, 10, ""},
    {"across its begin", "4000-5003", 5000, 5009, 0, 6, "5000-5003 "},
    {"across its end", "5009-5010,0", 5000, 5009, 0, 9, "5009 "},
    {"all but one", "5000-5008", 5000, 5009, 0, 1, "5000-5008 "},
    {"all: for us", "5000-5009", 5000, 5009, 0, 10, ""},
    {"more than all", "0-65535", 5000, 5009, 0, 10, ""},
    {"all, piece by piece", "5000-5004,5005-5009", 5000, 5009, 0, 10, ""},
    {"of all ports", "0-1023,65535", 1, 65535, 0, 64511, "1-1023 65535 "},
    {"one port, reserved", "5000", 5000, 5000, 0, 1, ""},
    {"no number", "abc", 5000, 5009, BAD, 0, NULL},
    {"too large", "65536", 5000, 5009, BAD, 0, NULL},
    {"much too large", "99999999999999999999", 5000, 5009, BAD, 0, NULL},
    {"backwards", "5004-5003", 5000, 5009, BAD, 0, NULL},
    {"no end", "5003-", 5000, 5009, BAD, 0, NULL},
    {"no begin", "-5003", 5000, 5009, BAD, 0, NULL},
    {"two ends", "5001-5002-5003", 5000, 5009, BAD, 0, NULL},
    {"a comma first", ",5003", 5000, 5009, BAD, 0, NULL},
    {"a comma last", "5003,\n", 5000, 5009, BAD, 0, NULL},
    {"two commas", "5001,,5003", 5000, 5009, BAD, 0, NULL},
    {"a space", "5001, 5003", 5000, 5009, BAD, 0, NULL},
    {"a sign", "+5003", 5000, 5009, BAD, 0, NULL},
};

static const char *reserved_text(const qm_ports *p) {
  static char text[256];
  size_t i, at = 0;

  text[0] = 0;
  for (i = 0; i < p->reserved->n; i++) {
    const qm_port_range *r = &p->reserved->ranges[i];

    at += (size_t)snprintf(text + at, sizeof(text) - at,
                           r->lo == r->hi ? "%u " : "%u-%u ", r->lo, r->hi);
  }
  return text;
}

static bool is_reserved(const qm_ports *p, uint16_t port) {
  const qm_reserved *r = p->reserved;
  size_t i;

  for (i = 0; i < r->n; i++) {
    if (port >= r->ranges[i].lo && port <= r->ranges[i].hi) {
      return true;
    }
  }
  return false;
}

/* As the owner does with a list. */
static int reserve(qm_ports *p, const char *text, size_t len) {
  static qm_reserved reserved;
  qm_reserved found;
  int rv = qm_ports_parse(p, text, len, &found);

  if (rv == 0) {
    reserved = found;
    p->reserved = &reserved;
  }
  return rv;
}

/* The range is what is left of it: each such port once, and no other. */
static void check_range(const struct reserved_row *r, const qm_ports *p) {
  uint32_t count = qm_ports_count(p), i;
  uint16_t last = 0;

  for (i = 0; i < count; i++) {
    uint16_t port = qm_ports_at(p, i);

    row_true(r, port > last && port >= r->lo && port <= r->hi);
    row_true(r, !is_reserved(p, port));
    last = port;
  }
  row_equal(r, qm_ports_at(p, count), qm_ports_at(p, 0));
}

static void reserved_ports_are_left_out(void **state) {
  const struct reserved_row *r;

  (void)state;
  for (EACH_ROW(r, reserved_rows)) {
    qm_ports p;

    qm_ports_init(&p, r->lo, r->hi);
    row_equal(r, reserve(&p, r->text, strlen(r->text)), r->rv);
    if (r->rv != 0) {
      continue;
    }
    row_string(r, reserved_text(&p), r->want);
    row_equal(r, qm_ports_count(&p), r->left);
    check_range(r, &p);
  }
}

/* More pieces than there is room for: the smallest gaps go. */
static void too_many_pieces_join(void **state) {
  static const struct reserved_row row = {"pieces", .lo = 1, .hi = 65535};
  char text[512];
  size_t n = 0;
  uint16_t port;
  qm_ports p;

  (void)state;
  for (port = 1000; port < 1040; port = (uint16_t)(port + 2)) {
    n += (size_t)snprintf(text + n, sizeof(text) - n, "%u,", port);
  }
  n += (size_t)snprintf(text + n, sizeof(text) - n, "5000,60000-60010");
  qm_ports_init(&p, row.lo, row.hi);
  assert_int_equal(reserve(&p, text, n), 0);
  assert_int_equal(p.reserved->n, QM_RESERVED_MAX);
  for (port = 1000; port < 1040; port = (uint16_t)(port + 2)) {
    assert_true(is_reserved(&p, port));
  }
  assert_true(is_reserved(&p, 5000) && is_reserved(&p, 60010));
  assert_false(is_reserved(&p, 4999) || is_reserved(&p, 1039));
  assert_false(is_reserved(&p, 60011) || is_reserved(&p, 999));
  check_range(&row, &p);
}

/* A list that filled the room was cut, in the middle of a number perhaps. */
static void a_cut_list_counts_to_its_last_comma(void **state) {
  static char text[QM_RESERVED_TEXT];
  size_t i;
  qm_ports p;

  (void)state;
  for (i = 0; i < sizeof(text); i++) {
    text[i] = "5000,"[i % 5];
  }
  text[sizeof(text) - 4] = '6'; /* the last piece is "600" */
  qm_ports_init(&p, 1, 65535);
  assert_int_equal(reserve(&p, text, sizeof(text)), 0);
  assert_string_equal(reserved_text(&p), "5000 ");
  memset(text, '7', sizeof(text));
  assert_int_equal(reserve(&p, text, sizeof(text)), 0);
  assert_int_equal(p.reserved->n, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ranges),
      cmocka_unit_test(reserved_ports_are_left_out),
      cmocka_unit_test(too_many_pieces_join),
      cmocka_unit_test(a_cut_list_counts_to_its_last_comma),
      cmocka_unit_test(never_an_excluded_port),
      cmocka_unit_test(the_last_sixteen_do_not_come_again),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
