#include "endpoint/loans.h"

#include <assert.h>

static size_t slot(const qm_loans *l, size_t i) {
  return (l->first + i) % QM_LOANS_MAX;
}

bool qm_loans_add(qm_loans *l, const uint8_t *base, size_t len) {
  size_t at = slot(l, l->count);

  if (l->count == QM_LOANS_MAX) {
    return false;
  }
  l->items[at].base = base;
  l->items[at].len = len;
  l->count++;
  return true;
}

size_t qm_loans_pending(const qm_loans *l, ngtcp2_vec *vec, size_t n,
                        size_t bytes) {
  size_t i, skip = l->next_bytes, total = 0;

  for (i = 0; i < n && total < bytes && l->next + i < l->count; i++) {
    size_t at = slot(l, l->next + i);

    vec[i].base = (uint8_t *)(uintptr_t)(l->items[at].base + skip);
    vec[i].len = l->items[at].len - skip;
    total += vec[i].len;
    skip = 0;
  }
  return i;
}

void qm_loans_on_sent(qm_loans *l, size_t n) {
  while (n) {
    size_t left;

    assert(l->next < l->count);
    left = l->items[slot(l, l->next)].len - l->next_bytes;
    if (n < left) {
      l->next_bytes += n;
      return;
    }
    n -= left;
    l->next++;
    l->next_bytes = 0;
  }
}

void qm_loans_on_acked(qm_loans *l, size_t n) {
  while (n) {
    size_t left;

    assert(l->count);
    left = l->items[l->first].len - l->acked;
    if (n < left) {
      l->acked += n;
      return;
    }
    assert(l->next > 0);
    n -= left;
    l->first = (l->first + 1) % QM_LOANS_MAX;
    l->count--;
    l->next--;
    l->acked = 0;
  }
}
