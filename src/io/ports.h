/*
 * Which local port comes next.  Pure: knows the range, the ports never to use,
 * and this connection's last 16 ports, which it never gives again.
 *
 * Why not again: servers before ngtcp2 1.25 stumble over a return to the last
 * port, and ngtcp2 >= 1.12 takes a remembered path without validating it.
 */
#ifndef QM_PORTS_H
#define QM_PORTS_H

#include <stdbool.h>
#include <stdint.h>

#define QM_PORTS_HISTORY 16

typedef struct qm_ports {
  uint16_t lo, hi; /* inclusive */
  uint16_t history[QM_PORTS_HISTORY];
  uint8_t next; /* slot of the oldest entry */
} qm_ports;

/* lo and hi 0: 1024 - 65535. */
void qm_ports_init(qm_ports *p, uint16_t lo, uint16_t hi);

/* Not excluded and not in the history? */
bool qm_ports_is_allowed(const qm_ports *p, uint16_t port);

/* The port was bound by this connection. */
void qm_ports_on_used(qm_ports *p, uint16_t port);

/* Number of ports in the range. */
static inline uint32_t qm_ports_count(const qm_ports *p) {
  return (uint32_t)(p->hi - p->lo) + 1;
}

/* The i-th port of the range, counted cyclically. */
static inline uint16_t qm_ports_at(const qm_ports *p, uint32_t i) {
  return (uint16_t)(p->lo + i % qm_ports_count(p));
}

#endif
