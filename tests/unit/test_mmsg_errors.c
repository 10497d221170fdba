/* Batches that the kernel does not take, or not whole: how much of them left is
 * told exactly. */
#include "io/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "io/txplan.h"
#include "loopback.h"
#include "table.h"

#define WAIT_MS 5000
#define MTU 1280
#define PAYLOAD (MTU - 48) /* IPv6 and UDP headers */

static const qm_net *const net = &qm_net_kernel;
static uint8_t sent[QM_GRO_MAX], rooms[QM_MSGS_MAX][QM_PKT_MAX];

static int open_socket(int family, uint32_t sndbuf) {
  qm_sock_config c = {
      .family = family, .sndbuf = sndbuf, .no_offload = QUICMIG_NO_GRO};
  uint32_t without;
  int fd;

  return net->open(NULL, &c, &fd, &without) == 0 ? fd : -1;
}

/* On the loopback; *at: where.  -1: none there. */
static int open_bound(int family, qm_addr *at) {
  int fd = open_socket(family, 0);

  *at = loopback(family, 0);
  if (fd >= 0 && net->bind(NULL, fd, at) != 0) {
    net->close(NULL, fd);
    return -1;
  }
  assert_true(fd < 0 || net->local_addr(NULL, fd, at) == 0);
  return fd;
}

static int open_connected(int family, uint32_t sndbuf, const qm_addr *to) {
  int fd = open_socket(family, sndbuf);

  assert_true(fd >= 0);
  assert_int_equal(net->connect(NULL, fd, to), 0);
  return fd;
}

static bool is_ready(int fd, short events) {
  struct pollfd p = {.fd = fd, .events = events};

  return poll(&p, 1, WAIT_MS) == 1;
}

/* Datagrams of which each begins with its number, from `next` on, until none
 * comes; returns the next number. */
static size_t drain(int fd, size_t next) {
  qm_msg msgs[QM_MSGS_MAX];
  int got, i;

  do {
    for (i = 0; i < QM_MSGS_MAX; i++) {
      msgs[i] = (qm_msg){.data = rooms[i], .cap = QM_PKT_MAX};
    }
    got = net->recv(NULL, fd, msgs, QM_MSGS_MAX);
    assert_true(got >= 0);
    for (i = 0; i < got; i++, next++) {
      assert_memory_equal(msgs[i].data, &next, sizeof(next));
    }
  } while (got > 0);
  return next;
}

struct oversize {
  const char *name;
  size_t len, segment;
  size_t datagrams;   /* wanted; 0: not sent */
  qm_tx_verdict want; /* then */
};

/* IPV6_MTU lowers what a socket may send without fragments, as a device would.
 * Which errno a segment beyond it gives depends on the kernel. */
static void check_oversize(const struct oversize *r, int tx, int rx) {
  const qm_msg m = {
      .data = sent, .len = r->len, .segment = r->segment, .family = AF_INET6};
  qm_msg in = {.data = rooms[0], .cap = QM_PKT_MAX};
  int rv = net->send(NULL, tx, &m, 1);
  size_t got = 0;

  while (got < r->datagrams && is_ready(rx, POLLIN)) {
    got += (size_t)net->recv(NULL, rx, &in, 1);
  }
  row_equal(r, got, r->datagrams);
  row_equal(r, net->recv(NULL, rx, &in, 1), 0);
  if (r->datagrams) {
    row_equal(r, rv, 1);
    return;
  }
  row_true(r, rv == -EMSGSIZE || rv == -EINVAL);
  row_equal(r, qm_txplan_on_error(-rv, &m), r->want);
}

static void nothing_of_it_is_sent(void **state) {
  static const struct oversize rows[] = {
      {"one that fits", PAYLOAD, 0, 1, QM_TX_WAIT},
      {"several that fit", 5 * PAYLOAD, PAYLOAD, 5, QM_TX_WAIT},
      {"one too large", PAYLOAD + 1, 0, 0, QM_TX_SKIP},
      {"several too large", 5 * (PAYLOAD + 1), PAYLOAD + 1, 0, QM_TX_SPLIT},
      {"two, the first too large", PAYLOAD + 2, PAYLOAD + 1, 0, QM_TX_SPLIT},
      {"again one that fits", PAYLOAD, 0, 1, QM_TX_WAIT},
  };
  int mtu = MTU, tx, rx;
  const struct oversize *r;
  qm_addr at;

  (void)state;
  rx = open_bound(AF_INET6, &at);
  if (rx < 0) {
    skip();
  }
  tx = open_connected(AF_INET6, 0, &at);
  assert_int_equal(setsockopt(tx, IPPROTO_IPV6, IPV6_MTU, &mtu, sizeof(mtu)),
                   0);
  for (EACH_ROW(r, rows)) {
    check_oversize(r, tx, rx);
  }
  net->close(NULL, tx);
  net->close(NULL, rx);
}

