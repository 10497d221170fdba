/* qm_net over Linux UDP sockets: one recvmsg or sendmsg a datagram. */
#define _GNU_SOURCE /* SO_BINDTODEVICE and kin are Linux's own */
#include "io/net.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "io/cmsg.h"

static int set_int(int fd, int level, int name, int value) {
  return setsockopt(fd, level, name, &value, sizeof(value)) == 0 ? 0 : -errno;
}

/* Never fragment and never obey a forged "fragmentation needed": ngtcp2 probes
 * the path itself (RFC 9000 section 14). */
static int set_path_options(int fd, const qm_sock_config *c) {
  bool is_v4 = c->family == AF_INET;
  int level = is_v4 ? IPPROTO_IP : IPPROTO_IPV6;
  int rv;

  rv = is_v4 ? set_int(fd, level, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE)
             : set_int(fd, level, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
  if (rv == 0) {
    rv = set_int(fd, level, is_v4 ? IP_RECVTOS : IPV6_RECVTCLASS, 1);
  }
  if (rv == 0 && c->is_server) {
    rv = set_int(fd, level, is_v4 ? IP_PKTINFO : IPV6_RECVPKTINFO, 1);
  }
  if (rv == 0 && !is_v4) {
    /* A dual-stack server socket would report mapped addresses. */
    rv = set_int(fd, level, IPV6_V6ONLY, 1);
  }
  return rv;
}

/* A wish: without CAP_NET_ADMIN the system caps it (net.core.rmem_max). */
static void set_buffer(int fd, int force, int plain, uint32_t size) {
  if (size && set_int(fd, SOL_SOCKET, force, (int)size) != 0) {
    (void)set_int(fd, SOL_SOCKET, plain, (int)size);
  }
}

static int set_options(int fd, const qm_sock_config *c) {
  int rv = set_path_options(fd, c);

  set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, c->rcvbuf);
  set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, c->sndbuf);
  if (rv == 0 && c->fwmark) {
    rv = set_int(fd, SOL_SOCKET, SO_MARK, (int)c->fwmark);
  }
  if (rv == 0 && c->interface_name && c->interface_name[0]) {
    rv = setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, c->interface_name,
                    (socklen_t)strlen(c->interface_name)) == 0
             ? 0
             : -errno;
  }
  return rv;
}

static int kernel_open(void *ctx, const qm_sock_config *c, int *fd) {
  int s = socket(c->family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  int rv;

  (void)ctx;
  if (s < 0) {
    return -errno;
  }
  rv = set_options(s, c);
  if (rv < 0) {
    close(s);
    return rv;
  }
  *fd = s;
  return 0;
}

static int kernel_bind(void *ctx, int fd, const qm_addr *local) {
  (void)ctx;
  return bind(fd, &local->u.sa, local->len) == 0 ? 0 : -errno;
}

static int kernel_connect(void *ctx, int fd, const qm_addr *remote) {
  (void)ctx;
  return connect(fd, &remote->u.sa, remote->len) == 0 ? 0 : -errno;
}

static int kernel_local_addr(void *ctx, int fd, qm_addr *local) {
  struct sockaddr_storage ss;
  socklen_t len = sizeof(ss);

  (void)ctx;
  if (getsockname(fd, (struct sockaddr *)&ss, &len) != 0) {
    return -errno;
  }
  return qm_addr_set(local, (struct sockaddr *)&ss, len) == 0 ? 0
                                                              : -EAFNOSUPPORT;
}

static int recv_one(int fd, qm_pkt *p) {
  qm_cmsg_buf control;
  struct iovec iov = {.iov_base = p->data, .iov_len = p->cap};
  struct msghdr msg = {.msg_name = &p->remote.u,
                       .msg_namelen = sizeof(p->remote.u),
                       .msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control.bytes,
                       .msg_controllen = sizeof(control.bytes)};
  ssize_t n;

  do {
    n = recvmsg(fd, &msg, 0);
  } while (n < 0 && errno == EINTR);
  if (n < 0) {
    return -errno;
  }
  p->len = (size_t)n;
  p->remote.len = msg.msg_namelen;
  p->is_truncated = (msg.msg_flags & MSG_TRUNC) != 0;
  qm_cmsg_read(&msg, p);
  return 0;
}

static bool is_would_block(int rv) {
  return rv == -EAGAIN || rv == -EWOULDBLOCK;
}

static int kernel_recv(void *ctx, int fd, qm_pkt *pkts, size_t n) {
  size_t i;

  (void)ctx;
  for (i = 0; i < n; i++) {
    int rv = recv_one(fd, &pkts[i]);

    if (is_would_block(rv)) {
      break;
    }
    if (rv < 0) {
      /* After some datagrams the error is left for the next call; only a
       * pending ICMP error is cleared by being read, and it is a hint. */
      return i ? (int)i : rv;
    }
  }
  return (int)i;
}

static int send_one(int fd, const qm_pkt *p, bool with_ecn) {
  qm_cmsg_buf control = {.bytes = {0}};
  qm_addr remote = p->remote;
  struct iovec iov = {.iov_base = p->data, .iov_len = p->len};
  struct msghdr msg = {.msg_name = remote.len ? &remote.u : NULL,
                       .msg_namelen = remote.len,
                       .msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control.bytes,
                       .msg_controllen = sizeof(control.bytes)};
  qm_pkt q = *p;
  ssize_t n;

  if (!with_ecn) {
    q.ecn = 0;
  }
  qm_cmsg_write(&msg, &q);
  do {
    n = sendmsg(fd, &msg, 0);
  } while (n < 0 && errno == EINTR);
  return n < 0 ? -errno : 0;
}

static int kernel_send(void *ctx, int fd, const qm_pkt *pkts, size_t n) {
  size_t i;

  (void)ctx;
  for (i = 0; i < n; i++) {
    int rv = send_one(fd, &pkts[i], true);

    if ((rv == -EIO || rv == -EINVAL) && pkts[i].ecn) {
      /* Some devices refuse ancillary data: rather unmarked than lost. */
      rv = send_one(fd, &pkts[i], false);
    }
    if (rv < 0) {
      return i ? (int)i : rv;
    }
  }
  return (int)i;
}

static void kernel_close(void *ctx, int fd) {
  (void)ctx;
  close(fd);
}

static int kernel_random(void *ctx, void *dest, size_t n) {
  (void)ctx;
  return getrandom(dest, n, 0) == (ssize_t)n ? 0 : -EIO;
}

static quicmig_tstamp kernel_clock(void *ctx) {
  (void)ctx;
  return quicmig_clock();
}

const qm_net qm_net_kernel = {
    .open = kernel_open,
    .bind = kernel_bind,
    .connect = kernel_connect,
    .local_addr = kernel_local_addr,
    .recv = kernel_recv,
    .send = kernel_send,
    .close = kernel_close,
    .clock = kernel_clock,
    .random = kernel_random,
};
