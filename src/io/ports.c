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
