/* What becomes of a message that the kernel did not take: every errno that
 * sendmmsg is known to give. */
#include "io/txplan.h"

#include <errno.h>

#include "table.h"

static void every_errno_has_its_verdict(void **state) {
  static const struct row {
    const char *name;
    int err;
    qm_tx_verdict want;
    size_t segment; /* of 1000 bytes; 0: one datagram */
    uint8_t ecn;
  } rows[] = {
      {"EAGAIN: the buffer is full", EAGAIN, QM_TX_WAIT, 0, 0},
      {"EWOULDBLOCK", EWOULDBLOCK, QM_TX_WAIT, 0, 0},
      {"ENOBUFS: the device queue is full", ENOBUFS, QM_TX_WAIT, 0, 0},
      {"ENOMEM", ENOMEM, QM_TX_WAIT, 0, 0},
      {"ECONNREFUSED: a pending ICMP error", ECONNREFUSED, QM_TX_AGAIN, 0, 0},
      {"EINTR", EINTR, QM_TX_AGAIN, 0, 0},
      {"ENETUNREACH: no route", ENETUNREACH, QM_TX_PATH_DOWN, 0, 0},
      {"EHOSTUNREACH", EHOSTUNREACH, QM_TX_PATH_DOWN, 0, 0},
      {"EADDRNOTAVAIL: our address went", EADDRNOTAVAIL, QM_TX_PATH_DOWN, 0, 0},
      {"ENETDOWN: the device is down", ENETDOWN, QM_TX_PATH_DOWN, 0, 0},
      {"ENODEV: the device is gone", ENODEV, QM_TX_PATH_DOWN, 0, 0},
      {"EMSGSIZE: an MTU probe too large", EMSGSIZE, QM_TX_SKIP, 0, 0},
      {"EPERM: a local firewall", EPERM, QM_TX_SKIP, 0, 0},
      {"EACCES", EACCES, QM_TX_SKIP, 0, 0},
      {"EINVAL", EINVAL, QM_TX_SKIP, 0, 0},
      {"EINVAL, marked", EINVAL, QM_TX_UNMARK, 0, 2},
      {"EINVAL, a segment beyond the MTU", EINVAL, QM_TX_NO_GSO, 600, 0},
      {"EIO", EIO, QM_TX_SKIP, 0, 0},
      {"EIO, marked: refuses ancillary data", EIO, QM_TX_UNMARK, 0, 2},
      {"EIO, segments: no checksum offload", EIO, QM_TX_NO_GSO, 600, 0},
      {"EIO, marked segments: first one, then the other", EIO, QM_TX_NO_GSO,
       600, 2},
      {"EIO, a segment size and one datagram", EIO, QM_TX_SKIP, 1000, 0},
      {"EMSGSIZE, one of several", EMSGSIZE, QM_TX_SPLIT, 600, 0},
      {"EAGAIN, segments", EAGAIN, QM_TX_WAIT, 600, 0},
      {"EAGAIN, marked", EAGAIN, QM_TX_WAIT, 0, 2},
      {"EPROTO: forged ICMP", EPROTO, QM_TX_SKIP, 0, 0},
      {"an errno of the future", 4000, QM_TX_SKIP, 0, 0},
      {"0", 0, QM_TX_SKIP, 0, 0},
  };
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    const qm_msg m = {.len = 1000, .segment = r->segment, .ecn = r->ecn};

    row_equal(r, qm_txplan_on_error(r->err, &m), r->want);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_errno_has_its_verdict),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
