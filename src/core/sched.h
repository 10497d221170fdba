/*
 * The hop scheduler: says when the next hop is due and why.  It acts on
 * nothing; the engine asks it and tells it what became of each attempt.
 *
 * One deadline, made of:
 *   due         drawn from interval +/- jitter, or the end of a backoff
 *   quiet_from  from here on, 20 ms without a packet are as good as `due`
 *   trigger     bytes or packets on the current path: due at once
 *   not_before  no attempt sooner, whatever asked (minimum gap, backoff)
 *
 * Gaps stay inside the jitter bounds, quiet moment or not: due is drawn from
 * the bounds less the quiet window, which lies before it.
 *
 * A suspend or a clock jump gives one hop at most: the next gap counts from
 * the moment the attempt really started.
 */
#ifndef QM_SCHED_H
#define QM_SCHED_H

#include <stdbool.h>

#include "base/rng.h"
#include "base/time.h"
#include <quicmig/model.h>

#define QM_SCHED_QUIET (20 * QUICMIG_MILLISECOND)

typedef struct qm_sched {
  const quicmig_options *o; /* the engine's copy */
  qm_rng rng;
  quicmig_tstamp due;
  quicmig_tstamp quiet_from;
  quicmig_tstamp not_before;
  quicmig_tstamp last_traffic;
  quicmig_tstamp last_start; /* of an attempt that opened; 0: none yet */
  quicmig_duration gap;      /* learned minimum towards this peer, or 0 */
  uint64_t bytes, packets;   /* on the current path */
  uint32_t failures;         /* in a row */
  bool is_running;
  bool is_retry; /* due is the end of a backoff */
} qm_sched;

/* Does anybody want hops to be made? */
static inline bool qm_sched_is_wanted(const quicmig_options *o) {
  return o->hop_interval || o->hop_bytes || o->hop_packets || o->adaptive;
}

void qm_sched_init(qm_sched *s, const quicmig_options *o, uint64_t seed);

/* The handshake is confirmed: the first gap begins.  Also after new options. */
void qm_sched_start(qm_sched *s, quicmig_tstamp now);

/* No scheduled hop from now on (the peer forbids it). */
void qm_sched_stop(qm_sched *s);

/* Datagrams of n payload bytes in all moved on the current path. */
void qm_sched_on_traffic(qm_sched *s, size_t datagrams, size_t n,
                         quicmig_tstamp now);

/* An attempt begins; the next gap counts from here. */
void qm_sched_on_start(qm_sched *s, quicmig_tstamp now);

/* The connection moved: meters and backoff begin anew. */
void qm_sched_on_success(qm_sched *s);

/* After that: to a path that has carried so much already. */
void qm_sched_on_return(qm_sched *s, uint64_t packets, uint64_t bytes);

/* The attempt was refused or failed: back off. */
void qm_sched_on_failure(qm_sched *s, quicmig_tstamp now);

/* A backoff that has begun ends at `at`, if that is earlier: it matters more
 * than the peer's rest. */
void qm_sched_hurry(qm_sched *s, quicmig_tstamp at);

/* Refused only because `gap` since the last start has not passed: the next try
 * is at its end, and later gaps respect it. */
void qm_sched_on_too_soon(qm_sched *s, quicmig_duration gap,
                          quicmig_tstamp now);

/* Has the minimum gap since the last started attempt passed? */
bool qm_sched_is_too_soon(const qm_sched *s, quicmig_duration gap,
                          quicmig_tstamp now);

/* The reason of the hop that is due now, or QUICMIG_REASON_INITIAL: none. */
quicmig_reason qm_sched_reason(const qm_sched *s, quicmig_tstamp now);

quicmig_tstamp qm_sched_deadline(const qm_sched *s);

#endif
