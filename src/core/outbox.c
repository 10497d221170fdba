#include "core/outbox.h"

#include <assert.h>

void qm_outbox_push(qm_outbox *o, qm_action a) {
  assert(o->len < QM_OUTBOX_MAX);
  o->ring[(o->head + o->len) % QM_OUTBOX_MAX] = a;
  o->len++;
}

void qm_outbox_push_event(qm_outbox *o, quicmig_event_type type,
                          uint64_t value) {
  qm_outbox_push(o, (qm_action){.type = QM_ACT_EVENT,
                                .event = (uint8_t)type,
                                .value = value});
}

bool qm_outbox_pop(qm_outbox *o, qm_action *a) {
  if (o->len == 0) {
    return false;
  }
  *a = o->ring[o->head];
  o->head = (uint8_t)((o->head + 1) % QM_OUTBOX_MAX);
  o->len--;
  return true;
}
