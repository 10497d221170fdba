#include "core/paths.h"

#include <assert.h>

static bool is_edge(quicmig_path_state from, quicmig_path_state to) {
  switch (from) {
  case QUICMIG_PATH_CLOSED:
    return to == QUICMIG_PATH_SPARE;
  case QUICMIG_PATH_SPARE:
    return to == QUICMIG_PATH_PROBING || to == QUICMIG_PATH_CLOSED;
  case QUICMIG_PATH_PROBING:
    return to == QUICMIG_PATH_ACTIVE || to == QUICMIG_PATH_FAILED;
  case QUICMIG_PATH_ACTIVE:
    return to == QUICMIG_PATH_DRAINING;
  case QUICMIG_PATH_DRAINING:
    return to == QUICMIG_PATH_CLOSED || to == QUICMIG_PATH_PROBING;
  case QUICMIG_PATH_FAILED:
    return to == QUICMIG_PATH_CLOSED || to == QUICMIG_PATH_ACTIVE;
  }
  return false;
}

void qm_paths_init(qm_paths *t, qm_path *slots, uint32_t cap, qm_outbox *out) {
  *t = (qm_paths){
      .slots = slots, .cap = (uint16_t)cap, .out = out, .next_id = 1};
}

static void keep_time(qm_path *p, quicmig_path_state to, quicmig_tstamp now) {
  switch (to) {
  case QUICMIG_PATH_SPARE:
    p->opened_at = now;
    break;
  case QUICMIG_PATH_ACTIVE:
    p->active_at = now;
    p->close_at = QUICMIG_NEVER;
    break;
  case QUICMIG_PATH_DRAINING:
  case QUICMIG_PATH_FAILED:
    p->draining_at = now;
    break;
  case QUICMIG_PATH_PROBING:
    p->close_at = QUICMIG_NEVER;
    p->is_retired = p->is_dry = p->is_heard = false;
    break;
  case QUICMIG_PATH_CLOSED:
    break;
  }
}

void qm_paths_move(qm_paths *t, qm_path *p, quicmig_path_state to,
                   quicmig_tstamp now) {
  quicmig_path_state from = p->state;

  assert(is_edge(from, to));
  p->state = (uint8_t)to;
  keep_time(p, to, now);
  qm_outbox_push(t->out, (qm_action){.type = QM_ACT_EVENT,
                                     .event = QUICMIG_EVENT_PATH_STATE,
                                     .path = p->id,
                                     .from = (uint8_t)from,
                                     .to = (uint8_t)to});
  if (to == QUICMIG_PATH_CLOSED) {
    qm_outbox_push(t->out, (qm_action){.type = QM_ACT_CLOSE,
                                       .path = p->id,
                                       .from = p->rx_faults,
                                       .value = (uint64_t)p->handle});
    *p = (qm_path){.id = 0};
    t->len--;
  }
}

static qm_path *free_slot(const qm_paths *t) {
  uint32_t i;

  for (i = 0; i < t->cap; i++) {
    if (t->slots[i].id == 0) {
      return &t->slots[i];
    }
  }
  return NULL;
}

qm_path *qm_paths_add(qm_paths *t, const qm_addr *local, uint16_t remote_port,
                      int handle, quicmig_tstamp now) {
  qm_path *p = free_slot(t);

  if (!p) {
    return NULL;
  }
  *p = (qm_path){.id = t->next_id++,
                 .handle = handle,
                 .local = *local,
                 .remote_port = remote_port,
                 .shown = *local,
                 .close_at = QUICMIG_NEVER};
  t->len++;
  qm_paths_move(t, p, QUICMIG_PATH_SPARE, now);
  return p;
}

qm_path *qm_paths_next(const qm_paths *t, const qm_path *p) {
  size_t i = p ? (size_t)(p - t->slots) + 1 : 0;

  for (; i < t->cap; i++) {
    if (t->slots[i].id) {
      return &t->slots[i];
    }
  }
  return NULL;
}

qm_path *qm_paths_find(const qm_paths *t, uint32_t id) {
  qm_path *p = NULL;

  while ((p = qm_paths_next(t, p)) && p->id != id) {
  }
  return p;
}

qm_path *qm_paths_by_handle(const qm_paths *t, int handle) {
  qm_path *p = NULL;

  while ((p = qm_paths_next(t, p)) && p->handle != handle) {
  }
  return p;
}
