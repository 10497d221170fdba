/*
 * SipHash-2-4 (Aumasson and Bernstein, 2012): a hash with a secret key, for
 * tables whose keys strangers choose.  Without the key nobody can find inputs
 * that collide more often than chance has it.  64 bits are too few to
 * authenticate anything with.
 */
#ifndef QM_SIPHASH_H
#define QM_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

/* key: two words that nobody can guess.  The same on every machine. */
uint64_t qm_siphash(const uint64_t key[2], const void *data, size_t len);

#endif
