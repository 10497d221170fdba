/* For tests on real sockets: the loopback, and the descriptors that are open.
 */
#ifndef QM_TEST_LOOPBACK_H
#define QM_TEST_LOOPBACK_H

#include <fcntl.h>

#include "io/net.h"

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

/* Open descriptors below 10,000. */
static inline size_t count_fds(void) {
  size_t n = 0;
  int fd;

  for (fd = 0; fd < 10000; fd++) {
    int copy = fcntl(fd, F_GETFD);

    n += copy >= 0;
  }
  return n;
}

#endif
