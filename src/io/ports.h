/*
 * Which local port comes next.  Pure: knows the range, the ports that the
 * system keeps for others, the ports never to use, and this connection's last
 * 16 ports, which it never gives again.
 *
 * Why not again: servers before ngtcp2 1.25 stumble over a return to the last
 * port, and ngtcp2 >= 1.12 takes a remembered path without validating it.
 */
#ifndef QM_PORTS_H
#define QM_PORTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"
#include "io/reserved.h"

#define QM_PORTS_HISTORY 16

typedef struct qm_ports {
  uint16_t lo, hi; /* inclusive */
  uint16_t history[QM_PORTS_HISTORY];
  uint8_t next;          /* slot of the oldest entry */
  bool has_list;         /* the system's list was read, */
  uint16_t list_minute;  /* in this one of the clock's minutes, low bits */
  qm_reserved *reserved; /* the owner's; NULL: none */
} qm_ports;

/* lo and hi 0: 1024 - 65535. */
void qm_ports_init(qm_ports *p, uint16_t lo, uint16_t hi);

/*
 * Reads the system's list of reserved ports for this range: as
 * qm_reserved_parse().  A range that is reserved as a whole is taken to be
 * reserved for us, and drawn from as if it were not: that is how an
 * administrator keeps a range for one program.  The range is what the list
 * leaves, once that is p->reserved.
 */
int qm_ports_parse(const qm_ports *p, const char *text, size_t len,
                   qm_reserved *dest);

/* Was the list not read in this minute?  Asking takes note. */
bool qm_ports_wants_list(qm_ports *p, quicmig_tstamp now);

/* Not excluded and not in the history? */
bool qm_ports_is_allowed(const qm_ports *p, uint16_t port);

/* The port was bound by this connection. */
void qm_ports_on_used(qm_ports *p, uint16_t port);

/* Number of ports in the range. */
uint32_t qm_ports_count(const qm_ports *p);

/* The i-th port of the range, counted cyclically. */
uint16_t qm_ports_at(const qm_ports *p, uint32_t i);

#endif
