#include "uplink.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <string.h>

void sim_set_addr(qm_addr *a, const char *text) {
  if (strchr(text, ':')) {
    qm_addr_any(a, AF_INET6);
    inet_pton(AF_INET6, text, &a->u.in6.sin6_addr);
  } else {
    qm_addr_any(a, AF_INET);
    inet_pton(AF_INET, text, &a->u.in.sin_addr);
  }
}

size_t sim_uplink_add(sim_host *h, const char *interface, const char *addr) {
  sim_uplink *u = &h->uplinks[h->n_uplinks];

  assert(h->n_uplinks < SIM_UPLINKS && strlen(interface) < 16);
  *u = (sim_uplink){.is_up = true};
  strcpy(u->interface, interface);
  sim_set_addr(&u->addr, addr);
  return h->n_uplinks++;
}

void sim_network_changes(sim_host *h) {
  int fd;

  for (fd = 0; fd < SIM_SOCKS; fd++) {
    if (h->socks[fd].is_used && h->socks[fd].is_watch) {
      h->socks[fd].is_changed = true;
      sim_wake(h, fd);
    }
  }
}

void sim_uplink_set(sim_host *h, size_t i, bool is_up) {
  h->uplinks[i].is_up = is_up;
  sim_network_changes(h);
}

bool sim_is_here(const sim_host *h, const qm_addr *a) {
  size_t i;

  for (i = 0; i < h->n_uplinks; i++) {
    if (h->uplinks[i].is_up && qm_addr_is_same_host(&h->uplinks[i].addr, a)) {
      return true;
    }
  }
  return h->n_uplinks == 0;
}

int sim_find_device(const sim_host *h, const qm_sock_config *c) {
  const char *name = c->interface_name;
  int found = -ENODEV;
  size_t i;

  if (!name || !name[0] || h->n_uplinks == 0) {
    return -1;
  }
  for (i = 0; i < h->n_uplinks; i++) {
    if (strcmp(h->uplinks[i].interface, name) == 0 &&
        (found < 0 || h->uplinks[i].is_up)) {
      found = (int)i;
    }
  }
  return found >= 0 && c->needs_carrier && !h->uplinks[found].is_up ? -ENETDOWN
                                                                    : found;
}

int sim_find_route(const sim_host *h, const sim_sock *s,
                   const qm_addr *remote) {
  const sim_uplink *u = h->uplinks;
  size_t i;

  for (i = 0; i < h->n_uplinks; i++) {
    if (u[i].is_up && qm_addr_family(&u[i].addr) == qm_addr_family(remote) &&
        (s->device < 0 ||
         strcmp(u[i].interface, u[s->device].interface) == 0) &&
        (qm_addr_is_wildcard(&s->local) ||
         qm_addr_is_same_host(&s->local, &u[i].addr))) {
      return (int)i;
    }
  }
  return -ENETUNREACH;
}
