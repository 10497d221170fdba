#include "inbound.h"

#include <stdlib.h>
#include <string.h>

#include "frame.h"

#define SLOTS_FIRST 4

typedef struct inbound_slot {
  bool is_used;
  uint8_t index;
  uint16_t packet;
  uint64_t flow;
  uint64_t since;
  size_t len;
  uint8_t data[INBOUND_PART_MAX];
} slot;

void inbound_init(inbound *in, size_t most, counters *count) {
  *in = (inbound){.most = most, .count = count};
}

void inbound_reset(inbound *in) {
  free(in->slots);
  in->slots = NULL;
  in->n = 0;
}

/* f waits in s for its other half. */
static void keep(inbound *in, slot *s, const frame *f, uint64_t now) {
  if (s->is_used) {
    in->count->incomplete++;
  }
  s->is_used = true;
  s->index = f->index;
  s->packet = f->packet;
  s->flow = f->flow;
  s->since = now;
  s->len = f->len;
  if (f->len) {
    memcpy(s->data, f->data, f->len);
  }
}

/* Twice as many places, so that no two packets come to meet. */
static bool grow(inbound *in) {
  size_t i, n = in->n ? in->n * 2 : SLOTS_FIRST;
  slot *slots = n <= in->most ? calloc(n, sizeof(*slots)) : NULL;

  if (!slots) {
    return false;
  }
  for (i = 0; i < in->n; i++) {
    if (in->slots[i].is_used) {
      slots[in->slots[i].packet % n] = in->slots[i];
    }
  }
  free(in->slots);
  in->slots = slots;
  in->n = n;
  return true;
}

/* Does another packet wait there, that may still become whole? */
static bool is_taken(const slot *s, const frame *f, uint64_t now) {
  return s->is_used && (s->packet != f->packet || s->flow != f->flow) &&
         now - s->since <= INBOUND_WAIT;
}

static slot *find_slot(inbound *in, const frame *f, uint64_t now) {
  if (in->n == 0 && !grow(in)) {
    return NULL;
  }
  while (is_taken(&in->slots[f->packet % in->n], f, now) && grow(in)) {
  }
  return &in->slots[f->packet % in->n];
}

static bool take_fragment(inbound *in, const frame *f, uint64_t now,
                          inbound_packet *p) {
  slot *s = f->len <= INBOUND_PART_MAX ? find_slot(in, f, now) : NULL;

  if (!s) {
    in->count->incomplete++;
    return false;
  }
  if (!s->is_used || s->packet != f->packet || s->flow != f->flow ||
      s->index == f->index || now - s->since > INBOUND_WAIT) {
    keep(in, s, f, now);
    return false;
  }
  s->is_used = false;
  in->count->reassembled++;
  *p = (inbound_packet){.flow = f->flow};
  p->data[f->index] = f->data;
  p->len[f->index] = f->len;
  p->data[s->index] = s->data;
  p->len[s->index] = s->len;
  return true;
}

bool inbound_take(inbound *in, const uint8_t *data, size_t len, uint64_t now,
                  inbound_packet *p) {
  frame f;

  if (!frame_read(&f, data, len)) {
    in->count->malformed++;
    return false;
  }
  if (f.is_fragment) {
    return take_fragment(in, &f, now, p);
  }
  *p = (inbound_packet){.flow = f.flow, .data = {f.data}, .len = {f.len}};
  return true;
}
