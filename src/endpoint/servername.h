/*
 * What a user types to name a server, and the three things that are made of it:
 * what the resolver is asked for, the name that is sent as SNI, and what the
 * server's certificate must bear.
 *
 * The text may be a name, with capitals, with a dot at its end (an absolute
 * name of the DNS), or with letters beyond ASCII (IDNA 2008, in UTF-8); or an
 * address, with an IPv6 scope ("fe80::1%eth0"), in brackets, or IPv4 with fewer
 * than four parts.
 */
#ifndef QM_SERVERNAME_H
#define QM_SERVERNAME_H

#include <stdbool.h>

/* Of any name, with the zero: a host name has at most 253 characters. */
#define QM_SERVERNAME_MAX 256

typedef struct qm_servername {
  char host[QM_SERVERNAME_MAX]; /* for getaddrinfo() */
  /* What to ask it for where it does not know host, "": nothing.  IDNA names
   * are in /etc/hosts as people write them. */
  char typed[QM_SERVERNAME_MAX];
  /* Lower case; "": none is sent.  SNI carries host names, without a dot at the
   * end, and never addresses (RFC 6066 section 3). */
  char sni[QM_SERVERNAME_MAX];
  char verify[QM_SERVERNAME_MAX]; /* name or address in the certificate */
} qm_servername;

/* Errors, with their text: QUICMIG_ERR_INVALID_ARGUMENT (empty or too long). */
int qm_servername_parse(qm_servername *n, const char *text);

#endif
