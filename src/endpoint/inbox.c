#include "endpoint/inbox.h"

/* The id of a source that is no socket. */
#define FREE UINT32_MAX

int qm_inbox_init(qm_inbox *in, qm_listener *l) {
  size_t i;

  *in = (qm_inbox){.listener = l, .waiting = FREE};
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

/* Gives the seat of the i-th source to who waits. */
static void seat(qm_inbox *in, size_t i) {
  in->sources[i].id = in->waiting;
  in->waiting = FREE;
}

static bool take(qm_inbox *in, size_t i, quicmig_tstamp now) {
  qm_source *s = &in->sources[i];

  s->msg = (qm_msg){.data = in->room + i * QM_GRO_MAX, .cap = QM_GRO_MAX};
  s->has_msg = qm_listener_take(in->listener, s->id, &s->msg, 1, now) == 1;
  return s->has_msg;
}

/* The next message of each source that has handed its last one out.  One that
 * has none leaves; or one whose turn it is, for who waits, while all are busy.
 */
static void refill(qm_inbox *in, quicmig_tstamp now) {
  size_t i;

  for (i = 0; i < QM_GROUP_MAX; i++) {
    if (in->sources[i].id == FREE || in->sources[i].has_msg) {
      continue;
    }
    if (i == in->turn && in->waiting != FREE && !find(in, FREE)) {
      in->turn = (i + 1) % QM_GROUP_MAX;
      seat(in, i);
    }
    while (in->sources[i].id != FREE && !take(in, i, now)) {
      seat(in, i);
    }
  }
}

/* All are busy: the kernel names one after the other, until one is named that
 * is not there yet. */
static void look_for_one(qm_inbox *in, quicmig_tstamp now) {
  uint32_t number;

  if (in->waiting == FREE &&
      qm_listener_readable(in->listener, &number, 1, now) == 1 &&
      !find(in, number)) {
    in->waiting = number;
  }
}

void qm_inbox_look(qm_inbox *in, quicmig_tstamp now) {
  uint32_t numbers[QM_GROUP_MAX];
  qm_source *s;
  size_t n, i;

  refill(in, now);
  if (!find(in, FREE)) {
    look_for_one(in, now);
    return;
  }
  n = qm_listener_readable(in->listener, numbers, QM_GROUP_MAX, now);
  for (i = 0; i < n && (s = find(in, FREE)); i++) {
    if (!find(in, numbers[i])) {
      *s = (qm_source){.id = numbers[i]};
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

const qm_msg *qm_inbox_next(qm_inbox *in, quicmig_tstamp now,
                            uint32_t *number) {
  qm_source *s;

  refill(in, now);
  s = qm_source_earliest(in->sources, QM_GROUP_MAX);
  if (!s) {
    return NULL;
  }
  s->has_msg = false;
  *number = s->id;
  return &s->msg;
}
