/* When the example VPN reads its device, and when it leaves off. */
#include "../../examples/printable.c"
#include "../../examples/tun_vpn/codel.c"
#include "../../examples/tun_vpn/fragment.c"
#include "../../examples/tun_vpn/merge.c"
#include "../../examples/tun_vpn/mss.c"
#include "../../examples/tun_vpn/packet.c"
#include "../../examples/tun_vpn/pump.c"
#include "../../examples/tun_vpn/ring.c"
#include "../../examples/tun_vpn/say.c"
#include "../../examples/tun_vpn/split.c"
#include "../../examples/tun_vpn/toobig.c"

#include <errno.h>

#include "table.h"

/* What stands for the loop, the device and the library. */
static bool is_read, is_over;
static ssize_t answer; /* of the device */

void ev_io_start(EV_P_ ev_io *w) {
  (void)loop;
  (void)w;
  is_read = true;
}

void ev_io_stop(EV_P_ ev_io *w) {
  (void)loop;
  (void)w;
  is_read = false;
}

void ev_prepare_start(EV_P_ ev_prepare *w) {
  (void)loop;
  (void)w;
}

void ev_prepare_stop(EV_P_ ev_prepare *w) {
  (void)loop;
  (void)w;
}

void ev_break(EV_P_ int how) {
  (void)loop;
  (void)how;
  is_over = true;
}

void quicmig_conn_wake(quicmig_conn *c) { (void)c; }

void quicmig_conn_set_user_data(quicmig_conn *c, void *user_data) {
  (void)c;
  (void)user_data;
}

void tun_write(tun *t, const struct virtio_net_hdr *h, const uint8_t *p,
               size_t len) {
  (void)t;
  (void)h;
  (void)p;
  (void)len;
}

/* An IPv4 packet of UDP, as often as it is asked for. */
ssize_t tun_read(tun *t, uint8_t *buf) {
  (void)t;
  if (answer > 0) {
    memset(buf, 0, (size_t)answer);
    buf[VIRTIO_BYTES] = 0x45;
    put16(buf + VIRTIO_BYTES + 2, (uint16_t)((size_t)answer - VIRTIO_BYTES));
    buf[VIRTIO_BYTES + 9] = PACKET_UDP;
  }
  return answer;
}

static tunnel tunnels[2];
static pump p;

static tunnel *find_first(const uint8_t *packet, void *user_data) {
  (void)packet;
  (void)user_data;
  return &tunnels[0];
}

static quicmig_conn *conn(size_t i) {
  static char places[2];

  return (void *)&places[i];
}

/* One tunnel, whose ring is full. */
static void fill(void) {
  static const pump_calls calls = {.find = find_first};
  static tun device = {.name = "qmig0"};
  int i;

  is_over = false;
  memset(&p, 0, sizeof(p));
  memset(tunnels, 0, sizeof(tunnels));
  pump_start(&p, NULL, &device, &calls, NULL);
  assert_true(tunnel_open(&tunnels[0], &p, conn(0)));
  tunnel_on_room(&tunnels[0], 1400);
  answer = 1200;
  for (i = 0; i < 1000 && is_read; i++) {
    p.readable.cb(NULL, &p.readable, EV_READ);
  }
  assert_false(is_read);
}

static void drain(void) {
  tunnel_close(&tunnels[0]);
  tunnel_close(&tunnels[1]);
}

static void a_second_tunnel_resumes(void **state) {
  (void)state;
  fill();
  assert_true(tunnel_open(&tunnels[1], &p, conn(1)));
  assert_true(is_read);
  p.readable.cb(NULL, &p.readable, EV_READ);
  assert_true(is_read);
  assert_true(tunnels[0].counts.full > 0);
  drain();
}

static void half_a_ring_resumes(void **state) {
  const uint8_t *data;
  size_t n;

  (void)state;
  fill();
  for (n = 0; !is_read && n < 10000; n++) {
    assert_true(tunnel_head(conn(0), &data, &tunnels[0]) != SIZE_MAX);
    tunnel_pop(conn(0), 1, &tunnels[0]);
  }
  assert_true(is_read && n > 500);
  drain();
}

/* Everything in it is too old. */
static void old_packets_are_dropped(void **state) {
  const uint8_t *data;
  ring *r = &tunnels[0].out;
  size_t offset;

  (void)state;
  fill();
  assert_true(tunnel_head(conn(0), &data, &tunnels[0]) != SIZE_MAX);
  for (offset = 0; offset < r->used; offset += at(r, offset)->size) {
    at(r, offset)->since -= 6 * QUICMIG_SECOND;
  }
  assert_true(tunnel_head(conn(0), &data, &tunnels[0]) == SIZE_MAX);
  assert_true(is_read);
  assert_true(tunnels[0].counts.late > 1000);
  drain();
}

/* So are those that cannot be cut. */
static void odd_packets_are_dropped(void **state) {
  const uint8_t *data;
  ring *r = &tunnels[0].out;
  size_t offset;

  (void)state;
  fill();
  for (offset = 0; offset < r->used; offset += at(r, offset)->size) {
    at(r, offset)->virtio.gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
  }
  assert_true(tunnel_head(conn(0), &data, &tunnels[0]) == SIZE_MAX);
  assert_true(is_read);
  assert_true(tunnels[0].counts.uncut > 1000);
  drain();
}

static void no_device_is_the_end(void **state) {
  (void)state;
  fill();
  assert_true(tunnel_open(&tunnels[1], &p, conn(1)));
  answer = 0;
  p.readable.cb(NULL, &p.readable, EV_READ);
  assert_true(is_read && !is_over);
  answer = -EBADFD;
  p.readable.cb(NULL, &p.readable, EV_READ);
  assert_true(!is_read && is_over && p.is_broken);
  drain();
  assert_false(is_read);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_second_tunnel_resumes),
      cmocka_unit_test(half_a_ring_resumes),
      cmocka_unit_test(old_packets_are_dropped),
      cmocka_unit_test(odd_packets_are_dropped),
      cmocka_unit_test(no_device_is_the_end),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
