/*
 * Ancillary data of a datagram: ECN bits and the local address.  Pure: only
 * bytes in a msghdr.
 */
#ifndef QM_CMSG_H
#define QM_CMSG_H

#include "io/net.h"

/* Room for both items, aligned for cmsghdr. */
#define QM_CMSG_MAX 128

typedef union qm_cmsg_buf {
  uint8_t bytes[QM_CMSG_MAX];
  size_t align;
} qm_cmsg_buf;

/* Reads ECN and destination host from a received message into p; the port of
 * p->local is left as it is. */
void qm_cmsg_read(struct msghdr *msg, qm_pkt *p);

/* Fills msg's control data for p: ECN when not 0, source host when p->local is
 * given.  msg->msg_control must be a zeroed qm_cmsg_buf. */
void qm_cmsg_write(struct msghdr *msg, const qm_pkt *p);

#endif
