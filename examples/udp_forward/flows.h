/*
 * A table of flows, bounded from the start: a hash of keys with a random seed,
 * and a list in order of last use, so that neither a packet nor the expiry ever
 * looks through it.  A full table refuses; it never drives a flow out.
 *
 * A flow's number is its place plus the capacity times the turns that the place
 * has had: it is found without a second hash, and never used twice.
 */
#ifndef FORWARD_FLOWS_H
#define FORWARD_FLOWS_H

#include <stdbool.h>
#include <stdint.h>

#define FLOWS_MAX 65536 /* capacity */

typedef struct flow_key {
  uint64_t word[4]; /* all of it counts: no padding, no garbage */
} flow_key;

typedef struct flow {
  flow_key key;
  uint64_t number;
  uint64_t used_at;
  bool is_used;
  uint32_t next;         /* of the same bucket, or free */
  uint32_t older, newer; /* in order of last use */
} flow;

typedef struct flows {
  flow *all;
  uint32_t *buckets;
  uint32_t capacity, mask;
  uint32_t free, oldest, newest;
  uint32_t count, peak;
  uint64_t seed[2];
} flows;

/* Takes its memory at once; capacity 1 - FLOWS_MAX.  False: out of memory. */
bool flows_init(flows *t, uint32_t capacity, const uint64_t seed[2]);
void flows_reset(flows *t);

/* NULL where there is none. */
flow *flows_find(const flows *t, const flow_key *key);
flow *flows_by_number(const flows *t, uint64_t number);

/* Adds a key that is not there, used at `now`.  NULL: full. */
flow *flows_add(flows *t, const flow_key *key, uint64_t now);

void flows_touch(flows *t, flow *f, uint64_t now);
void flows_remove(flows *t, flow *f);

/* The one unused for longest, if it was last used before `before`; else NULL.
 */
flow *flows_idle(const flows *t, uint64_t before);

/* Its place, less than the capacity: for what the owner keeps beside it. */
uint32_t flows_place(const flows *t, const flow *f);

#endif
