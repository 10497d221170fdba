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

void qm_routes_on_packet(qm_routes *r, const qm_addr *remote,
                         const qm_addr *local, uint32_t socket,
                         const qm_addr *current) {
  if (qm_routes_find(r, &remote->u.sa, remote->len)) {
    return;
  }
  r->last = next_slot(r, current);
  r->all[r->last] =
      (qm_route){.remote = *remote, .local = *local, .socket = socket};
}
