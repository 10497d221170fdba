#include "core/silence.h"

/* Fewer unanswered datagrams than this, or bytes of full ones, may all be lost
 * by chance. */
#define MANY 6
#define FULL_SIZE 1200
/* So many datagrams without a word of ours are traffic that comes. */
#define STREAMING 4
/* Patience after an alarm that was not right. */
#define PATIENT_FOR (3600 * QUICMIG_SECOND)
#define FLOOR_FACTOR 8
#define FLOOR_MIN QUICMIG_SECOND
#define FLOOR_MAX (20 * QUICMIG_SECOND)
/* A path that is never heard costs a connection ID: they must last.  Two that
 * are silent at once are rather a network that pauses, unless the next one
 * leads elsewhere. */
#define MUTE_MIN (2 * QUICMIG_SECOND)
#define MUTE_MIN_OTHERS QUICMIG_SECOND
#define MUTE_MAX (32 * QUICMIG_SECOND)
/* While a path still speaks without acknowledging. */
#define NOT_DUMB_FACTOR 3
/* So many alarms are raised before an idle connection ends. */
#define ALARMS_MIN 3
/* The old path has as many PTOs to be heard again. */
#define JUDGE_PTOS 2
/* Doublings of the patience with paths that were never heard. */
#define MUTES_MAX 5u

void qm_silence_init(qm_silence *s) {
  *s = (qm_silence){.since = QUICMIG_NEVER,
                    .judge_at = QUICMIG_NEVER,
                    .back_at = QUICMIG_NEVER};
}

static void be_patient(qm_silence *s, quicmig_duration floor,
                       quicmig_tstamp now) {
  s->floor = qm_time_max(s->floor, qm_time_min(floor, FLOOR_MAX));
  s->patient_until = qm_time_add(now, PATIENT_FOR);
}

/* It ended by itself.  If it would have been an alarm without patience, about
 * an eighth of it, patience was right, and is needed for longer. */
static void note_end(qm_silence *s, quicmig_tstamp now) {
  quicmig_duration silence = qm_time_since(now, s->since);

  if (s->floor && silence > s->floor / FLOOR_FACTOR) {
    be_patient(s, 2 * silence, now);
  }
}

void qm_silence_on_idle_timeout(qm_silence *s, quicmig_duration timeout) {
  s->most_ms = (uint32_t)qm_time_min(timeout / QUICMIG_MILLISECOND / ALARMS_MIN,
                                     UINT32_MAX);
}

/* Traffic that came has stopped, and what is sent now asks why: it was silent
 * before. */
static quicmig_tstamp begin(const qm_silence *s, quicmig_tstamp now) {
  quicmig_tstamp earliest = qm_time_since(now, s->pto);

  return s->heard >= STREAMING && now < s->heard_at + 2 * s->pto
             ? qm_time_max(s->heard_at, earliest)
             : now;
}

void qm_silence_on_flight(qm_silence *s, uint64_t in_flight, bool is_acked,
                          quicmig_duration pto, quicmig_tstamp now) {
  s->pto = pto;
  s->in_flight = (uint32_t)qm_time_min(in_flight, UINT32_MAX);
  if (is_acked && s->since != QUICMIG_NEVER) {
    note_end(s, now);
  }
  if (in_flight == 0) {
    s->since = QUICMIG_NEVER;
  } else if (is_acked || s->since == QUICMIG_NEVER) {
    s->since = is_acked ? now : begin(s, now);
    s->sent = s->heard = 0;
    s->put_off = 0;
  }
  if (now >= s->patient_until) {
    s->floor = 0;
  }
}

void qm_silence_on_tx(qm_silence *s, size_t datagrams, quicmig_tstamp now) {
  s->sent += (uint32_t)datagrams;
  if (s->is_left_alive && s->back_at == QUICMIG_NEVER) {
    s->back_at = now;
    s->put_off = 0;
  }
}

void qm_silence_on_rx(qm_silence *s, quicmig_tstamp now) {
  s->heard_at = now;
  if (s->floor) {
    s->put_off = 0; /* the alarm waits from now on */
  }
  s->left = 0;
  s->heard += s->since == QUICMIG_NEVER;
}

void qm_silence_on_move(qm_silence *s) {
  s->since = QUICMIG_NEVER;
  s->heard_at = 0;
  s->heard = 0;
  s->is_left_alive = false;
  s->back_at = QUICMIG_NEVER;
}

static quicmig_duration alarm_pto(const qm_silence *s) {
  return s->alarm_pto_us * QUICMIG_MICROSECOND;
}

static quicmig_duration long_wait(const qm_silence *s, uint32_t k) {
  return qm_time_max(FLOOR_MIN, FLOOR_FACTOR * k * s->pto);
}

/* One that came within an hour of the last is none in the next. */
void qm_silence_on_doubt(qm_silence *s, uint32_t k, quicmig_tstamp now) {
  quicmig_tstamp last =
      qm_time_min(s->patient_until, qm_time_add(now, PATIENT_FOR));

  be_patient(s, long_wait(s, k), qm_time_max(now, last));
}

static void begin_alarm(qm_silence *s, uint32_t path, quicmig_tstamp now) {
  s->mutes = 0;
  s->is_dark = false;
  s->left = path;
  s->path = path;
  s->alarm_since = s->since;
  s->alarm_pto_us =
      (uint32_t)qm_time_min(s->pto / QUICMIG_MICROSECOND, UINT32_MAX);
  s->judge_at = QUICMIG_NEVER;
  s->was_patient = s->floor != 0;
  s->is_dumb = s->heard_at <= s->since + s->pto &&
               now >= qm_time_add(s->heard_at, s->pto);
  s->is_clear =
      s->is_dumb && (s->sent >= MANY || s->in_flight >= MANY * FULL_SIZE);
}

