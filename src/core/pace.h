/*
 * How fast packets may follow one another (RFC 9002 section 7.7): a window in a
 * round-trip time, and a little more, in bursts of 10 ms.
 *
 * ngtcp2's own pacer goes by the smoothed RTT, and a pause once begun is not
 * shortened.  After a hop that RTT is the one of the queue on the old path,
 * also for the packets that find the queue empty, and the window begins anew
 * with ten packets: the line would be idle for as long as the queue was.  So
 * the newest sample counts here where it is less, and no pause is longer than
 * an acknowledgement may be delayed.
 *
 * Ten packets in flight are no burst (section 7.2): until there are more
 * nothing is paced.
 */
#ifndef QM_PACE_H
#define QM_PACE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/time.h"

/* Timers are not more exact. */
#define QM_PACE_SLACK QUICMIG_MILLISECOND
#define QM_PACE_BURST (10 * QUICMIG_MILLISECOND)
/* The default max_ack_delay (RFC 9000 section 18.2). */
#define QM_PACE_MOST (25 * QUICMIG_MILLISECOND)
/* The initial window, and the least burst, bytes. */
#define QM_PACE_FREE 14720
#define QM_PACE_LEAST 3000

/* ngtcp2's view of the path in use. */
typedef struct qm_pace_view {
  uint64_t cwnd, in_flight; /* bytes */
  quicmig_duration rtt;     /* the smoothed one or the newest; 0: no sample */
  bool is_slow_start;
} qm_pace_view;

typedef struct qm_pace {
  quicmig_tstamp at; /* what was written may have left by then */
} qm_pace;

/* May something be written? */
static inline bool qm_pace_is_open(const qm_pace *p, quicmig_tstamp now) {
  return p->at <= now + QM_PACE_SLACK;
}

static inline bool qm_pace_is_free(const qm_pace_view *v) {
  return v->rtt == 0 || v->in_flight < QM_PACE_FREE;
}

/* How much at once: `most` bytes, or less. */
static inline size_t qm_pace_quantum(const qm_pace_view *v, size_t most) {
  uint64_t n;

  if (qm_pace_is_free(v)) {
    return v->rtt ? QM_PACE_FREE : most;
  }
  n = qm_time_max(v->cwnd * QM_PACE_BURST / v->rtt, QM_PACE_LEAST);
  return (size_t)qm_time_min(n, most);
}

/* So many bytes were written; *v: as it is now.  In slow start twice the window
 * in a round-trip time, because it doubles; else 5/4 of it. */
static inline void qm_pace_on_written(qm_pace *p, const qm_pace_view *v,
                                      size_t bytes, quicmig_tstamp now) {
  quicmig_duration spread = v->is_slow_start ? v->rtt / 2 : v->rtt / 5 * 4;

  if (bytes && v->cwnd && !qm_pace_is_free(v)) {
    p->at = qm_time_add(qm_time_max(p->at, now), bytes * spread / v->cwnd);
    p->at = qm_time_min(p->at, qm_time_add(now, QM_PACE_MOST));
  }
}

#endif
