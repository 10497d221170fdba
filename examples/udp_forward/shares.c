#include "shares.h"

#include <assert.h>
#include <stdlib.h>

bool shares_init(shares *s, uint32_t capacity, uint32_t limit) {
  assert(capacity > 0 && limit > 0);
  *s = (shares){.capacity = capacity, .limit = limit};
  s->by_count = calloc((size_t)capacity + 1, sizeof(*s->by_count));
  return s->by_count != NULL;
}

void shares_reset(shares *s) {
  free(s->by_count);
  *s = (shares){.capacity = 0};
}

static void leave_list(shares *s, share *h) {
  *(h->previous ? &h->previous->next : &s->by_count[h->count]) = h->next;
  if (h->next) {
    h->next->previous = h->previous;
  }
}

static void enter_list(shares *s, share *h) {
  share **first = &s->by_count[h->count];

  h->previous = NULL;
  h->next = *first;
  if (*first) {
    (*first)->previous = h;
  }
  *first = h;
}

/* By one more, or one less. */
static void set_count(shares *s, share *h, uint32_t count) {
  if (h->count) {
    leave_list(s, h);
  }
  h->count = count;
  if (count) {
    enter_list(s, h);
  }
  if (count > s->most) {
    s->most = count;
  } else if (!s->by_count[s->most]) {
    s->most--; /* h alone held so many, and now holds one less */
  }
}

static void link_newest(share *h, share_place *p) {
  p->newer = NULL;
  p->older = h->newest;
  *(h->newest ? &h->newest->newer : &h->oldest) = p;
  h->newest = p;
}

static void unlink_place(share *h, share_place *p) {
  *(p->older ? &p->older->newer : &h->oldest) = p->newer;
  *(p->newer ? &p->newer->older : &h->newest) = p->older;
}

static bool may_replace_own(const share *h, uint64_t now,
                            share_place **victim) {
  if (!h->oldest || now < h->oldest->used_at ||
      now - h->oldest->used_at < SHARES_REST) {
    return false;
  }
  *victim = h->oldest;
  return true;
}

bool shares_may_add(const shares *s, const share *h, uint64_t now,
                    share_place **victim) {
  *victim = NULL;
  if (h->count >= s->limit) {
    return may_replace_own(h, now, victim);
  }
  if (s->count < s->capacity) {
    return true;
  }
  /* With a difference of one the two would take a place from each other for
   * ever. */
  if (s->most > h->count + 1) {
    *victim = s->by_count[s->most]->oldest;
    return true;
  }
  return may_replace_own(h, now, victim);
}

void shares_add(shares *s, share *h, share_place *p, uint64_t now) {
  assert(!p->of && s->count < s->capacity);
  *p = (share_place){.of = h, .used_at = now};
  link_newest(h, p);
  s->count++;
  set_count(s, h, h->count + 1);
}

void shares_touch(share_place *p, uint64_t now) {
  p->used_at = now;
  if (p->newer) {
    unlink_place(p->of, p);
    link_newest(p->of, p);
  }
}

void shares_remove(shares *s, share_place *p) {
  share *h = p->of;

  assert(h && s->count > 0);
  unlink_place(h, p);
  p->of = NULL;
  s->count--;
  set_count(s, h, h->count - 1);
}
