/*
 * What this process asks of the kernel and of the C library's allocator.  The
 * executable's own sendmsg, poll, malloc and kin count and pass on; they take
 * the place of the C library's in every library, shared ones too.
 */
#ifndef COUNT_H
#define COUNT_H

#include <stdbool.h>
#include <stdint.h>

/* Since the program's start; differences are what is of use. */
typedef struct count_totals {
  uint64_t sends;  /* system calls that send, batched or not */
  uint64_t recvs;  /* that receive, vain ones included */
  uint64_t waits;  /* poll, epoll_wait and kin */
  uint64_t others; /* getrandom, setsockopt, getsockname, read, write */
  /* malloc, calloc, realloc and kin by everybody, GnuTLS too. */
  uint64_t allocations;
} count_totals;

extern count_totals count_now;

/* False under sanitizers, which have an allocator of their own: `allocations`
 * stays 0. */
extern const bool count_has_allocations;

/* UDP datagrams of one socket: a segmented send or a merged receive counts as
 * the datagrams in it. */
typedef struct count_socket {
  uint64_t tx_packets, tx_bytes;
  uint64_t rx_packets, rx_bytes;
  uint64_t tx_largest; /* bytes; may be set to 0 */
} count_socket;

/* Counters of a descriptor; those over 255 share one. */
count_socket *count_of(int fd);

#endif