/* What comes before the message that fails is sent, what comes after is not. */
static void ends_a_batch_where_it_fails(void **state) {
  static size_t numbers[4][QM_PKT_MAX / sizeof(size_t)];
  int mtu = MTU, tx, rx;
  qm_msg msgs[4];
  qm_addr at;
  size_t i;

  (void)state;
  rx = open_bound(AF_INET6, &at);
  if (rx < 0) {
    skip();
  }
  tx = open_connected(AF_INET6, 0, &at);
  assert_int_equal(setsockopt(tx, IPPROTO_IPV6, IPV6_MTU, &mtu, sizeof(mtu)),
                   0);
  for (i = 0; i < 4; i++) {
    numbers[i][0] = i < 2 ? i : i - 1;
    msgs[i] =
        (qm_msg){.data = (uint8_t *)numbers[i], .len = 100, .family = AF_INET6};
  }
  msgs[2].len = PAYLOAD + 1;
  assert_int_equal(net->send(NULL, tx, msgs, 4), 2);
  assert_true(net->send(NULL, tx, &msgs[2], 2) < 0);
  assert_int_equal(net->send(NULL, tx, &msgs[3], 1), 1);
  for (i = 0; i < 3 && is_ready(rx, POLLIN);) {
    i = drain(rx, i);
  }
  assert_int_equal(i, 3);
  net->close(NULL, tx);
  net->close(NULL, rx);
}

/* Each datagram brings back one ICMP error, which one call reads. */
static void tells_of_a_closed_port_once(void **state) {
  const qm_msg m = {.data = sent, .len = 100, .family = AF_INET};
  qm_msg in = {.data = rooms[0], .cap = QM_PKT_MAX};
  qm_addr at;
  int rx = open_bound(AF_INET, &at), tx, turn;

  (void)state;
  assert_true(rx >= 0);
  tx = open_connected(AF_INET, 0, &at);
  net->close(NULL, rx);
  for (turn = 0; turn < 4; turn++) {
    assert_int_equal(net->send(NULL, tx, &m, 1), 1);
    assert_true(is_ready(tx, POLLERR));
    if (turn % 2) {
      assert_int_equal(net->send(NULL, tx, &m, 1), -ECONNREFUSED);
    } else {
      assert_int_equal(net->recv(NULL, tx, &in, 1), -ECONNREFUSED);
    }
    assert_int_equal(net->recv(NULL, tx, &in, 1), 0);
  }
  net->close(NULL, tx);
}

/* Sends `count` numbered datagrams in batches and drains rx where the kernel
 * wants time; returns how often it did not take a whole batch. */
static size_t push(int tx, int rx, size_t count, int family) {
  static size_t numbers[QM_MSGS_MAX][QM_PKT_MAX / sizeof(size_t)];
  qm_msg msgs[QM_MSGS_MAX];
  size_t next = 0, got = 0, partial = 0, i, n;
  int rv;

  while (next < count) {
    n = count - next < QM_MSGS_MAX ? count - next : QM_MSGS_MAX;
    for (i = 0; i < n; i++) {
      numbers[i][0] = next + i;
      msgs[i] =
          (qm_msg){.data = (uint8_t *)numbers[i], .len = 200, .family = family};
    }
    rv = net->send(NULL, tx, msgs, n);
    assert_true(rv > 0 || rv == -EAGAIN || rv == -ENOBUFS);
    partial += rv > 0 && (size_t)rv < n;
    next += rv > 0 ? (size_t)rv : 0;
    if (rv < 0) {
      assert_int_equal(qm_txplan_on_error(-rv, msgs), QM_TX_WAIT);
    }
    while (got < next && is_ready(rx, POLLIN)) {
      got = drain(rx, got);
    }
    assert_int_equal(got, next);
  }
  return partial;
}

/* The loopback takes a datagram off the sender's account at once, so a UDP
 * socket is hardly ever full there; a local datagram socket is. */
static void accounts_for_a_part_of_a_batch(void **state) {
  int fds[2], size = 4096, rx, tx;
  qm_addr at;

  (void)state;
  rx = open_bound(AF_INET, &at);
  tx = open_connected(AF_INET, 2048, &at);
  (void)push(tx, rx, 1000, AF_INET);
  net->close(NULL, tx);
  net->close(NULL, rx);
  assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fds), 0);
  assert_int_equal(
      setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
  assert_true(push(fds[0], fds[1], 1000, AF_UNIX) >= 10);
  close(fds[0]);
  close(fds[1]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_of_it_is_sent),
      cmocka_unit_test(ends_a_batch_where_it_fails),
      cmocka_unit_test(tells_of_a_closed_port_once),
      cmocka_unit_test(accounts_for_a_part_of_a_batch),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
