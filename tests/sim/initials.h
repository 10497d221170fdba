/*
 * First packets of real clients, made in advance: each has a connection ID of
 * its own, and a server begins a handshake for it.
 */
#ifndef INITIALS_H
#define INITIALS_H

#include <stddef.h>
#include <stdint.h>

typedef struct initial {
  size_t len;
  uint8_t data[1500];
} initial;

/* n of them, to be freed with free(). */
initial *initials_new(size_t n, const char *alpn);

#endif
