/*
 * The path table: every path of one connection, at most max_sockets at a time.
 *
 *   SPARE > PROBING > ACTIVE > DRAINING > CLOSED
 *               \ > FAILED > CLOSED          (SPARE > CLOSED when given up,
 *                                     DRAINING > PROBING on the way back to it)
 *
 * qm_paths_move() is the only writer of a state: it asserts that the edge is
 * legal, keeps the times, and reports the change in the outbox.  A closed path
 * leaves the table at once; its id is never used again.
 */
#ifndef QM_PATHS_H
#define QM_PATHS_H

#include "base/addr.h"
#include "core/meter.h"
#include "core/outbox.h"
#include <quicmig/model.h>

typedef struct qm_path {
  uint32_t id;         /* 0: the slot is free */
  int handle;          /* the layer above's name for the socket */
  uint8_t state;       /* quicmig_path_state */
  bool is_retired : 1; /* its connection ID is gone: ngtcp2 reads it no more */
  bool is_dry : 1; /* draining, and what was in flight at the switch has come */
  bool is_heard : 1;     /* something came since it was tried */
  bool lacks_gso : 1;    /* the layer above's: it was refused */
  uint8_t rx_faults : 3; /* the layer above's: reads that failed in a row */
  uint8_t home;          /* the layer above's name for the way to the peer */
  uint8_t no_offload;    /* QUICMIG_NO_...: what the socket does without */
  uint16_t remote_port;  /* the peer's, host byte order */
  uint16_t dcid_seq;     /* of the connection ID that packets to the peer carry,
                          * the low bits: few are in use at once */
  qm_addr local;
  qm_addr shown; /* as ngtcp2 knows it: the local address, but after a REBIND
                  * that of the path before */
  qm_meter meter;
  quicmig_tstamp opened_at, active_at, draining_at;
  quicmig_tstamp close_at; /* NEVER unless draining or failed */
} qm_path;

/* Did ngtcp2 hear of p as another path, so that it may still be validating it
 * after we gave it up?  To a path that failed in REBIND mode ngtcp2 knows the
 * address of the one before. */
static inline bool qm_path_is_held(const qm_path *p) {
  return p->state == QUICMIG_PATH_PROBING ||
         (p->state == QUICMIG_PATH_FAILED &&
          qm_addr_is_equal(&p->local, &p->shown));
}

typedef struct qm_paths {
  qm_path *slots;
  qm_outbox *out;
  uint16_t cap, len;
  uint32_t next_id;
} qm_paths;

/* slots: cap zeroed entries that outlive the table. */
void qm_paths_init(qm_paths *t, qm_path *slots, uint32_t cap, qm_outbox *out);

/* A new SPARE path, or NULL when the table is full. */
qm_path *qm_paths_add(qm_paths *t, const qm_addr *local, uint16_t remote_port,
                      int handle, quicmig_tstamp now);

/* NULL when there is none. */
qm_path *qm_paths_find(const qm_paths *t, uint32_t id);
qm_path *qm_paths_by_handle(const qm_paths *t, int handle);

/* Moves p along a legal edge.  CLOSED frees the slot and asks for the socket to
 * be closed: p is dead afterwards. */
void qm_paths_move(qm_paths *t, qm_path *p, quicmig_path_state to,
                   quicmig_tstamp now);

/* Walks the open paths: start with NULL; NULL ends. */
qm_path *qm_paths_next(const qm_paths *t, const qm_path *p);

#endif
