/*
 * The parties that clients belong to, for limits.  Whoever shows the same name
 * in a verified certificate is one party; without certificates whoever connects
 * from the same address is, of IPv6 from the same /64, because one host has all
 * of that; link-local addresses count one by one.  A connection stays with the
 * party that it began with, wherever it moves to.
 */
#ifndef FORWARD_PARTIES_H
#define FORWARD_PARTIES_H

#include <sys/socket.h>

#include "shares.h"

/* "certificate NAME", "address A" or "address A/64"; a name has 255 bytes. */
#define PARTY_NAME_MAX 280

typedef struct party {
  char name[PARTY_NAME_MAX]; /* first: parties are compared by it */
  share flows, connections;
  uint32_t members; /* connections that are to leave */
} party;

typedef struct parties {
  void *root; /* of tsearch(3) */
} parties;

/* By name of a certificate; NULL or "": by address. */
void party_name(char dest[PARTY_NAME_MAX], const char *certificate,
                const struct sockaddr_storage *a);

/* The party of that name, a new one if need be.  NULL: out of memory. */
party *parties_join(parties *p, const char *name);
/* Frees m when nobody is left. */
void parties_leave(parties *p, party *m);

#endif
