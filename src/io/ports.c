#include "io/ports.h"

#include <stddef.h>

/* Source ports that servers drop because reflected attacks come from them
 * (RFC 9308 section 8.1). */
static const uint16_t excluded[] = {0,    7,    17,   19,    53,    111,  123,
                                    137,  138,  161,  389,   500,   520,  1900,
                                    3702, 5353, 5355, 11211, 20800, 27015};

void qm_ports_init(qm_ports *p, uint16_t lo, uint16_t hi) {
  *p = (qm_ports){.lo = lo ? lo : 1024, .hi = hi ? hi : 65535};
}

static uint32_t width(const qm_ports *p) {
  return (uint32_t)(p->hi - p->lo) + 1;
}

int qm_ports_parse(const qm_ports *p, const char *text, size_t len,
                   qm_reserved *dest) {
  int rv = qm_reserved_parse(dest, text, len, p->lo, p->hi);

  if (rv == 0 && qm_reserved_count(dest) == width(p)) {
    dest->n = 0;
  }
  return rv;
}

bool qm_ports_wants_list(qm_ports *p, quicmig_tstamp now) {
  uint16_t minute = (uint16_t)(now / (60 * QUICMIG_SECOND));

  if (p->has_list && p->list_minute == minute) {
    return false;
  }
  p->has_list = true;
  p->list_minute = minute;
  return true;
}

uint32_t qm_ports_count(const qm_ports *p) {
  return width(p) - (p->reserved ? qm_reserved_count(p->reserved) : 0);
}

/* The reserved ranges ascend: each one that begins at or below the port puts it
 * off by its length. */
uint16_t qm_ports_at(const qm_ports *p, uint32_t i) {
  uint32_t port = p->lo + i % qm_ports_count(p);
  const qm_reserved *r = p->reserved;
  size_t k;

  for (k = 0; r && k < r->n && r->ranges[k].lo <= port; k++) {
    port += (uint32_t)(r->ranges[k].hi - r->ranges[k].lo) + 1;
  }
  return (uint16_t)port;
}

static bool contains(const uint16_t *ports, size_t n, uint16_t port) {
  size_t i;

  for (i = 0; i < n; i++) {
    if (ports[i] == port) {
      return true;
    }
  }
  return false;
}

bool qm_ports_is_allowed(const qm_ports *p, uint16_t port) {
  return !contains(excluded, sizeof(excluded) / sizeof(excluded[0]), port) &&
         !contains(p->history, QM_PORTS_HISTORY, port);
}

void qm_ports_on_used(qm_ports *p, uint16_t port) {
  p->history[p->next] = port;
  p->next = (uint8_t)((p->next + 1) % QM_PORTS_HISTORY);
}
