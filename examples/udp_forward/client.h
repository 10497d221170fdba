/*
 * The client end: a local UDP socket, the flows that use it, and one connection
 * to the server (link.c), which is made anew when it ends:
 *
 *   CONNECTING > OPEN > (ended) > waits for the backoff > CONNECTING
 *
 * Packets that come meanwhile wait, for OUTBOUND_AGE at most.
 */
#ifndef FORWARD_CLIENT_H
#define FORWARD_CLIENT_H

#include "../cli.h"
#include "../remotes.h"
#include "inbound.h"
#include "outbound.h"
#include "station.h"

#define CLIENT_PORTS 32 /* paths whose ports are remembered, for the log */

typedef struct client {
  station s; /* first: the station's callbacks cast */
  forward_options o;
  int fd;
  ev_io on_packet;
  struct sockaddr_storage *sources; /* of each flow, by its place */
  outbound out;
  inbound in;
  /* The connection: */
  quicmig_client *link; /* NULL: none */
  remotes remotes;
  ev_timer retry;
  quicmig_duration backoff;
  quicmig_tstamp connected_at; /* 0: not */
  uint16_t ports[CLIENT_PORTS];
  /* Of links that are gone: */
  uint64_t hops, hops_failed, hops_refused, late_rescued;
  bool was_tried; /* to connect: the options are good */
  bool is_stopping;
  cli_log hop_log;
} client;

int client_main(const forward_options *o);

/* Begins to connect, now and whenever the connection ends. */
void link_start(client *c);
/* Says goodbye and frees the connection. */
void link_stop(client *c);
/* Something waits in c->out. */
void link_wake(client *c);
/* The answer to a flow, from a DATAGRAM. */
void client_take_answer(client *c, const uint8_t *data, size_t len);

#endif
