/*
 * Watches for acknowledgements: data is in flight and nothing was acknowledged
 * for k PTOs, the path is dead until something proves the contrary.
 *
 *   QUIET    nothing is in flight
 *   WAITING  since the last acknowledgement, or the first packet after QUIET,
 *            or up to a PTO before that, if a stream of packets had stopped
 *
 * An alarm is judged afterwards.  It was right when the path had been dumb, the
 * new one answered at once, and the old one, which the peer probes then (RFC
 * 9000 section 9.3.3), was not heard again; what it says about the flow counts
 * only if many packets had found the path dumb.  Else it may have been a
 * network that only paused (radio, a busy host), or bad luck.  Then the
 * connection is patient for an hour: the next alarm waits for eight times as
 * long, for a second at least, and for twice as long as the silence that ended
 * by itself, here or on the new path; and the path has to be dumb for all of
 * that time, or not to acknowledge anything for three times as long.  Each
 * silence of an eighth of that, which would have been an alarm before, makes
 * the hour begin anew when it ends.  So a network costs a needless hop or two
 * in all, however often it pauses.
 *
 * Where the machine stood still, the peer may have stood still with it, and for
 * longer than we saw: the alarm is put off by four times the longest pause of
 * the silence, but by no more than a PTO after it, which is enough for any.  A
 * pause of a PTO while an alarm is being judged leaves it without a judgement.
 *
 * An alarm may lead from a path that only paused to one that leads nowhere.  As
 * long as the new path is not heard, the one that was left is the way back: k
 * PTOs after the first packet that was sent since it was heard again; and if
 * there are no other ways to the peer, at every other alarm, heard or not.
 */
#ifndef QM_SILENCE_H
#define QM_SILENCE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/time.h"

typedef enum qm_silence_verdict {
  QM_SILENCE_OPEN,   /* not judged, or false */
  QM_SILENCE_LIKELY, /* nothing speaks against it, but there were few packets */
  QM_SILENCE_RIGHT
} qm_silence_verdict;

typedef struct qm_silence {
  quicmig_tstamp since;    /* NEVER: QUIET */
  quicmig_tstamp heard_at; /* something came on the path; 0: nothing yet */
  quicmig_duration pto;
  uint32_t in_flight; /* bytes */
  uint32_t sent;      /* datagrams since then */
  uint32_t heard;     /* and came while QUIET */
  uint32_t path;      /* that went silent, until the alarm is judged; 0: none */
  /* Patience. */
  quicmig_duration floor; /* no alarm sooner; 0: any */
  quicmig_tstamp patient_until;
  uint16_t put_off; /* ms: the alarm, because of a pause */
  uint8_t mutes;    /* alarms in a row on paths that were never heard */
  bool was_patient : 1;
  bool has_others : 1; /* there are several ways to the peer */
  /* The last alarm. */
  bool is_dumb : 1;  /* nothing came in the meantime */
  bool is_clear : 1; /* and many packets were sent */
  bool is_dark : 1;  /* the connection moved on before it heard anything */
  /* The way back. */
  bool is_left_alive : 1; /* it was heard since */
  uint32_t left;          /* the last path that was heard; 0: the one in use */
  quicmig_tstamp back_at; /* the first packet after that; NEVER: not yet */
  /* The last alarm, until it is judged. */
  quicmig_tstamp alarm_since, judge_at;
  uint32_t alarm_pto_us;
  uint32_t most_ms; /* patience is no longer; 0: the default */
} qm_silence;

void qm_silence_init(qm_silence *s);

/* The connection ends when it is idle for so long, 0: never.  Alarms are raised
 * in time for three ways out. */
void qm_silence_on_idle_timeout(qm_silence *s, quicmig_duration timeout);

/* So much is in flight now; is_acked: some of it was acknowledged since the
 * last call. */
void qm_silence_on_flight(qm_silence *s, uint64_t in_flight, bool is_acked,
                          quicmig_duration pto, quicmig_tstamp now);

/* So many datagrams were sent, or one came, on the path in use. */
void qm_silence_on_tx(qm_silence *s, size_t datagrams, quicmig_tstamp now);
void qm_silence_on_rx(qm_silence *s, quicmig_tstamp now);

/* The connection moved: what was in flight is forgotten. */
void qm_silence_on_move(qm_silence *s);

/* A hop begins because of the silence of this path. */
void qm_silence_on_alarm(qm_silence *s, uint32_t path, uint32_t k,
                         quicmig_tstamp now);

/* The connection hops on some other suspicion: one an hour is enough. */
void qm_silence_on_doubt(qm_silence *s, uint32_t k, quicmig_tstamp now);

/* Something came on this path: if an alarm was about it, it lives after all. */
void qm_silence_on_life(qm_silence *s, uint32_t path, quicmig_tstamp now);

/* The new path was heard for the first time, `took` after it was tried. */
void qm_silence_on_proof(qm_silence *s, quicmig_duration took,
                         quicmig_tstamp now);

/* Is the alarm judged now?  is_over: no more will be heard of it. */
qm_silence_verdict qm_silence_on_time(qm_silence *s, bool is_over,
                                      quicmig_tstamp now);
quicmig_tstamp qm_silence_judge_at(const qm_silence *s);

/* The path to go back to at an alarm, or 0. */
uint32_t qm_silence_way_back(const qm_silence *s);

/* How long it has to last: k PTOs, or more. */
quicmig_duration qm_silence_patience(const qm_silence *s, uint32_t k);

/* When an alarm is due that would have been at `at`, if the machine stood still
 * from then until now; `most` after now at the latest. */
static inline quicmig_tstamp qm_silence_put_off(quicmig_tstamp at,
                                                quicmig_duration most,
                                                quicmig_tstamp from,
                                                quicmig_tstamp now) {
  return qm_time_min(qm_time_add(now, most), qm_time_add(at, 4 * (now - from)));
}

/* The machine stood still from then until now. */
void qm_silence_on_pause(qm_silence *s, uint32_t k, quicmig_tstamp from,
                         quicmig_tstamp now);

/* When it has lasted that long; NEVER when QUIET or k is 0. */
quicmig_tstamp qm_silence_deadline(const qm_silence *s, uint32_t k);

#endif
