/* The words and sentences for errors, reasons, states and events. */
#include <quicmig/model.h>

#include "table.h"

static const struct error_row {
  const char *name; /* also what quicmig_err_name() says */
  int err;
} errors[] = {
    {"ok", QUICMIG_OK},
    {"invalid-argument", QUICMIG_ERR_INVALID_ARGUMENT},
    {"invalid-state", QUICMIG_ERR_INVALID_STATE},
    {"no-memory", QUICMIG_ERR_NOMEM},
    {"system", QUICMIG_ERR_SYSTEM},
    {"reentrant", QUICMIG_ERR_REENTRANT},
    {"connection", QUICMIG_ERR_CONN},
    {"random", QUICMIG_ERR_RANDOM},
    {"not-confirmed", QUICMIG_ERR_NOT_CONFIRMED},
    {"peer-forbids", QUICMIG_ERR_PEER_FORBIDS},
    {"no-spare-id", QUICMIG_ERR_NO_SPARE_ID},
    {"too-soon", QUICMIG_ERR_TOO_SOON},
    {"sockets-exhausted", QUICMIG_ERR_SOCKETS_EXHAUSTED},
    {"ports-exhausted", QUICMIG_ERR_PORTS_EXHAUSTED},
    {"ports-refused", QUICMIG_ERR_PORTS_REFUSED},
    {"app-refused", QUICMIG_ERR_APP_REFUSED},
    {"busy", QUICMIG_ERR_BUSY},
    {"validation-failed", QUICMIG_ERR_VALIDATION_FAILED},
    {"aborted", QUICMIG_ERR_ABORTED},
    {"timeout", QUICMIG_ERR_TIMEOUT},
    {"no-path", QUICMIG_ERR_NO_PATH},
    {"nat-budget", QUICMIG_ERR_NAT_BUDGET},
    {"resolve", QUICMIG_ERR_RESOLVE},
    {"cert-file", QUICMIG_ERR_CERT_FILE},
    {"cert-verify", QUICMIG_ERR_CERT_VERIFY},
    {"alpn", QUICMIG_ERR_ALPN},
    {"tls", QUICMIG_ERR_TLS},
    {"refused", QUICMIG_ERR_REFUSED},
    {"handshake-timeout", QUICMIG_ERR_HANDSHAKE_TIMEOUT},
    {"idle", QUICMIG_ERR_IDLE},
    {"closed-by-peer", QUICMIG_ERR_CLOSED_BY_PEER},
    {"closed", QUICMIG_ERR_CLOSED},
    {"too-large", QUICMIG_ERR_TOO_LARGE},
    {"blocked", QUICMIG_ERR_BLOCKED},
    {"no-datagrams", QUICMIG_ERR_NO_DATAGRAMS},
    {"protocol", QUICMIG_ERR_PROTOCOL},
    {"limit", QUICMIG_ERR_LIMIT},
};

static void every_error_has_its_word(void **state) {
  const struct error_row *r;

  (void)state;
  for (EACH_ROW(r, errors)) {
    row_string(r, quicmig_err_name(r->err), r->name);
  }
}

static void assert_is_a_sentence(const struct error_row *r) {
  const char *text = quicmig_strerror(r->err);

  row_true(r, text != NULL);
  row_true(r, strlen(text) >= 5 && strlen(text) < 80);
  row_true(r, strcmp(text, "unknown error") != 0);
  row_true(r, text[strlen(text) - 1] != '.');
}

static void every_error_has_its_own_sentence(void **state) {
  const struct error_row *r, *other;

  (void)state;
  for (EACH_ROW(r, errors)) {
    assert_is_a_sentence(r);
    for (other = errors; other < r; other++) {
      row_true(r, r->err != other->err);
      row_true(r, strcmp(quicmig_strerror(r->err),
                         quicmig_strerror(other->err)) != 0);
    }
  }
}

/* A code that is not in the table above was added without its row here. */
static void the_table_is_complete(void **state) {
  size_t known = 0;
  int err;

  (void)state;
  for (err = -1000; err <= 1000; err++) {
    assert_non_null(quicmig_strerror(err));
    assert_non_null(quicmig_err_name(err));
    known += strcmp(quicmig_err_name(err), "unknown") != 0;
  }
  assert_int_equal(known, COUNT_OF(errors));
  assert_string_equal(quicmig_strerror(1), "unknown error");
  assert_string_equal(quicmig_err_name(INT32_MIN), "unknown");
}

