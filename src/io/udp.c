/* qm_net over Linux UDP sockets; mmsg.c has the batches. */
#define _GNU_SOURCE /* SO_BINDTODEVICE and kin are Linux's own */
#include "io/net.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <unistd.h>

#include "io/group.h"
#include "io/mmsg.h"
#include "io/netlink.h"

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
  if (c->reports_time) {
    /* Only for the order among sockets: done without where it is refused. */
    (void)set_int(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
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

/* Up, and with a carrier? */
static int check_carrier(int fd, const char *name) {
  struct ifreq r = {.ifr_flags = 0};

  strncpy(r.ifr_name, name, sizeof(r.ifr_name) - 1);
  if (ioctl(fd, SIOCGIFFLAGS, &r) != 0) {
    return -errno;
  }
  return (r.ifr_flags & (IFF_UP | IFF_RUNNING)) == (IFF_UP | IFF_RUNNING)
             ? 0
             : -ENETDOWN;
}

static int bind_to_device(int fd, const qm_sock_config *c) {
  int rv = c->needs_carrier ? check_carrier(fd, c->interface_name) : 0;

  if (rv == 0 && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, c->interface_name,
                            (socklen_t)strlen(c->interface_name)) != 0) {
    rv = -errno;
  }
  return rv;
}

static int set_options(int fd, const qm_sock_config *c) {
  int rv = set_path_options(fd, c);

  set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, c->rcvbuf);
  set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, c->sndbuf);
  if (rv == 0 && c->fwmark) {
    rv = set_int(fd, SOL_SOCKET, SO_MARK, (int)c->fwmark);
  }
  if (rv == 0 && c->interface_name && c->interface_name[0]) {
    rv = bind_to_device(fd, c);
  }
  return rv;
}

/* UDP_SEGMENT 0 changes nothing, but tells whether the kernel knows it. */
static uint32_t set_offload(int fd, uint32_t unwanted) {
  uint32_t without = unwanted;

  if (!(without & QUICMIG_NO_GSO) &&
      set_int(fd, SOL_UDP, UDP_SEGMENT, 0) != 0) {
    without |= QUICMIG_NO_GSO;
  }
  if (!(without & QUICMIG_NO_GRO) && set_int(fd, SOL_UDP, UDP_GRO, 1) != 0) {
    without |= QUICMIG_NO_GRO;
  }
  return without;
}

static int kernel_open(void *ctx, const qm_sock_config *c, int *fd,
                       uint32_t *no_offload) {
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
  *no_offload = set_offload(s, c->no_offload);
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

static void kernel_close(void *ctx, int fd) {
  (void)ctx;
  close(fd);
}

static int kernel_reserved(void *ctx, char *dest, size_t len) {
  int fd =
      open("/proc/sys/net/ipv4/ip_local_reserved_ports", O_RDONLY | O_CLOEXEC);
  ssize_t n;
  int rv;

  (void)ctx;
  if (fd < 0) {
    return -errno;
  }
  n = read(fd, dest, len);
  rv = n < 0 ? -errno : (int)n;
  close(fd);
  return rv;
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
    .recv = qm_mmsg_recv,
    .send = qm_mmsg_send,
    .close = kernel_close,
    .reserved = kernel_reserved,
    .clock = kernel_clock,
    .watch = qm_netlink_open,
    .changed = qm_netlink_changed,
    .group = qm_group_open,
    .join = qm_group_join,
    .leave = qm_group_leave,
    .readable = qm_group_readable,
    .random = kernel_random,
};
