#include "endpoint/backlog.h"

#include <assert.h>
#include <string.h>

void qm_backlog_init(qm_backlog *b, const quicmig_mem *mem) {
  *b = (qm_backlog){.mem = mem};
  qm_list_init(&b->queue);
}

static uint8_t *count_of(qm_backlog *b, uint64_t id) {
  return &b->by_id[id % QM_BACKLOG_IDS];
}

static qm_waiting *pop(qm_backlog *b) {
  qm_waiting *w = qm_list_entry(b->queue.next, qm_waiting, link);

  qm_list_remove(&w->link);
  assert(b->n > 0 && *count_of(b, w->id) > 0);
  (*count_of(b, w->id))--;
  b->n--;
  return w;
}

void qm_backlog_reset(qm_backlog *b) {
  while (b->n) {
    qm_backlog_free(b, pop(b));
  }
}

bool qm_backlog_add(qm_backlog *b, const qm_msg *pkt, uint64_t id,
                    uint32_t socket, quicmig_tstamp now) {
  uint8_t *count = count_of(b, id);
  qm_waiting *w = NULL;

  if (b->n < QM_BACKLOG_MAX && *count < QM_BACKLOG_PER_ID) {
    w = qm_malloc(b->mem, sizeof(*w) + pkt->len);
  }
  if (!w) {
    b->dropped++;
    return false;
  }
  *w = (qm_waiting){.id = id, .came = now, .socket = socket, .pkt = *pkt};
  w->pkt.data = (uint8_t *)(w + 1);
  w->pkt.cap = pkt->len;
  memcpy(w->pkt.data, pkt->data, pkt->len);
  qm_list_init(&w->link);
  qm_list_push(&b->queue, &w->link);
  (*count)++;
  b->n++;
  return true;
}

bool qm_backlog_has(const qm_backlog *b, uint64_t id) {
  return b->by_id[id % QM_BACKLOG_IDS] != 0;
}

qm_waiting *qm_backlog_take(qm_backlog *b, quicmig_tstamp now) {
  while (b->n) {
    qm_waiting *w = pop(b);

    if (qm_time_since(now, w->came) < QM_BACKLOG_AGE) {
      return w;
    }
    qm_backlog_free(b, w);
    b->dropped++;
  }
  return NULL;
}

void qm_backlog_free(const qm_backlog *b, qm_waiting *w) { qm_free(b->mem, w); }
