/*
 * libquicmig-ev: drives a client or a server from a libev loop.  It is built on
 * the public functions of endpoint.h alone, as any other adapter can be.
 *
 *   quicmig_ev *e = quicmig_ev_new(loop);
 *   client_callbacks.watch = quicmig_ev_watch_client;     (user_data: e)
 * or, when user_data is the program's own, call quicmig_ev_watch() from its own
 * watch callback; then quicmig_ev_set_client(e, client) and ev_run().
 *
 * It runs its client or server on quicmig_clock(): create that with the same.
 * ev_run() returns when the connection is over, or no server listens any more,
 * and nothing else of the program's is in the loop.
 *
 * Threads: the loop's.
 */
#ifndef QUICMIG_EV_H
#define QUICMIG_EV_H

#include <ev.h>

#include <quicmig/endpoint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Watchers and one timer for one client or one server. */
typedef struct quicmig_ev quicmig_ev;

/* Makes an adapter without anything to drive.  loop must outlive it.  NULL when
 * out of memory. */
QUICMIG_EXTERN quicmig_ev *quicmig_ev_new(struct ev_loop *loop);

/* Stops every watcher.  Free the client or server first: it still calls watch;
 * and so not inside a callback of its.  NULL is fine. */
QUICMIG_EXTERN void quicmig_ev_free(quicmig_ev *e);

/* Drives c from now on; NULL: nothing.  e drives a client or a server, not
 * both. */
QUICMIG_EXTERN void quicmig_ev_set_client(quicmig_ev *e, quicmig_client *c);
/* Drives s from now on; NULL: nothing. */
QUICMIG_EXTERN void quicmig_ev_set_server(quicmig_ev *e, quicmig_server *s);

/* To be called from the program's watch callback with its arguments.
 * Errors: QUICMIG_ERR_NOMEM: the socket is not watched. */
QUICMIG_EXTERN int quicmig_ev_watch(quicmig_ev *e, int fd, int on);

/* A ready-made watch callback for a client; its user_data is the quicmig_ev. */
QUICMIG_EXTERN void quicmig_ev_watch_client(quicmig *m, int fd, int on,
                                            void *user_data);
/* A ready-made watch callback for a server; its user_data is the quicmig_ev. */
QUICMIG_EXTERN void quicmig_ev_watch_server(quicmig_server *s, int fd, int on,
                                            void *user_data);

#ifdef __cplusplus
}
#endif

#endif
