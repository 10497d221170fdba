/* For tests on real sockets: the loopback, and the descriptors that are open.
 */
#ifndef QM_TEST_LOOPBACK_H
#define QM_TEST_LOOPBACK_H

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "io/net.h"
#include "table.h"

static inline qm_addr loopback(int family, uint16_t port) {
  qm_addr a;

  qm_addr_any(&a, family);
  if (family == AF_INET) {
    a.u.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  } else {
    a.u.in6.sin6_addr = in6addr_loopback;
  }
  qm_addr_set_port(&a, port);
  return a;
}

/* Is there an IPv6 loopback? */
static inline bool has_v6(void) {
  qm_sock_config c = {.family = AF_INET6};
  qm_addr at = loopback(AF_INET6, 0);
  uint32_t without;
  int fd, rv;

  if (qm_net_kernel.open(NULL, &c, &fd, &without) != 0) {
    return false;
  }
  rv = qm_net_kernel.bind(NULL, fd, &at);
  qm_net_kernel.close(NULL, fd);
  return rv == 0;
}

/* The kernel begins to note times of arrival a while after somebody wants them;
 * until then it tells when it was asked.  Returns once it does. */
static inline void wait_for_times(void) {
  qm_sock_config c = {.family = AF_INET, .reports_time = true};
  const qm_net *net = &qm_net_kernel;
  qm_addr at = loopback(AF_INET, 0);
  struct timespec asked;
  uint32_t without;
  int fd, i;

  assert_int_equal(net->open(NULL, &c, &fd, &without), 0);
  assert_int_equal(net->bind(NULL, fd, &at), 0);
  assert_int_equal(net->local_addr(NULL, fd, &at), 0);
  for (i = 0; i < 1000; i++) {
    uint8_t room[QM_PKT_MAX];
    qm_msg m = {.data = room, .cap = sizeof(room)};

    assert_int_equal(sendto(fd, "x", 1, 0, &at.u.sa, at.len), 1);
    usleep(1000);
    assert_int_equal(clock_gettime(CLOCK_REALTIME, &asked), 0);
    assert_int_equal(net->recv(NULL, fd, &m, 1), 1);
    if (m.at && m.at < (uint64_t)asked.tv_sec * QUICMIG_SECOND +
                           (uint64_t)asked.tv_nsec) {
      break;
    }
  }
  assert_true(i < 1000);
  net->close(NULL, fd);
}

/* Open descriptors below 10,000. */
static inline size_t count_fds(void) {
  size_t n = 0;
  int fd;

  for (fd = 0; fd < 10000; fd++) {
    n += fcntl(fd, F_GETFD) >= 0;
  }
  return n;
}

#endif
