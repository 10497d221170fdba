#include "endpoint/inbox.h"

/* The id of a source that is no socket. */
#define FREE UINT32_MAX

int qm_inbox_init(qm_inbox *in, const qm_listener *l) {
  size_t i;

  *in = (qm_inbox){.listener = l};
  for (i = 0; i < QM_GROUP_MAX; i++) {
    in->sources[i].id = FREE;
  }
  if (l->n > 1) {
    in->room = qm_malloc(l->mem, (size_t)QM_GROUP_MAX * QM_GRO_MAX);
  }
  return l->n > 1 && !in->room ? QUICMIG_ERR_NOMEM : 0;
}

void qm_inbox_reset(qm_inbox *in) {
  if (in->room) {
    qm_free(in->listener->mem, in->room);
    in->room = NULL;
  }
}

/* The source of that socket; FREE: one that has none.  NULL: there is none. */
static qm_source *find(qm_inbox *in, uint32_t id) {
  size_t i;

  for (i = 0; i < QM_GROUP_MAX && in->sources[i].id != id; i++) {
  }
  return i < QM_GROUP_MAX ? &in->sources[i] : NULL;
}

static size_t count_free(const qm_inbox *in) {
  size_t n = 0, i;

  for (i = 0; i < QM_GROUP_MAX; i++) {
    n += in->sources[i].id == FREE;
  }
  return n;
}

/* Asks for no more than can join: those that are named lose their place in the
 * kernel's list. */
void qm_inbox_look(qm_inbox *in) {
  uint32_t numbers[QM_GROUP_MAX];
  size_t n = count_free(in), i;

  if (n == 0) {
    in->is_leaving = in->listener->n > QM_GROUP_MAX;
    return;
  }
  n = qm_listener_readable(in->listener, numbers, n);
  for (i = 0; i < n; i++) {
    if (!find(in, numbers[i])) {
      *find(in, FREE) = (qm_source){.id = numbers[i]};
    }
  }
}

bool qm_inbox_has_more(const qm_inbox *in) {
  size_t i;

  for (i = 0; i < QM_GROUP_MAX && !in->sources[i].has_msg; i++) {
  }
  return i < QM_GROUP_MAX;
}

bool qm_inbox_is_one(qm_inbox *in, uint32_t *number) {
  qm_source *one = NULL;
  size_t i, n = 0;

  for (i = 0; i < QM_GROUP_MAX; i++) {
    if (in->sources[i].id != FREE) {
      one = &in->sources[i];
      n++;
    }
  }
  if (n != 1 || one->has_msg) {
    return false;
  }
  *number = one->id;
  one->id = FREE;
  return true;
}

/* Takes the next message of the i-th source, which leaves if it has none or if
 * it is to make room. */
static void refill(qm_inbox *in, size_t i) {
  qm_source *s = &in->sources[i];

  if (in->is_leaving && i == in->turn) {
    in->is_leaving = false;
    in->turn = (i + 1) % QM_GROUP_MAX;
    s->id = FREE;
    return;
  }
  s->msg = (qm_msg){.data = in->room + i * QM_GRO_MAX, .cap = QM_GRO_MAX};
  s->has_msg = qm_listener_take(in->listener, s->id, &s->msg, 1) == 1;
  if (!s->has_msg) {
    s->id = FREE;
  }
}

const qm_msg *qm_inbox_next(qm_inbox *in, uint32_t *number) {
  qm_source *s;
  size_t i;

  for (i = 0; i < QM_GROUP_MAX; i++) {
    if (in->sources[i].id != FREE && !in->sources[i].has_msg) {
      refill(in, i);
    }
  }
  s = qm_source_earliest(in->sources, QM_GROUP_MAX);
  if (!s) {
    return NULL;
  }
  s->has_msg = false;
  *number = s->id;
  return &s->msg;
}
