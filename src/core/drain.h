/*
 * The drain reaper: ends old sockets.  A DRAINING path is read until its
 * close_at and then closed; earlier, oldest first, when its place or its
 * descriptor is needed and it has drained for a floor of time.  A FAILED path
 * that ngtcp2 may still hold waits for its close_at in the same way, unread. It
 * keeps no state of its own.
 */
#ifndef QM_DRAIN_H
#define QM_DRAIN_H

#include "core/paths.h"

/* The path stopped being active: read it for `drain` more. */
void qm_drain_start(qm_paths *t, qm_path *p, quicmig_duration drain,
                    quicmig_tstamp now);

/* When the next draining path ends. */
quicmig_tstamp qm_drain_deadline(const qm_paths *t);

/* Closes paths whose time has ended, as many as the outbox has room for. */
void qm_drain_on_time(qm_paths *t, quicmig_tstamp now);

/* When there can be room for one more path: 0 at once, QUICMIG_NEVER if nothing
 * is ending.  Here and below the path `kept` is the last to go; 0: none. */
quicmig_tstamp qm_drain_room_at(const qm_paths *t, quicmig_duration floor,
                                uint32_t kept);

/* Makes room for one more path: closes the oldest that has drained for at least
 * `floor`.  False when the table stays full. */
bool qm_drain_make_room(qm_paths *t, quicmig_duration floor, uint32_t kept,
                        quicmig_tstamp now);

/* The system is short of sockets: closes the oldest that has drained for at
 * least `floor`, but neither `kept` nor `last`.  False when there is none. */
bool qm_drain_give_way(qm_paths *t, quicmig_duration floor, uint32_t kept,
                       uint32_t last, quicmig_tstamp now);

/* The path that began to drain last; 0: none drains. */
uint32_t qm_drain_newest(const qm_paths *t);

#endif
