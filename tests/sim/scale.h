/*
 * How much of a long loop runs: a share that suits every change, or with
 * QUICMIG_LONG=1 in the environment all of it.  And rows that show a fault
 * which is known and not mended yet: they run, and fail, with
 * QUICMIG_PENDING=1.
 */
#ifndef SCALE_H
#define SCALE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static inline bool scale_is_long(void) {
  const char *env = getenv("QUICMIG_LONG");

  return env && *env && *env != '0';
}

static inline uint64_t scale(uint64_t brief, uint64_t full) {
  return scale_is_long() ? full : brief;
}

/* fault: NULL, or what the row waits for. */
static inline bool scale_is_pending(const char *fault) {
  if (!fault || getenv("QUICMIG_PENDING")) {
    return false;
  }
  printf("  waits for: %s\n", fault);
  return true;
}

#endif
