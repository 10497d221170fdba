/* An echo server in a process of its own, whose memory can be told from that of
 * the rest. */
#ifndef FLOODSERVER_H
#define FLOODSERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <quicmig/endpoint.h>

#define FLOODSERVER_ALPN "flood"

typedef struct floodserver {
  pid_t pid;
  uint16_t port;
  int control; /* a byte there asks for a report */
} floodserver;

typedef struct floodserver_report {
  quicmig_server_stats stats;
  uint64_t rss_kib, heap_kib; /* resident; allocated by malloc() */
} floodserver_report;

/* On loopback.  False: it is said why. */
bool floodserver_start(floodserver *s, uint64_t handshake_timeout_ms);

/* Waits until the server has time for it.  has_trim: malloc_trim() first. */
bool floodserver_ask(const floodserver *s, bool has_trim,
                     floodserver_report *dest);
void floodserver_stop(floodserver *s);

#endif
