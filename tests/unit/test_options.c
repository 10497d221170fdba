/* Options: the defaults of the header, and every range at both its ends. */
#include <quicmig/model.h>

#include "table.h"

#define MS QUICMIG_MILLISECOND
#define S QUICMIG_SECOND
#define H (3600 * S)
#define FIELD(f)                                                               \
#f, offsetof(quicmig_options, f), sizeof(((quicmig_options *)0)->f)

static void defaults_are_as_documented(void **state) {
  quicmig_options o;

  (void)state;
  memset(&o, 0xff, sizeof(o));
  quicmig_options_default(&o);
  assert_null(quicmig_options_check(&o));
  assert_int_equal(o.size, sizeof(o));
  assert_int_equal(o.hop_interval, 300 * S);
  assert_int_equal(o.hop_bytes, 0);
  assert_int_equal(o.hop_packets, 0);
  assert_int_equal(o.hop_min_gap, 100 * MS);
  assert_int_equal(o.hop_backoff, S);
  assert_int_equal(o.hop_backoff_max, 300 * S);
  assert_int_equal(o.hop_quiet, 2 * S);
  assert_int_equal(o.drain, 60 * S);
  assert_int_equal(o.hop_jitter_pct, 20);
  assert_int_equal(o.max_sockets, 4);
  assert_int_equal(o.hop_mode, QUICMIG_MODE_MIGRATE);
  assert_int_equal(o.local_port_lo, 0);
  assert_int_equal(o.local_port_hi, 0);
  assert_int_equal(o.rcvbuf, 1 << 20);
  assert_int_equal(o.sndbuf, 1 << 20);
  assert_int_equal(o.fwmark, 0);
  assert_string_equal(o.interface_name, "");
  assert_int_equal(o.remote_port_lo, 0);
  assert_int_equal(o.remote_port_hi, 0);
  assert_int_equal(o.degrade_ptos, 2);
  assert_int_equal(o.adaptive, 0);
  assert_int_equal(o.watch_network, 0);
  assert_string_equal(o.interfaces, "");
}

struct field_row {
  const char *name; /* the field's */
  size_t offset, width;
  uint64_t value;
  bool is_taken;
};

static void set_field(quicmig_options *o, const struct field_row *r) {
  uint8_t *at = (uint8_t *)o + r->offset;
  uint64_t v64 = r->value;
  uint32_t v32 = (uint32_t)v64;
  uint16_t v16 = (uint16_t)v64;

  switch (r->width) {
  case 8:
    memcpy(at, &v64, 8);
    break;
  case 4:
    memcpy(at, &v32, 4);
    break;
  default:
    memcpy(at, &v16, 2);
    break;
  }
}

/* A refusal must name the field. */
static void check_rows(const struct field_row *rows, size_t n) {
  const struct field_row *r;

  for (r = rows; r < rows + n; r++) {
    quicmig_options o;
    const char *why;

    quicmig_options_default(&o);
    set_field(&o, r);
    why = quicmig_options_check(&o);
    if ((why == NULL) != r->is_taken || (why && !strstr(why, r->name))) {
      print_error("%s = %" PRIu64 ": %s\n", r->name, r->value,
                  why ? why : "taken");
      fail();
    }
  }
}

static const struct field_row schedule_rows[] = {
    {FIELD(size), sizeof(quicmig_options), true},
    {FIELD(size), sizeof(quicmig_options) + 8, true},
    {FIELD(size), sizeof(quicmig_options) - 1, false},
    {FIELD(size), 0, false},
    {FIELD(hop_interval), 0, true},
    {FIELD(hop_interval), 1, false},
    {FIELD(hop_interval), 10 * MS - 1, false},
    {FIELD(hop_interval), 10 * MS, true},
    {FIELD(hop_interval), 366 * 24 * H, true},
    {FIELD(hop_interval), 366 * 24 * H + 1, false},
    {FIELD(hop_interval), QUICMIG_NEVER, false},
    {FIELD(hop_jitter_pct), 0, true},
    {FIELD(hop_jitter_pct), 90, true},
    {FIELD(hop_jitter_pct), 91, false},
    {FIELD(hop_bytes), 65535, false},
    {FIELD(hop_bytes), 65536, true},
    {FIELD(hop_bytes), UINT64_MAX, true},
    {FIELD(hop_packets), 99, false},
    {FIELD(hop_packets), 100, true},
    {FIELD(hop_min_gap), 0, false},
    {FIELD(hop_min_gap), 10 * MS - 1, false},
    {FIELD(hop_min_gap), 10 * MS, true},
    {FIELD(hop_min_gap), H, true},
    {FIELD(hop_min_gap), H + 1, false},
    {FIELD(hop_backoff), 0, false},
    {FIELD(hop_backoff), 100 * MS - 1, false},
    {FIELD(hop_backoff), 100 * MS, true},
    {FIELD(hop_backoff), H + 1, false},
    {FIELD(hop_backoff_max), S - 1, false},
    {FIELD(hop_backoff_max), S, true},
    {FIELD(hop_backoff_max), 24 * H, true},
    {FIELD(hop_backoff_max), 24 * H + 1, false},
    {FIELD(hop_quiet), 0, true},
    {FIELD(hop_quiet), H, true},
    {FIELD(hop_quiet), H + 1, false},
    {FIELD(hop_mode), QUICMIG_MODE_REBIND, true},
    {FIELD(hop_mode), QUICMIG_MODE_REBIND + 1, false},
    {FIELD(drain), 0, true},
    {FIELD(drain), H, true},
    {FIELD(drain), H + 1, false},
    {FIELD(degrade_ptos), 0, true},
    {FIELD(degrade_ptos), 1, false},
    {FIELD(degrade_ptos), 2, true},
    {FIELD(degrade_ptos), 16, true},
    {FIELD(degrade_ptos), 17, false},
    {FIELD(degrade_ptos), UINT32_MAX, false},
    {FIELD(adaptive), 1, true},
    {FIELD(adaptive), UINT32_MAX, true},
};

