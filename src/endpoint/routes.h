/*
 * How a server's connection answers each address of its client: from the socket
 * and the host that were addressed there.  ngtcp2 sees one local address, the
 * one where the connection began.  Pure.
 */
#ifndef QM_ROUTES_H
#define QM_ROUTES_H

#include "base/addr.h"

/* Addresses of one client that are remembered: more than ngtcp2 uses at once.
 * The one in use is never overwritten by those that were only seen. */
#define QM_ROUTES_MAX 8

typedef struct qm_route {
  qm_addr remote; /* len 0: none */
  qm_addr local;
  uint32_t socket; /* its number */
} qm_route;

typedef struct qm_routes {
  qm_addr shown;  /* the local address that ngtcp2 sees */
  uint8_t last;   /* found or noted last */
  uint8_t oldest; /* overwritten next */
  qm_route all[QM_ROUTES_MAX];
} qm_routes;

void qm_routes_init(qm_routes *r, const qm_addr *shown);

/* A packet came from `remote` to `local` on that socket.  current: the client's
 * validated address.  The first one from an address counts: nothing says here
 * whether a packet is genuine, and a copy of one, sent to another port, must
 * not lead the answers away. */
void qm_routes_on_packet(qm_routes *r, const qm_addr *remote,
                         const qm_addr *local, uint32_t socket,
                         const qm_addr *current);

/* The way to an address that ngtcp2 wants to send to; NULL: not known. */
const qm_route *qm_routes_find(qm_routes *r, const struct sockaddr *remote,
                               socklen_t len);

#endif
