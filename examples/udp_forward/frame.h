/*
 * What the two ends of udp_forward say to each other.  Each DATAGRAM is a
 * header and a packet's payload, or half of it:
 *
 *   tag        variable-length integer (RFC 9000 section 16): the flow's
 *              number times 2, plus 1 for a fragment
 *   packet id  16 bits, network byte order; only fragments have it: counts the
 *              split packets of the connection in this direction
 *   part       8 bits; only fragments: index (0 or 1) * 16 + count (2)
 *
 * The client chooses flow numbers; an answer carries the number of its flow.
 */
#ifndef FORWARD_FRAME_H
#define FORWARD_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_HEADER_MAX 11 /* bytes */
#define FRAME_FLOW_MAX ((UINT64_C(1) << 61) - 1)

typedef struct frame {
  uint64_t flow;
  bool is_fragment;
  uint8_t index;   /* of a fragment: 0 or 1 */
  uint16_t packet; /* of a fragment */
  const uint8_t *data;
  size_t len; /* bytes at data */
} frame;

/* Length of the header that f needs. */
size_t frame_header_len(const frame *f);

/* Writes the header so that it ends where the payload begins; there must be
 * FRAME_HEADER_MAX bytes before it.  Returns the header's length. */
size_t frame_write_before(const frame *f, uint8_t *payload);

/* Reads a DATAGRAM; f->data then points into it.  False: malformed. */
bool frame_read(frame *f, const uint8_t *data, size_t len);

#endif
