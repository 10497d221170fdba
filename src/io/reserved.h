/*
 * The ports that the system keeps for others: what of
 * net.ipv4.ip_local_reserved_ports lies in a range.  The kernel heeds that list
 * where it chooses a port itself, for IPv6 as well; whoever draws ports for
 * bind() has to do the same.  Pure.
 *
 * A list of more pieces than there is room for loses the smallest gaps between
 * them: more is kept for others then, never less.
 */
#ifndef QM_RESERVED_H
#define QM_RESERVED_H

#include <stddef.h>
#include <stdint.h>

#define QM_RESERVED_MAX 16
/* Bytes of the list that are read at most: 1,365 ranges of the longest form. */
#define QM_RESERVED_TEXT 16384

typedef struct qm_port_range {
  uint16_t lo, hi; /* inclusive */
} qm_port_range;

typedef struct qm_reserved {
  uint16_t n;
  qm_port_range ranges[QM_RESERVED_MAX]; /* ascending, with ports in between */
} qm_reserved;

/*
 * Reads the list, "8080,9148-9150\n", as far as it concerns the ports lo - hi.
 * An empty one reserves nothing.  One that fills QM_RESERVED_TEXT has been cut:
 * what stands behind its last comma is not read.
 * Errors: QUICMIG_ERR_INVALID_ARGUMENT (it is no such list).
 */
int qm_reserved_parse(qm_reserved *dest, const char *text, size_t len,
                      uint16_t lo, uint16_t hi);

/* How many ports it reserves. */
uint32_t qm_reserved_count(const qm_reserved *r);

#endif
