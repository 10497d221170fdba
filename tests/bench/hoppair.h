/*
 * A client and a server in one process over the loopback interface, with an
 * epoll loop between them.  One side sends a bulk stream, datagrams, both or
 * nothing; the other one counts.  What the client's calls cost is metered.
 */
#ifndef HOPPAIR_H
#define HOPPAIR_H

#include <quicmig/endpoint.h>

#include "bench.h"
#include "hopcalls.h"

/* Descriptors are below this. */
#define HOPPAIR_FDS 256

typedef struct hoppair {
  /* Settings, before hoppair_start(). */
  quicmig_options migration;
  bool is_down;                /* the server sends */
  bool has_stream;             /* as much as goes through */
  quicmig_duration send_every; /* a datagram; 0: none */
  /* While it runs. */
  quicmig_client *client;
  quicmig_server *server;
  quicmig_conn *sender;
  quicmig_stream *stream;
  int epoll;
  enum { HOPPAIR_NONE, HOPPAIR_CLIENT, HOPPAIR_SERVER } owner[HOPPAIR_FDS];
  quicmig_tstamp next_send;
  uint64_t stream_bytes;            /* received */
  uint64_t sent, received, blocked; /* datagrams; blocked: the queue was full */
  uint64_t hops, bad_hops;
  hopcalls meter; /* of the client's calls; may be set to 0 */
  uint64_t runs;  /* these calls; likewise */
  bool is_connected, is_closed, is_paused;
} hoppair;

/* Settings at 0, the library's defaults, no scheduled hops. */
void hoppair_init(hoppair *p);

/* Connects and waits until hops are possible.  False: no connection, and it is
 * said why. */
bool hoppair_start(hoppair *p);

/* Turns of the event loop until `until`, or until hops have reached n. */
void hoppair_run(hoppair *p, quicmig_tstamp until, uint64_t n);

/* Hops now; metered as the client's other calls.  False: refused. */
bool hoppair_hop(hoppair *p);

/* Sends nothing new, and runs until all has been acknowledged, d at most: the
 * pair may rest then while another one runs. */
void hoppair_pause(hoppair *p, quicmig_duration d);
void hoppair_resume(hoppair *p);

void hoppair_stop(hoppair *p);

#endif
