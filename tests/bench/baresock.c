#include "baresock.h"

#include <errno.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "carrier.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

/* Room for ECN and segment size, aligned for cmsghdr. */
typedef union control {
  struct cmsghdr align;
  uint8_t bytes[CMSG_SPACE(sizeof(int)) * 2];
} control;

int baresock_open(baresock *s, bool has_offload) {
  socklen_t len = sizeof(s->local);
  int none = 0, on = 1;

  s->fd = carrier_socket();
  if (s->fd < 0) {
    return -1;
  }
  s->has_offload =
      has_offload &&
      setsockopt(s->fd, SOL_UDP, UDP_SEGMENT, &none, sizeof(none)) == 0 &&
      setsockopt(s->fd, SOL_UDP, UDP_GRO, &on, sizeof(on)) == 0;
  return getsockname(s->fd, (struct sockaddr *)&s->local, &len);
}

int baresock_connect(baresock *s, const struct sockaddr_in *remote) {
  s->remote = *remote;
  s->is_connected = true;
  return connect(s->fd, (const struct sockaddr *)remote, sizeof(*remote));
}

void baresock_close(baresock *s) {
  if (s->fd >= 0) {
    close(s->fd);
    s->fd = -1;
  }
}

uint8_t *baresock_room(baresock *s) { return s->buf + s->first + s->len; }

static void put(struct msghdr *msg, int level, int type, const void *data,
                size_t len) {
  struct cmsghdr *c = (struct cmsghdr *)(void *)((uint8_t *)msg->msg_control +
                                                 msg->msg_controllen);

  c->cmsg_level = level;
  c->cmsg_type = type;
  c->cmsg_len = CMSG_LEN(len);
  memcpy(CMSG_DATA(c), data, len);
  msg->msg_controllen += CMSG_SPACE(len);
}

/* ECN by socket option, because it hardly ever changes: as ancillary data it
 * would cost a look at the routing table each time. */
static void mark(baresock *s) {
  int ecn = s->ecn;

  if (s->ecn != s->marked) {
    (void)setsockopt(s->fd, IPPROTO_IP, IP_TOS, &ecn, sizeof(ecn));
    s->marked = s->ecn;
  }
}

int baresock_flush(baresock *s) {
  control buf = {.bytes = {0}};
  struct iovec iov = {.iov_base = s->buf + s->first, .iov_len = s->len};
  struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
  uint16_t segment = (uint16_t)s->segment;
  ssize_t n;

  if (s->count == 0) {
    return 0;
  }
  if (!s->is_connected) {
    msg.msg_name = &s->remote;
    msg.msg_namelen = sizeof(s->remote);
  }
  if (s->count > 1) {
    msg.msg_control = buf.bytes;
    put(&msg, SOL_UDP, UDP_SEGMENT, &segment, sizeof(segment));
  }
  mark(s);
  do {
    n = sendmsg(s->fd, &msg, 0);
  } while (n < 0 && errno == EINTR);
  s->sent += s->count;
  s->first = s->len = s->count = 0;
  return n < 0 ? -1 : 0;
}

/* May the packet behind the batch go with it? */
static bool fits(const baresock *s, size_t len, uint8_t ecn) {
  return s->count == 0 ||
         (len <= s->segment && ecn == s->ecn && s->len + len <= BARESOCK_BATCH);
}

int baresock_add(baresock *s, size_t len, uint8_t ecn) {
  int rv = 0;

  if (!fits(s, len, ecn)) {
    size_t at = s->first + s->len;

    rv = baresock_flush(s);
    s->first = at; /* it starts the next batch, where it is */
  }
  if (s->count == 0) {
    s->segment = len;
    s->ecn = ecn;
  }
  s->len += len;
  s->count++;
  /* Only a batch's last packet may be shorter. */
  if (!s->has_offload || len < s->segment || s->count == BARESOCK_SEGMENTS ||
      s->first + s->len > BARESOCK_BATCH) {
    rv |= baresock_flush(s);
  }
  return rv;
}

/* What the kernel tells beside the data. */
static void read_control(struct msghdr *msg, size_t *segment, uint8_t *ecn) {
  struct cmsghdr *c;
  int value;

  for (c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
    if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
      *ecn = *CMSG_DATA(c) & 3;
    } else if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) {
      memcpy(&value, CMSG_DATA(c), sizeof(value));
      *segment = (size_t)value;
    }
  }
}

void baresock_read(baresock *s, unsigned most, baresock_on_packet on_packet,
                   void *arg) {
  while (most-- > 0) {
    control buf;
    struct sockaddr_in from;
    struct iovec iov = {.iov_base = s->rxbuf, .iov_len = sizeof(s->rxbuf)};
    struct msghdr msg = {.msg_name = &from,
                         .msg_namelen = sizeof(from),
                         .msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = buf.bytes,
                         .msg_controllen = sizeof(buf.bytes)};
    ssize_t n = recvmsg(s->fd, &msg, 0);
    size_t at, len, segment = (size_t)(n > 0 ? n : 0);
    uint8_t ecn = 0;

    if (n <= 0) {
      return;
    }
    read_control(&msg, &segment, &ecn);
    for (at = 0; at < (size_t)n; at += len) {
      len = (size_t)n - at < segment ? (size_t)n - at : segment;
      if (!on_packet(arg, s->rxbuf + at, len, ecn, &from)) {
        return;
      }
    }
  }
}
