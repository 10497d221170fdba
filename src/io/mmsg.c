#define _GNU_SOURCE /* recvmmsg, sendmmsg */
#include "io/mmsg.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "io/cmsg.h"

/* What the kernel wants beside the data. */
typedef struct headers {
  struct mmsghdr msg[QM_MSGS_MAX];
  struct iovec iov[QM_MSGS_MAX];
  qm_cmsg_buf control[QM_MSGS_MAX];
} headers;

static bool is_would_block(int err) {
  return err == EAGAIN || err == EWOULDBLOCK;
}

int qm_mmsg_recv(void *ctx, int fd, qm_msg *msgs, size_t n) {
  headers h;
  int got, i;
  size_t k;

  (void)ctx;
  assert(n <= QM_MSGS_MAX);
  for (k = 0; k < n; k++) {
    h.iov[k] = (struct iovec){.iov_base = msgs[k].data, .iov_len = msgs[k].cap};
    h.msg[k].msg_hdr =
        (struct msghdr){.msg_name = &msgs[k].remote.u,
                        .msg_namelen = sizeof(msgs[k].remote.u),
                        .msg_iov = &h.iov[k],
                        .msg_iovlen = 1,
                        .msg_control = h.control[k].bytes,
                        .msg_controllen = sizeof(h.control[k].bytes)};
  }
  do {
    got = recvmmsg(fd, h.msg, (unsigned)n, 0, NULL);
  } while (got < 0 && errno == EINTR);
  if (got < 0) {
    return is_would_block(errno) ? 0 : -errno;
  }
  for (i = 0; i < got; i++) {
    struct msghdr *msg = &h.msg[i].msg_hdr;

    msgs[i].len = h.msg[i].msg_len;
    msgs[i].remote.len = msg->msg_namelen;
    msgs[i].is_truncated = (msg->msg_flags & MSG_TRUNC) != 0;
    qm_cmsg_read(msg, &msgs[i]);
  }
  return got;
}

static void set_header(headers *h, size_t k, const qm_msg *m) {
  struct msghdr *msg = &h->msg[k].msg_hdr;

  memset(&h->control[k], 0, sizeof(h->control[k]));
  h->iov[k] = (struct iovec){.iov_base = m->data, .iov_len = m->len};
  *msg = (struct msghdr){
      .msg_name = m->remote.len ? (void *)(uintptr_t)&m->remote.u : NULL,
      .msg_namelen = m->remote.len,
      .msg_iov = &h->iov[k],
      .msg_iovlen = 1,
      .msg_control = h->control[k].bytes,
      .msg_controllen = sizeof(h->control[k].bytes)};
  qm_cmsg_write(msg, m);
}

int qm_mmsg_send(void *ctx, int fd, const qm_msg *msgs, size_t n) {
  headers h;
  size_t k;
  int rv;

  (void)ctx;
  assert(n <= QM_MSGS_MAX);
  for (k = 0; k < n; k++) {
    set_header(&h, k, &msgs[k]);
  }
  do {
    rv = sendmmsg(fd, h.msg, (unsigned)n, 0);
  } while (rv < 0 && errno == EINTR);
  return rv < 0 ? -errno : rv;
}
