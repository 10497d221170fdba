/*
 * The engine joins scheduler, path table, reaper and ledger into the mission:
 * move the connection on time, prove each path first, end the old ones.
 *
 * Inputs are named for what happened.  Of what comes from the network, only
 * what ngtcp2 has accepted decides anything.  What shall be done comes out of
 * the outbox, which the caller empties after every input (qm_engine_next).
 * Inputs never fail and never call back, so they may come from inside ngtcp2's
 * callbacks; the actions must not be carried out there.
 *
 * An attempt to hop:
 *
 *   IDLE > OPENING > STARTING > PROBING > SETTLING > IDLE
 *             \          \          \
 *              refused    refused    failed            > IDLE (back off)
 *
 *   OPENING   the socket is being opened (action OPEN)
 *   STARTING  ngtcp2 is being asked (action MIGRATE or REBIND)
 *   PROBING   the path is being proven; MIGRATE: data stays on the old path
 *   SETTLING  switched; the record waits for the first packet on the new path
 */
#ifndef QM_ENGINE_H
#define QM_ENGINE_H

#include "core/drain.h"
#include "core/ledger.h"
#include "core/meter.h"
#include "core/nat.h"
#include "core/outbox.h"
#include "core/paths.h"
#include "core/policy.h"
#include "core/sched.h"
#include "core/silence.h"

typedef enum qm_phase {
  QM_PHASE_IDLE,
  QM_PHASE_OPENING,
  QM_PHASE_STARTING,
  QM_PHASE_PROBING,
  QM_PHASE_SETTLING
} qm_phase;

/* ngtcp2's view of the current path. */
typedef struct qm_cc {
  uint64_t cwnd;
  quicmig_duration srtt;
  quicmig_duration min_rtt; /* of this path; 0: not known */
  quicmig_duration pto;
} qm_cc;

typedef struct qm_attempt {
  quicmig_tstamp at;             /* the phase's start */
  quicmig_tstamp give_up;        /* ends PROBING or SETTLING */
  quicmig_tstamp previous_start; /* of the attempt before; 0: none */
  uint32_t timeout_us;           /* the caller's; REBIND: how long unanswered */
  uint32_t pto_us;               /* when it began */
  uint32_t base_us;              /* the old path's least RTT */
  uint32_t phase : 3;            /* qm_phase */
  uint32_t is_sent : 1;       /* REBIND: something was sent on the new path */
  uint32_t has_given_way : 1; /* a draining socket did, for this one */
  uint32_t hold_us : 27; /* so long, from the switch on, nothing is written */
  qm_gap gap;
  quicmig_hop_record record;
} qm_attempt;

typedef struct qm_engine {
  quicmig_options o;
  qm_sched sched;
  qm_silence silence;
  qm_policy *policy; /* outlives the engine; NULL: not wanted */
  qm_ledger ledger;
  qm_paths paths;
  qm_outbox out;
  qm_attempt hop;
  quicmig_stats stats;
  uint32_t srtt_low;     /* ns; the smallest seen, a second at most: ngtcp2
                          * forgets its at a hop */
  uint32_t active_id;    /* the ACTIVE path */
  uint32_t tx_id;        /* carries the data: active, but in a REBIND trial */
  uint32_t news_told;    /* verdicts of the policy that have an event */
  qm_nat *nat;           /* shared with other engines; NULL: no limit */
  quicmig_tstamp nat_at; /* a hop that can wait is made no sooner */
  quicmig_tstamp nat_told_at;
  bool is_confirmed : 1;
  bool is_forbidden : 1; /* by the peer; MIGRATE only */
  bool is_forbidden_told : 1;
  bool is_full : 1;       /* the congestion window has no room for a packet */
  int16_t path_errno;     /* last reported, */
  uint32_t path_errno_ms; /* and when, low bits: one a second is told */
} qm_engine;

/* slots: o->max_sockets zeroed entries that outlive the engine.  seed: random,
 * so that no two connections hop together. */
void qm_engine_init(qm_engine *e, const quicmig_options *o, qm_path *slots,
                    uint64_t seed);

/* A policy is wanted from now on, or, NULL, none.  The one before is not used
 * any more. */
void qm_engine_on_policy(qm_engine *e, qm_policy *policy, quicmig_tstamp now);

/* New hop_... and drain options; the next gap is drawn anew. */
void qm_engine_on_options(qm_engine *e, const quicmig_options *o,
                          quicmig_tstamp now);

/* There are several ways to the peer: another may work where one is dead. */
static inline void qm_engine_on_ways(qm_engine *e, bool are_several) {
  e->silence.has_others = are_several;
}

/* The connection ends when nothing was heard for so long; 0: never. */
static inline void qm_engine_on_idle_timeout(qm_engine *e,
                                             quicmig_duration timeout) {
  qm_silence_on_idle_timeout(&e->silence, timeout);
}

/* The socket of the connection's first path is open. */
void qm_engine_on_first_path(qm_engine *e, const qm_addr *local,
                             uint16_t remote_port, int handle,
                             quicmig_tstamp now);

