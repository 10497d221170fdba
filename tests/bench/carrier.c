#define _GNU_SOURCE /* ppoll, SO_RCVBUFFORCE */
#include "carrier.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SETTLE_MAX (5 * QUICMIG_SECOND)

/* Two periods, so that one is contiguous from everywhere in the first. */
static uint8_t pattern[2 * CARRIER_PERIOD];

static void fill_pattern(void) {
  uint32_t x = 1;
  size_t i;

  for (i = 0; i < CARRIER_PERIOD; i++) {
    x = x * 1664525 + 1013904223;
    pattern[i] = pattern[i + CARRIER_PERIOD] = (uint8_t)(x >> 24);
  }
}

static void *count_malloc(size_t size, void *user_data) {
  ((carrier *)user_data)->allocations++;
  return malloc(size);
}

static void count_free(void *ptr, void *user_data) {
  (void)user_data;
  free(ptr);
}

static void *count_calloc(size_t nmemb, size_t size, void *user_data) {
  ((carrier *)user_data)->allocations++;
  return calloc(nmemb, size);
}

static void *count_realloc(void *ptr, size_t size, void *user_data) {
  ((carrier *)user_data)->allocations++;
  return realloc(ptr, size);
}

void carrier_init(carrier *c, const carrier_ops *ops, size_t size) {
  *c = (carrier){
      .ops = ops,
      .mem = {c, count_malloc, count_free, count_calloc, count_realloc},
      .tx_fd = -1,
      .rx_fd = -1,
      .size = size};
  fill_pattern();
}

const uint8_t *carrier_stream(uint64_t offset) {
  return pattern + offset % CARRIER_PERIOD;
}

const uint8_t *carrier_datagram(const carrier *c) {
  static uint8_t buf[CARRIER_DATAGRAM_MAX];

  memcpy(buf, &c->sent, sizeof(c->sent));
  return buf;
}

void carrier_on_datagram(carrier *c, const uint8_t *data, size_t len) {
  uint64_t number;

  memcpy(&number, data, sizeof(number));
  c->is_broken |= len != c->size || number < c->received;
  c->received++;
  c->bytes += len;
}

void carrier_on_stream(carrier *c, uint64_t *offset, const uint8_t *data,
                       size_t len) {
  const uint8_t *expected = carrier_stream(*offset);

  /* Looking at every byte would cost all kinds the same and tell as much. */
  c->is_broken |=
      len && (data[0] != expected[0] || data[len - 1] != expected[len - 1]);
  *offset += len;
  c->bytes += len;
}

void carrier_wait(carrier *c, struct pollfd *fds, nfds_t n, quicmig_tstamp at) {
  quicmig_tstamp now = at ? quicmig_clock() : 0;
  quicmig_duration left = at > now ? at - now : 0;
  struct timespec ts = {.tv_sec = (time_t)(left / QUICMIG_SECOND),
                        .tv_nsec = (long)(left % QUICMIG_SECOND)};
  nfds_t i;

  if (ppoll(fds, n, &ts, NULL) <= 0) {
    for (i = 0; i < n; i++) {
      fds[i].revents = 0;
    }
  }
  if (left) {
    c->slept += quicmig_clock() - now;
  }
}

static void set_buffer(int fd, int force, int plain) {
  int size = (int)CARRIER_WINDOW;

  if (setsockopt(fd, SOL_SOCKET, force, &size, sizeof(size)) != 0) {
    (void)setsockopt(fd, SOL_SOCKET, plain, &size, sizeof(size));
  }
}

int carrier_socket(void) {
  struct sockaddr_in local = {.sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  int on = 1, probe = IP_PMTUDISC_PROBE;

  if (fd < 0) {
    return -1;
  }
  set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF);
  set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF);
  if (setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &probe, sizeof(probe)) != 0 ||
      setsockopt(fd, IPPROTO_IP, IP_RECVTOS, &on, sizeof(on)) != 0 ||
      bind(fd, (struct sockaddr *)&local, sizeof(local)) != 0) {
    close(fd);
    return -1;
  }
  return fd;
}

void carrier_run(carrier *c, carrier_load load, quicmig_duration ns) {
  quicmig_tstamp end = quicmig_clock() + ns;

  if (c->load != load) {
    c->load = load;
    c->ops->start(c);
  }
  do {
    c->ops->turn(c, end);
  } while (!c->is_broken && quicmig_clock() < end);
}

bool carrier_settle(carrier *c) {
  quicmig_tstamp end = quicmig_clock() + SETTLE_MAX;

  c->load = CARRIER_REST;
  c->ops->start(c);
  while (!c->is_broken && !c->ops->is_at_rest(c)) {
    if (quicmig_clock() >= end) {
      return false;
    }
    c->ops->turn(c, end);
  }
  return !c->is_broken;
}
