/*
 * Counters: per path (qm_meter), and the longest silence around a hop (qm_gap).
 */
#ifndef QM_METER_H
#define QM_METER_H

#include <stdbool.h>

#include "base/time.h"

typedef struct qm_meter {
  uint64_t tx_packets, tx_bytes;
  uint64_t rx_packets, rx_bytes;
  uint32_t late, rescued; /* while draining */
} qm_meter;

static inline void qm_meter_on_tx(qm_meter *m, size_t datagrams, size_t n) {
  m->tx_packets += datagrams;
  m->tx_bytes += n;
}

static inline void qm_meter_on_rx(qm_meter *m, size_t n) {
  m->rx_packets++;
  m->rx_bytes += n;
}

/* The longest time without an accepted packet since qm_gap_start(). */
typedef struct qm_gap {
  quicmig_tstamp last;
  quicmig_duration longest;
} qm_gap;

static inline void qm_gap_start(qm_gap *g, quicmig_tstamp now) {
  *g = (qm_gap){.last = now};
}

static inline void qm_gap_on_rx(qm_gap *g, quicmig_tstamp now) {
  quicmig_duration silence = qm_time_since(now, g->last);

  if (silence > g->longest) {
    g->longest = silence;
  }
  g->last = now;
}

#endif
