#include "frame.h"

#include <assert.h>

#define FRAGMENT_LEN 3
#define PARTS 2

static unsigned varint_log2(uint64_t v) {
  return v < 64 ? 0 : v < 16384 ? 1 : v < (UINT64_C(1) << 30) ? 2 : 3;
}

static uint64_t tag_of(const frame *f) {
  assert(f->flow <= FRAME_FLOW_MAX);
  return f->flow * 2 + f->is_fragment;
}

size_t frame_header_len(const frame *f) {
  return ((size_t)1 << varint_log2(tag_of(f))) +
         (f->is_fragment ? FRAGMENT_LEN : 0);
}

size_t frame_write_before(const frame *f, uint8_t *payload) {
  size_t len = frame_header_len(f);
  uint64_t tag = tag_of(f);
  unsigned log2 = varint_log2(tag);
  uint8_t *p = payload - len;
  size_t i, n = (size_t)1 << log2;

  for (i = n; i-- > 0; tag >>= 8) {
    p[i] = (uint8_t)tag;
  }
  p[0] = (uint8_t)(p[0] | log2 << 6);
  if (f->is_fragment) {
    p[n] = (uint8_t)(f->packet >> 8);
    p[n + 1] = (uint8_t)f->packet;
    p[n + 2] = (uint8_t)(f->index << 4 | PARTS);
  }
  return len;
}

bool frame_read(frame *f, const uint8_t *data, size_t len) {
  size_t i, n = len ? (size_t)1 << (data[0] >> 6) : 1;
  uint64_t tag;

  if (len < n) {
    return false;
  }
  tag = data[0] & 0x3f;
  for (i = 1; i < n; i++) {
    tag = tag << 8 | data[i];
  }
  *f = (frame){.flow = tag / 2, .is_fragment = tag & 1};
  if (f->is_fragment) {
    if (len < n + FRAGMENT_LEN || (data[n + 2] & 0xf) != PARTS ||
        data[n + 2] >> 4 >= PARTS) {
      return false;
    }
    f->packet = (uint16_t)(data[n] << 8 | data[n + 1]);
    f->index = data[n + 2] >> 4;
    n += FRAGMENT_LEN;
  }
  f->data = data + n;
  f->len = len - n;
  return true;
}
