/*
 * The paths of a server's connection: each address of its client with the
 * socket and the host that it addressed, from which it is answered.
 *
 * ngtcp2 tells paths apart by the client's address alone; its local address is
 * always the one where the connection began.  But a NAT may give a hop a port
 * that another hop has, towards another port of the server: those are two
 * paths.  So what is shown to ngtcp2 as the client's port depends on both ends,
 * and what comes to another port, be it a path or a copy of somebody's, is
 * validated before it counts.  By the way by which the connection began it is
 * the true port, so always where a server has one socket and one address.
 *
 * Packets are noted before anybody knows whether they are genuine.  A path on
 * which ngtcp2 accepted one, or that it asked for, has had a genuine one.  A
 * new path takes the place of one that was asked for long ago, else one of an
 * address that had been seen at another socket, as copies are (and paths behind
 * a NAT with few ports), else the oldest that was never asked for. Pure.
 */
#ifndef QM_ROUTES_H
#define QM_ROUTES_H

#include "base/addr.h"

/* Paths of one client that are remembered, and those of them that ngtcp2 asked
 * for last, besides the one in use: as many as it uses at once. */
#define QM_ROUTES_MAX 16
#define QM_ROUTES_ASKED 6

typedef struct qm_route {
  qm_addr shown; /* what ngtcp2 takes for the client's address, from now on;
                  * len 0: none */
  qm_addr remote;
  qm_addr local;
  uint32_t socket;   /* its number */
  bool is_second;    /* that address had been seen at another socket */
  bool is_validated; /* by ngtcp2, once */
  uint64_t noted;    /* a count */
  uint64_t asked;    /* for by ngtcp2, or accepted: a count; 0: never */
} qm_route;

typedef struct qm_routes {
  qm_addr local; /* that ngtcp2 sees */
  uint8_t last;  /* found or noted last */
  uint8_t in_use;
  uint16_t first_mark; /* of the way by which the connection began */
  const uint64_t *key;
  uint64_t noted, asked;
  qm_route all[QM_ROUTES_MAX];
} qm_routes;

/* local: where the first packet came to, by that socket.  key: two words that
 * nobody can guess; it outlives r. */
void qm_routes_init(qm_routes *r, const qm_addr *local, uint32_t socket,
                    const uint64_t key[2]);

/* The path on which a packet came, from `remote` to `local` by that socket;
 * noted if it is new.  Valid until the next one is noted. */
const qm_route *qm_routes_on_packet(qm_routes *r, const qm_addr *remote,
                                    const qm_addr *local, uint32_t socket);

/* From now on ngtcp2 takes that path for one from another host, which resets
 * what it knows of the network, and goes by its other name if that is done
 * again. */
void qm_routes_rename(qm_routes *r, const qm_route *route);

/* The path that is shown with that address, for ngtcp2, or was before it was
 * renamed; NULL: not known any more. */
const qm_route *qm_routes_find(qm_routes *r, const struct sockaddr *shown,
                               socklen_t len);

/* ngtcp2 accepted a packet that came on that path: it will ask for it. */
void qm_routes_on_accepted(qm_routes *r, const qm_route *route);

/* NULL: none yet. */
static inline const qm_route *qm_routes_in_use(const qm_routes *r) {
  return r->in_use < QM_ROUTES_MAX ? &r->all[r->in_use] : NULL;
}

/* That one is validated, and in use from now on: it is not forgotten. */
void qm_routes_use(qm_routes *r, const qm_route *route);

#endif
