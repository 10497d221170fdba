/* Which client an inner address belongs to: prefixes that do not overlap, in a
 * sorted array, found by bisection. */
#ifndef OWNERS_H
#define OWNERS_H

#include "packet.h"

/* The addresses first - last, inclusive. */
typedef struct ip_range {
  ip_address first, last;
} ip_range;

typedef struct owner {
  ip_range range;
  size_t index; /* of the client */
} owner;

typedef struct owners {
  owner *rows;
  size_t count;
} owners;

#define OWNERS_NONE SIZE_MAX

void owners_reset(owners *o);

/* Returns OWNERS_NONE, or the index of the client that already has some of
 * these addresses: nothing was added then.  False in *is_added also without
 * memory. */
size_t owners_add(owners *o, const ip_range *range, size_t index,
                  bool *is_added);

/* The client's index or OWNERS_NONE. */
size_t owners_find(const owners *o, const ip_address *a);

/* "ADDRESS" or "ADDRESS/BITS": the range of the prefix; *is_exact: no bits are
 * set after it.  False: not one. */
bool ip_range_parse(ip_range *r, const char *text, bool *is_exact);
bool ip_range_is_same(const ip_range *a, const ip_range *b);

#endif
