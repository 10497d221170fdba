/*
 * One simulated transfer, a bulk stream or datagrams one way, with hops or
 * without: what arrived, and when, in virtual time.
 */
#ifndef HOPSIM_H
#define HOPSIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <quicmig/model.h>

/* A stream's bytes are counted in slots of this length. */
#define HOPSIM_SLOT (10 * QUICMIG_MILLISECOND)

typedef struct hopsim_setup {
  uint64_t rate_mbit, rtt_ms;
  bool is_down;            /* the server sends */
  uint32_t mode;           /* quicmig_mode */
  uint64_t hops;           /* 0: none */
  quicmig_duration length; /* of the trace; a hop at every hops-th part of it */
  uint64_t seed;
} hopsim_setup;

typedef struct hopsim_datagram {
  quicmig_tstamp sent_at; /* since the trace began; before that: NEVER */
  quicmig_duration delay; /* QUICMIG_NEVER: it did not arrive */
} hopsim_datagram;

/* What was seen once the transfer had warmed up, from the first hop on. */
typedef struct hopsim_trace {
  uint32_t *slots; /* bytes of the stream that arrived, in order, in each */
  size_t n_slots;
  hopsim_datagram *datagrams;
  size_t n_datagrams;
  uint64_t refused; /* datagrams of the trace that the queue did not take */
  uint64_t hops, failed;
  bool is_good; /* the connection lived, and so many hops were made */
} hopsim_trace;

/* As much as goes through, on one stream, after its first slow start. */
hopsim_trace hopsim_stream(const hopsim_setup *s);

/* Datagrams of 200 to 1200 bytes at a steady rate: a tenth of the line's, at
 * most 1,000 a second. */
hopsim_trace hopsim_datagrams(const hopsim_setup *s);

void hopsim_trace_reset(hopsim_trace *t);

#endif
