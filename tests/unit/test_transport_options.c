/* The ranges of a connection's options: both ends are taken, one beyond is
 * refused by the field's name, and 0 where it has a meaning of its own. */
#include "endpoint/conn.h"

#include "table.h"

#define MS QUICMIG_MILLISECOND
#define HOUR (3600 * QUICMIG_SECOND)
#define KIB 1024u
#define MIB (1024u * KIB)

typedef quicmig_transport_options options;

#define FIELD(f) #f, offsetof(options, f), sizeof(((options *)0)->f)

typedef struct row {
  const char *name;
  size_t offset, size;
  uint64_t lo, hi;
  bool may_be_0; /* though lo is more */
} row;

static const row rows[] = {
    {FIELD(idle_timeout), 100 * MS, 24 * HOUR, true},
    {FIELD(keep_alive), 0, 24 * HOUR, true},
    {FIELD(handshake_timeout), 100 * MS, 600 * QUICMIG_SECOND, false},
    {FIELD(initial_rtt), MS, 10 * QUICMIG_SECOND, false},
    {FIELD(datagram_max_age), MS, HOUR, true},
    {FIELD(datagram_queue), 4 * KIB, 64 * MIB, false},
    {FIELD(datagram_drop), 0, QUICMIG_DROP_OLDEST, true},
    {FIELD(stream_buffer), 4 * KIB, 64 * MIB, false},
    {FIELD(stream_window), 4 * KIB, 64 * MIB, false},
    {FIELD(connection_window), 4 * KIB, 1024 * MIB, false},
    {FIELD(max_streams_bidi), 0, 65535, true},
    {FIELD(max_streams_uni), 0, 65535, true},
    {FIELD(cid_limit), 2, 8, false},
    {FIELD(max_udp_payload), 1200, QUICMIG_MAX_PKTLEN, false},
    {FIELD(max_connections), 1, 1000000, false},
    {FIELD(max_half_open), 0, 1000000, true},
};

/* NULL: taken. */
static const char *check(const row *r, uint64_t value) {
  uint32_t narrow = (uint32_t)value;
  options o;

  quicmig_transport_options_default(&o);
  memcpy((char *)&o + r->offset,
         r->size == sizeof(narrow) ? (void *)&narrow : (void *)&value, r->size);
  return quicmig_transport_options_check(&o);
}

static void is_refused(const row *r, uint64_t value) {
  const char *why = check(r, value);

  row_true(r, why && strncmp(why, r->name, strlen(r->name)) == 0);
}

static void ranges(void **state) {
  const row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    row_true(r, !check(r, r->lo));
    row_true(r, !check(r, r->hi));
    is_refused(r, r->hi + 1);
    if (r->lo > 1) {
      is_refused(r, r->lo - 1);
    }
    row_equal(r, check(r, 0) == NULL, r->may_be_0);
  }
}

/* As programs do that were built when the field was a reserved one. */
static void no_half_open_is_the_default(void **state) {
  const quicmig_conn_callbacks cb = {.size = sizeof(cb)};
  options o, defaults, used;

  (void)state;
  quicmig_transport_options_default(&defaults);
  o = defaults;
  o.max_half_open = 0;
  assert_int_equal(qm_conn_check(&used, &o, &cb), 0);
  assert_int_equal(used.max_half_open, defaults.max_half_open);
  o.max_half_open = 1;
  assert_int_equal(qm_conn_check(&used, &o, &cb), 0);
  assert_int_equal(used.max_half_open, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ranges),
      cmocka_unit_test(no_half_open_is_the_default),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
