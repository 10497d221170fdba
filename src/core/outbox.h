/*
 * What the engine wants done: a short queue of actions that the layer above
 * takes out and carries out after every input.  The engine never calls back.
 */
#ifndef QM_OUTBOX_H
#define QM_OUTBOX_H

#include <assert.h>
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

/*
 * How many actions one input adds at most.  A path's change of state is one,
 * its end two (the event and CLOSE).
 *
 *   2  first path: SPARE, PROBING
 *   1  confirmed, probing, end of the connection
 *   3  hop: an old path's end, OPEN; if refused: what was learned, RECORD
 *   2  switch: what was learned or the silence; MIGRATE or RECORD
 *   3  opened: SPARE, the silence, MIGRATE or REBIND
 *   4  refused: the path's end, the budget that was learned, RECORD
 *   4  shortage: an old path's end, the event, OPEN
 *   4  validated, while another path was on trial: that one FAILED, RECORD;
 *      then DRAINING, ACTIVE
 *   5  failed: FAILED, the budget, RECORD, the path's end
 *   3  accepted, REBIND: DRAINING, ACTIVE, RECORD
 *   2  packets refused: FAILED, RECORD
 *   4  path error: the event, a hop
 *      time: the end of a trial (3), or a hop with the event before it, a jump
 *      of the clock or the wait for the NAT's budget (4); verdicts of the
 *      policy (4); and old paths' ends, as far as there is room
 *
 * Time is the worst.  One call into ngtcp2 may bring two inputs, because a
 * second validation ends when the first is proven: 4 and 2.  An action that is
 * carried out may leave one behind it in the queue (a change of the network
 * behind its OPEN) while its answer adds up to 5.
 */
#define QM_OUTBOX_END 2  /* of a path */
#define QM_OUTBOX_NEWS 4 /* verdicts that wait: QM_POLICY_NEWS */
#define QM_OUTBOX_HOP 4  /* a hop and the event before it */
/* What may follow on the ends of old paths in the same input. */
#define QM_OUTBOX_KEPT (QM_OUTBOX_NEWS + QM_OUTBOX_HOP)
/* With one action that was there before, an old path still comes to its end. */
#define QM_OUTBOX_WORST (1 + QM_OUTBOX_END + QM_OUTBOX_KEPT)
#define QM_OUTBOX_MAX 12

static_assert(QM_OUTBOX_WORST <= QM_OUTBOX_MAX,
              "the worst input fits into the outbox");

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
