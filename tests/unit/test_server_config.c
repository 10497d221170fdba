/* What a server's configuration may say, and every mistake with its text. */
#include <quicmig/endpoint.h>

#include "loopback.h"
#include "table.h"

static void watch(quicmig_server *s, int fd, int on, void *user_data) {
  (void)s;
  (void)fd;
  *(int *)user_data += on ? 1 : -1;
}

typedef struct row {
  const char *name;
  int family, family2; /* 0: no local2 */
  uint16_t port, port2;
  uint64_t port_hi, fwmark;
  int rv;
  const char *text;
} row;

#define BAD QUICMIG_ERR_INVALID_ARGUMENT
#define TOO_MANY "at most 4096 ports"

static const row rows[] = {
    {"one port", AF_INET, 0, 0, 0, 0, 0, 0, NULL},
    {"the same family", AF_INET, AF_INET, 0, 0, 0, 0, BAD, "local2"},
    {"the same family, v6", AF_INET6, AF_INET6, 0, 0, 0, 0, BAD, "local2"},
    {"neither family", AF_INET, AF_UNIX, 0, 0, 0, 0, BAD, "local2"},
    {"upside down", AF_INET, 0, 5000, 0, 4999, 0, BAD, "port_hi"},
    {"from port 0", AF_INET, 0, 0, 0, 5000, 0, BAD, "port_hi"},
    {"4,097 ports", AF_INET, 0, 5000, 0, 9096, 0, BAD, TOO_MANY},
    {"beyond the last", AF_INET, 0, 65000, 0, 65536, 0, BAD, "port_hi"},
    {"far beyond", AF_INET, 0, 65000, 0, UINT64_MAX, 0, BAD, "port_hi"},
    {"local2 beyond the last", AF_INET, AF_INET6, 40000, 65533, 40005, 0, BAD,
     "local2"},
    {"local2 just beyond", AF_INET6, AF_INET, 40000, 65531, 40005, 0, BAD,
     "local2"},
    {"local2's last port, 4,096 of them", AF_INET, AF_INET6, 5000, 61441, 9095,
     0, BAD, "local2"},
    {"fwmark", AF_INET, 0, 0, 0, 0, (uint64_t)UINT32_MAX + 1, BAD, "fwmark"},
};

static void check_row(const row *r) {
  qm_addr local = loopback(r->family, r->port);
  qm_addr second =
      loopback(r->family2 == AF_INET ? AF_INET : AF_INET6, r->port2);
  int watched = 0;
  quicmig_server_callbacks cb = {.size = sizeof(cb), .watch = watch};
  quicmig_conn_callbacks conn_cb = {.size = sizeof(conn_cb)};
  quicmig_server_config cfg;
  quicmig_tls_config tls;
  quicmig_server *s = NULL;

  quicmig_tls_config_default(&tls);
  tls.alpn = "test";
  quicmig_server_config_default(&cfg);
  if (r->family2 == AF_UNIX) {
    second.u.sa.sa_family = AF_UNIX;
  }
  cfg.local = &local.u.sa;
  cfg.locallen = local.len;
  cfg.local2 = r->family2 ? &second.u.sa : NULL;
  cfg.locallen2 = second.len;
  cfg.port_hi = r->port_hi;
  cfg.fwmark = r->fwmark;
  cfg.tls = &tls;
  cfg.callbacks = &cb;
  cfg.conn_callbacks = &conn_cb;
  cfg.user_data = &watched;
  row_equal(r, quicmig_server_new(&s, &cfg, QUICMIG_SECOND), r->rv);
  if (r->rv != 0) {
    row_true(r, strstr(quicmig_last_error_text(), r->text));
  } else {
    row_equal(r, watched, 1);
    quicmig_server_free(s);
  }
  row_equal(r, watched, 0);
}

static void configurations(void **state) {
  size_t fds = count_fds();
  const row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    check_row(r);
    row_equal(r, count_fds(), fds);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(configurations)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
