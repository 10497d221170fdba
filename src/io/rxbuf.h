/*
 * Room for what one receive call gives, carved from one buffer: a socket with
 * UDP_GRO needs 64 KiB a message, one without 2 KiB.  Pure.
 */
#ifndef QM_RXBUF_H
#define QM_RXBUF_H

#include "io/net.h"

#define QM_RX_BYTES (2 * QM_GRO_MAX)
#define QM_RX_MSGS 32

/* Points messages into buf and clears the rest of them; returns how many there
 * are, 1 - QM_RX_MSGS.  size: of buf, at least QM_GRO_MAX.  no_offload: what
 * the socket does without. */
size_t qm_rxbuf_carve(qm_msg msgs[QM_RX_MSGS], uint8_t *buf, size_t size,
                      uint32_t no_offload);

#endif
