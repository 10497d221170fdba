#include "owners.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 64

void owners_reset(owners *o) {
  free(o->rows);
  *o = (owners){.rows = NULL};
}

static int compare(const ip_address *a, const ip_address *b) {
  return a->is_v6 != b->is_v6 ? a->is_v6 - b->is_v6
                              : memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

/* How many ranges begin at or before a. */
static size_t count_before(const owners *o, const ip_address *a) {
  size_t lo = 0, hi = o->count;

  while (lo < hi) {
    size_t middle = lo + (hi - lo) / 2;

    if (compare(&o->rows[middle].range.first, a) <= 0) {
      lo = middle + 1;
    } else {
      hi = middle;
    }
  }
  return lo;
}

size_t owners_find(const owners *o, const ip_address *a) {
  size_t n = count_before(o, a);

  return n && compare(a, &o->rows[n - 1].range.last) <= 0 ? o->rows[n - 1].index
                                                          : OWNERS_NONE;
}

size_t owners_add(owners *o, const ip_range *range, size_t index,
                  bool *is_added) {
  size_t n = count_before(o, &range->last);
  owner *rows;

  *is_added = false;
  if (n && compare(&o->rows[n - 1].range.last, &range->first) >= 0) {
    return o->rows[n - 1].index;
  }
  rows = realloc(o->rows, (o->count + 1) * sizeof(*rows));
  if (!rows) {
    return OWNERS_NONE;
  }
  o->rows = rows;
  memmove(rows + n + 1, rows + n, (o->count - n) * sizeof(*rows));
  rows[n] = (owner){.range = *range, .index = index};
  o->count++;
  *is_added = true;
  return OWNERS_NONE;
}

static bool parse_address(ip_address *a, const char *text, unsigned *bits) {
  if (inet_pton(AF_INET6, text, a->bytes) == 1) {
    *bits = 128;
    a->is_v6 = true;
    return true;
  }
  a->is_v6 = false;
  memset(a->bytes, 0, 10);
  memset(a->bytes + 10, 0xff, 2);
  *bits = 32;
  return inet_pton(AF_INET, text, a->bytes + 12) == 1;
}

bool ip_range_parse(ip_range *r, const char *text, bool *is_exact) {
  const char *slash = strchr(text, '/');
  size_t n = slash ? (size_t)(slash - text) : strlen(text), i;
  char address[TEXT_MAX] = "", *end;
  unsigned bits;
  unsigned long given;

  if (n >= sizeof(address)) {
    return false;
  }
  memcpy(address, text, n);
  if (!parse_address(&r->first, address, &bits)) {
    return false;
  }
  given = slash ? strtoul(slash + 1, &end, 10) : bits;
  if (slash && (end == slash + 1 || *end || slash[1] < '0' || slash[1] > '9' ||
                given > bits)) {
    return false;
  }
  given += 128 - bits;
  *is_exact = true;
  r->last = r->first;
  for (i = 0; i < 128; i++) {
    uint8_t mask = (uint8_t)(0x80 >> (i % 8));

    if (i >= given) {
      *is_exact &= !(r->first.bytes[i / 8] & mask);
      r->first.bytes[i / 8] &= (uint8_t)~mask;
      r->last.bytes[i / 8] |= mask;
    }
  }
  return true;
}

bool ip_range_is_same(const ip_range *a, const ip_range *b) {
  return compare(&a->first, &b->first) == 0 && compare(&a->last, &b->last) == 0;
}