static void the_version_is_the_header_s(void **state) {
  (void)state;
  assert_string_equal(quicmig_version(), QUICMIG_VERSION);
}

static void other_words(void **state) {
  static const struct row {
    const char *name; /* what is expected */
    const char *(*word)(int);
    int value;
  } rows[] = {
      {"initial", quicmig_reason_name, QUICMIG_REASON_INITIAL},
      {"interval", quicmig_reason_name, QUICMIG_REASON_INTERVAL},
      {"bytes", quicmig_reason_name, QUICMIG_REASON_BYTES},
      {"packets", quicmig_reason_name, QUICMIG_REASON_PACKETS},
      {"manual", quicmig_reason_name, QUICMIG_REASON_MANUAL},
      {"explicit", quicmig_reason_name, QUICMIG_REASON_EXPLICIT},
      {"path-error", quicmig_reason_name, QUICMIG_REASON_PATH_ERROR},
      {"retry", quicmig_reason_name, QUICMIG_REASON_RETRY},
      {"stall", quicmig_reason_name, QUICMIG_REASON_STALL},
      {"degraded", quicmig_reason_name, QUICMIG_REASON_DEGRADED},
      {"network", quicmig_reason_name, QUICMIG_REASON_NETWORK},
      {"adaptive", quicmig_reason_name, QUICMIG_REASON_ADAPTIVE},
      {"unknown", quicmig_reason_name, QUICMIG_REASON_ADAPTIVE + 1},
      {"unknown", quicmig_reason_name, -1},
      {"closed", quicmig_path_state_name, QUICMIG_PATH_CLOSED},
      {"spare", quicmig_path_state_name, QUICMIG_PATH_SPARE},
      {"probing", quicmig_path_state_name, QUICMIG_PATH_PROBING},
      {"active", quicmig_path_state_name, QUICMIG_PATH_ACTIVE},
      {"draining", quicmig_path_state_name, QUICMIG_PATH_DRAINING},
      {"failed", quicmig_path_state_name, QUICMIG_PATH_FAILED},
      {"unknown", quicmig_path_state_name, QUICMIG_PATH_FAILED + 1},
      {"path-state", quicmig_event_name, QUICMIG_EVENT_PATH_STATE},
      {"peer-forbids", quicmig_event_name, QUICMIG_EVENT_PEER_FORBIDS},
      {"budget-learned", quicmig_event_name, QUICMIG_EVENT_BUDGET_LEARNED},
      {"gap-learned", quicmig_event_name, QUICMIG_EVENT_GAP_LEARNED},
      {"clock-jump", quicmig_event_name, QUICMIG_EVENT_CLOCK_JUMP},
      {"socket-error", quicmig_event_name, QUICMIG_EVENT_SOCKET_ERROR},
      {"nat-budget", quicmig_event_name, QUICMIG_EVENT_NAT_BUDGET},
      {"network", quicmig_event_name, QUICMIG_EVENT_NETWORK},
      {"verdict", quicmig_event_name, QUICMIG_EVENT_VERDICT},
      {"silence", quicmig_event_name, QUICMIG_EVENT_SILENCE},
      {"shortage", quicmig_event_name, QUICMIG_EVENT_SHORTAGE},
      {"unknown", quicmig_event_name, 0},
      {"unknown", quicmig_event_name, QUICMIG_EVENT_SHORTAGE + 1},
      {"none", quicmig_verdict_name, QUICMIG_VERDICT_NONE},
      {"suspected", quicmig_verdict_name, QUICMIG_VERDICT_SUSPECTED},
      {"throttled", quicmig_verdict_name, QUICMIG_VERDICT_THROTTLED},
      {"congested", quicmig_verdict_name, QUICMIG_VERDICT_CONGESTED},
      {"cut", quicmig_verdict_name, QUICMIG_VERDICT_CUT},
      {"bytes-learned", quicmig_verdict_name, QUICMIG_VERDICT_BYTES_LEARNED},
      {"age-learned", quicmig_verdict_name, QUICMIG_VERDICT_AGE_LEARNED},
      {"relaxed", quicmig_verdict_name, QUICMIG_VERDICT_RELAXED},
      {"unknown", quicmig_verdict_name, QUICMIG_VERDICT_RELAXED + 1},
  };
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    row_string(r, r->word(r->value), r->name);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_error_has_its_word),
      cmocka_unit_test(every_error_has_its_own_sentence),
      cmocka_unit_test(the_table_is_complete),
      cmocka_unit_test(the_version_is_the_header_s),
      cmocka_unit_test(other_words),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
