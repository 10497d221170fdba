/*
 * Sockets that are read together, in the order in which the kernel received.
 * One after the other, a busy moment's worth of packets of one would make the
 * truncated packet numbers of another undecodable (RFC 9000 appendix A.3): its
 * data, or what proves a path.  Pure.
 */
#ifndef QM_SOURCE_H
#define QM_SOURCE_H

#include "io/net.h"

/* A socket among others, and the message at its head. */
typedef struct qm_source {
  uint32_t id; /* the reader's name for the socket */
  bool has_msg;
  qm_msg msg;
} qm_source;

/* The one whose message came first, of several at once the first one; NULL:
 * none has a message. */
static inline qm_source *qm_source_earliest(qm_source *sources, size_t n) {
  qm_source *s = NULL;
  size_t i;

  for (i = 0; i < n; i++) {
    if (sources[i].has_msg && (!s || sources[i].msg.at < s->msg.at)) {
      s = &sources[i];
    }
  }
  return s;
}

#endif