/* Until it is proven right it counts as false.  One on a path that was never
 * heard goes on from the last. */
void qm_silence_on_alarm(qm_silence *s, uint32_t path, uint32_t k,
                         quicmig_tstamp now) {
  if (s->heard_at) {
    begin_alarm(s, path, now);
  } else {
    s->mutes = (uint8_t)(s->mutes + (s->mutes < UINT8_MAX ? 1 : -1));
  }
  be_patient(s, long_wait(s, k), now);
}

void qm_silence_on_life(qm_silence *s, uint32_t path, quicmig_tstamp now) {
  s->is_left_alive = s->is_left_alive || path == s->left;
  if (path != s->path || !s->is_dumb) {
    return; /* another one, or it was heard all the time */
  }
  s->path = 0;
  be_patient(s, 2 * qm_time_since(now, s->alarm_since), now);
}

void qm_silence_on_proof(qm_silence *s, quicmig_duration took,
                         quicmig_tstamp now) {
  s->left = 0;
  if (s->path == 0 || s->judge_at != QUICMIG_NEVER) {
    return;
  }
  if (s->is_dumb && took <= 2 * alarm_pto(s) && !s->is_dark) {
    s->judge_at = qm_time_add(now, JUDGE_PTOS * alarm_pto(s));
    return;
  }
  s->path = 0;
  if (s->is_dumb && took > 2 * alarm_pto(s)) { /* it was silent as well */
    be_patient(s, 2 * qm_time_since(now, s->alarm_since), now);
  }
}

/* It was right, or nobody can tell: patience stays as it was before. */
static void forget_alarm(qm_silence *s) {
  s->path = 0;
  if (!s->was_patient) {
    s->floor = 0;
  }
}

qm_silence_verdict qm_silence_on_time(qm_silence *s, bool is_over,
                                      quicmig_tstamp now) {
  bool is_proven = s->judge_at != QUICMIG_NEVER;

  if (s->path == 0 || !(is_over || (is_proven && now >= s->judge_at))) {
    return QM_SILENCE_OPEN;
  }
  if (!is_proven) {
    /* As long as nothing is heard anywhere the alarm goes on. */
    s->path = s->heard_at ? 0 : s->path;
    s->is_dark = s->path != 0;
    return QM_SILENCE_OPEN;
  }
  forget_alarm(s);
  return s->is_clear ? QM_SILENCE_RIGHT : QM_SILENCE_LIKELY;
}

quicmig_tstamp qm_silence_judge_at(const qm_silence *s) {
  return s->path ? s->judge_at : QUICMIG_NEVER;
}

static bool is_mute(const qm_silence *s) { return s->left && !s->heard_at; }

uint32_t qm_silence_way_back(const qm_silence *s) {
  bool is_blind = !s->has_others && s->mutes % 2;

  return is_mute(s) && (s->back_at != QUICMIG_NEVER || is_blind) ? s->left : 0;
}

/* A path that was never heard may be as dead as the one before, or wait for the
 * same network to wake up: twice as long each time. */
static quicmig_duration mute_wait(const qm_silence *s) {
  quicmig_duration first = s->has_others ? MUTE_MIN_OTHERS : MUTE_MIN;

  return qm_time_min(first << qm_time_min(s->mutes, MUTES_MAX), MUTE_MAX);
}

static quicmig_duration floor_of(const qm_silence *s, uint32_t k) {
  quicmig_duration most =
      s->most_ms ? s->most_ms * QUICMIG_MILLISECOND : QUICMIG_NEVER;

  if (!s->floor) {
    return 0;
  }
  return qm_time_min(
      most, s->heard_at
                ? qm_time_min(qm_time_max(s->floor, long_wait(s, k)), FLOOR_MAX)
                : mute_wait(s));
}

quicmig_duration qm_silence_patience(const qm_silence *s, uint32_t k) {
  return qm_time_max(k * s->pto, floor_of(s, k));
}

static quicmig_tstamp deadline(const qm_silence *s, uint32_t k) {
  quicmig_duration wait = qm_silence_patience(s, k);
  quicmig_tstamp dumb_since = s->floor ? s->heard_at : 0;

  if (s->since == QUICMIG_NEVER || k == 0) {
    return QUICMIG_NEVER;
  }
  if (is_mute(s) && s->back_at != QUICMIG_NEVER) {
    return qm_time_add(qm_time_max(s->since, s->back_at),
                       k * qm_time_max(s->pto, alarm_pto(s)));
  }
  return qm_time_min(qm_time_add(qm_time_max(s->since, dumb_since), wait),
                     qm_time_add(s->since, NOT_DUMB_FACTOR * wait));
}

quicmig_tstamp qm_silence_deadline(const qm_silence *s, uint32_t k) {
  return qm_time_add(deadline(s, k), s->put_off * QUICMIG_MILLISECOND);
}

void qm_silence_on_pause(qm_silence *s, uint32_t k, quicmig_tstamp from,
                         quicmig_tstamp now) {
  quicmig_tstamp at = deadline(s, k);
  quicmig_tstamp due = qm_silence_deadline(s, k);
  quicmig_tstamp until = qm_silence_put_off(at, s->pto, from, now);

  if (due > from && due < until) {
    quicmig_duration late = until - at + QUICMIG_MILLISECOND - 1;

    s->put_off = (uint16_t)qm_time_min(late / QUICMIG_MILLISECOND, UINT16_MAX);
  }
  if (s->path && now - from >= alarm_pto(s)) {
    forget_alarm(s);
  }
}
