/*
 * The opposite of split.h: TCP segments of one flow that follow each other are
 * gathered and written into the TUN as one super-packet, which saves the kernel
 * most of the work per packet.  A flow's packets keep their order.  Pure: what
 * is ready is given to a function.
 */
#ifndef MERGE_H
#define MERGE_H

#include <linux/virtio_net.h>

#include "packet.h"

#define MERGE_FLOWS 8

/* Writes a packet, and its virtio header before it. */
typedef void (*merge_write)(const struct virtio_net_hdr *h, const uint8_t *p,
                            size_t len, void *user_data);

typedef struct merge_flow {
  size_t len;       /* of the packet so far; 0: free */
  size_t header;    /* IP and TCP */
  size_t step;      /* payload bytes of each segment but the last */
  size_t count;     /* segments */
  uint32_t next;    /* sequence number that would follow */
  bool is_closed;   /* the last segment was shorter, or was pushed */
  packet_view view; /* of the first segment */
  uint64_t used_at; /* the one used longest ago makes room */
  uint8_t buf[PACKET_MAX + 1];
} merge_flow;

typedef struct merge {
  merge_write write;
  void *user_data;
  uint64_t now; /* counts packets */
  merge_flow flows[MERGE_FLOWS];
} merge;

void merge_init(merge *m, merge_write write, void *user_data);

/* Takes a packet: it is written now, or with others by merge_flush() at the
 * latest. */
void merge_add(merge *m, const uint8_t *p, size_t len);

/* Writes all that was gathered. */
void merge_flush(merge *m);

#endif
