/*
 * Does the path still carry packets above 1200 bytes?  Its MTU may fall under a
 * connection, without a word: then all large packets vanish, acknowledgements
 * stop, and the congestion window stays full of what cannot arrive (black hole
 * detection, RFC 8899 section 4.3).
 *
 *   CLEAR    large packets are acknowledged, or none was written
 *   SUSPECT  several were written, and none was acknowledged for two PTOs: what
 *            can be small is small, until anything is acknowledged
 *   TRYING   the path works: packets may be large again
 *
 *   CLEAR > SUSPECT > TRYING > SUSPECT > black hole
 *              \          \       \
 *               large packets are acknowledged > CLEAR
 *
 * A path that was only out of order for a while carries the large packets of
 * TRYING; one that swallows them again, and answers small ones, is a black
 * hole. Pure.
 */
#ifndef QM_BLACKHOLE_H
#define QM_BLACKHOLE_H

#include <stdbool.h>

#include "base/time.h"

typedef enum qm_blackhole_state {
  QM_BLACKHOLE_CLEAR,
  QM_BLACKHOLE_SUSPECT,
  QM_BLACKHOLE_TRYING
} qm_blackhole_state;

typedef struct qm_blackhole {
  uint8_t state;           /* qm_blackhole_state */
  uint8_t unproven;        /* large packets since `since`, up to a few */
  uint8_t epoch;           /* counts the states: tells old packets from new */
  bool has_tried;          /* SUSPECT: for the second time */
  bool is_hole;            /* to be told */
  quicmig_tstamp since;    /* the first of the unproven; NEVER: there is none */
  quicmig_tstamp tried_at; /* the begin of TRYING */
  quicmig_duration pto;    /* when it was last looked at */
  uint64_t in_flight;      /* after the last write, bytes */
} qm_blackhole;

/* The connection has another path, or writes no large packets any more. */
void qm_blackhole_reset(qm_blackhole *b);

/* A packet above 1200 bytes was written, with data. */
void qm_blackhole_on_large(qm_blackhole *b, quicmig_tstamp now);

/* One of those, written since the state is what it is, was acknowledged. */
void qm_blackhole_on_large_acked(qm_blackhole *b);

/* Data of a stream was acknowledged that had been in large packets when they
 * came into doubt.  In TRYING it is repeated in large ones; what had been
 * repeated in small ones before is acknowledged within a PTO. */
void qm_blackhole_on_progress(qm_blackhole *b, quicmig_tstamp now);

/* The kernel says that large packets do not fit (EMSGSIZE), but not whose: that
 * is reason enough to suspect. */
void qm_blackhole_on_refused(qm_blackhole *b);

/* So much is in flight after a write; and, before the next one, so much is:
 * less means that something was acknowledged. */
void qm_blackhole_on_written(qm_blackhole *b, uint64_t in_flight);
void qm_blackhole_on_read(qm_blackhole *b, uint64_t in_flight,
                          quicmig_tstamp now);

/* Time passed.  True, once: the path swallows large packets. */
bool qm_blackhole_on_time(qm_blackhole *b, quicmig_duration pto,
                          quicmig_tstamp now);
quicmig_tstamp qm_blackhole_deadline(const qm_blackhole *b);

/* May a packet be large that could be small? */
static inline bool qm_blackhole_may_be_large(const qm_blackhole *b) {
  return b->state != QM_BLACKHOLE_SUSPECT;
}

#endif