/* The handshake is confirmed.  forbids: the peer sent disable_active_migration
 * or uses zero-length IDs; cid_limit: its active_connection_id_limit. */
void qm_engine_on_confirmed(qm_engine *e, bool forbids, uint64_t cid_limit,
                            quicmig_tstamp now);

/* A socket was opened, or closed: counted. */
void qm_engine_on_socket(qm_engine *e);
void qm_engine_on_socket_closed(qm_engine *e);

/* Datagrams of n bytes in all were sent on p. */
void qm_engine_on_tx(qm_engine *e, qm_path *p, size_t datagrams, size_t n,
                     quicmig_tstamp now);

/* What the engine notes of a datagram until ngtcp2 has read it. */
typedef struct qm_arrival {
  uint32_t path;  /* the datagram came on */
  uint32_t bytes; /* of the datagram */
  uint8_t phase;  /* qm_phase when it came */
  bool is_in_use; /* the path carried the data then */
} qm_arrival;

/*
 * A datagram of n bytes came on p.  Nobody knows yet whether it is genuine: it
 * is counted, and decides nothing.  Returns the path under whose `shown`
 * address ngtcp2 shall read it, or NULL: discard.  *a: see
 * qm_engine_on_accepted().
 *
 * Most late packets, those that come on a DRAINING path, are shown under the
 * active path: there ngtcp2 reads them however old p's connection ID is, and
 * there the stateless reset token of p's ID, which is retired, cannot match
 * (RFC 9000 section 10.3.1).  Those that may hold a PATH_CHALLENGE are shown
 * under p, because the answer must leave on p (section 8.2.2).
 */
qm_path *qm_engine_on_datagram(qm_engine *e, qm_path *p, size_t n,
                               qm_arrival *a, quicmig_tstamp now);

/* ngtcp2 accepted a packet of that datagram: it is from the peer, and new.
 * Only this proves a path, ends an alarm, and feeds schedule and policy. */
void qm_engine_on_accepted(qm_engine *e, const qm_arrival *a,
                           quicmig_tstamp now);

/* Nothing waits in the socket of this path.  A PTO after it lost the connection
 * nothing more is expected there that was sent before. */
void qm_engine_on_empty(qm_engine *e, uint32_t id, quicmig_tstamp now);

/* So many bytes wait for their acknowledgement; is_acked: some more were
 * acknowledged since the last call. */
void qm_engine_on_flight(qm_engine *e, uint64_t in_flight, bool is_acked,
                         quicmig_duration pto, quicmig_tstamp now);

/* The congestion window has room for a packet, or has none.  A REBIND whose
 * first packet cannot leave would prove nothing: while there is no room, hops
 * that can wait do. */
void qm_engine_on_window(qm_engine *e, bool is_full);

/* Datagrams were written and not taken by the kernel for good; one arrived that
 * is no packet; the kernel says that nobody listens. */
void qm_engine_on_tx_dropped(qm_engine *e, size_t datagrams);

/* The kernel refused packets on p for a reason that concerns the path (EPERM of
 * a firewall or of a full conntrack table, and the like; not EMSGSIZE, and not
 * a want of room).  A REBIND on trial there is taken back at once. */
void qm_engine_on_tx_refused(qm_engine *e, qm_path *p, int sys_errno,
                             quicmig_tstamp now);

/* Does a REBIND on trial wait for its first packet?  A PING will do. */
bool qm_engine_wants_packet(const qm_engine *e);
void qm_engine_on_rx_discarded(qm_engine *e);
void qm_engine_on_refused_by_peer(qm_engine *e);

/* The peer's connection ID seq came into use: on the path of the attempt while
 * it is STARTING, else on the active one; or it went out of use. */
void qm_engine_on_id_used(qm_engine *e, uint64_t seq);
void qm_engine_on_id_retired(qm_engine *e, uint64_t seq);

/* Takes the next action; false when there is none. */
bool qm_engine_next(qm_engine *e, qm_action *a);

qm_path *qm_engine_active(const qm_engine *e);
qm_path *qm_engine_tx(const qm_engine *e);

/* --- triggers.c: what makes the connection hop by itself --- */

/* The kernel says that the active path is gone: hop at once. */
void qm_engine_on_path_error(qm_engine *e, const qm_path *p, int sys_errno,
                             const qm_cc *cc, quicmig_tstamp now);

/* Time passed. */
void qm_engine_on_time(qm_engine *e, const qm_cc *cc, quicmig_tstamp now);
quicmig_tstamp qm_engine_deadline(const qm_engine *e);

/* Before that, silence is no reason for the first hop; 0: it was made. */
quicmig_tstamp qm_engine_grown_up_at(const qm_engine *e);

/* Data is in flight and was not acknowledged for too long? */
bool qm_engine_is_silent(const qm_engine *e, quicmig_tstamp now);

/* Tells the policy if the last alarm is known to have been right; is_over: the
 * connection moves on. */
void qm_engine_judge_silence(qm_engine *e, bool is_over, quicmig_tstamp now);

