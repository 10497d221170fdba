/*
 * The adaptive policy: tells a flow that is throttled from a network that is
 * congested, and says when to hop because of it.  A flow is the traffic of one
 * path, both directions together: of a download a client sees no more than what
 * arrives.  It keeps its own history; ngtcp2 forgets rates and RTT at a move.
 *
 *   CALM > SUSPECTING > TRIAL > CALM
 *
 *   CALM        the last half second is held against the flow's usual one: its
 *               mean over those with traffic that were no dip
 *   SUSPECTING  the rate collapsed while traffic went on: a hop is wanted
 *   TRIAL       the connection has moved: a rate that recovers says that the
 *               old flow was throttled, one that does not, congestion
 *
 * A dip, the time since the collapse, ends by itself when others or the
 * application made it; a throttled flow's does not.  So a suspicion waits for
 * twice as long as the dips of the last hour that did, and the second one, that
 * would confirm the first, for twice as long as the first lasted until the
 * fresh flow did well: a pattern of the application's cannot pass for both.
 *
 * A flow that went silent and was followed by a lively one was cut.  From flows
 * that were cut or throttled qm_budget learns when to hop before it happens.
 *
 * False alarms are bounded by time: one suspicion an hour, hops out of silence
 * included, but for those that fit what was confirmed before; one that fits the
 * flow of an alarm is made at once, and none in the hour after that.
 */
#ifndef QM_POLICY_H
#define QM_POLICY_H

#include "core/budget.h"
#include "core/rate.h"

#define QM_POLICY_NEWS 4

typedef enum qm_policy_state {
  QM_POLICY_CALM,
  QM_POLICY_SUSPECTING,
  QM_POLICY_TRIAL
} qm_policy_state;

/* A verdict and its evidence, in the words of quicmig_event. */
typedef struct qm_news {
  quicmig_verdict verdict;
  qm_flow flow;
  uint64_t rate_before, rate_after;
} qm_news;

/* A rate that collapsed. */
typedef struct qm_dip {
  quicmig_tstamp at;      /* NEVER: none now */
  uint32_t busy;          /* slots since then with something in them */
  quicmig_duration known; /* the longest that ended by itself */
  quicmig_tstamp known_until;
} qm_dip;

typedef struct qm_policy {
  uint8_t state; /* qm_policy_state */
  /* The flow. */
  quicmig_tstamp begun_at;
  quicmig_duration rtt; /* of the path before */
  uint64_t bytes;
  uint64_t usual;       /* bytes a second */
  uint64_t usual_bytes; /* of so many slots */
  uint64_t usual_slots;
  qm_flow good;  /* how far it was when its rate was good, */
  qm_flow alive; /* and when the peer was heard, for the last time */
  qm_rate rate;
  qm_dip dip;
  /* The flow before: how far it was, and its usual rate. */
  qm_flow last_alive;
  uint64_t last_usual;
  /* Suspicion and trial. */
  qm_flow suspect;
  uint64_t suspect_usual, suspect_rate;
  quicmig_tstamp suspect_dip;      /* when it began */
  quicmig_duration suspect_lasted; /* the last that was confirmed, until the
                                    * fresh flow did well */
  quicmig_tstamp well_since;   /* the trial's rate is good again; NEVER: not */
  uint64_t well_bytes;         /* of the flow, then */
  quicmig_tstamp trial_at;     /* of the present flow, */
  quicmig_tstamp trial_end;    /* and at the latest */
  quicmig_tstamp quiet_until;  /* nothing new is suspected before; */
  quicmig_tstamp quiet_before; /* that, before the last alarm */
  qm_flow hint; /* how far the flow of the last alarm was good; bytes 0: none */
  qm_budget budget;
  uint32_t n_news;
  qm_news news[QM_POLICY_NEWS]; /* wait to be told, oldest first */
} qm_policy;

/* All other functions take NULL for a policy that is not wanted. */
void qm_policy_init(qm_policy *p);

/* A new flow begins; rtt: of the path before. */
void qm_policy_on_flow(qm_policy *p, quicmig_duration rtt, quicmig_tstamp now);

/* The flow that has just begun is an old one, of so many bytes since then. */
void qm_policy_on_return(qm_policy *p, uint64_t bytes, quicmig_tstamp begun_at);

/* n bytes of the flow were sent, or received. */
void qm_policy_on_tx(qm_policy *p, size_t n, quicmig_tstamp now);
void qm_policy_on_rx(qm_policy *p, size_t n, quicmig_tstamp now);

/* The flow goes silent: the connection hops because of that. */
void qm_policy_on_silence(qm_policy *p, quicmig_tstamp now);

/* That was no false alarm: it counts for nothing. */
void qm_policy_on_silence_end(qm_policy *p);

/* The flow before this one went silent, and this one did not. */
void qm_policy_on_cut(qm_policy *p, quicmig_tstamp now);

/* Time passed. */
void qm_policy_on_time(qm_policy *p, quicmig_tstamp now);

/* When it wants qm_policy_on_time() or a hop.  lead: how long a hop takes. */
quicmig_tstamp qm_policy_deadline(const qm_policy *p, quicmig_duration lead);

/* Is a hop wanted now? */
bool qm_policy_wants_hop(const qm_policy *p, quicmig_duration lead,
                         quicmig_tstamp now);

/* Takes the oldest verdict that was not told yet; false: none. */
bool qm_policy_next(qm_policy *p, qm_news *news);

#endif
