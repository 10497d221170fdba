#include "endpoint/routes.h"

#include <string.h>

#include "base/siphash.h"

/* Tells a socket and a host of it from others.  Whoever could work it out could
 * give a copy of a packet the port by which ngtcp2 knows a path that it has
 * validated, and lead the answers away. */
static uint16_t mark(const uint64_t key[2], const qm_addr *local,
                     uint32_t socket) {
  uint8_t input[sizeof(socket) + sizeof(local->u.in6.sin6_addr)];
  const void *host = &local->u.in.sin_addr;
  size_t n = sizeof(local->u.in.sin_addr);

  if (qm_addr_family(local) == AF_INET6) {
    host = &local->u.in6.sin6_addr;
    n = sizeof(local->u.in6.sin6_addr);
  }
  memcpy(input, &socket, sizeof(socket));
  memcpy(input + sizeof(socket), host, n);
  return (uint16_t)qm_siphash(key, input, sizeof(socket) + n);
}

void qm_routes_init(qm_routes *r, const qm_addr *local, uint32_t socket,
                    const uint64_t key[2]) {
  *r = (qm_routes){.local = *local,
                   .in_use = QM_ROUTES_MAX,
                   .first_mark = mark(key, local, socket),
                   .key = key};
}

/* The other name of a path: that of another host.  The twin of the twin is the
 * first. */
static qm_addr twin(const qm_addr *shown) {
  qm_addr a = *shown;
  uint8_t *host = qm_addr_family(&a) == AF_INET6 ? &a.u.in6.sin6_addr.s6_addr[0]
                                                 : (uint8_t *)&a.u.in.sin_addr;

  *host ^= 0x80;
  return a;
}

/* Is the path shown by that name, or was it before it was renamed? */
static bool has_name(const qm_route *route, const struct sockaddr *name,
                     socklen_t len) {
  qm_addr other;

  if (!route->shown.len) {
    return false;
  }
  if (qm_addr_is(&route->shown, name, len)) {
    return true;
  }
  other = twin(&route->shown);
  return qm_addr_is(&other, name, len);
}

static qm_route *search(qm_routes *r, const struct sockaddr *shown,
                        socklen_t len) {
  uint8_t i, at = r->last;

  for (i = 0; i < QM_ROUTES_MAX;
       i++, at = (uint8_t)((at + 1) % QM_ROUTES_MAX)) {
    if (has_name(&r->all[at], shown, len)) {
      r->last = at;
      return &r->all[at];
    }
  }
  return NULL;
}

const qm_route *qm_routes_find(qm_routes *r, const struct sockaddr *shown,
                               socklen_t len) {
  qm_route *route = search(r, shown, len);

  if (route) {
    route->asked = ++r->asked;
  }
  return route;
}

void qm_routes_rename(qm_routes *r, const qm_route *route) {
  qm_addr *shown = &r->all[route - r->all].shown;

  *shown = twin(shown);
}

void qm_routes_on_accepted(qm_routes *r, const qm_route *route) {
  size_t i = (size_t)(route - r->all);

  if (i != r->in_use) {
    r->all[i].asked = ++r->asked;
  }
}

static bool is_it(const qm_route *route, const qm_addr *remote,
                  const qm_addr *local, uint32_t socket) {
  return route->shown.len && route->socket == socket &&
         qm_addr_is_equal(&route->remote, remote) &&
         qm_addr_is_equal(&route->local, local);
}

/* Has ngtcp2 asked for so many others since? */
static bool is_long_ago(const qm_routes *r, const qm_route *route) {
  size_t i, n = 0;

  for (i = 0; i < QM_ROUTES_MAX; i++) {
    n += r->all[i].shown.len && r->all[i].asked > route->asked;
  }
  return n >= QM_ROUTES_ASKED;
}

/* How much a path is missed when another takes its place. */
static unsigned worth(const qm_routes *r, const qm_route *route) {
  if (!route->shown.len) {
    return 0;
  }
  if (!route->asked) {
    return route->is_second ? 2 : 3;
  }
  return is_long_ago(r, route) ? 1 : 4;
}

/* The slot of the path that is missed least, the oldest one of several. */
static qm_route *oldest(qm_routes *r) {
  qm_route *best = NULL;
  unsigned least = 0;
  uint8_t i;

  for (i = 0; i < QM_ROUTES_MAX; i++) {
    qm_route *route = &r->all[i];
    unsigned w = worth(r, route);

    if (i != r->in_use &&
        (!best || w < least || (w == least && route->noted < best->noted))) {
      best = route;
      least = w;
    }
  }
  return best;
}

static bool is_seen(const qm_routes *r, const qm_addr *remote) {
  size_t i;

  for (i = 0;
       i < QM_ROUTES_MAX &&
       !(r->all[i].shown.len && qm_addr_is_equal(&r->all[i].remote, remote));
       i++) {
  }
  return i < QM_ROUTES_MAX;
}

static void note(qm_routes *r, const qm_addr *remote, const qm_addr *local,
                 uint32_t socket) {
  qm_route *route = oldest(r);
  uint16_t port =
      qm_addr_port(remote) ^ mark(r->key, local, socket) ^ r->first_mark;
  qm_addr shown = *remote;

  route->shown.len = 0;
  qm_addr_set_port(&shown, port);
  while (search(r, &shown.u.sa, shown.len)) { /* one in 65,536 */
    qm_addr_set_port(&shown, ++port);
  }
  *route = (qm_route){.shown = shown,
                      .remote = *remote,
                      .local = *local,
                      .socket = socket,
                      .is_second = is_seen(r, remote),
                      .noted = ++r->noted};
  r->last = (uint8_t)(route - r->all);
}

const qm_route *qm_routes_on_packet(qm_routes *r, const qm_addr *remote,
                                    const qm_addr *local, uint32_t socket) {
  uint8_t i, at = r->last;

  for (i = 0; i < QM_ROUTES_MAX;
       i++, at = (uint8_t)((at + 1) % QM_ROUTES_MAX)) {
    if (is_it(&r->all[at], remote, local, socket)) {
      r->last = at;
      return &r->all[at];
    }
  }
  note(r, remote, local, socket);
  return &r->all[r->last];
}

void qm_routes_use(qm_routes *r, const qm_route *route) {
  r->in_use = (uint8_t)(route - r->all);
  r->all[r->in_use].is_validated = true;
}
