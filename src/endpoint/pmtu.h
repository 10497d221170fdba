/*
 * The largest UDP payload that a connection may send.
 *
 * ngtcp2 probes every path (RFC 8899), but falls back to 1200 bytes at each hop
 * and then refuses larger datagrams.  The MTU belongs to the pair of IP
 * addresses (RFC 9000 section 14.2), so it is kept here when only a port
 * changes.  For that ngtcp2 runs without shaping: it writes packets as large as
 * the room it is given, and does not tell what its probes found.  So its probe
 * sizes come in pairs, s and s + 1: it goes on to a larger one only after the
 * smaller was acknowledged, and a probe of s + 1 bytes being written proves s.
 *
 *   size   what data packets may have now; kept over a hop between the same
 *          hosts, else 1200
 *   offer  while a search runs, a packet without data is offered the full room
 *          now and then, so that a probe can be written
 *   check  a kept size whose own probe the new path does not answer in time is
 *          given up: the path swallows such packets
 */
#ifndef QM_PMTU_H
#define QM_PMTU_H

#include <stdbool.h>

#include "base/time.h"

/* What every QUIC path carries (RFC 9000 section 14.1). */
#define QM_PMTU_BASE 1200
#define QM_PMTU_PROBES 8

typedef struct qm_pmtu {
  uint16_t max;    /* room of a probe */
  uint16_t size;   /* of data packets */
  uint16_t proven; /* by probes of the current path */
  uint16_t probes[QM_PMTU_PROBES];
  uint8_t n_probes;
  bool is_searching;
  quicmig_tstamp since;      /* of the search */
  quicmig_duration pto;      /* the longest since then */
  quicmig_tstamp doubt_from; /* the kept size's probe was written; or NEVER */
  quicmig_tstamp offer_at; /* from then on a packet is offered the full room */
  quicmig_tstamp wake_at;  /* and a turn is wanted for it; NEVER: no search */
  quicmig_duration pause;  /* before the next one */
} qm_pmtu;

/* max: the largest UDP payload ever sent, >= QM_PMTU_BASE. */
void qm_pmtu_init(qm_pmtu *p, size_t max);

/* ngtcp2 begins to probe the current path. */
void qm_pmtu_on_search(qm_pmtu *p, quicmig_tstamp now);

/* The connection has another path.  is_same_pair: only ports differ. */
void qm_pmtu_on_path(qm_pmtu *p, bool is_same_pair);

/* Is a packet without data to be offered the room `max` in this turn?  Asking
 * is the offer. */
bool qm_pmtu_offer(qm_pmtu *p, quicmig_tstamp now);

/* The offer was taken; one that was not, for want of window or of anything to
 * say, is made again in the next turn, whenever that is. */
void qm_pmtu_on_taken(qm_pmtu *p);

/* A packet of n bytes was written that took no data: a probe, or something else
 * that ngtcp2 had to say. */
void qm_pmtu_on_written(qm_pmtu *p, size_t n, quicmig_tstamp now);

/* The path swallows larger packets than QM_PMTU_BASE: it is the size now.  The
 * next path between the same hosts is searched from there. */
void qm_pmtu_on_blackhole(qm_pmtu *p);

/* Is a packet of n bytes one of the probes of a search? */
bool qm_pmtu_is_probe(const qm_pmtu *p, size_t n);

/* pto: the probe timeout now. */
void qm_pmtu_check(qm_pmtu *p, quicmig_duration pto, quicmig_tstamp now);

#endif
