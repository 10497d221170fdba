/*
 * What the engine wants done: a short queue of actions that the layer above
 * takes out and carries out after every input.  The engine never calls back.
 */
#ifndef QM_OUTBOX_H
#define QM_OUTBOX_H

#include <stdbool.h>

#include <quicmig/model.h>

typedef enum qm_action_type {
  QM_ACT_OPEN, /* open a socket, then qm_engine_on_opened() or _on_refused() */
  QM_ACT_MIGRATE, /* start validating `path`, then _on_probing() or
                   * _on_refused()
                   */
  QM_ACT_REBIND,  /* data goes out on `path` from now on; _on_probing() */
  QM_ACT_CLOSE,   /* close `value`, the handle of a path that is gone; from: its
                   * rx_faults */
  QM_ACT_RECORD,  /* the attempt ended: the record is ready to be read */
  QM_ACT_EVENT    /* tell the application: event, path, from, to, value */
} qm_action_type;

typedef struct qm_action {
  uint8_t type;  /* qm_action_type */
  uint8_t event; /* quicmig_event_type */
  uint8_t from;  /* quicmig_path_state */
  uint8_t to;
  uint32_t path; /* id */
  uint64_t value;
} qm_action;

#define QM_OUTBOX_MAX 12

typedef struct qm_outbox {
  uint8_t head, len;
  qm_action ring[QM_OUTBOX_MAX];
} qm_outbox;

static inline void qm_outbox_init(qm_outbox *o) { o->head = o->len = 0; }

/* Room is guaranteed by the engine, which produces at most a few actions an
 * input; a full queue is a bug. */
void qm_outbox_push(qm_outbox *o, qm_action a);

/* Tells the application something that concerns no single path. */
void qm_outbox_push_event(qm_outbox *o, quicmig_event_type type,
                          uint64_t value);

/* Takes the oldest action; false when there is none. */
bool qm_outbox_pop(qm_outbox *o, qm_action *a);

static inline size_t qm_outbox_room(const qm_outbox *o) {
  return (size_t)(QM_OUTBOX_MAX - o->len);
}

#endif
