/*
 * Opens one client socket: options, application's hook, a random port within
 * the rules of qm_ports, connected.  Bounded tries; nothing stays open on
 * error.
 */
#ifndef QM_SOCK_H
#define QM_SOCK_H

#include "io/net.h"
#include "io/ports.h"

/* Asked before the socket is connected; non-zero refuses it. */
typedef int (*qm_sock_hook)(void *ctx, int fd, const qm_addr *local);

typedef struct qm_sock_request {
  qm_sock_config config;
  qm_addr local; /* host to bind; port 0: by qm_ports; len 0: any host */
  qm_addr remote;
  qm_sock_hook hook; /* NULL: none */
  void *hook_ctx;
} qm_sock_request;

typedef struct qm_sock {
  int fd;
  uint32_t no_offload; /* QUICMIG_NO_...: what it does without */
  qm_addr local, remote;
} qm_sock;

/*
 * On success *s is connected, and its port is in the history of ports.  A port
 * that is taken or refused gives way to another one.
 * Errors: QUICMIG_ERR_PORTS_EXHAUSTED, QUICMIG_ERR_APP_REFUSED,
 * QUICMIG_ERR_RANDOM; with *sys_errno QUICMIG_ERR_PORTS_REFUSED (none was
 * bound, and not all were taken) and QUICMIG_ERR_SYSTEM.
 */
int qm_sock_open(const qm_net *net, qm_ports *ports, const qm_sock_request *r,
                 qm_sock *s, int *sys_errno);

/* Was it a want of descriptors or of memory, which closing another socket may
 * end? */
bool qm_sock_is_shortage(int err, int sys_errno);

/* Reads what ports the system keeps for others, once a minute at most.  False:
 * nothing is new, or the list cannot be read or understood. */
bool qm_sock_read_reserved(const qm_net *net, qm_ports *ports,
                           quicmig_tstamp now, qm_reserved *dest);

#endif
