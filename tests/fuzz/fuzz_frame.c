/* A DATAGRAM of udp_forward: what is read can be written again, and is the
 * same then. */
#include "../../examples/udp_forward/frame.c"

#include <assert.h>
#include <string.h>

#include "script.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static uint8_t room[FRAME_HEADER_MAX + 65536];
  frame f, g;
  size_t n;

  if (size > 65536 || !frame_read(&f, data, size)) {
    return 0;
  }
  assert(f.data >= data && f.data + f.len == data + size);
  memcpy(room + FRAME_HEADER_MAX, f.data, f.len);
  n = frame_write_before(&f, room + FRAME_HEADER_MAX);
  assert(n == frame_header_len(&f) && n <= FRAME_HEADER_MAX);
  assert(frame_read(&g, room + FRAME_HEADER_MAX - n, n + f.len));
  assert(g.flow == f.flow && g.is_fragment == f.is_fragment && g.len == f.len &&
         (!f.is_fragment || (g.packet == f.packet && g.index == f.index)));
  return 0;
}
