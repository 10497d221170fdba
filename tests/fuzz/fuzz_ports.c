/* The list of reserved ports, and what it leaves of a range. */
#include "io/ports.h"

#include <assert.h>

#include "script.h"

static void check_ranges(const qm_ports *p) {
  const qm_reserved *r = p->reserved;
  size_t i;

  assert(r->n <= QM_RESERVED_MAX);
  for (i = 0; i < r->n; i++) {
    assert(r->ranges[i].lo <= r->ranges[i].hi);
    assert(r->ranges[i].lo >= p->lo && r->ranges[i].hi <= p->hi);
    assert(i == 0 || r->ranges[i].lo > r->ranges[i - 1].hi + 1);
  }
}

/* Each port of the range that is left comes once, in order. */
static void check_ports(const qm_ports *p) {
  uint32_t count = qm_ports_count(p), i;
  uint16_t last = 0, port;
  size_t k;

  assert(count > 0 && count <= (uint32_t)(p->hi - p->lo) + 1);
  for (i = 0; i < count; i += i < 64 || i > count - 64 ? 1 : 61) {
    port = qm_ports_at(p, i);
    assert(port >= p->lo && port <= p->hi && (i == 0 || port > last));
    for (k = 0; k < p->reserved->n; k++) {
      assert(port < p->reserved->ranges[k].lo ||
             port > p->reserved->ranges[k].hi);
    }
    last = port;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  script s = {.at = data, .len = size};
  uint16_t lo = script_number(&s), hi = script_number(&s);
  qm_reserved reserved = {.n = 0};
  qm_ports p;

  qm_ports_init(&p, lo && lo <= hi ? lo : 0, lo && lo <= hi ? hi : 0);
  if (qm_ports_parse(&p, (const char *)s.at, s.len, &reserved) != 0) {
    assert(reserved.n == 0);
  }
  p.reserved = &reserved;
  check_ranges(&p);
  check_ports(&p);
  return 0;
}
