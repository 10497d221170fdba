/*
 * A client while it connects: several attempts ("dials") at once, each with an
 * ngtcp2_conn, a TLS session and a migrator of its own, until one of them has
 * completed its handshake.
 *
 * The program has one quicmig_conn from the start, and ngtcp2 and GnuTLS know
 * that one only.  A dial is loaded into it while the dial runs: what the dial
 * owns and how it ends are the client's then, and are kept with the dial when
 * another one is loaded.  Between two runs the first dial that is still under
 * way is loaded.  The one that wins just stays.  The others end quietly: the
 * server hears a CONNECTION_CLOSE, the program nothing but watch.
 *
 * All of it is freed as soon as the client is connected and the kernel has
 * taken the last words of the others.
 */
#ifndef QM_CONNECTING_H
#define QM_CONNECTING_H

#include "endpoint/client.h"
#include "endpoint/resolve.h"

/* A turn of what is loaded: reads fd if it is one of its own, lets time pass,
 * writes.  True: it is over. */
typedef bool qm_client_turn(quicmig_client *c, int fd, quicmig_tstamp now);

/*
 * Begins the first dial that can begin; c->connecting is set then.
 * Errors, with their text: those of quicmig_client_new().
 */
int qm_connecting_new(quicmig_client *c, const quicmig_client_config *cfg,
                      const qm_net *net, const qm_remotes *remotes,
                      quicmig_tstamp now);

/* Frees what is not loaded. */
void qm_connecting_free(quicmig_client *c);

/* A run while connecting, and after that while others have to say something;
 * c->connecting is NULL when it was the last one.  True: the client's
 * connection is over, and how is loaded. */
bool qm_connecting_run(quicmig_client *c, int fd, quicmig_tstamp now,
                       qm_client_turn *turn);

/* When to run, on the caller's clock. */
quicmig_tstamp qm_connecting_deadline(const quicmig_client *c);

#endif
