/* The range of local ports, the excluded ones and the history. */
#include "io/ports.h"

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

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ranges),
      cmocka_unit_test(never_an_excluded_port),
      cmocka_unit_test(the_last_sixteen_do_not_come_again),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
