#include "endpoint/routes.h"

void qm_routes_init(qm_routes *r, const qm_addr *shown) {
  *r = (qm_routes){.shown = *shown};
}

const qm_route *qm_routes_find(qm_routes *r, const struct sockaddr *remote,
                               socklen_t len) {
  uint8_t i, at = r->last;

  for (i = 0; i < QM_ROUTES_MAX;
       i++, at = (uint8_t)((at + 1) % QM_ROUTES_MAX)) {
    if (r->all[at].remote.len && qm_addr_is(&r->all[at].remote, remote, len)) {
      r->last = at;
      return &r->all[at];
    }
  }
  return NULL;
}

/* The slot for a new address: not that of the one in use. */
static uint8_t next_slot(qm_routes *r, const qm_addr *current) {
  uint8_t at = r->oldest;

  if (r->all[at].remote.len && qm_addr_is_equal(&r->all[at].remote, current)) {
    at = (uint8_t)((at + 1) % QM_ROUTES_MAX);
  }
  r->oldest = (uint8_t)((at + 1) % QM_ROUTES_MAX);
  return at;
}

/* Is it of the path that the address is known for? */
static bool is_known(const qm_route *known, const qm_route *seen,
                     const qm_addr *current) {
  return known->id == seen->id || qm_addr_is_equal(&known->remote, current);
}

void qm_routes_on_packet(qm_routes *r, const qm_route *seen,
                         const qm_addr *current) {
  const qm_route *known =
      qm_routes_find(r, &seen->remote.u.sa, seen->remote.len);

  if (!known) {
    r->last = next_slot(r, current);
  } else if (is_known(known, seen, current)) {
    return;
  }
  r->all[r->last] = *seen;
  r->all[r->last].number = ++r->count;
}

void qm_routes_on_move(qm_routes *r, const qm_addr *from, const qm_addr *to) {
  const qm_route *dest = qm_routes_find(r, &to->u.sa, to->len);
  size_t i;

  for (i = 0; dest && i < QM_ROUTES_MAX; i++) {
    if (r->all[i].number < dest->number &&
        !qm_addr_is_equal(&r->all[i].remote, from)) {
      r->all[i].remote.len = 0;
    }
  }
}
