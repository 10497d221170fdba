#include "io/rxbuf.h"

size_t qm_rxbuf_carve(qm_msg msgs[QM_RX_MSGS], uint8_t *buf, size_t size,
                      uint32_t no_offload) {
  size_t cap = no_offload & QUICMIG_NO_GRO ? QM_PKT_MAX : QM_GRO_MAX;
  size_t n = size / cap, i;

  n = n < QM_RX_MSGS ? n : QM_RX_MSGS;
  for (i = 0; i < n; i++) {
    msgs[i] = (qm_msg){.data = buf + i * cap, .cap = cap};
  }
  return n;
}