static void schedule_ranges(void **state) {

  (void)state;
  check_rows(schedule_rows, COUNT_OF(schedule_rows));
}

static void socket_ranges(void **state) {
  static const struct field_row rows[] = {
      {FIELD(max_sockets), 1, false},
      {FIELD(max_sockets), 2, true},
      {FIELD(max_sockets), 16, true},
      {FIELD(max_sockets), 17, false},
      {FIELD(rcvbuf), 0, true},
      {FIELD(rcvbuf), 2047, false},
      {FIELD(rcvbuf), 2048, true},
      {FIELD(rcvbuf), 1u << 30, true},
      {FIELD(rcvbuf), (1u << 30) + 1, false},
      {FIELD(sndbuf), 0, true},
      {FIELD(sndbuf), 2047, false},
      {FIELD(sndbuf), 2048, true},
      {FIELD(sndbuf), 1u << 30, true},
      {FIELD(sndbuf), (1u << 30) + 1, false},
      {FIELD(fwmark), UINT32_MAX, true},
      {FIELD(local_port_lo), 1024, false}, /* without an end */
      {FIELD(local_port_hi), 1024, false}, /* without a start */
      {FIELD(remote_port_lo), 1024, false},
      {FIELD(remote_port_hi), 1024, false},
      {FIELD(no_offload), QUICMIG_NO_GSO | QUICMIG_NO_GRO, true},
      {FIELD(no_offload), 4, false},
      {FIELD(watch_network), UINT32_MAX, true},
  };

  (void)state;
  check_rows(rows, COUNT_OF(rows));
}

static void port_ranges(void **state) {
  static const struct row {
    const char *name;
    uint16_t lo, hi;
    bool is_taken;
  } rows[] = {
      {"system's", 0, 0, true},       {"one port", 5000, 5000, true},
      {"everything", 1, 65535, true}, {"upside down", 5001, 5000, false},
      {"no start", 0, 5000, false},   {"no end", 5000, 0, false},
  };
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    quicmig_options o;

    quicmig_options_default(&o);
    o.local_port_lo = r->lo;
    o.local_port_hi = r->hi;
    row_equal(r, quicmig_options_check(&o) == NULL, r->is_taken);
    quicmig_options_default(&o);
    o.remote_port_lo = r->lo;
    o.remote_port_hi = r->hi;
    row_equal(r, quicmig_options_check(&o) == NULL, r->is_taken);
  }
}

static void interface_names_end(void **state) {
  quicmig_options o;

  (void)state;
  quicmig_options_default(&o);
  memset(o.interface_name, 'a', 15);
  assert_null(quicmig_options_check(&o));
  o.interface_name[15] = 'a';
  assert_non_null(quicmig_options_check(&o));
  assert_non_null(strstr(quicmig_options_check(&o), "interface_name"));
}

static void interface_lists(void **state) {
  static const struct row {
    const char *name; /* the list */
    bool is_taken;
  } rows[] = {
      {"", true},
      {"a", true},
      {"eth0,wlan0", true},
      {"a23456789012345", true},
      {"a234567890123456", false},
      {"eth0,a234567890123456", false},
      {"a234567890123456,eth0", false},
      {"eth0,", false},
      {",eth0", false},
      {",", false},
      {"eth0,,wlan0", false},
      {"a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u,v,w,x,y,z,0,1,2,3,4,5", true},
      {"a23456789012345,b23456789012345,c23456789012345,d2345678901234", true},
  };
  const struct row *r;
  quicmig_options o;

  (void)state;
  for (EACH_ROW(r, rows)) {
    const char *why;

    quicmig_options_default(&o);
    strcpy(o.interfaces, r->name);
    why = quicmig_options_check(&o);
    row_equal(r, why == NULL, r->is_taken);
    row_true(r, !why || strstr(why, "interfaces"));
  }
  /* Without an end. */
  quicmig_options_default(&o);
  memset(o.interfaces, 'a', sizeof(o.interfaces));
  for (size_t i = 1; i < sizeof(o.interfaces); i += 2) {
    o.interfaces[i] = ',';
  }
  assert_non_null(quicmig_options_check(&o));
}

static void one_interface_or_a_list(void **state) {
  quicmig_options o;

  (void)state;
  quicmig_options_default(&o);
  strcpy(o.interface_name, "eth0");
  assert_null(quicmig_options_check(&o));
  strcpy(o.interfaces, "eth0");
  assert_non_null(strstr(quicmig_options_check(&o), "interface_name"));
  o.interface_name[0] = 0;
  assert_null(quicmig_options_check(&o));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(defaults_are_as_documented),
      cmocka_unit_test(schedule_ranges),
      cmocka_unit_test(socket_ranges),
      cmocka_unit_test(port_ranges),
      cmocka_unit_test(interface_names_end),
      cmocka_unit_test(interface_lists),
      cmocka_unit_test(one_interface_or_a_list),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
