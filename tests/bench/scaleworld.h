/*
 * Many clients and their server in one process, on the simulated network.  The
 * clients' deadlines are in one heap, as in a program with many connections:
 * after each call into a client it is asked for its deadline and put at its new
 * place.  What the library's calls cost is metered.
 */
#ifndef SCALEWORLD_H
#define SCALEWORLD_H

#include <quicmig/endpoint.h>

#include "nodes.h"
#include "scalemeter.h"

typedef struct scaleworld scaleworld;

typedef struct scaleclient {
  scaleworld *world;
  quicmig_client *client;
  quicmig_conn *server_conn; /* the server's side of it; NULL: not yet */
  bool is_connected, is_closed;
} scaleclient;

struct scaleworld {
  sim net;
  sim_host client_host, server_host;
  int16_t *spare; /* unused sockets of the client's host */
  size_t n_spare;
  qm_net client_net; /* the host's, which opens a socket without a search */
  sim_line line;
  sim_actor client_actor, server_actor;
  quicmig_server *server;
  scaleclient *clients;
  qm_heap_node *timers; /* of the clients */
  qm_heap heap;
  int16_t *owner; /* socket > client */
  size_t n, cap;
  /* May be set to 0.  wakeups: client calls with a readable socket. */
  scalemeter of_clients, of_server, wakeups;
  scaleheap client_heap, server_heap;
  /* A client's deadline, asked for after each call into it while is_asking:
   * the first time, and when its memory is in the cache; and what it costs to
   * put it at its new place in the heap. */
  bool is_asking;
  scalesamples first, warm, rearm;
  uint64_t hops, failed, closed;
};

/* Room for cap clients; starts the server.  False: it is said why. */
bool scaleworld_init(scaleworld *w, size_t cap);

/* One more client, and runs until it is connected.  False: it is said why. */
bool scaleworld_add(scaleworld *w);

void scaleworld_run(scaleworld *w, quicmig_duration d);

/* The server sends a datagram to each of the n clients in `which`; runs until
 * they have arrived and been acknowledged. */
void scaleworld_wake(scaleworld *w, const size_t *which, size_t n);

/* Each of these hops, a little after the other; runs until nothing more comes
 * of it. */
void scaleworld_hop(scaleworld *w, const size_t *which, size_t n);

void scaleworld_reset(scaleworld *w);

#endif
