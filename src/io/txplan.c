#include "io/txplan.h"

#include <errno.h>

qm_tx_verdict qm_txplan_on_error(int err) {
  switch (err) {
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
  case ENETUNREACH:
  case EHOSTUNREACH:
  case EADDRNOTAVAIL:
  case ENETDOWN:
  case ENODEV:
    return QM_TX_PATH_DOWN;
  default: /* EMSGSIZE: a lost MTU probe; EPERM: a local firewall; ... */
    return QM_TX_SKIP;
  }
}
