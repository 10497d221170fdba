#include "core/silence.h"

#define DOUBLED_MAX 3
#define EASE_AFTER (600 * QUICMIG_SECOND)

void qm_silence_init(qm_silence *s) {
  *s = (qm_silence){.since = QUICMIG_NEVER};
}

static void ease(qm_silence *s, quicmig_tstamp now) {
  while (s->doubled && now >= qm_time_add(s->eased_at, EASE_AFTER)) {
    s->doubled--;
    s->eased_at = qm_time_add(s->eased_at, EASE_AFTER);
  }
}

void qm_silence_on_flight(qm_silence *s, uint64_t in_flight, bool is_acked,
                          quicmig_duration pto, quicmig_tstamp now) {
  s->pto = pto;
  if (in_flight == 0) {
    s->since = QUICMIG_NEVER;
  } else if (is_acked || s->since == QUICMIG_NEVER) {
    s->since = now;
  }
  ease(s, now);
}

void qm_silence_on_move(qm_silence *s) { s->since = QUICMIG_NEVER; }

void qm_silence_on_proof(qm_silence *s, quicmig_duration took,
                         quicmig_duration pto, quicmig_tstamp now) {
  if (took <= pto) {
    s->doubled = 0;
    return;
  }
  s->doubled += s->doubled < DOUBLED_MAX;
  s->eased_at = now;
}

quicmig_tstamp qm_silence_deadline(const qm_silence *s, uint32_t k) {
  return s->since == QUICMIG_NEVER || k == 0
             ? QUICMIG_NEVER
             : qm_time_add(s->since, (k << s->doubled) * s->pto);
}
