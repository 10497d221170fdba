/*
 * A fuzzer's bytes as a script: numbers and pieces are taken from the front,
 * and when none are left all of them are 0 or empty.
 */
#ifndef SCRIPT_H
#define SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct script {
  const uint8_t *at;
  size_t len; /* bytes left */
} script;

static inline uint8_t script_byte(script *s) {
  if (s->len == 0) {
    return 0;
  }
  s->len--;
  return *s->at++;
}

static inline uint16_t script_number(script *s) {
  uint16_t high = script_byte(s);

  return (uint16_t)(high << 8 | script_byte(s));
}

/* A piece of up to `most` bytes whose length is a number of the script. */
static inline size_t script_piece(script *s, const uint8_t **piece,
                                  size_t most) {
  size_t n = script_number(s);

  n = n > most ? n % (most + 1) : n;
  n = n > s->len ? s->len : n;
  *piece = s->at;
  s->at += n;
  s->len -= n;
  return n;
}

/* Every harness has this. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
