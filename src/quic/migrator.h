/*
 * A quicmig from the inside: one ngtcp2_conn joined to the engine (what to do)
 * and to qm_net (sockets).  Split over
 *   migrator.c  the engine's actions carried out, and what ngtcp2 tells
 *   rx.c, tx.c  the two directions of the data path
 *   listening.c which sockets are watched
 *   api.c       creation, time, getters
 *   manual.c    hops and paths by hand
 *   home.c      interfaces and the server's addresses
 *   roam.c      changes of the network
 *   natbudget.c the process's NAT mappings
 *   private.c   what only the endpoint may ask
 *   stall.c     a way out when nothing comes back any more
 *   evidence.c  whether ngtcp2 accepted what it was given
 * The handle of a path is its socket's fd.
 */
#ifndef QM_MIGRATOR_H
#define QM_MIGRATOR_H

#include "base/mem.h"
#include "core/engine.h"
#include "core/pace.h"
#include "io/net.h"
#include "io/sock.h"
#include "io/txlack.h"
#include "quic/evidence.h"
#include "quic/home.h"
#include "quic/private.h"
#include <quicmig/quicmig.h>

/* Packets the kernel did not take; exists only while there are any. */
typedef struct qm_hold qm_hold;

struct quicmig {
  quicmig_mem mem;
  const qm_net *net;
  quicmig_callbacks cb;
  void *user_data;
  ngtcp2_conn *conn; /* NULL: not attached */
  qm_hold *hold;
  qm_engine engine;
  qm_clock_guard clock;
  quicmig_duration keep_alive; /* as the program wants it; 0: it did not say */
  quicmig_tstamp write_at;     /* more to write, or to send, from then on */
  quicmig_write_pkt writer;    /* of the last packets; NULL: none yet */
  qm_pace pace;
  quicmig_tstamp listen_at;   /* sockets whose reads failed are read again */
  quicmig_tstamp rx_at;       /* ngtcp2 accepted something */
  quicmig_tstamp full_at;     /* the window became full; NEVER: it is not */
  quicmig_tstamp stall_at;    /* the window is full: look again then */
  quicmig_tstamp stall_again; /* no way out of a stall is tried before */
  qm_evidence evidence;
  qm_homes homes;
  qm_ports ports;
  qm_txlack lack;      /* of GSO, for the paths with lacks_gso */
  int16_t sys_error;   /* an errno */
  int16_t conn_error;  /* ngtcp2's */
  uint16_t too_large;  /* bytes, for the MTU of our side of the path in use: the
                        * last such packet, until the endpoint looks */
  bool is_probed : 1;  /* a packet came on another path than the one in use */
  bool is_inside : 1;  /* a call is under way: callbacks may only look */
  bool is_late : 1;    /* the machine paused, and nothing was judged since */
  bool is_closing : 1; /* what is written is a CONNECTION_CLOSE */
  bool is_pinging : 1; /* ngtcp2's keep-alive is short, for a PING at once */
  bool has_finished : 1;   /* something was written after the handshake
                            * completed */
  bool is_paced_by_cc : 1; /* ngtcp2's congestion controller has a rate */
  bool is_paced_here : 1;  /* it has none, as the endpoint knows */
  qm_path slots[];
};

/* Opens a call that may change things, before any other work: enters the clock.
 * 0 with is_inside set, to be cleared by the caller, or QUICMIG_ERR_REENTRANT
 * (nothing was done) or _INVALID_STATE (not attached). */
int qm_migrator_enter(quicmig *m, quicmig_tstamp now);

/* The budget that all handles of the process share. */
extern qm_nat qm_nat_process;

/* What is particular of a client socket. */
typedef struct qm_migrator_socket {
  qm_addr remote;
  qm_addr from;               /* len 0: the routed address */
  const char *interface_name; /* "": none */
  bool needs_carrier;
} qm_migrator_socket;

/* Opens a client socket: options, hook, a port of *ports.  As qm_sock_open().
 */
int qm_migrator_open_socket(quicmig *m, const qm_migrator_socket *how,
                            qm_ports *ports, qm_sock *s);

/* A socket could not be opened: may it be tried again, because a draining one
 * has given way?  For sockets beside a hop's. */
bool qm_migrator_make_way(quicmig *m, int err);

/* A socket was opened at `home` and has its path: counted and watched. */
void qm_migrator_on_socket(quicmig *m, const qm_sock *s, uint8_t home);

/* What waits for its acknowledgement now. */
uint64_t qm_migrator_in_flight(const quicmig *m);

/* Something was read or written; before: in flight when reading began, or
 * UINT64_MAX. */
void qm_migrator_on_flight(quicmig *m, uint64_t before);

/* Watches it no more and closes it.  rx_faults: of its path. */
void qm_migrator_close_socket(quicmig *m, int fd, uint8_t rx_faults);

/* Lets ngtcp2 send a PING if a REBIND on trial wants a packet, and not any more
 * when it has had one. */
void qm_migrator_ping(quicmig *m);

/* Carries out what the engine wants done.  Never inside an ngtcp2 callback. */
void qm_migrator_run(quicmig *m);

/* ngtcp2 may have moved without a callback (a remembered path): follow it. */
void qm_migrator_sync(quicmig *m);

qm_cc qm_migrator_cc(const quicmig *m);

/* Was a CONNECTION_CLOSE written, or is it about to be?  Nothing else matters
 * then. */
bool qm_migrator_is_closing(const quicmig *m);

/* Gives ngtcp2 what fd holds, within a budget; a count, or QUICMIG_ERR_CONN. */
int qm_migrator_read(quicmig *m, int fd);
/* The same, also of a path that is not watched. */
int qm_migrator_read_path(quicmig *m, uint32_t id);

/* The kernel reported err on p; on the path in use it asks for a hop. */
void qm_migrator_on_socket_error(quicmig *m, const qm_path *p, int err);

/* Does ngtcp2 know p by this local address?  It was given p->shown itself. */
static inline bool qm_migrator_is_shown_as(const qm_path *p,
                                           const ngtcp2_addr *local) {
  return qm_addr_is(&p->shown, local->addr, local->addrlen);
}

/* The path whose socket takes a packet that ngtcp2 wrote for `local`, or NULL.
 */
qm_path *qm_migrator_find_tx(const quicmig *m, const ngtcp2_addr *local);

void qm_migrator_ngtcp2_path(const quicmig *m, const qm_path *p,
                             ngtcp2_path *dest);

/* listening.c: a read of p, or of the watch for the network, has failed, or has
 * not. */
void qm_listening_on_read(quicmig *m, qm_path *p, bool is_good);
void qm_listening_on_watch_read(quicmig *m, bool is_good);
/* Is p not watched, because reads of it failed? */
bool qm_listening_is_paused(const qm_path *p);
/* Reads what was not watched for long enough.  0 or QUICMIG_ERR_CONN. */
int qm_listening_on_time(quicmig *m);

/* stall.c: is nothing coming back, and no validated hop possible? */
bool qm_stall_is_now(const quicmig *m);
/* Something was read or written: the congestion window may have changed. */
void qm_stall_on_window(quicmig *m);
/* The machine stood still from then until now. */
void qm_stall_on_pause(quicmig *m, quicmig_tstamp from);
void qm_stall_on_time(quicmig *m);

void qm_hold_free(quicmig *m);
size_t qm_hold_memory(const quicmig *m);

#endif
