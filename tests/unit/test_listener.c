/* A server's sockets: a range of ports of both families or none of them, and
 * which of them have something to read. */
#include "endpoint/listener.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "loopback.h"
#include "table.h"

static int try_open(qm_listener *l, const qm_listener_config *c) {
  qm_addr local;

  return qm_listener_open(l, c, &qm_mem_default, &qm_net_kernel, &local);
}

/* Opens `count` free ports from some port on, which is returned. */
static uint16_t open_range(qm_listener *l, qm_listener_config *c,
                           uint16_t count) {
  uint16_t port;

  for (port = 20000; port < 60000; port = (uint16_t)(port + count)) {
    qm_addr_set_port(&c->local[0], port);
    c->port_hi = (uint16_t)(port + count - 1);
    if (try_open(l, c) == 0) {
      return port;
    }
  }
  fail_msg("no free range");
  return 0;
}

static void opens_each_port(void **state) {
  qm_listener_config c = {.local = {loopback(AF_INET, 0)}};
  size_t fds = count_fds(), families = has_v6() ? 2 : 1, i, k;
  qm_listener l;
  uint16_t port;

  (void)state;
  if (families == 2) {
    c.local[1] = loopback(AF_INET6, 0);
  }
  port = open_range(&l, &c, 200);
  assert_int_equal(l.n, 200 * families);
  for (i = 0; i < l.n; i++) {
    assert_in_range(qm_addr_port(&l.sockets[i].local), port, port + 199);
    for (k = 0; k < i; k++) {
      assert_false(qm_addr_is_equal(&l.sockets[i].local, &l.sockets[k].local));
    }
  }
  qm_listener_close(&l);
  assert_int_equal(l.n, 0);
  assert_int_equal(qm_listener_fd(&l), -1);
  qm_listener_close(&l); /* harmless */
  assert_int_equal(count_fds(), fds);
}

/* A datagram to that socket of l. */
static void send_to(const qm_listener *l, uint32_t number) {
  const qm_addr *to = &l->sockets[number].local;
  int fd = socket(qm_addr_family(to), SOCK_DGRAM, 0);

  assert_int_equal(sendto(fd, "x", 1, 0, &to->u.sa, to->len), 1);
  close(fd);
}

static bool is_readable(const qm_listener *l) {
  struct pollfd p = {.fd = qm_listener_fd(l), .events = POLLIN};

  return poll(&p, 1, 1000) == 1;
}

/* Reads one datagram; returns when it came. */
static uint64_t take(const qm_listener *l, uint32_t number) {
  static uint8_t room[QM_GRO_MAX];
  qm_msg m = {.data = room, .cap = sizeof(room)};

  assert_int_equal(l->net->recv(NULL, l->sockets[number].fd, &m, 1), 1);
  assert_int_equal(m.len, 1);
  return m.at;
}

/* One descriptor tells of all, and which they are, in the order of arrival. */
static void names_the_readable(void **state) {
  static const uint32_t wanted[] = {7, 19, 0, 12};
  qm_listener_config c = {.local = {loopback(AF_INET, 0)}};
  uint32_t numbers[QM_GROUP_MAX], i;
  uint64_t last = 0;
  qm_listener l;

  (void)state;
  (void)open_range(&l, &c, 20);
  wait_for_times();
  assert_int_equal(qm_listener_readable(&l, numbers, QM_GROUP_MAX, 0), 0);
  for (i = 0; i < COUNT_OF(wanted); i++) {
    send_to(&l, wanted[i]);
  }
  assert_true(is_readable(&l));
  assert_int_equal(qm_listener_readable(&l, numbers, QM_GROUP_MAX, 0),
                   COUNT_OF(wanted));
  for (i = 0; i < COUNT_OF(wanted); i++) {
    uint64_t at = take(&l, wanted[i]);

    assert_int_equal(numbers[i], wanted[i]);
    assert_true(at > last);
    last = at;
  }
  assert_int_equal(qm_listener_readable(&l, numbers, QM_GROUP_MAX, 0), 0);
  qm_listener_close(&l);
}

