/*
 * Who paces a connection.  A congestion controller that has a rate of its own
 * (ngtcp2's BBR) sets a send quantum too, and ngtcp2 keeps it to that rate.
 * Under the others (CUBIC, the default, and Reno) the quantum of ngtcp2 1.11 is
 * 64 KiB for ever, and ngtcp2 is not told what was written (its
 * ngtcp2_conn_update_pkt_tx_time() is optional): core/pace.h does it.  1.24
 * sets it under all of them, so that they cannot be told apart: a program's own
 * connection is paced by ngtcp2 there; the endpoint knows that its are CUBIC.
 */
#ifndef QM_PACING_H
#define QM_PACING_H

#include <ngtcp2/ngtcp2.h>

#include "core/pace.h"

#define QM_PACING_ANY_QUANTUM (64 * 1024)

/* To be asked once, when the first packet is written: ngtcp2 adds up what it
 * was not told, and would pause for all of that. */
static inline bool qm_pacing_is_ngtcp2s(ngtcp2_conn *conn) {
  return ngtcp2_conn_get_send_quantum(conn) != QM_PACING_ANY_QUANTUM;
}

/* The congestion window has no room for a packet of the size that always fits.
 */
static inline bool qm_pacing_is_full(ngtcp2_conn *conn) {
  return ngtcp2_conn_get_cwnd_left(conn) < NGTCP2_MAX_UDP_PAYLOAD_SIZE;
}

static inline qm_pace_view qm_pacing_view(ngtcp2_conn *conn) {
  ngtcp2_conn_info i;

  ngtcp2_conn_get_conn_info(conn, &i);
  return (qm_pace_view){.cwnd = i.cwnd,
                        .in_flight = i.bytes_in_flight,
                        .rtt = i.min_rtt == UINT64_MAX
                                   ? 0
                                   : qm_time_min(i.latest_rtt, i.smoothed_rtt),
                        .is_slow_start = i.cwnd < i.ssthresh};
}

/* Both for a connection that ngtcp2 does not pace. */
static inline size_t qm_pacing_quantum(ngtcp2_conn *conn) {
  qm_pace_view v = qm_pacing_view(conn);

  return qm_pace_quantum(&v, QM_PACING_ANY_QUANTUM);
}

static inline void qm_pacing_on_written(ngtcp2_conn *conn, qm_pace *p,
                                        size_t bytes, quicmig_tstamp now) {
  qm_pace_view v = qm_pacing_view(conn);

  qm_pace_on_written(p, &v, bytes, now);
}

#endif
