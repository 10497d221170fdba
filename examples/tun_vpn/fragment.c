#include "fragment.h"

#include <string.h>

#define HEADER 20
#define DONT 0x4000
#define MORE 0x2000
#define UNIT 8 /* bytes that offsets count */

bool fragment_begin(fragment *f, const uint8_t *p, size_t len) {
  packet_view v;

  *f = (fragment){.packet = p, .len = len};
  return packet_parse(&v, p, len) && !v.is_v6 && v.ip_header == HEADER &&
         !(get16(p + 6) & DONT);
}

size_t fragment_next(fragment *f, size_t mtu, uint8_t *dest) {
  size_t left = f->len - HEADER - f->done, n = left;
  uint16_t place = get16(f->packet + 6);

  if (left == 0 || mtu < HEADER + UNIT) {
    return 0;
  }
  if (n > mtu - HEADER) {
    n = (mtu - HEADER) / UNIT * UNIT;
  }
  memcpy(dest, f->packet, HEADER);
  memcpy(dest + HEADER, f->packet + HEADER + f->done, n);
  place = (uint16_t)(place + f->done / UNIT);
  put16(dest + 2, (uint16_t)(HEADER + n));
  put16(dest + 6, n < left ? place | MORE : place);
  packet_seal_ipv4(dest, HEADER);
  f->done += n;
  return HEADER + n;
}
