#include "io/netlink.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

/* Messages of one call; a flood waits for the next. */
#define READS_MAX 64

int qm_netlink_open(void *ctx) {
  struct sockaddr_nl a = {.nl_family = AF_NETLINK,
                          .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR |
                                       RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE |
                                       RTMGRP_IPV6_ROUTE};
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC,
                  NETLINK_ROUTE);

  (void)ctx;
  if (fd < 0) {
    return -errno;
  }
  if (bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0) {
    int err = errno;

    close(fd);
    return -err;
  }
  return fd;
}

int qm_netlink_changed(void *ctx, int fd) {
  struct sockaddr_nl from;
  bool is_changed = false;
  int i, err = 0;
  char byte;

  (void)ctx;
  for (i = 0; i < READS_MAX; i++) {
    socklen_t len = sizeof(from);
    /* One byte: the rest of the message is not wanted. */
    ssize_t n = recvfrom(fd, &byte, 1, 0, (struct sockaddr *)&from, &len);

    err = n < 0 ? errno : 0;
    if (err && err != ENOBUFS && err != EINTR) {
      break;
    }
    /* Other processes may send to the socket; the kernel is number 0. */
    is_changed = is_changed || n < 0 || from.nl_pid == 0;
  }
  return err && err != EAGAIN ? -err : is_changed;
}
