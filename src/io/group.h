/*
 * A group of sockets behind one descriptor (epoll): whoever waits watches one
 * instead of thousands, and learns which of them have something to read.  The
 * four functions are those of qm_net, ctx is not used.
 */
#ifndef QM_GROUP_H
#define QM_GROUP_H

#include <stddef.h>
#include <stdint.h>

int qm_group_open(void *ctx);
int qm_group_join(void *ctx, int group, int fd, uint32_t number);
int qm_group_leave(void *ctx, int group, int fd);
int qm_group_readable(void *ctx, int group, uint32_t *numbers, size_t n);

#endif