/* More than fit: who was named goes to the end. */
static void names_all_in_turn(void **state) {
  qm_listener_config c = {.local = {loopback(AF_INET, 0)}};
  uint32_t numbers[QM_GROUP_MAX], i;
  uint64_t seen = 0;
  qm_listener l;

  (void)state;
  (void)open_range(&l, &c, 2 * QM_GROUP_MAX);
  for (i = 0; i < l.n; i++) {
    send_to(&l, i);
  }
  for (i = 0; i < 2; i++) {
    uint32_t k;

    assert_true(is_readable(&l));
    assert_int_equal(qm_listener_readable(&l, numbers, QM_GROUP_MAX, 0),
                     QM_GROUP_MAX);
    for (k = 0; k < QM_GROUP_MAX; k++) {
      seen |= UINT64_C(1) << numbers[k];
    }
  }
  assert_true(seen == (UINT64_C(1) << l.n) - 1);
  qm_listener_close(&l);
}

/* --- reads that fail --- */

static int failing = -1; /* descriptor */

static int recv_failing(void *ctx, int fd, qm_msg *msgs, size_t n) {
  return fd == failing ? -EIO : qm_net_kernel.recv(ctx, fd, msgs, n);
}

static bool is_readable_now(const qm_listener *l) {
  struct pollfd p = {.fd = qm_listener_fd(l), .events = POLLIN};

  return poll(&p, 1, 0) == 1;
}

static size_t take_at(qm_listener *l, uint32_t number, quicmig_tstamp now) {
  static uint8_t room[QM_GRO_MAX];
  qm_msg m = {.data = room, .cap = sizeof(room)};

  return qm_listener_take(l, number, &m, 1, now);
}

/* It leaves the group, though there is something to read, and the descriptor of
 * all is quiet; then it is back. */
static void a_faulty_one_leaves_for_a_while(void **state) {
  qm_listener_config c = {.local = {loopback(AF_INET, 0)}};
  qm_net net = qm_net_kernel;
  uint32_t numbers[QM_GROUP_MAX];
  quicmig_tstamp now = QUICMIG_SECOND;
  qm_listener l;
  unsigned i;

  (void)state;
  net.recv = recv_failing;
  (void)open_range(&l, &c, 4);
  l.net = &net;
  failing = l.sockets[2].fd;
  send_to(&l, 2);
  assert_true(is_readable(&l));
  for (i = 0; i < 3; i++) {
    assert_true(is_readable_now(&l));
    assert_true(qm_listener_deadline(&l) == QUICMIG_NEVER);
    assert_int_equal(take_at(&l, 2, now), 0);
  }
  assert_false(is_readable_now(&l));
  assert_true(qm_listener_is_watched(&l)); /* for the others */
  assert_true(qm_listener_deadline(&l) == now + 2 * QUICMIG_MILLISECOND);
  send_to(&l, 1);
  assert_true(is_readable(&l));
  assert_int_equal(qm_listener_readable(&l, numbers, QM_GROUP_MAX, now), 1);
  assert_int_equal(numbers[0], 1);
  assert_int_equal(take_at(&l, 1, now), 1);
  assert_int_equal(qm_listener_next_paused(&l, 0), 2);
  assert_int_equal(qm_listener_next_paused(&l, 3), 4);
  qm_listener_on_retry(&l);
  assert_int_equal(take_at(&l, 2, now), 0);
  assert_true(qm_listener_deadline(&l) == now + 16 * QUICMIG_MILLISECOND);
  qm_listener_on_retry(&l);
  failing = -1;
  assert_int_equal(take_at(&l, 2, now), 1);
  assert_true(qm_listener_deadline(&l) == QUICMIG_NEVER);
  assert_int_equal(qm_listener_next_paused(&l, 0), 4);
  send_to(&l, 2);
  assert_true(is_readable(&l));
  qm_listener_close(&l);
}

