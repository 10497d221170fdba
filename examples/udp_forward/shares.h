/*
 * Who may have one more place of a table that all parties share.
 *
 * While there is room, a party may hold up to `limit` places.  When the table
 * is full, the party that holds most gives one up, the one that it has not used
 * for longest, to any party that holds at least two less.  So however much one
 * party asks for, every other one gets up to an equal part.
 *
 * A party takes a place from itself only if that was not used for SHARES_REST;
 * else it is refused: new places never drive out those that are at work, and
 * asking for many costs little.
 *
 *   invariant: sum of share.count = shares.count <= capacity
 *              most = the largest share.count, by_count[most] is not empty
 *
 * A party's places stand in order of last use, and parties with equally many
 * places stand in one list: every function takes constant time.  No clock: time
 * is an argument, in ns.
 */
#ifndef FORWARD_SHARES_H
#define FORWARD_SHARES_H

#include <stdbool.h>
#include <stdint.h>

#define SHARES_REST ((uint64_t)10000000000) /* ns */

typedef struct share share;

/* A part of whatever is held.  Zeroed at first; stays where it is while it is
 * held. */
typedef struct share_place {
  share *of; /* NULL: not held */
  uint64_t used_at;
  struct share_place *older, *newer; /* of the same party */
} share_place;

/* What one party holds.  Zeroed at first; stays where it is while it holds
 * anything. */
struct share {
  uint32_t count;
  share_place *oldest, *newest; /* in order of last use */
  share *next, *previous;       /* parties with the same count */
};

typedef struct shares {
  share **by_count; /* the first party that holds so many; [0] is unused */
  uint32_t capacity, limit;
  uint32_t count; /* held by all */
  uint32_t most;  /* held by one party */
} shares;

/* Takes its memory at once; both at least 1.  False: out of memory. */
bool shares_init(shares *s, uint32_t capacity, uint32_t limit);
void shares_reset(shares *s);

/* May h have one more?  True: after *victim, unless it is NULL, was removed. */
bool shares_may_add(const shares *s, const share *h, uint64_t now,
                    share_place **victim);

/* To be asked for by shares_may_add() before. */
void shares_add(shares *s, share *h, share_place *p, uint64_t now);
/* p is used. */
void shares_touch(share_place *p, uint64_t now);
void shares_remove(shares *s, share_place *p);

#endif
