#include "io/reserved.h"

#include <stdbool.h>
#include <string.h>

#include <quicmig/types.h>

/* The pieces while one is added. */
typedef struct pieces {
  size_t n;
  qm_port_range at[QM_RESERVED_MAX + 1];
} pieces;

static void take_out(pieces *p, size_t i) {
  p->n--;
  memmove(&p->at[i], &p->at[i + 1], (p->n - i) * sizeof(p->at[0]));
}

/* Joins the piece i and the one behind it. */
static void join(pieces *p, size_t i) {
  if (p->at[i + 1].hi > p->at[i].hi) {
    p->at[i].hi = p->at[i + 1].hi;
  }
  take_out(p, i + 1);
}

/* The piece with the smallest gap behind it. */
static size_t find_nearest(const pieces *p) {
  size_t best = 0, i;

  for (i = 1; i + 1 < p->n; i++) {
    if (p->at[i + 1].lo - p->at[i].hi < p->at[best + 1].lo - p->at[best].hi) {
      best = i;
    }
  }
  return best;
}

static void add(pieces *p, uint16_t lo, uint16_t hi) {
  size_t i = 0;

  while (i < p->n && p->at[i].lo < lo) {
    i++;
  }
  memmove(&p->at[i + 1], &p->at[i], (p->n - i) * sizeof(p->at[0]));
  p->at[i] = (qm_port_range){lo, hi};
  p->n++;
  if (i > 0 && (uint32_t)p->at[i - 1].hi + 1 >= lo) {
    join(p, --i);
  }
  while (i + 1 < p->n && (uint32_t)p->at[i].hi + 1 >= p->at[i + 1].lo) {
    join(p, i);
  }
  if (p->n > QM_RESERVED_MAX) {
    join(p, find_nearest(p));
  }
}

/* A port at *at; false: there is none. */
static bool read_port(const char **at, const char *end, uint32_t *port) {
  const char *p = *at;

  for (*port = 0; p < end && *p >= '0' && *p <= '9'; p++) {
    *port = *port * 10 + (uint32_t)(*p - '0');
    if (*port > UINT16_MAX) {
      return false;
    }
  }
  if (p == *at) {
    return false;
  }
  *at = p;
  return true;
}

/* One piece and the comma behind it. */
static bool read_piece(const char **at, const char *end, uint32_t *lo,
                       uint32_t *hi) {
  if (!read_port(at, end, lo)) {
    return false;
  }
  *hi = *lo;
  if (*at < end && **at == '-') {
    ++*at;
    if (!read_port(at, end, hi) || *hi < *lo) {
      return false;
    }
  }
  if (*at == end) {
    return true;
  }
  return *(*at)++ == ',' && *at < end;
}

static const char *find_end(const char *text, size_t len) {
  if (len >= QM_RESERVED_TEXT) {
    while (len > 0 && text[len - 1] != ',') {
      len--;
    }
    return text + (len ? len - 1 : 0);
  }
  while (len > 0 && strchr(" \t\n", text[len - 1])) {
    len--;
  }
  return text + len;
}

int qm_reserved_parse(qm_reserved *dest, const char *text, size_t len,
                      uint16_t lo, uint16_t hi) {
  const char *at = text, *end = find_end(text, len);
  pieces p = {.n = 0};
  uint32_t from, to;

  while (at < end) {
    if (!read_piece(&at, end, &from, &to)) {
      return QUICMIG_ERR_INVALID_ARGUMENT;
    }
    from = from < lo ? lo : from;
    to = to > hi ? hi : to;
    if (from <= to) {
      add(&p, (uint16_t)from, (uint16_t)to);
    }
  }
  dest->n = (uint16_t)p.n;
  memcpy(dest->ranges, p.at, sizeof(dest->ranges));
  return 0;
}

uint32_t qm_reserved_count(const qm_reserved *r) {
  uint32_t count = 0;
  size_t i;

  for (i = 0; i < r->n; i++) {
    count += (uint32_t)(r->ranges[i].hi - r->ranges[i].lo) + 1;
  }
  return count;
}