static void a_faulty_one_alone(void **state) {
  qm_listener_config c = {.local = {loopback(AF_INET, 0)}};
  qm_net net = qm_net_kernel;
  qm_listener l;
  unsigned i;

  (void)state;
  net.recv = recv_failing;
  assert_int_equal(try_open(&l, &c), 0);
  l.net = &net;
  failing = l.sockets[0].fd;
  for (i = 0; i < 3; i++) {
    assert_true(qm_listener_is_watched(&l));
    assert_int_equal(take_at(&l, 0, 0), 0);
  }
  assert_false(qm_listener_is_watched(&l));
  failing = -1;
  assert_int_equal(take_at(&l, 0, 0), 0); /* nothing, and no error */
  assert_true(qm_listener_is_watched(&l));
  qm_listener_close(&l);
}

static int unreadable_group(void *ctx, int group, uint32_t *numbers, size_t n) {
  (void)ctx;
  (void)group;
  (void)numbers;
  (void)n;
  return -EBADF;
}

static void a_faulty_group(void **state) {
  qm_listener_config c = {.local = {loopback(AF_INET, 0)}};
  qm_net net = qm_net_kernel;
  uint32_t numbers[QM_GROUP_MAX];
  qm_listener l;
  unsigned i;

  (void)state;
  net.readable = unreadable_group;
  (void)open_range(&l, &c, 4);
  l.net = &net;
  for (i = 0; i < 3; i++) {
    assert_true(qm_listener_is_watched(&l));
    assert_int_equal(qm_listener_readable(&l, numbers, QM_GROUP_MAX, 0), 0);
  }
  assert_false(qm_listener_is_watched(&l));
  assert_true(qm_listener_deadline(&l) == 2 * QUICMIG_MILLISECOND);
  l.net = &qm_net_kernel;
  assert_int_equal(qm_listener_readable(&l, numbers, QM_GROUP_MAX, 0), 0);
  assert_true(qm_listener_is_watched(&l));
  qm_listener_close(&l);
}

/* Alone, a socket is its own descriptor, and nothing is asked. */
static void one_needs_no_group(void **state) {
  qm_listener_config c = {.local = {loopback(AF_INET, 0)}};
  size_t fds = count_fds();
  qm_listener l;

  (void)state;
  assert_int_equal(try_open(&l, &c), 0);
  assert_int_equal(count_fds(), fds + 1);
  assert_int_equal(qm_listener_fd(&l), l.sockets[0].fd);
  qm_listener_close(&l);
  assert_int_equal(count_fds(), fds);
}

/* Port 0: any, and the second family's is the same. */
static void any_port(void **state) {
  qm_listener_config c = {
      .local = {loopback(AF_INET, 0), loopback(AF_INET6, 0)}};
  qm_listener l;
  qm_addr local;
  int i, rv = -1;

  (void)state;
  if (!has_v6()) {
    skip();
  }
  for (i = 0; i < 20 && rv != 0; i++) { /* it may be taken there */
    rv = qm_listener_open(&l, &c, &qm_mem_default, &qm_net_kernel, &local);
  }
  assert_int_equal(rv, 0);
  assert_int_equal(l.n, 2);
  assert_int_not_equal(qm_addr_port(&local), 0);
  assert_int_equal(qm_addr_port(&l.sockets[0].local), qm_addr_port(&local));
  assert_int_equal(qm_addr_port(&l.sockets[1].local), qm_addr_port(&local));
  qm_listener_close(&l);
}

