#include "tun.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* Packets that wait in the kernel while this process does not run: 20 ms at a
 * gigabit a second, not the 5 ms that the device comes with. */
#define QUEUE 2000
#define VIRTIO_BYTES sizeof(struct virtio_net_hdr)

static int attach(tun *t, const char *name, int flags) {
  struct ifreq r = {.ifr_flags = (short)flags};

  snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
  if (ioctl(t->fd, TUNSETIFF, &r) != 0) {
    return errno;
  }
  snprintf(t->name, sizeof(t->name), "%.15s", r.ifr_name);
  return 0;
}

/* With the virtio header the kernel may be told what we can cut ourselves; if
 * it will not be told, packets come one by one, with headers that say nothing.
 */
static int attach_best(tun *t, const char *name) {
  int rv = attach(t, name, IFF_TUN | IFF_NO_PI | IFF_VNET_HDR);

  if (rv != EINVAL) {
    t->has_offload = rv == 0;
    if (rv == 0) {
      (void)ioctl(t->fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6);
    }
    return rv;
  }
  return attach(t, name, IFF_TUN | IFF_NO_PI);
}

int tun_open(tun *t, const char *name, const char **what) {
  int rv;

  *t = (tun){.fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK)};
  *what = "/dev/net/tun";
  if (t->fd < 0) {
    return errno;
  }
  *what = name;
  rv = attach_best(t, name);
  if (rv != 0) {
    tun_close(t);
  }
  return rv;
}

void tun_close(tun *t) {
  if (t->fd >= 0) {
    close(t->fd);
  }
  t->fd = -1;
}

/* Any socket will do for an ioctl on an interface. */
static int control(unsigned long request, struct ifreq *r) {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), rv;

  if (fd < 0) {
    return errno;
  }
  rv = ioctl(fd, request, r) == 0 ? 0 : errno;
  close(fd);
  return rv;
}

int tun_set_mtu(tun *t, size_t mtu) {
  struct ifreq r = {.ifr_mtu = 0};
  int rv;

  mtu = mtu < TUN_MTU_MIN ? TUN_MTU_MIN : mtu;
  if (mtu == t->mtu) {
    return 0;
  }
  r.ifr_mtu = (int)mtu;
  memcpy(r.ifr_name, t->name, sizeof(t->name));
  rv = control(SIOCSIFMTU, &r);
  if (rv == 0) {
    t->mtu = mtu;
  }
  return rv;
}

int tun_up(tun *t, size_t mtu) {
  struct ifreq r = {.ifr_qlen = QUEUE};
  int rv = tun_set_mtu(t, mtu);

  memcpy(r.ifr_name, t->name, sizeof(t->name));
  (void)control(SIOCSIFTXQLEN, &r);
  r.ifr_flags = 0;
  if (rv == 0) {
    rv = control(SIOCGIFFLAGS, &r);
  }
  if (rv == 0) {
    r.ifr_flags |= IFF_UP | IFF_RUNNING;
    rv = control(SIOCSIFFLAGS, &r);
  }
  return rv;
}

/* Errors of one packet, or of the moment. */
static bool is_passing(int err) {
  return err == EAGAIN || err == EWOULDBLOCK || err == EINVAL ||
         err == ENOMEM || err == ENOBUFS;
}

ssize_t tun_read(tun *t, uint8_t *buf) {
  size_t skip = t->has_offload ? 0 : VIRTIO_BYTES;
  ssize_t n;

  do {
    n = read(t->fd, buf + skip, VIRTIO_BYTES + PACKET_MAX - skip);
  } while (n < 0 && errno == EINTR);
  if (n < 0) {
    return is_passing(errno) ? 0 : -errno;
  }
  memset(buf, 0, skip);
  return (size_t)n + skip > VIRTIO_BYTES ? n + (ssize_t)skip : 0;
}

void tun_write(tun *t, const struct virtio_net_hdr *h, const uint8_t *p,
               size_t len) {
  struct iovec v[2] = {{(void *)(uintptr_t)h, VIRTIO_BYTES},
                       {(void *)(uintptr_t)p, len}};
  ssize_t n;

  do {
    n = t->has_offload ? writev(t->fd, v, 2) : write(t->fd, p, len);
  } while (n < 0 && errno == EINTR);
  t->lost += n < 0;
}
