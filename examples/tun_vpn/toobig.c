#include "toobig.h"

#include <string.h>

#define TTL 64
#define V4_QUOTE 548 /* 576 bytes in all, RFC 1812 section 4.3.2.3 */
#define DF 0x40
#define UNREACHABLE 3
#define FRAGMENTATION_NEEDED 4
#define PACKET_TOO_BIG 2

static bool is_single_host(const uint8_t *a, bool is_v6) {
  static const uint8_t zero[16];

  return is_v6 ? a[0] != 0xff && memcmp(a, zero, 16) != 0
               : a[0] < 224 && memcmp(a, zero, 4) != 0;
}

/* Errors are not answered with errors: only echo requests and replies are. */
static bool is_error(const uint8_t *p, size_t len, const packet_view *v) {
  uint8_t type;

  if (v->protocol != (v->is_v6 ? PACKET_ICMP6 : PACKET_ICMP)) {
    return false;
  }
  type = len > v->transport ? p[v->transport] : 0;
  return v->is_v6 ? type < 128 : type != 0 && type != 8;
}

static size_t reply_v4(uint8_t *r, const uint8_t *p, size_t len, size_t mtu) {
  size_t quote = len < V4_QUOTE ? len : V4_QUOTE, all = 28 + quote;

  memset(r, 0, 28);
  r[0] = 0x45;
  put16(r + 2, (uint16_t)all);
  r[8] = TTL;
  r[9] = PACKET_ICMP;
  memcpy(r + 12, p + 16, 4);
  memcpy(r + 16, p + 12, 4);
  packet_seal_ipv4(r, 20);
  r[20] = UNREACHABLE;
  r[21] = FRAGMENTATION_NEEDED;
  put16(r + 26, (uint16_t)mtu);
  memcpy(r + 28, p, quote);
  sum_store(r + 22, sum_add(0, r + 20, all - 20));
  return all;
}

static size_t reply_v6(uint8_t *r, const uint8_t *p, size_t len, size_t mtu) {
  size_t quote = len < TOOBIG_MAX - 48 ? len : TOOBIG_MAX - 48;
  const packet_view v = {.is_v6 = true, .protocol = PACKET_ICMP6};
  uint64_t sum;

  memset(r, 0, 48);
  r[0] = 0x60;
  put16(r + 4, (uint16_t)(8 + quote));
  r[6] = PACKET_ICMP6;
  r[7] = TTL;
  memcpy(r + 8, p + 24, 16);
  memcpy(r + 24, p + 8, 16);
  r[40] = PACKET_TOO_BIG;
  put32(r + 44, (uint32_t)mtu);
  memcpy(r + 48, p, quote);
  sum = sum_add_number(sum_pseudo(r, &v), (uint16_t)(8 + quote));
  sum_store(r + 42, sum_add(sum, r + 40, 8 + quote));
  return 48 + quote;
}

size_t toobig_reply(uint8_t *reply, const uint8_t *p, size_t len, size_t mtu) {
  packet_view v;
  size_t source, destination;

  if (!packet_parse(&v, p, len)) {
    return 0;
  }
  source = v.is_v6 ? 8 : 12;
  destination = v.is_v6 ? 24 : 16;
  if (!is_single_host(p + source, v.is_v6) ||
      !is_single_host(p + destination, v.is_v6) || is_error(p, len, &v) ||
      (!v.is_v6 && (!(p[6] & DF) || v.is_fragment))) {
    return 0;
  }
  return v.is_v6 ? reply_v6(reply, p, len, mtu) : reply_v4(reply, p, len, mtu);
}
