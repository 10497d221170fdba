/* The log: one line each on stderr, cleaned by printable(). */
#ifndef SAY_H
#define SAY_H

#include <sys/socket.h>

#include <quicmig/types.h>

/* An address and its port in words, for a log line. */
typedef struct place {
  char host[64];
  unsigned port;
} place;

__attribute__((format(printf, 1, 2))) void say(const char *format, ...);

/* Lets one line a second through and counts the rest. */
typedef struct say_limit {
  quicmig_tstamp next;
  uint64_t missed;
} say_limit;

/* May a line be said now?  *missed: how many were not, since the last one. */
int say_may(say_limit *l, quicmig_tstamp now, uint64_t *missed);

/* A line that strangers can cause: with how many were not said before it. */
__attribute__((format(printf, 2, 3))) void say_rarely(say_limit *l,
                                                      const char *format, ...);

place place_of(const struct sockaddr_storage *ss);

#endif
