#define _GNU_SOURCE /* mmsghdr, ppoll */
#include "count.h"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SOCKETS 256
/* sizeof the kernel's signal set, not the C library's. */
#define SIGSET_SIZE 8

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

count_totals count_now;

static count_socket sockets[SOCKETS];

count_socket *count_of(int fd) {
  return &sockets[fd >= 0 && fd < SOCKETS ? fd : SOCKETS - 1];
}

/* The size of each datagram in a message of len bytes. */
static uint64_t segment_of(const struct msghdr *msg, uint64_t len) {
  struct msghdr *m = (struct msghdr *)(uintptr_t)msg;
  struct cmsghdr *c;
  uint16_t size; /* UDP_GRO gives an int, whose value fits */
  int value;

  for (c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
    if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_SEGMENT) {
      memcpy(&size, CMSG_DATA(c), sizeof(size));
      return size ? size : len;
    }
    if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) {
      memcpy(&value, CMSG_DATA(c), sizeof(value));
      return value > 0 ? (uint64_t)value : len;
    }
  }
  return len;
}

static void on_sent(int fd, const struct msghdr *msg, uint64_t len) {
  uint64_t size = segment_of(msg, len);
  count_socket *s = count_of(fd);

  s->tx_packets += size ? (len + size - 1) / size : 1;
  s->tx_bytes += len;
  size = size < len ? size : len;
  s->tx_largest = s->tx_largest < size ? size : s->tx_largest;
}

static void on_received(int fd, const struct msghdr *msg, uint64_t len) {
  uint64_t size = segment_of(msg, len);
  count_socket *s = count_of(fd);

  s->rx_packets += size ? (len + size - 1) / size : 1;
  s->rx_bytes += len;
}

ssize_t sendmsg(int fd, const struct msghdr *msg, int flags) {
  ssize_t n = syscall(SYS_sendmsg, fd, msg, flags);

  count_now.sends++;
  if (n >= 0) {
    on_sent(fd, msg, (uint64_t)n);
  }
  return n;
}

int sendmmsg(int fd, struct mmsghdr *msgs, unsigned count, int flags) {
  int i, n = (int)syscall(SYS_sendmmsg, fd, msgs, count, flags);

  count_now.sends++;
  for (i = 0; i < n; i++) {
    on_sent(fd, &msgs[i].msg_hdr, msgs[i].msg_len);
  }
  return n;
}

ssize_t sendto(int fd, const void *data, size_t len, int flags,
               const struct sockaddr *to, socklen_t tolen) {
  const struct msghdr none = {.msg_name = NULL};
  ssize_t n = syscall(SYS_sendto, fd, data, len, flags, to, tolen);

  count_now.sends++;
  if (n >= 0) {
    on_sent(fd, &none, (uint64_t)n);
  }
  return n;
}

ssize_t send(int fd, const void *data, size_t len, int flags) {
  return sendto(fd, data, len, flags, NULL, 0);
}

ssize_t recvmsg(int fd, struct msghdr *msg, int flags) {
  ssize_t n = syscall(SYS_recvmsg, fd, msg, flags);

  count_now.recvs++;
  if (n >= 0) {
    on_received(fd, msg, (uint64_t)n);
  }
  return n;
}

int recvmmsg(int fd, struct mmsghdr *msgs, unsigned count, int flags,
             struct timespec *timeout) {
  int i, n = (int)syscall(SYS_recvmmsg, fd, msgs, count, flags, timeout);

  count_now.recvs++;
  for (i = 0; i < n; i++) {
    on_received(fd, &msgs[i].msg_hdr, msgs[i].msg_len);
  }
  return n;
}

ssize_t recvfrom(int fd, void *data, size_t len, int flags,
                 struct sockaddr *from, socklen_t *fromlen) {
  const struct msghdr none = {.msg_name = NULL};
  ssize_t n = syscall(SYS_recvfrom, fd, data, len, flags, from, fromlen);

  count_now.recvs++;
  if (n >= 0) {
    on_received(fd, &none, (uint64_t)n);
  }
  return n;
}

ssize_t recv(int fd, void *data, size_t len, int flags) {
  return recvfrom(fd, data, len, flags, NULL, NULL);
}

int ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
          const sigset_t *mask) {
  struct timespec left; /* the system call writes what is left to it */

  if (timeout) {
    left = *timeout;
  }
  count_now.waits++;
  return (int)syscall(SYS_ppoll, fds, n, timeout ? &left : NULL, mask,
                      SIGSET_SIZE);
}

int poll(struct pollfd *fds, nfds_t n, int ms) {
  struct timespec timeout = {.tv_sec = ms / 1000,
                             .tv_nsec = (long)(ms % 1000) * 1000000};

  return ppoll(fds, n, ms < 0 ? NULL : &timeout, NULL);
}

int epoll_pwait(int fd, struct epoll_event *events, int n, int ms,
                const sigset_t *mask) {
  count_now.waits++;
  return (int)syscall(SYS_epoll_pwait, fd, events, n, ms, mask, SIGSET_SIZE);
}

int epoll_wait(int fd, struct epoll_event *events, int n, int ms) {
  return epoll_pwait(fd, events, n, ms, NULL);
}

ssize_t getrandom(void *data, size_t len, unsigned flags) {
  count_now.others++;
  return syscall(SYS_getrandom, data, len, flags);
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t len) {
  count_now.others++;
  return (int)syscall(SYS_setsockopt, fd, level, name, value, len);
}

int getsockname(int fd, struct sockaddr *addr, socklen_t *len) {
  count_now.others++;
  return (int)syscall(SYS_getsockname, fd, addr, len);
}

ssize_t read(int fd, void *data, size_t len) {
  count_now.others++;
  return syscall(SYS_read, fd, data, len);
}

ssize_t write(int fd, const void *data, size_t len) {
  count_now.others++;
  return syscall(SYS_write, fd, data, len);
}
