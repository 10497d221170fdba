/*
 * What the sockets of a listener have received, as one stream in the order in
 * which the kernel received it (io/source.h says why).  It holds one message of
 * each socket, QM_GROUP_MAX sockets at a time, also from one run of the server
 * to the next.  Only while that many do not run dry and more are readable, one
 * after the other makes room, and is overtaken.
 */
#ifndef QM_INBOX_H
#define QM_INBOX_H

#include "endpoint/listener.h"
#include "io/source.h"

typedef struct qm_inbox {
  qm_listener *listener;
  uint8_t *room; /* QM_GRO_MAX bytes for each source */
  qm_source sources[QM_GROUP_MAX];
  size_t turn;      /* whose it is to make room when all are busy, */
  uint32_t waiting; /* for this socket, if there is one */
} qm_inbox;

/* Of a listener with several sockets, which must outlive it; with one it does
 * nothing.  Errors: QUICMIG_ERR_NOMEM. */
int qm_inbox_init(qm_inbox *in, qm_listener *l);
void qm_inbox_reset(qm_inbox *in);

/* Lets sockets join that have become readable. */
void qm_inbox_look(qm_inbox *in, quicmig_tstamp now);

/* Is there only one socket, and nothing at hand?  It leaves: who asks reads it.
 */
bool qm_inbox_is_one(qm_inbox *in, uint32_t *number);

/* The next message and its socket; valid until the next call.  NULL: there is
 * none. */
const qm_msg *qm_inbox_next(qm_inbox *in, quicmig_tstamp now, uint32_t *number);

/* Is something at hand? */
bool qm_inbox_has_more(const qm_inbox *in);

#endif
