/*
 * The network as the library sees it: a small table of functions, shaped for
 * batches, with the kernel behind it in production (qm_net_kernel) and a
 * simulated network in tests.  Every call returns 0 or a count >= 0, or the
 * negative errno.  Sockets never block.
 */
#ifndef QM_NET_H
#define QM_NET_H

#include "base/addr.h"
#include <quicmig/types.h>

/* Largest datagram that is received whole; a longer one is marked truncated. */
#define QM_PKT_MAX 2048
/* Room a received message needs on a socket with UDP_GRO. */
#define QM_GRO_MAX 65536
/* Readable sockets of a group named by one call, at most. */
#define QM_GROUP_MAX 16
/* Messages moved by one call, at most. */
#define QM_MSGS_MAX 64
/* Datagrams of one message, at most (UDP_MAX_SEGMENTS of older kernels). */
#define QM_SEGMENTS_MAX 64

/*
 * A message: one datagram, or several of one flow that lie one behind the
 * other, `segment` bytes each but the last, which may be shorter.  recv: data
 * and cap are given, the rest is filled in.  send: remote.len is 0 on a
 * connected socket; local.len 0 lets the kernel choose.
 */
typedef struct qm_msg {
  uint8_t *data;
  size_t cap;
  size_t len;     /* all of it */
  size_t segment; /* 0 or len: one datagram */
  qm_addr remote;
  qm_addr local; /* the destination it was sent to, where asked for */
  int family;    /* of the socket; send only */
  uint8_t ecn;   /* RFC 3168 bits, 0-3 */
  bool is_truncated;
  uint64_t at; /* when the kernel got it, for its order among sockets; 0: not
                  asked for */
} qm_msg;

/* Its datagrams, an empty one included. */
static inline size_t qm_msg_count(const qm_msg *m) {
  return m->segment && m->len ? (m->len + m->segment - 1) / m->segment : 1;
}

/* The i-th of them: where it begins, and its length. */
static inline uint8_t *qm_msg_at(const qm_msg *m, size_t i, size_t *len) {
  size_t at = i * m->segment, left = m->len - at;

  *len = m->segment && m->segment < left ? m->segment : left;
  return m->data + at;
}

typedef struct qm_sock_config {
  int family;
  bool is_server;          /* unconnected: report each datagram's destination */
  bool reports_time;       /* and when it came: one of several to be read */
  uint32_t no_offload;     /* QUICMIG_NO_...: not wanted */
  uint32_t rcvbuf, sndbuf; /* 0: leave */
  uint32_t fwmark;         /* 0: none */
  const char *interface_name; /* NULL or "": none */
  bool needs_carrier;         /* refuse an interface that is not running */
} qm_sock_config;

typedef struct qm_net {
  void *ctx;
  /* A socket with every option set (DF, ECN, buffers, mark, device, offloads),
   * neither bound nor connected.  *no_offload: the offloads it does without,
   * unwanted or not there. */
  int (*open)(void *ctx, const qm_sock_config *c, int *fd,
              uint32_t *no_offload);
  /* May be tried again with another address after it failed. */
  int (*bind)(void *ctx, int fd, const qm_addr *local);
  int (*connect)(void *ctx, int fd, const qm_addr *remote);
  /* The address the socket is bound to: routed source and port. */
  int (*local_addr)(void *ctx, int fd, qm_addr *local);
  /* Up to n messages that are there, n <= QM_MSGS_MAX; 0: none.  A zero-length
   * datagram counts.  An error is returned only when nothing was received
   * before it. */
  int (*recv)(void *ctx, int fd, qm_msg *msgs, size_t n);
  /* Sends in order, n <= QM_MSGS_MAX; returns how many were taken, each of them
   * whole.  An error is returned only when the first one met it. */
  int (*send)(void *ctx, int fd, const qm_msg *msgs, size_t n);
  void (*close)(void *ctx, int fd);
  /* The text of net.ipv4.ip_local_reserved_ports, as much as there is room for;
   * its length.  NULL: no port is reserved. */
  int (*reserved)(void *ctx, char *dest, size_t len);
  /* Now, in ns: only differences are used, to tell how long a call took. */
  quicmig_tstamp (*clock)(void *ctx);
  /* A descriptor that becomes readable when links, addresses or routes change,
   * and its emptying, which says whether they did: 1 or 0.  NULL: there is
   * none.
   */
  int (*watch)(void *ctx);
  int (*changed)(void *ctx, int fd);
  /* A descriptor that is readable while a socket that joined it is, by the
   * number it joined with; and up to n of those, n <= QM_GROUP_MAX, by and
   * large the longest readable first.  Those that are named stand behind the
   * others the next time.  A socket leaves, and may join
   * again; it also leaves when it is closed. */
  int (*group)(void *ctx);
  int (*join)(void *ctx, int group, int fd, uint32_t number);
  int (*leave)(void *ctx, int group, int fd);
  int (*readable)(void *ctx, int group, uint32_t *numbers, size_t n);
  /* Bytes that nobody can guess. */
  int (*random)(void *ctx, void *dest, size_t n);
} qm_net;

extern const qm_net qm_net_kernel;

#endif
