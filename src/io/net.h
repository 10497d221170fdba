/*
 * The network as the library sees it: a small table of functions, shaped for
 * batches, with the kernel behind it in production (qm_net_kernel) and a
 * simulated network in tests.  Every call returns 0 or a count >= 0, or the
 * negative errno.  Sockets never block.
 */
#ifndef QM_NET_H
#define QM_NET_H

#include "base/addr.h"

/* Largest datagram that is received whole; a longer one is marked truncated. */
#define QM_PKT_MAX 2048
/* Datagrams moved by one call. */
#define QM_BATCH 16

/* One datagram.  recv: data and cap are given, the rest is filled in.  send:
 * remote.len is 0 on a connected socket; local.len 0 lets the kernel choose. */
typedef struct qm_pkt {
  uint8_t *data;
  size_t cap;
  size_t len;
  qm_addr remote;
  qm_addr local; /* the destination it was sent to, where asked for */
  int family;    /* of the socket; send only */
  uint8_t ecn;   /* RFC 3168 bits, 0-3 */
  bool is_truncated;
} qm_pkt;

typedef struct qm_sock_config {
  int family;
  bool is_server;          /* unconnected: report each datagram's destination */
  uint32_t rcvbuf, sndbuf; /* 0: leave */
  uint32_t fwmark;         /* 0: none */
  const char *interface_name; /* NULL or "": none */
} qm_sock_config;

typedef struct qm_net {
  void *ctx;
  /* A socket with every option set (DF, ECN, buffers, mark, device), neither
   * bound nor connected. */
  int (*open)(void *ctx, const qm_sock_config *c, int *fd);
  /* May be tried again with another address after it failed. */
  int (*bind)(void *ctx, int fd, const qm_addr *local);
  int (*connect)(void *ctx, int fd, const qm_addr *remote);
  /* The address the socket is bound to: routed source and port. */
  int (*local_addr)(void *ctx, int fd, qm_addr *local);
  /* Up to n datagrams that are there; 0: none.  A zero-length datagram counts.
   * An error is returned only when nothing was received before it. */
  int (*recv)(void *ctx, int fd, qm_pkt *pkts, size_t n);
  /* Sends in order; returns how many were taken.  An error is returned only
   * when the first one met it. */
  int (*send)(void *ctx, int fd, const qm_pkt *pkts, size_t n);
  void (*close)(void *ctx, int fd);
  /* Now, in ns: only differences are used, to tell how long a call took. */
  quicmig_tstamp (*clock)(void *ctx);
  /* Bytes that nobody can guess. */
  int (*random)(void *ctx, void *dest, size_t n);
} qm_net;

extern const qm_net qm_net_kernel;

#endif
