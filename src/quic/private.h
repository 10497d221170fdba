/*
 * What libquicmig-endpoint calls of libquicmig beside the public headers, and
 * tests.  Functions only: the endpoint never reads a migrator's struct, whose
 * layout another version may change.  They are exported under a version node
 * that has the exact version in its name, so that the loader refuses an
 * endpoint and a libquicmig of different versions (src/pkg/libquicmig.map).
 */
#ifndef QM_PRIVATE_H
#define QM_PRIVATE_H

#include "base/addr.h"
#include "io/net.h"
#include "quic/evidence.h"
#include <quicmig/quicmig.h>

/* Addresses of the server, one of each family. */
#define QM_REMOTES 2

/* quicmig_new() over another network. */
QUICMIG_EXTERN int qm_migrator_new(quicmig **pm, const quicmig_options *o,
                                   const quicmig_callbacks *cb,
                                   const quicmig_mem *mem, const qm_net *net,
                                   const struct sockaddr *remote,
                                   socklen_t remotelen, quicmig_tstamp now,
                                   void *user_data);

/* The time that ngtcp2 sees, which never steps back; and a time of that clock
 * on the program's. */
QUICMIG_EXTERN quicmig_tstamp qm_migrator_now(const quicmig *m);
QUICMIG_EXTERN quicmig_tstamp qm_migrator_outer(const quicmig *m,
                                                quicmig_tstamp inner);

/* The options in force. */
QUICMIG_EXTERN const quicmig_options *qm_migrator_options(const quicmig *m);

/* The server's addresses; returns how many. */
QUICMIG_EXTERN size_t qm_migrator_remotes(const quicmig *m,
                                          qm_addr remotes[QM_REMOTES]);

/* The connection's congestion controller is CUBIC or Reno: core/pace.h paces
 * it, whatever ngtcp2's send quantum looks like (quic/pacing.h). */
QUICMIG_EXTERN void qm_migrator_pace(quicmig *m);

/* Is a call under way: does a callback of quicmig's run? */
QUICMIG_EXTERN bool qm_migrator_is_inside(const quicmig *m);

/* The endpoint's callbacks that run between two calls of the migrator may do as
 * little with it as those that run inside one: while this is set, all that may
 * not be called inside a callback is QUICMIG_ERR_REENTRANT. */
QUICMIG_EXTERN void qm_migrator_set_inside(quicmig *m, bool is_inside);

/* May ngtcp2 have a PATH_CHALLENGE to write or to answer?  Asking takes note.
 */
QUICMIG_EXTERN bool qm_migrator_is_validating(quicmig *m);

/* Bytes of the last packet that the kernel refused as too large for our side of
 * the path in use, since this was asked last; 0: none. */
QUICMIG_EXTERN size_t qm_migrator_take_too_large(quicmig *m);

/* The connection ends: what is to be written next, a CONNECTION_CLOSE, cannot
 * wait, and what waits for the kernel is given up, so that it is not in the
 * way. */
QUICMIG_EXTERN void qm_migrator_release(quicmig *m);

/* Does something wait for the kernel? */
QUICMIG_EXTERN bool qm_migrator_is_holding(const quicmig *m);

/* Offers it to the kernel, outside of every other call.  True: nothing is left.
 */
QUICMIG_EXTERN bool qm_migrator_flush(quicmig *m);

#endif
