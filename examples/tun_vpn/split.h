/*
 * Cuts what the kernel gives out of a TUN with offloads into packets: a TCP
 * super-packet of up to 64 KiB into segments, and a checksum that was left open
 * is completed.  Pure, and in place: the header of each segment is written over
 * the end of the one before, which must be done with by then.
 */
#ifndef SPLIT_H
#define SPLIT_H

#include <linux/virtio_net.h>

#include "packet.h"

/* Two of 60 bytes, or IPv6 with some extension headers. */
#define SPLIT_HEADER_MAX 256

typedef struct split {
  uint8_t *data;     /* the packet, changed in place */
  size_t len;        /* its bytes */
  size_t header;     /* IP and TCP together; 0: goes out as it is */
  size_t step;       /* payload bytes that the sender wants in a segment */
  size_t done;       /* payload bytes given out */
  uint32_t sequence; /* of the first segment */
  uint16_t id;       /* IPv4 identification of the first segment */
  uint16_t count;    /* segments given out */
  uint8_t flags;     /* TCP flags of the super-packet */
  uint64_t tcp_sum;  /* of the pseudo and TCP headers, what varies as 0 */
  packet_view view;  /* of the super-packet */
  uint8_t saved[SPLIT_HEADER_MAX]; /* the header, what varies as 0 */
} split;

/* Begins with a packet of len bytes that was read with *h before it.  data must
 * live until the last split_next().  False: not a packet that could be sent. */
bool split_begin(split *s, uint8_t *data, size_t len,
                 const struct virtio_net_hdr *h);

/* The next packet, a super-packet's segment of at most max bytes: its length
 * and place; 0: that was all.  What does not have segments is given as it is.
 */
size_t split_next(split *s, size_t max, uint8_t **packet);

#endif
