/*
 * One stream: what was written waits until the peer has acknowledged it (ngtcp2
 * keeps no copy), copied into a ring or in the application's own memory; what
 * was read is passed on at once.
 */
#ifndef QM_STREAM_H
#define QM_STREAM_H

#include "endpoint/conn.h"
#include "endpoint/loans.h"

struct quicmig_stream {
  quicmig_conn *c;
  void *user_data;
  qm_list link; /* in c->streams */
  qm_list send; /* in c->sendq while there is something to send */
  int64_t id;
  uint8_t *ring;   /* o->stream_buffer bytes, from the first write on */
  qm_loans *loans; /* instead, from the first loan on */
  uint64_t acked;  /* stream offsets: [acked, sent) is in flight, */
  uint64_t sent;   /*   [sent, written) waits */
  uint64_t written;
  /* The end of the data of a large packet that is not proven, 0: there is none;
   * and qm_blackhole's epoch when it was written. */
  uint64_t large_to;
  uint8_t large_epoch;
  uint64_t unconsumed; /* received bytes the application still has */
  uint64_t owed;       /* consumed, and the peer has not been told yet */
  bool is_sendable;    /* bidirectional, or ours */
  bool is_finished;    /* no more will be written */
  bool is_fin_sent;
  bool is_unread; /* the peer sent STOP_SENDING: writing is over */
  bool is_dead;   /* reset, or gone in ngtcp2: nothing more is sent */
};

/* A stream whose ID is not known yet.  NULL when out of memory. */
quicmig_stream *qm_stream_new(quicmig_conn *c);
void qm_stream_set_id(quicmig_stream *s, int64_t id);

void qm_stream_free(quicmig_stream *s);

/* The waiting bytes, or the first of them, as pieces; returns how many. */
#define QM_STREAM_PIECES 8
size_t qm_stream_pending(const quicmig_stream *s,
                         ngtcp2_vec vec[QM_STREAM_PIECES]);

/* Is there something to send, be it only the end? */
bool qm_stream_has_pending(const quicmig_stream *s);

/* n bytes (and the end, if they were the last) went into a packet. */
void qm_stream_on_sent(quicmig_stream *s, size_t n);

/* The packet that took data last is a large one, see qm_blackhole. */
void qm_stream_on_large(quicmig_stream *s);

void qm_stream_on_acked(quicmig_stream *s, size_t n);
void qm_stream_on_data(quicmig_stream *s, const uint8_t *data, size_t len,
                       bool is_fin);

/* Tells the application and frees s.  code: QUICMIG_NEVER for none. */
void qm_stream_on_closed(quicmig_stream *s, uint64_t code);

/* Puts s into the send queue if it has something to send. */
void qm_stream_wake(quicmig_stream *s);

#endif
