/*
 * A descriptor whose reads fail and fail again.  It stays readable, so that a
 * loop which watches it would turn without end.  After three failures in a row
 * it is not watched for 2 ms, and then read again at once; each further failure
 * makes that eight times as long, up to about a second.  A read that does not
 * fail, were it of nothing, ends it.
 *
 * Pure: the owner keeps the number of failures in a row, in three bits.
 */
#ifndef QM_RXFAULT_H
#define QM_RXFAULT_H

#include <stdbool.h>

#include <quicmig/types.h>

#define QM_RXFAULT_PATIENCE 3 /* so many in a row pass for bad luck */
#define QM_RXFAULT_MAX 6

/* The number after one more failure. */
static inline uint8_t qm_rxfault_next(uint8_t n) {
  return n < QM_RXFAULT_MAX ? (uint8_t)(n + 1) : n;
}

/* Is it not watched, after n failures in a row? */
static inline bool qm_rxfault_is_paused(uint8_t n) {
  return n >= QM_RXFAULT_PATIENCE;
}

/* For how long: 2, 16, 128, 1024 ms. */
static inline quicmig_duration qm_rxfault_pause(uint8_t n) {
  return (2 * QUICMIG_MILLISECOND) << 3 * (n - QM_RXFAULT_PATIENCE);
}

#endif
