#include "outbound.h"

#include <assert.h>

void outbound_init(outbound *o, pool *packets, uint32_t limit,
                   counters *count) {
  *o = (outbound){.pool = packets, .limit = limit, .count = count};
}

/* The oldest packet is done with. */
static void drop_oldest(outbound *o) {
  packet *k = o->oldest;

  o->oldest = k->next;
  if (!o->oldest) {
    o->newest = NULL;
  }
  o->waiting--;
  o->stage = OUTBOUND_WAITING;
  pool_put(o->pool, k);
}

void outbound_reset(outbound *o) {
  while (o->oldest) {
    drop_oldest(o);
  }
}

static void drop_stale(outbound *o, uint64_t now) {
  while (o->oldest && o->stage == OUTBOUND_WAITING &&
         now - o->oldest->read_at > OUTBOUND_AGE) {
    o->count->stale++;
    drop_oldest(o);
  }
}

static bool is_full(const outbound *o) {
  return o->waiting >= o->limit || o->waiting >= o->pool->left;
}

bool outbound_push(outbound *o, packet *k, uint64_t now) {
  if (is_full(o)) {
    drop_stale(o, now);
  }
  if (is_full(o)) {
    return false;
  }
  k->next = NULL;
  k->read_at = now;
  *(o->newest ? &o->newest->next : &o->oldest) = k;
  o->newest = k;
  o->waiting++;
  return true;
}

/* Offers len bytes of the oldest packet from offset on, and a header before
 * them: over the half that is sent already, if it is the second. */
static void offer(outbound *o, outbound_stage stage, size_t offset,
                  size_t len) {
  packet *k = o->oldest;
  frame f = {.flow = k->flow,
             .is_fragment = stage != OUTBOUND_WHOLE,
             .index = stage == OUTBOUND_SECOND,
             .packet = o->packet_id};
  size_t header = frame_write_before(&f, k->data + offset);

  o->stage = stage;
  o->head = k->data + offset - header;
  o->head_len = header + len;
}

static size_t first_half(const packet *k) { return (k->len + 1) / 2; }

/* Decides how the oldest packet goes; false: not at all. */
static bool prepare(outbound *o, size_t max) {
  const packet *k = o->oldest;
  frame f = {.flow = k->flow};

  if (frame_header_len(&f) + k->len <= max) {
    offer(o, OUTBOUND_WHOLE, 0, k->len);
    return true;
  }
  f.is_fragment = true;
  if (frame_header_len(&f) + first_half(k) <= max) {
    o->count->fragmented++;
    offer(o, OUTBOUND_FIRST, 0, first_half(k));
    return true;
  }
  return false;
}

size_t outbound_head(outbound *o, size_t max, uint64_t now,
                     const uint8_t **data) {
  drop_stale(o, now);
  while (o->oldest && o->stage == OUTBOUND_WAITING && !prepare(o, max)) {
    o->count->too_large++;
    drop_oldest(o);
    drop_stale(o, now);
  }
  if (!o->oldest) {
    return SIZE_MAX;
  }
  *data = o->head;
  return o->head_len;
}

void outbound_pop(outbound *o, bool is_sent) {
  size_t half;

  assert(o->oldest && o->stage != OUTBOUND_WAITING);
  if (!is_sent) {
    o->count->too_large++;
  }
  if (o->stage == OUTBOUND_FIRST && is_sent) {
    half = first_half(o->oldest);
    offer(o, OUTBOUND_SECOND, half, o->oldest->len - half);
    return;
  }
  if (o->stage != OUTBOUND_WHOLE) {
    o->packet_id++;
  }
  drop_oldest(o);
}

void outbound_restart(outbound *o) {
  if (o->stage == OUTBOUND_SECOND) {
    drop_oldest(o);
  }
  o->stage = OUTBOUND_WAITING;
}
