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
  uint64_t id;     /* names the connection ID that the client used first */
  uint64_t number; /* they are counted */
} qm_route;

typedef struct qm_routes {
  qm_addr shown;  /* the local address that ngtcp2 sees */
  uint8_t last;   /* found or noted last */
  uint8_t oldest; /* overwritten next */
  uint64_t count;
  qm_route all[QM_ROUTES_MAX];
} qm_routes;

void qm_routes_init(qm_routes *r, const qm_addr *shown);

/* A packet came from seen->remote to seen->local.  current: the client's
 * validated address.  The first one from an address to a connection ID counts:
 * nothing says here whether a packet is genuine, and a copy of one, sent to
 * another port, must not lead the answers away.  With another ID it is another
 * path of the client, to which a NAT gave the port of an earlier one; unless
 * the address is the current one. */
void qm_routes_on_packet(qm_routes *r, const qm_route *seen,
                         const qm_addr *current);

/* The client has moved from one validated address to another: of those seen
 * before no other matters any longer, and a NAT may give its port to the same
 * client again. */
void qm_routes_on_move(qm_routes *r, const qm_addr *from, const qm_addr *to);

/* The way to an address that ngtcp2 wants to send to; NULL: not known. */
const qm_route *qm_routes_find(qm_routes *r, const struct sockaddr *remote,
                               socklen_t len);

#endif
