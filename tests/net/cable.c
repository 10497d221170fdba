/*
 * A cable with a delay between two network namespaces, for examples/lab.sh: two
 * TUN devices, and each packet that is sent into one comes out of the other so
 * many milliseconds later, in order.  Beyond QUEUE packets on their way in one
 * direction the newest are dropped.
 *
 *   cable NETNS-FILE NAME NETNS-FILE NAME MS
 *
 * Prints `ready` when both devices exist; they go with the process.  Needs
 * root. Exit status: 1 something failed, 2 wrong usage; else it runs until
 * killed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { QUEUE = 16384, BATCH = 64, MTU = 1500 };

typedef struct {
  uint64_t due;
  size_t length;
  unsigned char bytes[MTU];
} packet;

/* Packets on their way from one device to the other, the oldest at head. */
typedef struct {
  int from;
  int to;
  size_t head;
  size_t count;
  packet *ring;
} direction;

static void fail(const char *what) {
  fprintf(stderr, "cable: %s: %s\n", what, strerror(errno));
  exit(1);
}

static uint64_t now(void) {
  struct timespec t;

  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int open_device(const char *netns, const char *name) {
  struct ifreq request;
  int ns = open(netns, O_RDONLY | O_CLOEXEC);
  int fd;

  if (ns < 0 || setns(ns, CLONE_NEWNET) != 0)
    fail(netns);
  close(ns);
  fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0)
    fail("/dev/net/tun");
  memset(&request, 0, sizeof(request));
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  if (ioctl(fd, TUNSETIFF, &request) != 0)
    fail(name);
  return fd;
}

/* Takes what was sent into the device, a batch at a time. */
static void take(direction *d, uint64_t due) {
  unsigned char dropped[MTU];
  ssize_t n;
  int i;

  for (i = 0; i < BATCH; i++) {
    packet *p = &d->ring[(d->head + d->count) % QUEUE];
    int full = d->count == QUEUE;

    n = read(d->from, full ? dropped : p->bytes, MTU);
    if (n <= 0)
      return;
    if (full)
      continue;
    p->due = due;
    p->length = (size_t)n;
    d->count++;
  }
}

/* Hands out what is due.  A device that is down refuses: lost, as on a cable
 * that is unplugged. */
static void give(direction *d, uint64_t time) {
  while (d->count > 0 && d->ring[d->head].due <= time) {
    packet *p = &d->ring[d->head];

    if (write(d->to, p->bytes, p->length) < 0 && errno == EAGAIN)
      return;
    d->head = (d->head + 1) % QUEUE;
    d->count--;
  }
}

static void sleep_until_next(const direction d[2], uint64_t time) {
  struct pollfd fds[2] = {{.fd = d[0].from, .events = POLLIN},
                          {.fd = d[1].from, .events = POLLIN}};
  uint64_t next = UINT64_MAX;
  struct timespec wait = {0};
  int i;

  for (i = 0; i < 2; i++)
    if (d[i].count > 0 && d[i].ring[d[i].head].due < next)
      next = d[i].ring[d[i].head].due;
  if (next != UINT64_MAX && next > time) {
    wait.tv_sec = (time_t)((next - time) / 1000000000);
    wait.tv_nsec = (long)((next - time) % 1000000000);
  }
  if (ppoll(fds, 2, next == UINT64_MAX ? NULL : &wait, NULL) < 0 &&
      errno != EINTR)
    fail("ppoll");
}

int main(int argc, char **argv) {
  direction d[2];
  char *end = NULL;
  double ms = argc == 6 ? strtod(argv[5], &end) : -1;
  uint64_t delay, time;
  int i;

  if (ms < 0 || ms > 10000 || *end != '\0') {
    fprintf(stderr, "usage: cable NETNS-FILE NAME NETNS-FILE NAME MS\n");
    return 2;
  }
  delay = (uint64_t)(ms * 1e6);
  memset(d, 0, sizeof(d));
  for (i = 0; i < 2; i++) {
    d[i].from = open_device(argv[1 + 2 * i], argv[2 + 2 * i]);
    d[1 - i].to = d[i].from;
    d[i].ring = malloc(QUEUE * sizeof(packet));
    if (d[i].ring == NULL)
      fail("memory");
  }
  printf("ready\n");
  fflush(stdout);
  for (;;) {
    time = now();
    for (i = 0; i < 2; i++) {
      take(&d[i], time + delay);
      give(&d[i], time);
    }
    sleep_until_next(d, time);
  }
}
