#include "io/txplan.h"

#include <errno.h>

/* A device without checksum offload gives EIO for segments, some give it for
 * ancillary data; EINVAL comes when a segment no longer fits the route's MTU.
 */
static qm_tx_verdict simplify(const qm_msg *m) {
  if (qm_msg_count(m) > 1) {
    return QM_TX_NO_GSO;
  }
  return m->ecn ? QM_TX_UNMARK : QM_TX_SKIP;
}

bool qm_txplan_is_path_down(int err) {
  switch (err) {
  case ENETUNREACH:
  case EHOSTUNREACH:
  case EADDRNOTAVAIL:
  case ENETDOWN:
  case ENODEV:
    return true;
  default:
    return false;
  }
}

qm_tx_verdict qm_txplan_on_error(int err, const qm_msg *m) {
  switch (err) {
  case EIO:
  case EINVAL:
    return simplify(m);
  case EMSGSIZE: /* a lost MTU probe, or one among others */
    return qm_msg_count(m) > 1 ? QM_TX_SPLIT : QM_TX_SKIP;
  case EAGAIN:
#if EWOULDBLOCK != EAGAIN
  case EWOULDBLOCK:
#endif
  case ENOBUFS:
  case ENOMEM:
    return QM_TX_WAIT;
  case ECONNREFUSED: /* ICMP can be forged: a hint, read once */
  case EINTR:
    return QM_TX_AGAIN;
  default: /* EPERM: a local firewall; ... */
    return qm_txplan_is_path_down(err) ? QM_TX_PATH_DOWN : QM_TX_SKIP;
  }
}
