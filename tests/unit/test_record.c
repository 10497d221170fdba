/* The hop record as JSON. */
#include <quicmig/model.h>

#include <locale.h>
#include <stdio.h>

#include "table.h"

#define US QUICMIG_MICROSECOND
#define MS QUICMIG_MILLISECOND
#define S QUICMIG_SECOND

static const quicmig_hop_record good = {.size = sizeof(quicmig_hop_record),
                                        .seq = 7,
                                        .reason = QUICMIG_REASON_INTERVAL,
                                        .mode = QUICMIG_MODE_MIGRATE,
                                        .from_id = 1,
                                        .to_id = 2,
                                        .from_port = 65535,
                                        .from_remote_port = 4433,
                                        .to_remote_port = 4434,
                                        .to_port = 1024,
                                        .late_packets = 5,
                                        .rescued_packets = 4,
                                        .started_at = 10 * S + 1,
                                        .open_time = 12 * US,
                                        .validate_time = 25 * MS + 500 * US,
                                        .gap = 3 * MS,
                                        .cwnd_before = 12000,
                                        .cwnd_after = 14720,
                                        .srtt_before = 24 * MS,
                                        .srtt_after = 30 * MS,
                                        .next_at = 310 * S + 1};

static const char good_json[] =
    "{\"time\":10000.000,\"name\":\"quicmig:hop\",\"seq\":7,"
    "\"reason\":\"interval\",\"mode\":\"migrate\",\"result\":\"ok\","
    "\"errno\":0,\"from_id\":1,\"to_id\":2,\"from_port\":65535,"
    "\"to_port\":1024,\"from_remote_port\":4433,\"to_remote_port\":4434,"
    "\"open_ms\":0.012,\"validate_ms\":25.500,"
    "\"gap_ms\":3.000,\"late\":5,\"rescued\":4,\"cwnd_before\":12000,"
    "\"cwnd_after\":14720,\"srtt_before_ms\":24.000,"
    "\"srtt_after_ms\":30.000,\"next_in_ms\":300000.000}";

static const char *json_of(const quicmig_hop_record *r) {
  static char text[1024];
  int n = quicmig_hop_record_json(r, text, sizeof(text));

  assert_int_equal(n, strlen(text));
  return text;
}

static void writes_every_field(void **state) {
  (void)state;
  assert_string_equal(json_of(&good), good_json);
}

static void writes_words(void **state) {
  static const struct row {
    const char *name;
    uint32_t reason, mode;
    int32_t result, sys_errno;
    quicmig_tstamp next_at;
    const char *part;
  } rows[] = {
      {"rebind", 1, QUICMIG_MODE_REBIND, 0, 0, 0, "\"mode\":\"rebind\""},
      {"by hand", QUICMIG_REASON_MANUAL, 0, 0, 0, 0, "\"reason\":\"manual\""},
      {"a refusal", 1, 0, QUICMIG_ERR_NO_SPARE_ID, 0, 0,
       "\"result\":\"no-spare-id\",\"errno\":0"},
      {"a system error", 1, 0, QUICMIG_ERR_SYSTEM, 24, 0,
       "\"result\":\"system\",\"errno\":24"},
      {"no next hop", 1, 0, 0, 0, QUICMIG_NEVER, "\"next_in_ms\":-1.000}"},
      {"at once", 1, 0, 0, 0, 10 * S, "\"next_in_ms\":0.000}"},
      {"in the past", 1, 0, 0, 0, 9 * S, "\"next_in_ms\":-1.000}"},
      {"a microsecond", 1, 0, 0, 0, 10 * S + US, "\"next_in_ms\":0.001}"},
      {"a value of the future", 99, 0, -1000, 0, 0,
       "\"reason\":\"unknown\",\"mode\":\"migrate\",\"result\":"
       "\"unknown\""},
  };
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    quicmig_hop_record rec = {.reason = r->reason,
                              .mode = r->mode,
                              .result = r->result,
                              .sys_errno = r->sys_errno,
                              .started_at = 10 * S,
                              .next_at = r->next_at};

    row_true(r, strstr(json_of(&rec), r->part) != NULL);
  }
}

/* As snprintf: what was needed is returned, what fits is written. */
static void respects_the_buffer(void **state) {
  char text[sizeof(good_json) + 1];
  size_t len;

  (void)state;
  assert_int_equal(quicmig_hop_record_json(&good, NULL, 0),
                   sizeof(good_json) - 1);
  for (len = 1; len <= sizeof(good_json); len++) {
    memset(text, '#', sizeof(text));
    assert_int_equal(quicmig_hop_record_json(&good, text, len),
                     sizeof(good_json) - 1);
    assert_memory_equal(text, good_json, len - 1);
    assert_int_equal(text[len - 1], 0);
    assert_int_equal(text[len], '#');
  }
}

static void the_largest_record_is_one_line(void **state) {
  quicmig_hop_record r;
  const char *text;

  (void)state;
  memset(&r, 0xff, sizeof(r));
  text = json_of(&r);
  assert_null(strchr(text, '\n'));
  assert_int_equal(text[0], '{');
  assert_int_equal(text[strlen(text) - 1], '}');
}

/* A program that calls setlocale() may print "1,5": JSON has a point. */
static void a_locale_changes_nothing(void **state) {
  static const char *const with_comma[] = {"de_DE.UTF-8", "de_DE.utf8",
                                           "fr_FR.UTF-8", "fr_FR.utf8"};
  const char *text;
  size_t i;

  (void)state;
  for (i = 0; i < COUNT_OF(with_comma); i++) {
    if (setlocale(LC_NUMERIC, with_comma[i])) {
      text = json_of(&good);
      setlocale(LC_NUMERIC, "C");
      assert_string_equal(text, good_json);
      return;
    }
  }
  skip(); /* no such locale is installed here */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(writes_every_field),
      cmocka_unit_test(writes_words),
      cmocka_unit_test(respects_the_buffer),
      cmocka_unit_test(the_largest_record_is_one_line),
      cmocka_unit_test(a_locale_changes_nothing),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
