/*
 * Groups of simulated sockets: the four functions of qm_net.
 */
#ifndef SIM_GROUP_H
#define SIM_GROUP_H

#include "sim.h"

int sim_group_open(void *ctx);
int sim_group_join(void *ctx, int group, int fd, uint32_t number);
int sim_group_leave(void *ctx, int group, int fd);
int sim_group_readable(void *ctx, int group, uint32_t *numbers, size_t n);

/* sim.c: a free descriptor, or -EMFILE; and the errno that a test wants of that
 * call, or 0. */
int sim_take_fd(sim_host *h);
int sim_fault(sim_host *h, sim_call call);
/* A socket has something to read. */
void sim_set_readable(sim_host *h, int fd);

#endif
