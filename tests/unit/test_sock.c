/* Opening one client socket: in order, and with every call failing. */
#include "fakenet.h"

#include <stdio.h>

static void opens_in_order(void **state) {
  fake *f = open_fake(1);
  qm_sock_request r = request(f, 0);
  qm_sock s = {.fd = -1};
  qm_ports ports;
  int sys = 0;

  (void)state;
  qm_ports_init(&ports, 6000, 6009);
  assert_int_equal(qm_sock_open(&f->net, &ports, &r, &s, &sys), 0);
  assert_int_equal(s.fd, FD);
  assert_int_equal(sys, 0);
  assert_in_range(qm_addr_port(&s.local), 6000, 6009);
  assert_true(qm_addr_is_wildcard(&f->bound));
  assert_true(qm_addr_is_equal(&s.local, &f->bound));
  assert_true(qm_addr_is_equal(&f->remote, &r.remote));
  assert_int_equal(f->hooks, 1);
  assert_true(qm_addr_is_equal(&f->hook_local, &f->bound));
  assert_false(qm_ports_is_allowed(&ports, qm_addr_port(&s.local)));
  assert_int_equal(f->count[OPEN], 1);
  assert_int_equal(f->closes, 0);
}

static void binds_what_was_asked_for(void **state) {
  fake *f = open_fake(1);
  qm_sock_request r = request(f, 7000);
  qm_ports ports;
  int sys = 0;
  qm_sock s;

  (void)state;
  qm_ports_init(&ports, 6000, 6009);
  assert_int_equal(qm_sock_open(&f->net, &ports, &r, &s, &sys), 0);
  assert_int_equal(qm_addr_port(&s.local), 7000);
  assert_false(qm_ports_is_allowed(&ports, 7000));

  f = open_fake(1);
  r = request(f, 0);
  r.config.family = AF_INET6;
  qm_addr_any(&r.local, AF_INET6);
  r.local.u.in6.sin6_addr.s6_addr[15] = 9;
  assert_int_equal(qm_sock_open(&f->net, &ports, &r, &s, &sys), 0);
  assert_true(qm_addr_is_same_host(&s.local, &r.local));
  assert_in_range(qm_addr_port(&s.local), 6000, 6009);
}

static void the_application_may_refuse(void **state) {
  fake *f = open_fake(1);
  uint16_t port;
  qm_ports ports;

  (void)state;
  qm_ports_init(&ports, 0, 0);
  f->hook_answer = -1;
  assert_int_equal(try_open(f, &ports, &port), QUICMIG_ERR_APP_REFUSED);
  assert_int_equal(f->hooks, 1);
  assert_true(f->remote.len == 0); /* never connected */
  assert_int_equal(f->closes, 1);
  assert_true(qm_ports_is_allowed(
      &ports, f->bound.u.in.sin_port ? qm_addr_port(&f->bound) : 1024));
}

#define SYS QUICMIG_ERR_SYSTEM
#define PORTS QUICMIG_ERR_PORTS_EXHAUSTED
#define REFUSED QUICMIG_ERR_PORTS_REFUSED

struct failure {
  const char *name;
  call fails;
  int nth;             /* 0: always */
  uint16_t fixed_port; /* 0: drawn */
  /* What EADDRINUSE, EACCES and EPERM, and every other errno give. */
  int in_use, refused, other;
};

static int wanted(const struct failure *r, int err) {
  switch (err) {
  case EADDRINUSE:
    return r->in_use;
  case EACCES:
  case EPERM:
    return r->refused;
  default:
    return r->other;
  }
}

static void check_failure(const struct failure *r, int err) {
  fake *f = open_fake(5);
  qm_sock_request req = request(f, r->fixed_port);
  qm_sock s = {.fd = -77, .local = {.len = 77}};
  int sys = 0, rv, want = wanted(r, err);
  qm_ports ports, before;
  char name[80];
  const struct failure row = {.name = name};

  snprintf(name, sizeof(name), "%s, %s", r->name, strerror(err));
  qm_ports_init(&ports, 6000, 6009);
  before = ports;
  f->fails = r->fails;
  f->nth = r->nth;
  f->err = err;
  rv = qm_sock_open(&f->net, &ports, &req, &s, &sys);
  row_equal(&row, rv, want);
  row_equal(&row, sys, want == SYS || want == REFUSED ? err : 0);
  row_equal(&row, f->closes, want != 0 && r->fails != OPEN);
  if (want == 0) {
    row_equal(&row, s.fd, FD);
    return;
  }
  row_equal(&row, s.fd, -77); /* outputs are untouched */
  row_equal(&row, s.local.len, 77);
  row_true(&row, memcmp(&ports, &before, sizeof(ports)) == 0);
}

static void every_call_may_fail(void **state) {
  static const int errnos[] = {EMFILE, ENFILE, ENOMEM,        ENOBUFS,
                               EPERM,  EACCES, EADDRNOTAVAIL, EADDRINUSE};
  static const struct failure rows[] = {
      {"open", OPEN, 1, 0, SYS, SYS, SYS},
      {"bind, the first port", BIND, 1, 0, 0, 0, SYS},
      {"bind, every port", BIND, 0, 0, PORTS, REFUSED, SYS},
      {"bind, a given port", BIND, 1, 7000, PORTS, REFUSED, SYS},
      {"address before the hook", LOCAL_ADDR, 1, 0, SYS, SYS, SYS},
      {"connect", CONNECT, 1, 0, SYS, SYS, SYS},
      {"connect, a given port", CONNECT, 1, 7000, SYS, SYS, SYS},
      {"address at last", LOCAL_ADDR, 2, 0, SYS, SYS, SYS},
      {"random", RANDOM, 1, 0, QUICMIG_ERR_RANDOM, QUICMIG_ERR_RANDOM,
       QUICMIG_ERR_RANDOM},
  };
  const struct failure *r;
  size_t i;

  (void)state;
  for (EACH_ROW(r, rows)) {
    for (i = 0; i < COUNT_OF(errnos); i++) {
      check_failure(r, errnos[i]);
    }
  }
}

/* Where there is no /proc, nothing is reserved. */
static void the_kernels_list_is_understood(void **state) {
  char text[QM_RESERVED_TEXT];
  int n = qm_net_kernel.reserved(NULL, text, sizeof(text));
  qm_reserved found;
  qm_ports ports;

  (void)state;
  if (n < 0) {
    print_message("no list: %s\n", strerror(-n));
    return;
  }
  qm_ports_init(&ports, 0, 0);
  assert_int_equal(qm_ports_parse(&ports, text, (size_t)n, &found), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(opens_in_order),
      cmocka_unit_test(binds_what_was_asked_for),
      cmocka_unit_test(the_application_may_refuse),
      cmocka_unit_test(every_call_may_fail),
      cmocka_unit_test(the_kernels_list_is_understood),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
