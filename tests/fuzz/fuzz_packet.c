/* Packets of tun_vpn: parsed, answered, cut, and their segment sizes lowered;
 * each piece that comes out is a packet again. */
#include "../../examples/tun_vpn/fragment.c"
#include "../../examples/tun_vpn/mss.c"
#include "../../examples/tun_vpn/packet.c"
#include "../../examples/tun_vpn/toobig.c"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "script.h"

static void cut(const uint8_t *p, size_t len, size_t mtu) {
  static uint8_t piece[PACKET_MAX + 1];
  size_t n, pieces = 0, payload = 0;
  packet_view v;
  fragment f;

  if (mtu < 68 || !fragment_begin(&f, p, len)) {
    return;
  }
  while ((n = fragment_next(&f, mtu, piece)) != 0) {
    assert(n <= mtu && packet_parse(&v, piece, n));
    payload += n - v.ip_header;
    assert(++pieces < 10000);
  }
  assert(packet_parse(&v, p, len) && payload == len - v.ip_header);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  script s = {.at = data, .len = size};
  size_t mtu = script_number(&s);
  uint8_t reply[TOOBIG_MAX], *p;
  ip_address a;
  packet_view v;
  size_t n;

  if (s.len > PACKET_MAX || (p = malloc(s.len + 1)) == NULL) {
    return 0;
  }
  memcpy(p, s.at, s.len); /* of its very size: a byte too far is seen */
  p = realloc(p, s.len ? s.len : 1);
  if (packet_parse(&v, p, s.len)) {
    packet_source(p, &a);
    packet_destination(p, &a);
    assert(v.ip_header <= s.len && v.transport <= s.len);
    n = toobig_reply(reply, p, s.len, mtu);
    assert(n <= TOOBIG_MAX && (n == 0 || packet_parse(&v, reply, n)));
    cut(p, s.len, mtu);
    (void)mss_clamp(p, s.len, mtu, s.len & 1);
  }
  free(p);
  return 0;
}