/* --- hop.c, trial.c, attempt.c: the attempt --- */

/*
 * Somebody wants a hop now.  Returns 0 (an OPEN action follows) or why not; a
 * refusal leaves a record too, except QUICMIG_ERR_BUSY.
 */
int qm_engine_hop(qm_engine *e, quicmig_reason reason, const qm_cc *cc,
                  quicmig_tstamp now);

/* The DRAINING path to which a hop for this reason would go back, or NULL. */
qm_path *qm_engine_way_back(const qm_engine *e, uint32_t reason);

/* The same towards a SPARE path that is open already. */
int qm_engine_switch(qm_engine *e, qm_path *p, quicmig_duration timeout,
                     const qm_cc *cc, quicmig_tstamp now);

/* Is a hop for this reason the way out of a dead path? */
bool qm_engine_is_urgent(uint32_t reason);

/* Is the attempt one that the application asked for?  It then also decides
 * about another try. */
bool qm_engine_is_by_hand(const qm_engine *e);

/* Is there room for one more socket?  May close one that has drained enough.
 * Errors: QUICMIG_ERR_SOCKETS_EXHAUSTED. */
int qm_engine_make_room(qm_engine *e, const qm_cc *cc, quicmig_tstamp now);

/* When qm_engine_make_room() can succeed; QUICMIG_NEVER: not by waiting. */
quicmig_tstamp qm_engine_room_at(qm_engine *e, const qm_cc *cc);

/*
 * The kernel gave no socket for want of a descriptor or of memory, with that
 * errno.  True: a draining socket was closed, and another try may succeed.  Not
 * the path to go back to, nor, while the active path has not been heard, the
 * one before it; and none that has just begun to drain.
 */
bool qm_engine_give_way(qm_engine *e, int sys_errno, const qm_cc *cc,
                        quicmig_tstamp now);

/* In which mode a hop for that reason is made. */
uint32_t qm_engine_mode_of(const qm_engine *e, quicmig_reason reason);

/* The minimum gap between two hops of the schedule's mode. */
quicmig_duration qm_engine_min_gap(const qm_engine *e, quicmig_duration pto);
/* And of this one. */
quicmig_duration qm_engine_gap_of(const qm_engine *e, uint32_t mode,
                                  quicmig_duration pto);

/*
 * Until then nothing shall be written after a hop, 0: at once.  A sender that
 * keeps a queue full leaves it behind on the old path, but both paths share the
 * bottleneck: the fresh window's first packets would be dropped in front of
 * that queue, and the window would stay small (RFC 9002 section 7.3.2).
 * Meanwhile the queue drains: the bottleneck is busy all the time.
 */
quicmig_tstamp qm_engine_held_until(const qm_engine *e);
/* What is to be written now cannot wait: the connection ends. */
static inline void qm_engine_release(qm_engine *e) { e->hop.hold_us = 0; }

/* Answers to OPEN. */
void qm_engine_on_opened(qm_engine *e, const qm_addr *local,
                         uint16_t remote_port, int handle, quicmig_tstamp now);
/* There was no descriptor, or no memory, for the socket.  True: a draining one
 * gives way, and OPEN follows once more.  False: it could not be done. */
bool qm_engine_on_shortage(qm_engine *e, int sys_errno, const qm_cc *cc,
                           quicmig_tstamp now);
/* Answers to MIGRATE and REBIND. */
void qm_engine_on_probing(qm_engine *e, quicmig_duration pto,
                          quicmig_tstamp now);
/* To any of them: it could not be done. */
void qm_engine_on_refused(qm_engine *e, int err, int sys_errno,
                          quicmig_tstamp now);

/* ngtcp2 proved a path and has switched to it, or gave it up (err). */
void qm_engine_on_validated(qm_engine *e, uint32_t id, quicmig_tstamp now);
void qm_engine_on_failed(qm_engine *e, uint32_t id, int err,
                         quicmig_tstamp now);

/* The connection is over: a SETTLING attempt ends, as the success it was. */
void qm_engine_on_end(qm_engine *e, quicmig_tstamp now);

/* A duration as the attempt keeps it: rounded up, an hour at most. */
static inline uint32_t qm_attempt_us(quicmig_duration d) {
  quicmig_duration us =
      d / QUICMIG_MICROSECOND + (d % QUICMIG_MICROSECOND != 0);

  return (uint32_t)qm_time_min(us, UINT32_MAX);
}

static inline quicmig_duration qm_attempt_pto(const qm_attempt *a) {
  return a->pto_us * QUICMIG_MICROSECOND;
}

/* For engine.c: traffic and time as the attempt sees them. */
void qm_hop_on_tx(qm_engine *e, const qm_path *p, quicmig_tstamp now);
void qm_hop_on_accepted(qm_engine *e, qm_path *p, bool is_same_phase,
                        quicmig_tstamp now);
void qm_hop_on_time(qm_engine *e, quicmig_tstamp now);
quicmig_tstamp qm_hop_deadline(const qm_engine *e);

#endif
