/*
 * How the server can be reached: each interface of the list, or what the
 * routing table says, with each of the server's addresses.  Such a pair is a
 * home, named by a number; the least one is the best.
 *
 * A hop opens its socket at the home in use, or where it tries after a failure,
 * or at the best one, and at the next one that has a route if that has none.
 * When the network changes, the best home with a route is compared with the one
 * in use.  The way back to a better one waits until it has been there for a
 * while.
 */
#ifndef QM_HOME_H
#define QM_HOME_H

#include "base/addr.h"
#include "io/sock.h"
#include "quic/private.h"
#include <quicmig/quicmig.h>

/* The home of a path that was added by hand: the program knows why. */
#define QM_HOME_BY_HAND 0xfe
/* A better home that comes and goes is left alone. */
#define QM_BETTER_FOR (2 * QUICMIG_SECOND)

typedef struct qm_homes {
  qm_addr remotes[QM_REMOTES]; /* ngtcp2 knows the first one, whatever a socket
                                * is connected to */
  uint8_t n_remotes;
  uint8_t next;            /* where the next hop begins to try */
  uint8_t tried;           /* of the attempt under way */
  uint8_t better;          /* seen, and not yet moved to */
  bool is_lost;            /* no home has a route */
  bool is_forced;          /* move, even if everything looks as before */
  uint8_t watch_faults;    /* reads of watch_fd that failed in a row */
  int watch_fd;            /* netlink; -1: none */
  quicmig_tstamp check_at; /* look at the network then; NEVER */
  quicmig_tstamp checked_at;
  quicmig_tstamp best_again;   /* a scheduled hop may try the best one */
  quicmig_tstamp better_since; /* NEVER: there is no better one */
  quicmig_duration better_for; /* it must last, before it is moved to */
} qm_homes;

/* home.c */

void qm_homes_init(qm_homes *h, const qm_addr *remote);

/* The server's address, with its port for the next socket. */
qm_addr qm_homes_remote(const quicmig *m, uint8_t home);

/* Opens the socket of a hop for `reason` at a home that has a route; tried is
 * its name then.  As qm_sock_open(). */
int qm_homes_open(quicmig *m, uint32_t reason, qm_sock *s);

/* The same at the first home from `from` on that has a route; *home is its
 * name.  The first one's error counts. */
int qm_homes_open_from(quicmig *m, uint8_t from, qm_ports *ports, qm_sock *s,
                       uint8_t *home);

/* Does that error of a socket's opening mean that there is no route? */
bool qm_homes_is_unreachable(int err, int sys_errno);

/* A hop attempt has ended. */
void qm_homes_on_record(quicmig *m, const quicmig_hop_record *r);

/* roam.c */

/* Watches the network if that is wanted.  Errors: QUICMIG_ERR_SYSTEM with
 * m->sys_error. */
int qm_homes_watch(quicmig *m);
void qm_homes_unwatch(quicmig *m);

/* Something may have changed; forced: certainly. */
void qm_homes_on_change(quicmig *m, bool is_forced);

/* The watch is readable. */
void qm_homes_on_readable(quicmig *m);

/* Looks at the network if it is time. */
void qm_homes_on_time(quicmig *m);

#endif
