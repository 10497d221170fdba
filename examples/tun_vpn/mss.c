#include "mss.h"

#define OPTION_END 0
#define OPTION_NOP 1
#define OPTION_MSS 2

/* The place of the option's value; 0: there is none. */
static size_t find_option(const uint8_t *tcp, size_t header) {
  size_t i = TCP_HEADER;

  while (i < header && tcp[i] != OPTION_END) {
    size_t n = tcp[i] == OPTION_NOP ? 1 : i + 1 < header ? tcp[i + 1] : 0;

    if (n == 0 || i + n > header || (n < 2 && tcp[i] != OPTION_NOP)) {
      return 0;
    }
    if (tcp[i] == OPTION_MSS) {
      return n == 4 ? i + 2 : 0;
    }
    i += n;
  }
  return 0;
}

/* RFC 1624, equation 3; a value at an odd place counts with its bytes turned
 * round. */
static void adjust(uint8_t *checksum, uint16_t old, uint16_t new, bool is_odd) {
  uint32_t sum = (uint16_t)~get16(checksum);

  if (is_odd) {
    old = (uint16_t)(old << 8 | old >> 8);
    new = (uint16_t)(new << 8 | new >> 8);
  }
  sum += (uint16_t)~old;
  sum += new;
  sum = (sum & UINT16_MAX) + (sum >> 16);
  sum = (sum & UINT16_MAX) + (sum >> 16);
  put16(checksum, (uint16_t)~sum);
}

bool mss_clamp(uint8_t *p, size_t len, size_t mtu, bool partial) {
  packet_view v;
  size_t i, headers;
  uint8_t *tcp;
  uint16_t old, new;

  if (!packet_parse(&v, p, len) || !v.tcp_header) {
    return false;
  }
  tcp = p + v.transport;
  headers = (v.is_v6 ? 40u : 20u) + TCP_HEADER;
  i = find_option(tcp, v.tcp_header);
  if (!(tcp[13] & TCP_SYN) || i == 0 || mtu <= headers ||
      get16(tcp + i) <= mtu - headers) {
    return false;
  }
  old = get16(tcp + i);
  new = (uint16_t)(mtu - headers);
  put16(tcp + i, new);
  if (!partial) {
    adjust(tcp + 16, old, new, i & 1);
  }
  return true;
}
