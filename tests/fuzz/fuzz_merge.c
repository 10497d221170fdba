/* tun_vpn's gathering of packets, and the cutting of what was gathered: bytes
 * that go in come out, in packets. */
#include "../../examples/tun_vpn/merge.c"
#include "../../examples/tun_vpn/packet.c"
#include "../../examples/tun_vpn/split.c"

#include <assert.h>
#include <stdlib.h>

#include "script.h"

static void cut(const struct virtio_net_hdr *h, const uint8_t *p, size_t len,
                void *user_data) {
  uint8_t *copy = malloc(len ? len : 1), *piece;
  size_t n, max = *(size_t *)user_data, pieces = 0;
  split s;

  assert(copy && len <= PACKET_MAX);
  memcpy(copy, p, len);
  if (split_begin(&s, copy, len, h)) {
    while ((n = split_next(&s, max, &piece)) != 0) {
      assert(piece >= copy && piece + n <= copy + len);
      assert(++pieces < 100000);
    }
  }
  free(copy);
}

/* What the kernel itself might say of a packet. */
static void cut_strange(script *s, size_t max) {
  struct virtio_net_hdr h = {.flags = script_byte(s),
                             .gso_type = script_byte(s),
                             .hdr_len = script_number(s),
                             .gso_size = script_number(s),
                             .csum_start = script_number(s),
                             .csum_offset = script_number(s)};
  const uint8_t *piece;
  size_t n = script_piece(s, &piece, 4096);

  cut(&h, piece, n, &max);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static merge m;
  script s = {.at = data, .len = size};
  size_t max = 68 + script_number(&s), n;
  const uint8_t *piece;

  merge_init(&m, cut, &max);
  while (s.len) {
    if (script_byte(&s) & 1) {
      n = script_piece(&s, &piece, 2048);
      merge_add(&m, piece, n);
    } else {
      cut_strange(&s, max);
    }
  }
  merge_flush(&m);
  return 0;
}
