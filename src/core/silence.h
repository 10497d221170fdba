/*
 * Watches for acknowledgements: data is in flight and nothing was acknowledged
 * for k PTOs, the path is dead until something proves the contrary.
 *
 *   QUIET    nothing is in flight
 *   WAITING  since the last acknowledgement, or the first packet after QUIET
 *
 * A network that only pauses (radio, a busy host) makes the new path wait as
 * long as the old one.  Such an alarm was false: the patience doubles, up to 8
 * times, and comes back by half every ten minutes, or at once when an alarm was
 * right.
 */
#ifndef QM_SILENCE_H
#define QM_SILENCE_H

#include <stdbool.h>

#include "base/time.h"

typedef struct qm_silence {
  quicmig_tstamp since; /* NEVER: QUIET */
  quicmig_tstamp eased_at;
  quicmig_duration pto;
  uint32_t doubled; /* how often */
} qm_silence;

void qm_silence_init(qm_silence *s);

/* So much is in flight now; is_acked: some of it was acknowledged since the
 * last call. */
void qm_silence_on_flight(qm_silence *s, uint64_t in_flight, bool is_acked,
                          quicmig_duration pto, quicmig_tstamp now);

/* The connection moved: what was in flight is forgotten. */
void qm_silence_on_move(qm_silence *s);

/* An alarm led to a hop whose path was proven within `took`. */
void qm_silence_on_proof(qm_silence *s, quicmig_duration took,
                         quicmig_duration pto, quicmig_tstamp now);

/* When it has lasted k PTOs; NEVER when QUIET or k is 0. */
quicmig_tstamp qm_silence_deadline(const qm_silence *s, uint32_t k);

#endif
