#include "core/silence.h"

/* Fewer unanswered datagrams than this may all be lost by chance. */
#define MANY 6
/* Patience after an alarm that was not right. */
#define PATIENT_FOR (3600 * QUICMIG_SECOND)
#define FLOOR_FACTOR 8
#define FLOOR_MIN QUICMIG_SECOND
#define FLOOR_MAX (4 * QUICMIG_SECOND)
/* The old path has as many PTOs to be heard again. */
#define JUDGE_PTOS 2
/* Doublings of the patience with paths that were never heard. */
#define MUTES_MAX 5u

void qm_silence_init(qm_silence *s) {
  *s = (qm_silence){.since = QUICMIG_NEVER, .judge_at = QUICMIG_NEVER};
}

void qm_silence_on_flight(qm_silence *s, uint64_t in_flight, bool is_acked,
                          quicmig_duration pto, quicmig_tstamp now) {
  s->pto = pto;
  if (in_flight == 0) {
    s->since = QUICMIG_NEVER;
  } else if (is_acked || s->since == QUICMIG_NEVER) {
    s->since = now;
    s->sent = 0;
  }
  if (now >= s->patient_until) {
    s->floor = 0;
  }
}

void qm_silence_on_tx(qm_silence *s, size_t datagrams) { s->sent += datagrams; }

void qm_silence_on_rx(qm_silence *s, quicmig_tstamp now) { s->heard_at = now; }

void qm_silence_on_move(qm_silence *s) {
  s->since = QUICMIG_NEVER;
  s->heard_at = 0;
}

static void be_patient(qm_silence *s, quicmig_duration floor,
                       quicmig_tstamp now) {
  s->floor = qm_time_max(s->floor, qm_time_min(floor, FLOOR_MAX));
  s->patient_until = qm_time_add(now, PATIENT_FOR);
}

/* Until it is proven right it counts as false. */
void qm_silence_on_alarm(qm_silence *s, uint32_t path, uint32_t k,
                         quicmig_tstamp now) {
  s->mutes = s->heard_at ? 0 : s->mutes + 1;
  s->path = path;
  s->alarm_since = s->since;
  s->alarm_pto = s->pto;
  s->judge_at = QUICMIG_NEVER;
  s->was_patient = s->floor != 0;
  s->is_clear = s->sent >= MANY && s->heard_at != 0 &&
                now >= qm_time_add(s->heard_at, s->pto);
  be_patient(s, qm_time_max(FLOOR_MIN, FLOOR_FACTOR * k * s->pto), now);
}

void qm_silence_on_life(qm_silence *s, quicmig_tstamp now) {
  if (s->path == 0 || !s->is_clear) {
    return; /* it was heard all the time */
  }
  s->path = 0;
  be_patient(s, 2 * qm_time_since(now, s->alarm_since), now);
}

void qm_silence_on_proof(qm_silence *s, quicmig_duration took,
                         quicmig_tstamp now) {
  if (s->path == 0 || s->judge_at != QUICMIG_NEVER) {
    return;
  }
  if (!s->is_clear || took > 2 * s->alarm_pto) {
    s->path = 0;
    return;
  }
  s->judge_at = qm_time_add(now, JUDGE_PTOS * s->alarm_pto);
}

bool qm_silence_on_time(qm_silence *s, bool is_over, quicmig_tstamp now) {
  bool is_proven = s->judge_at != QUICMIG_NEVER;

  if (s->path == 0 || !(is_over || (is_proven && now >= s->judge_at))) {
    return false;
  }
  s->path = 0;
  if (!is_proven) {
    return false;
  }
  if (!s->was_patient) {
    s->floor = 0;
  }
  return true;
}

quicmig_tstamp qm_silence_judge_at(const qm_silence *s) {
  return s->path ? s->judge_at : QUICMIG_NEVER;
}

/* A path that was never heard may be as dead as the one before: it gets no more
 * than twice as long as that. */
quicmig_duration qm_silence_patience(const qm_silence *s, uint32_t k) {
  if (s->heard_at == 0) {
    return qm_time_min((k * s->pto) << (s->mutes < MUTES_MAX ? s->mutes : MUTES_MAX), FLOOR_MAX);
  }
  return qm_time_max(k * s->pto, s->floor);
}

quicmig_tstamp qm_silence_deadline(const qm_silence *s, uint32_t k) {
  return s->since == QUICMIG_NEVER || k == 0
             ? QUICMIG_NEVER
             : qm_time_add(s->since, qm_silence_patience(s, k));
}
