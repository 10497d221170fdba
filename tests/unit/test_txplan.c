/* What becomes of a packet that the kernel did not take: every errno that
 * sendmsg is known to give. */
#include "io/txplan.h"

#include <errno.h>

#include "table.h"

static void every_errno_has_its_verdict(void **state) {
  static const struct row {
    const char *name;
    int err;
    qm_tx_verdict want;
  } rows[] = {
      {"EAGAIN: the buffer is full", EAGAIN, QM_TX_WAIT},
      {"EWOULDBLOCK", EWOULDBLOCK, QM_TX_WAIT},
      {"ENOBUFS: the device queue is full", ENOBUFS, QM_TX_WAIT},
      {"ENOMEM", ENOMEM, QM_TX_WAIT},
      {"ECONNREFUSED: a pending ICMP error", ECONNREFUSED, QM_TX_AGAIN},
      {"EINTR", EINTR, QM_TX_AGAIN},
      {"ENETUNREACH: no route", ENETUNREACH, QM_TX_PATH_DOWN},
      {"EHOSTUNREACH", EHOSTUNREACH, QM_TX_PATH_DOWN},
      {"EADDRNOTAVAIL: our address went", EADDRNOTAVAIL, QM_TX_PATH_DOWN},
      {"ENETDOWN: the device is down", ENETDOWN, QM_TX_PATH_DOWN},
      {"ENODEV: the device is gone", ENODEV, QM_TX_PATH_DOWN},
      {"EMSGSIZE: an MTU probe too large", EMSGSIZE, QM_TX_SKIP},
      {"EPERM: a local firewall", EPERM, QM_TX_SKIP},
      {"EACCES", EACCES, QM_TX_SKIP},
      {"EINVAL", EINVAL, QM_TX_SKIP},
      {"EIO", EIO, QM_TX_SKIP},
      {"EPROTO: forged ICMP", EPROTO, QM_TX_SKIP},
      {"an errno of the future", 4000, QM_TX_SKIP},
      {"0", 0, QM_TX_SKIP},
  };
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    row_equal(r, qm_txplan_on_error(r->err), r->want);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_errno_has_its_verdict),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
