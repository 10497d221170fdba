/*
 * Ancillary data of a message: ECN bits, the local address, the size of its
 * segments, and when it came.  Pure: only bytes in a msghdr.
 */
#ifndef QM_CMSG_H
#define QM_CMSG_H

#include "io/net.h"

/* Room for all items, aligned for cmsghdr. */
#define QM_CMSG_MAX 128

typedef union qm_cmsg_buf {
  uint8_t bytes[QM_CMSG_MAX];
  size_t align;
} qm_cmsg_buf;

/* Reads ECN, destination host, segment size and time of a received message,
 * whose len is set, into p; the port of p->local is left as it is. */
void qm_cmsg_read(struct msghdr *msg, qm_msg *p);

/* Fills msg's control data for p: ECN when not 0, source host when p->local is
 * given, segment size when there are several.  msg->msg_control must be a
 * zeroed qm_cmsg_buf. */
void qm_cmsg_write(struct msghdr *msg, const qm_msg *p);

#endif
