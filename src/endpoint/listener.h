/*
 * The sockets of a server: one for each port of its range, and that for one or
 * two addresses.  A socket is named by its number, from 0 on.  One whose reads
 * fail again and again is not listened to for a while; the others are.
 */
#ifndef QM_LISTENER_H
#define QM_LISTENER_H

#include "base/mem.h"
#include "io/net.h"
#include <quicmig/endpoint.h>

/* Ports of one range. */
#define QM_LISTENER_PORTS 4096

typedef struct qm_listen_socket {
  int fd;
  qm_addr local;     /* as bound */
  uint8_t rx_faults; /* reads that failed in a row: io/rxfault.h */
} qm_listen_socket;

typedef struct qm_listener {
  const quicmig_mem *mem;
  const qm_net *net;
  qm_listen_socket *sockets;
  size_t n;
  int group;               /* of several; -1: there is only one */
  uint8_t group_faults;    /* as rx_faults, of asking it */
  quicmig_tstamp again_at; /* what failed is to be read again then */
  uint32_t no_offload;     /* QUICMIG_NO_...: what at least one does without */
} qm_listener;

/* What a server's configuration says about them. */
typedef struct qm_listener_config {
  qm_addr local[2]; /* the second one's len 0: none */
  uint16_t port_hi; /* 0: one port */
  uint32_t no_offload, fwmark;
} qm_listener_config;

/*
 * Opens all of them, or none; *local is the address of the first.
 * Errors, with their text: QUICMIG_ERR_NOMEM, QUICMIG_ERR_SYSTEM (errno is
 * set).
 */
int qm_listener_open(qm_listener *l, const qm_listener_config *c,
                     const quicmig_mem *mem, const qm_net *net, qm_addr *local);
void qm_listener_close(qm_listener *l);

/* The descriptor that is readable while one of the sockets is; -1: closed. */
int qm_listener_fd(const qm_listener *l);

/* Is it to be watched?  Not while reading its only socket fails, or asking the
 * group does. */
bool qm_listener_is_watched(const qm_listener *l);

/* Sockets of a group that have something to read, at most n and QM_GROUP_MAX,
 * by and large the longest readable first, and all of them in turn. */
size_t qm_listener_readable(qm_listener *l, uint32_t *numbers, size_t n,
                            quicmig_tstamp now);

/* Up to n messages of that socket; returns how many there were. */
size_t qm_listener_take(qm_listener *l, uint32_t number, qm_msg *msgs, size_t n,
                        quicmig_tstamp now);

/* When to try those again that are not listened to; NEVER: all are. */
static inline quicmig_tstamp qm_listener_deadline(const qm_listener *l) {
  return l->again_at;
}

/* The first one from `from` on that is not listened to, to be read again, which
 * may end that; l->n: there is no other.  The deadline is set anew by those
 * reads that fail again. */
size_t qm_listener_next_paused(const qm_listener *l, size_t from);
void qm_listener_on_retry(qm_listener *l);

#endif