static void a_port_is_taken(void **state) {
  static const uint16_t offsets[] = {0, 7, 19};
  size_t fds = count_fds(), i;

  (void)state;
  for (i = 0; i < COUNT_OF(offsets); i++) {
    qm_listener_config c = {.local = {loopback(AF_INET, 0)}}, one;
    qm_listener l, holder;
    char text[32];
    uint16_t port = open_range(&l, &c, 20);

    qm_listener_close(&l);
    one = (qm_listener_config){
        .local = {loopback(AF_INET, (uint16_t)(port + offsets[i]))}};
    assert_int_equal(try_open(&holder, &one), 0);
    assert_int_equal(try_open(&l, &c), QUICMIG_ERR_SYSTEM);
    assert_int_equal(errno, EADDRINUSE);
    snprintf(text, sizeof(text), "port %u:", port + offsets[i]);
    assert_non_null(strstr(quicmig_last_error_text(), text));
    assert_int_equal(l.n, 0);
    qm_listener_close(&holder);
    assert_int_equal(count_fds(), fds);
    assert_int_equal(try_open(&l, &c), 0); /* and then it is free */
    qm_listener_close(&l);
  }
}

static void too_few_descriptors(void **state) {
  qm_listener_config c = {.local = {loopback(AF_INET, 0)}};
  struct rlimit old, low;
  size_t fds = count_fds();
  qm_listener l;

  (void)state;
  (void)open_range(&l, &c, 200);
  qm_listener_close(&l);
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
  low = (struct rlimit){.rlim_cur = 100, .rlim_max = old.rlim_max};
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
  assert_int_equal(try_open(&l, &c), QUICMIG_ERR_SYSTEM);
  assert_int_equal(errno, EMFILE);
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
  print_message("%s\n", quicmig_last_error_text());
  assert_non_null(strstr(quicmig_last_error_text(), strerror(EMFILE)));
  assert_int_equal(count_fds(), fds);
  assert_int_equal(try_open(&l, &c), 0);
  qm_listener_close(&l);
}

static int refused_group(void *ctx) {
  (void)ctx;
  return -EMFILE;
}

static int refused_join(void *ctx, int group, int fd, uint32_t number) {
  (void)ctx;
  (void)group;
  (void)fd;
  return number == 7 ? -ENOSPC : 0;
}

static void no_group(void **state) {
  qm_listener_config c = {.local = {loopback(AF_INET, 0)}};
  size_t fds = count_fds(), i;
  qm_listener l;
  qm_addr local;

  (void)state;
  (void)open_range(&l, &c, 20);
  qm_listener_close(&l);
  for (i = 0; i < 2; i++) {
    qm_net net = qm_net_kernel;

    net.group = i == 0 ? refused_group : net.group;
    net.join = i == 1 ? refused_join : net.join;
    assert_int_equal(qm_listener_open(&l, &c, &qm_mem_default, &net, &local),
                     QUICMIG_ERR_SYSTEM);
    assert_int_equal(errno, i == 0 ? EMFILE : ENOSPC);
    assert_non_null(
        strstr(quicmig_last_error_text(), i == 0 ? "grouping" : "port"));
    assert_int_equal(count_fds(), fds);
  }
}

static void *no_memory(size_t n, size_t size, void *user_data) {
  (void)n;
  (void)size;
  (void)user_data;
  return NULL;
}

static void out_of_memory(void **state) {
  qm_listener_config c = {.local = {loopback(AF_INET, 0)}};
  quicmig_mem mem = qm_mem_default;
  size_t fds = count_fds();
  qm_listener l;
  qm_addr local;

  (void)state;
  mem.calloc = no_memory;
  assert_int_equal(qm_listener_open(&l, &c, &mem, &qm_net_kernel, &local),
                   QUICMIG_ERR_NOMEM);
  assert_int_equal(count_fds(), fds);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(opens_each_port),
      cmocka_unit_test(names_the_readable),
      cmocka_unit_test(names_all_in_turn),
      cmocka_unit_test(a_faulty_one_leaves_for_a_while),
      cmocka_unit_test(a_faulty_one_alone),
      cmocka_unit_test(a_faulty_group),
      cmocka_unit_test(one_needs_no_group),
      cmocka_unit_test(any_port),
      cmocka_unit_test(a_port_is_taken),
      cmocka_unit_test(too_few_descriptors),
      cmocka_unit_test(no_group),
      cmocka_unit_test(out_of_memory),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
