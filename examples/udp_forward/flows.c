#include "flows.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX

static uint64_t rotl(uint64_t v, unsigned n) { return v << n | v >> (64 - n); }

static void sip_round(uint64_t v[4]) {
  v[0] += v[1];
  v[2] += v[3];
  v[1] = rotl(v[1], 13) ^ v[0];
  v[3] = rotl(v[3], 16) ^ v[2];
  v[0] = rotl(v[0], 32);
  v[2] += v[1];
  v[0] += v[3];
  v[1] = rotl(v[1], 17) ^ v[2];
  v[3] = rotl(v[3], 21) ^ v[0];
  v[2] = rotl(v[2], 32);
}

/* SipHash-1-3 of the words: the peer may choose its keys, and without the seed
 * it cannot choose keys that share a bucket. */
static uint32_t *bucket_of(const flows *t, const flow_key *key) {
  uint64_t v[4] = {
      t->seed[0] ^ 0x736f6d6570736575, t->seed[1] ^ 0x646f72616e646f6d,
      t->seed[0] ^ 0x6c7967656e657261, t->seed[1] ^ 0x7465646279746573};
  size_t i;

  for (i = 0; i < 4; i++) {
    v[3] ^= key->word[i];
    sip_round(v);
    v[0] ^= key->word[i];
  }
  v[2] ^= 0xff;
  for (i = 0; i < 3; i++) {
    sip_round(v);
  }
  return &t->buckets[(v[0] ^ v[1] ^ v[2] ^ v[3]) & t->mask];
}

uint32_t flows_place(const flows *t, const flow *f) {
  return (uint32_t)(f - t->all);
}

bool flows_init(flows *t, uint32_t capacity, const uint64_t seed[2]) {
  uint32_t i, buckets = 1;

  assert(capacity >= 1 && capacity <= FLOWS_MAX);
  while (buckets < capacity) {
    buckets *= 2;
  }
  *t = (flows){.capacity = capacity,
               .mask = buckets - 1,
               .oldest = NONE,
               .newest = NONE,
               .seed = {seed[0], seed[1]}};
  t->all = calloc(capacity, sizeof(*t->all));
  t->buckets = malloc(buckets * sizeof(*t->buckets));
  if (!t->all || !t->buckets) {
    flows_reset(t);
    return false;
  }
  memset(t->buckets, 0xff, buckets * sizeof(*t->buckets));
  for (i = 0; i < capacity; i++) {
    t->all[i].number = i;
    t->all[i].next = i + 1 < capacity ? i + 1 : NONE;
  }
  return true;
}

void flows_reset(flows *t) {
  free(t->all);
  free(t->buckets);
  *t = (flows){.capacity = 0};
}

flow *flows_find(const flows *t, const flow_key *key) {
  uint32_t i = *bucket_of(t, key);

  while (i != NONE && memcmp(&t->all[i].key, key, sizeof(*key)) != 0) {
    i = t->all[i].next;
  }
  return i == NONE ? NULL : &t->all[i];
}

flow *flows_by_number(const flows *t, uint64_t number) {
  flow *f = &t->all[number % t->capacity];

  return f->is_used && f->number == number ? f : NULL;
}

static void link_newest(flows *t, flow *f) {
  uint32_t i = flows_place(t, f);

  f->older = t->newest;
  f->newer = NONE;
  *(t->newest == NONE ? &t->oldest : &t->all[t->newest].newer) = i;
  t->newest = i;
}

static void unlink_use(flows *t, const flow *f) {
  *(f->older == NONE ? &t->oldest : &t->all[f->older].newer) = f->newer;
  *(f->newer == NONE ? &t->newest : &t->all[f->newer].older) = f->older;
}

flow *flows_add(flows *t, const flow_key *key, uint64_t now) {
  uint32_t *bucket = bucket_of(t, key), i = t->free;
  flow *f;

  if (i == NONE) {
    return NULL;
  }
  f = &t->all[i];
  t->free = f->next;
  f->key = *key;
  f->is_used = true;
  f->used_at = now;
  f->next = *bucket;
  *bucket = i;
  link_newest(t, f);
  t->count++;
  t->peak = t->count > t->peak ? t->count : t->peak;
  return f;
}

void flows_touch(flows *t, flow *f, uint64_t now) {
  f->used_at = now;
  if (f->newer != NONE) {
    unlink_use(t, f);
    link_newest(t, f);
  }
}

void flows_remove(flows *t, flow *f) {
  uint32_t *at = bucket_of(t, &f->key), i = flows_place(t, f);

  assert(f->is_used);
  while (*at != i) {
    at = &t->all[*at].next;
  }
  *at = f->next;
  unlink_use(t, f);
  f->is_used = false;
  f->number += t->capacity;
  f->next = t->free;
  t->free = i;
  t->count--;
}

flow *flows_idle(const flows *t, uint64_t before) {
  flow *f = t->oldest == NONE ? NULL : &t->all[t->oldest];

  return f && f->used_at < before ? f : NULL;
}
