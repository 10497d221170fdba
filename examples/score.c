#include "score.h"

#include <stdlib.h>

#include "cli.h"

void samples_init(samples *s, size_t cap) {
  *s = (samples){.us = calloc(cap ? cap : 1, sizeof(*s->us)), .cap = cap};
  if (!s->us) {
    cli_fail("out of memory");
  }
}

void samples_add(samples *s, quicmig_duration d) {
  uint64_t us = d / QUICMIG_MICROSECOND;

  if (s->len < s->cap) {
    s->us[s->len++] = us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
  }
}

static int compare(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

  return (x > y) - (x < y);
}

double samples_percentile(samples *s, double pct) {
  if (s->len == 0) {
    return 0;
  }
  qsort(s->us, s->len, sizeof(*s->us), compare);
  return s->us[(size_t)((double)(s->len - 1) * pct / 100.)];
}

void samples_reset(samples *s) { free(s->us); }

void seen_init(seen *s, uint64_t n) {
  *s = (seen){.bits = calloc((size_t)(n / 8 + 1), 1), .n = n};
  if (!s->bits) {
    cli_fail("out of memory");
  }
}

int seen_add(seen *s, uint64_t i) {
  uint8_t bit = (uint8_t)(1u << (i % 8));

  if (i >= s->n || (s->bits[i / 8] & bit)) {
    return 0;
  }
  s->bits[i / 8] |= bit;
  s->count++;
  return 1;
}

void seen_reset(seen *s) { free(s->bits); }
