#include "udppair.h"

#include <stdlib.h>
#include <string.h>

#include "baresock.h"

/* ngtcp2's send quantum. */
#define QUANTUM 65536u
#define READS_MAX 64

typedef struct udppair {
  carrier base; /* first */
  baresock tx, rx;
} udppair;

static bool on_packet(void *arg, const uint8_t *data, size_t len, uint8_t ecn,
                      const struct sockaddr_in *from) {
  (void)ecn;
  (void)from;
  carrier_on_datagram(arg, data, len);
  return true;
}

static void send_batch(udppair *u) {
  size_t size = u->base.size, total;
  int rv = 0;

  for (total = 0; total + size <= QUANTUM; total += size) {
    memcpy(baresock_room(&u->tx), &u->base.sent, sizeof(u->base.sent));
    rv |= baresock_add(&u->tx, size, 0);
    u->base.sent++;
  }
  u->base.is_broken |= (rv | baresock_flush(&u->tx)) != 0;
}

static void turn(carrier *c, quicmig_tstamp until) {
  udppair *u = (udppair *)c;
  struct pollfd fd = {.fd = u->rx.fd, .events = POLLIN};

  carrier_wait(c, &fd, 1, c->load == CARRIER_REST ? until : 0);
  if (fd.revents) {
    c->wakeups++;
    baresock_read(&u->rx, READS_MAX, on_packet, c);
  }
  if (c->load != CARRIER_REST) {
    send_batch(u);
  }
}

static void start(carrier *c) { (void)c; }

static bool is_at_rest(const carrier *c) { return c->sent == c->received; }

static void udppair_free(carrier *c) {
  udppair *u = (udppair *)c;

  baresock_close(&u->tx);
  baresock_close(&u->rx);
  free(u);
}

static const carrier_ops ops = {turn, start, is_at_rest, udppair_free};

carrier *udppair_new(size_t packet_size) {
  udppair *u = calloc(1, sizeof(*u));

  if (!u) {
    return NULL;
  }
  carrier_init(&u->base, &ops, packet_size);
  u->tx.fd = u->rx.fd = -1;
  if (baresock_open(&u->tx, true) != 0 || baresock_open(&u->rx, true) != 0 ||
      baresock_connect(&u->tx, &u->rx.local) != 0) {
    udppair_free(&u->base);
    return NULL;
  }
  u->base.tx_fd = u->tx.fd;
  u->base.rx_fd = u->rx.fd;
  return &u->base;
}

void udppair_set_size(carrier *c, size_t packet_size) { c->size = packet_size; }
