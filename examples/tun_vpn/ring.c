#include "ring.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* One packet as it was read; the packet begins at a multiple of 16, with its
 * virtio header just before. */
typedef struct record {
  quicmig_tstamp since;
  uint32_t size; /* of the record, this header included */
  uint32_t len;  /* of the packet */
  uint8_t pad[6];
  struct virtio_net_hdr virtio;
  uint8_t packet[];
} record;

#define ALIGN 16
/* A record for the largest packet. */
#define NEED (sizeof(record) + PACKET_MAX + ALIGN)

_Static_assert(offsetof(record, packet) ==
                   offsetof(record, virtio) + sizeof(struct virtio_net_hdr),
               "the kernel writes both in one piece");
_Static_assert(offsetof(record, packet) % ALIGN == 0, "packets are aligned");

bool ring_init(ring *r, size_t size) {
  *r = (ring){.size = size};
  r->buf = malloc(size);
  return r->buf != NULL;
}

void ring_reset(ring *r) {
  free(r->buf);
  *r = (ring){.buf = NULL};
}

static record *at(const ring *r, size_t offset) {
  return (record *)(void *)(r->buf + offset);
}

/* Used space is [head, tail), or [head, wrap) and [0, tail). */
static bool find_room(ring *r) {
  if (r->used == 0) {
    r->head = r->tail = r->wrap = 0;
  }
  r->room = r->tail;
  if (r->tail < r->head || (r->used && r->tail == r->head)) {
    return r->head - r->tail >= NEED;
  }
  if (r->size - r->tail >= NEED) {
    return true;
  }
  r->room = 0;
  return r->head >= NEED;
}

uint8_t *ring_room(ring *r) {
  return r->buf && find_room(r) ? (uint8_t *)&at(r, r->room)->virtio : NULL;
}

void ring_commit(ring *r, size_t n, quicmig_tstamp now) {
  record *rec = at(r, r->room);

  assert(n >= sizeof(rec->virtio) && n <= RING_ROOM);
  if (r->room != r->tail) {
    r->wrap = r->tail;
  }
  rec->since = now;
  rec->len = (uint32_t)(n - sizeof(rec->virtio));
  rec->size =
      (uint32_t)((sizeof(record) + rec->len + ALIGN - 1) / ALIGN * ALIGN);
  r->tail = r->room + rec->size;
  r->used += rec->size;
}

static void drop_head(ring *r) {
  uint32_t size = at(r, r->head)->size;

  r->used -= size;
  r->head += size;
  if (r->head == r->wrap && r->used) {
    r->head = r->wrap = 0;
  }
  r->is_cut = false;
}

size_t ring_head(ring *r, size_t max, const uint8_t **packet) {
  while (r->packet_len == 0 && r->used) {
    record *rec = at(r, r->head);

    if (!r->is_cut) {
      r->is_cut = split_begin(&r->cut, rec->packet, rec->len, &rec->virtio);
    }
    r->packet_len = r->is_cut ? split_next(&r->cut, max, &r->packet) : 0;
    if (r->packet_len == 0) {
      r->uncut++;
      drop_head(r);
    }
  }
  *packet = r->packet;
  return r->packet_len ? r->packet_len : SIZE_MAX;
}

size_t ring_drop_before(ring *r, quicmig_tstamp when) {
  size_t n;

  for (n = 0; r->used && at(r, r->head)->since < when; n++) {
    r->packet_len = 0;
    drop_head(r);
  }
  return n;
}

void ring_pop(ring *r) {
  r->packet_len = 0;
  if (r->cut.header == 0 || r->cut.header + r->cut.done >= r->cut.len) {
    drop_head(r);
  }
}

quicmig_tstamp ring_since(const ring *r) {
  return r->used && !r->is_cut ? at(r, r->head)->since : QUICMIG_NEVER;
}
