/*
 * The addresses of a simulated host, if it has more than its addr: each on an
 * interface, up or down; and what the routing table makes of them.  The first
 * one that is up wins.
 */
#ifndef UPLINK_H
#define UPLINK_H

#include "sim.h"

/* "10.0.0.1" or "fd00::1". */
void sim_set_addr(qm_addr *a, const char *text);

/* Another one; with the first, h->addr means nothing any more.  Its number. */
size_t sim_uplink_add(sim_host *h, const char *interface, const char *addr);

/* Gives or takes one; whoever watches the host's network hears of it at once.
 * Not from within a run of the host's actor. */
void sim_uplink_set(sim_host *h, size_t i, bool is_up);

/* Tells the watchers of a change, although nothing is different. */
void sim_network_changes(sim_host *h);

/* For the sockets of sim.c. */

/* Is a one of the host's addresses now? */
bool sim_is_here(const sim_host *h, const qm_addr *a);

/* An uplink of the wanted interface, one that is up if there is; -1: any will
 * do.  Or -ENODEV, -ENETDOWN. */
int sim_find_device(const sim_host *h, const qm_sock_config *c);

/* The uplink that leads to a remote address, or -ENETUNREACH. */
int sim_find_route(const sim_host *h, const sim_sock *s, const qm_addr *remote);

/* Runs the host's actor as if fd were readable. */
void sim_wake(sim_host *h, int fd);

#endif
