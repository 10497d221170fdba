#include "inbound.h"

#include <stdlib.h>
#include <string.h>

#include "frame.h"

typedef struct inbound_slot {
  bool is_used;
  uint8_t index;
  uint16_t packet;
  uint64_t flow;
  uint64_t since;
  size_t len;
  uint8_t data[INBOUND_PART_MAX];
} slot;

void inbound_init(inbound *in, counters *count) {
  *in = (inbound){.count = count};
}

void inbound_reset(inbound *in) {
  free(in->slots);
  in->slots = NULL;
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

static bool take_fragment(inbound *in, const frame *f, uint64_t now,
                          inbound_packet *p) {
  slot *s;

  if (!in->slots) {
    in->slots = calloc(INBOUND_SLOTS, sizeof(*in->slots));
  }
  if (!in->slots || f->len > INBOUND_PART_MAX) {
    in->count->incomplete++;
    return false;
  }
  s = &in->slots[f->packet % INBOUND_SLOTS];
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
