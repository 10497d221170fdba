/*
 * A congestion window with no room for a full packet, of which nothing is
 * acknowledged, lost or repeated, while genuine packets come: ngtcp2 waits for
 * what nobody will ever say.  It has taken its loss timer off at the
 * amplification limit (docs/upstream.md), or two lost PATH_RESPONSEs fill the
 * least window, and it does not repeat those.
 *
 * A path that swallows everything looks different: the loss timer runs, and
 * each of its probes adds to what is in flight.  They leave after 1, 3, 7 and
 * 15 PTOs (RFC 9002 section 6.2.1), so that eight PTOs without one come late.
 * Pure.
 */
#ifndef QM_STANDSTILL_H
#define QM_STANDSTILL_H

#include <stdbool.h>

#include "base/time.h"

#define QM_STANDSTILL_PTOS 8
#define QM_STANDSTILL_MIN QUICMIG_SECOND

typedef struct qm_standstill {
  quicmig_tstamp since; /* 0: it moves */
  uint64_t in_flight;   /* bytes, since then */
} qm_standstill;

/* There is room for a full packet. */
static inline void qm_standstill_on_room(qm_standstill *s) { s->since = 0; }

/* There is none, and a genuine packet came.  True: it has stood still for long
 * enough to be begun anew; not true again for as long. */
static inline bool qm_standstill_on_full(qm_standstill *s, uint64_t in_flight,
                                         quicmig_duration pto,
                                         quicmig_tstamp now) {
  quicmig_duration most =
      qm_time_max(QM_STANDSTILL_PTOS * pto, QM_STANDSTILL_MIN);

  if (s->since == 0 || s->in_flight != in_flight) {
    *s = (qm_standstill){.since = now, .in_flight = in_flight};
    return false;
  }
  if (now - s->since < most) {
    return false;
  }
  s->since = now;
  return true;
}

#endif
