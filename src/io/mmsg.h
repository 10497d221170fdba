/*
 * Messages to and from a Linux UDP socket, many by one system call.  The two
 * functions are those of qm_net, ctx is not used.
 */
#ifndef QM_MMSG_H
#define QM_MMSG_H

#include "io/net.h"

int qm_mmsg_recv(void *ctx, int fd, qm_msg *msgs, size_t n);
int qm_mmsg_send(void *ctx, int fd, const qm_msg *msgs, size_t n);

#endif
