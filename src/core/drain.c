#include "core/drain.h"

void qm_drain_start(qm_paths *t, qm_path *p, quicmig_duration drain,
                    quicmig_tstamp now) {
  p->close_at = qm_time_add(now, drain);
  qm_paths_move(t, p, QUICMIG_PATH_DRAINING, now);
}

quicmig_tstamp qm_drain_deadline(const qm_paths *t) {
  quicmig_tstamp at = QUICMIG_NEVER;
  qm_path *p = NULL;

  while ((p = qm_paths_next(t, p))) {
    at = qm_time_min(at, p->close_at);
  }
  return at;
}

void qm_drain_on_time(qm_paths *t, quicmig_tstamp now) {
  qm_path *p = NULL;

  while (qm_outbox_room(t->out) >= QM_OUTBOX_END + QM_OUTBOX_KEPT &&
         (p = qm_paths_next(t, p))) {
    if (qm_time_is_due(p->close_at, now)) {
      qm_paths_move(t, p, QUICMIG_PATH_CLOSED, now);
    }
  }
}

/* Of the failed paths only a REBIND's: another one ngtcp2 may still hold. */
static bool is_expendable(const qm_path *p) {
  return p->state == QUICMIG_PATH_DRAINING ||
         (p->state == QUICMIG_PATH_FAILED && !qm_path_is_held(p));
}

/* Of those but two. */
static qm_path *oldest_but(const qm_paths *t, uint32_t kept, uint32_t last) {
  qm_path *p = NULL, *oldest = NULL;

  while ((p = qm_paths_next(t, p))) {
    if (is_expendable(p) && p->id != kept && p->id != last &&
        (!oldest || p->draining_at < oldest->draining_at)) {
      oldest = p;
    }
  }
  return oldest;
}

static qm_path *oldest_expendable(const qm_paths *t, uint32_t kept) {
  qm_path *oldest = oldest_but(t, kept, 0), *p;

  p = oldest ? NULL : qm_paths_find(t, kept);
  return p && is_expendable(p) ? p : oldest;
}

quicmig_tstamp qm_drain_room_at(const qm_paths *t, quicmig_duration floor,
                                uint32_t kept) {
  const qm_path *oldest = oldest_expendable(t, kept);

  if (t->len < t->cap) {
    return 0;
  }
  return oldest ? qm_time_add(oldest->draining_at, floor) : QUICMIG_NEVER;
}

bool qm_drain_make_room(qm_paths *t, quicmig_duration floor, uint32_t kept,
                        quicmig_tstamp now) {
  if (t->len < t->cap) {
    return true;
  }
  if (!qm_time_is_due(qm_drain_room_at(t, floor, kept), now)) {
    return false;
  }
  qm_paths_move(t, oldest_expendable(t, kept), QUICMIG_PATH_CLOSED, now);
  return true;
}

bool qm_drain_give_way(qm_paths *t, quicmig_duration floor, uint32_t kept,
                       uint32_t last, quicmig_tstamp now) {
  qm_path *p = oldest_but(t, kept, last);

  if (!p || !qm_time_is_due(qm_time_add(p->draining_at, floor), now)) {
    return false;
  }
  qm_paths_move(t, p, QUICMIG_PATH_CLOSED, now);
  return true;
}

uint32_t qm_drain_newest(const qm_paths *t) {
  qm_path *p = NULL, *newest = NULL;

  while ((p = qm_paths_next(t, p))) {
    if (p->state == QUICMIG_PATH_DRAINING &&
        (!newest || p->draining_at >= newest->draining_at)) {
      newest = p;
    }
  }
  return newest ? newest->id : 0;
}
