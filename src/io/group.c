#include "io/group.h"

#include <errno.h>
#include <sys/epoll.h>

#include "io/net.h"

int qm_group_open(void *ctx) {
  int fd = epoll_create1(EPOLL_CLOEXEC);

  (void)ctx;
  return fd < 0 ? -errno : fd;
}

int qm_group_join(void *ctx, int group, int fd, uint32_t number) {
  struct epoll_event e = {.events = EPOLLIN, .data.u32 = number};

  (void)ctx;
  return epoll_ctl(group, EPOLL_CTL_ADD, fd, &e) == 0 ? 0 : -errno;
}

int qm_group_leave(void *ctx, int group, int fd) {
  struct epoll_event e = {.events = 0}; /* kernels before 2.6.9 want one */

  (void)ctx;
  return epoll_ctl(group, EPOLL_CTL_DEL, fd, &e) == 0 ? 0 : -errno;
}

/* The kernel's list has them in the order in which they became readable, and
 * puts those that it names at its end. */
int qm_group_readable(void *ctx, int group, uint32_t *numbers, size_t n) {
  struct epoll_event e[QM_GROUP_MAX];
  int got, i;

  (void)ctx;
  do {
    got = epoll_wait(group, e, (int)(n < QM_GROUP_MAX ? n : QM_GROUP_MAX), 0);
  } while (got < 0 && errno == EINTR);
  for (i = 0; i < got; i++) {
    numbers[i] = e[i].data.u32;
  }
  return got < 0 ? -errno : got;
}
