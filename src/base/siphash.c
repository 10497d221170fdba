#include "base/siphash.h"

#define ROUNDS_PER_WORD 2
#define ROUNDS_AT_END 4

typedef struct state {
  uint64_t v0, v1, v2, v3;
} state;

static uint64_t rotate(uint64_t x, unsigned bits) {
  return (x << bits) | (x >> (64 - bits));
}

static void round_once(state *s) {
  s->v0 += s->v1;
  s->v2 += s->v3;
  s->v1 = rotate(s->v1, 13) ^ s->v0;
  s->v3 = rotate(s->v3, 16) ^ s->v2;
  s->v0 = rotate(s->v0, 32);
  s->v2 += s->v1;
  s->v0 += s->v3;
  s->v1 = rotate(s->v1, 17) ^ s->v2;
  s->v3 = rotate(s->v3, 21) ^ s->v0;
  s->v2 = rotate(s->v2, 32);
}

static void take_word(state *s, uint64_t word) {
  int i;

  s->v3 ^= word;
  for (i = 0; i < ROUNDS_PER_WORD; i++) {
    round_once(s);
  }
  s->v0 ^= word;
}

/* Up to eight bytes, the first one the least significant. */
static uint64_t read_word(const uint8_t *p, size_t len) {
  uint64_t word = 0;
  size_t i;

  for (i = 0; i < len; i++) {
    word |= (uint64_t)p[i] << (8 * i);
  }
  return word;
}

uint64_t qm_siphash(const uint64_t key[2], const void *data, size_t len) {
  /* The constants are the ASCII text "somepseudorandomlygeneratedbytes". */
  state s = {key[0] ^ 0x736f6d6570736575u, key[1] ^ 0x646f72616e646f6du,
             key[0] ^ 0x6c7967656e657261u, key[1] ^ 0x7465646279746573u};
  const uint8_t *p = data;
  size_t left = len;
  int i;

  for (; left >= 8; left -= 8, p += 8) {
    take_word(&s, read_word(p, 8));
  }
  /* The last word always has the length, so that zeroes at the end count. */
  take_word(&s, read_word(p, left) | (uint64_t)(len & 0xff) << 56);
  s.v2 ^= 0xff;
  for (i = 0; i < ROUNDS_AT_END; i++) {
    round_once(&s);
  }
  return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
