/* What echo_client measures: which datagrams came back, how long each took, the
 * longest silence, and the share of samples below a value. */
#ifndef SCORE_H
#define SCORE_H

#include <stddef.h>
#include <stdint.h>

#include <quicmig/types.h>

/* Samples in microseconds, up to a fixed number. */
typedef struct samples {
  uint32_t *us;
  size_t len, cap;
} samples;

/* Which of n numbers were seen. */
typedef struct seen {
  uint8_t *bits;
  uint64_t n, count;
} seen;

/* The allocations end the program when there is no memory. */
void samples_init(samples *s, size_t cap);
void samples_add(samples *s, quicmig_duration d);
/* The pct-th percentile in microseconds, 0 without samples.  Sorts. */
double samples_percentile(samples *s, double pct);
void samples_reset(samples *s);

void seen_init(seen *s, uint64_t n);
/* Is i new?  Out of range is not. */
int seen_add(seen *s, uint64_t i);
void seen_reset(seen *s);

#endif
