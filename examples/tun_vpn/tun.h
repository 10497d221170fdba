/*
 * The TUN device: opened with offloads if the kernel has them, so that one read
 * or write moves up to 64 KiB of TCP.  It is gone when it is closed.
 */
#ifndef TUN_H
#define TUN_H

#include <linux/virtio_net.h>
#include <sys/types.h>

#include "packet.h"

#define TUN_NAME 16
#define TUN_MTU_MIN 1280 /* below, Linux takes IPv6 off the device */

typedef struct tun {
  int fd;
  bool has_offload; /* the kernel takes and gives super-packets */
  char name[TUN_NAME];
  size_t mtu;    /* as the device has it */
  uint64_t lost; /* packets that the kernel did not take */
} tun;

/* Opens and makes it, down and without addresses.  Returns 0 or an errno; *what
 * is then the call that failed. */
int tun_open(tun *t, const char *name, const char **what);
void tun_close(tun *t);

/* Brings it up with this MTU.  Returns 0 or an errno. */
int tun_up(tun *t, size_t mtu);
/* Changes the MTU, never below TUN_MTU_MIN.  Returns 0 or an errno. */
int tun_set_mtu(tun *t, size_t mtu);

/* Reads a packet with its virtio header before it (made up without offloads);
 * buf has room for both.  Returns the bytes of both, 0 when there is none now,
 * or a negative errno: the device is gone. */
ssize_t tun_read(tun *t, uint8_t *buf);

/* Writes a packet.  What the kernel does not take is lost. */
void tun_write(tun *t, const struct virtio_net_hdr *h, const uint8_t *p,
               size_t len);

#endif
