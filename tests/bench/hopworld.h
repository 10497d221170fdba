/*
 * A client and a server on the simulated network, with one line between them.
 * Who sends what is up to the user: it gives the callbacks of the connections,
 * and one actor of its own.
 */
#ifndef HOPWORLD_H
#define HOPWORLD_H

#include <quicmig/endpoint.h>

#include "nodes.h"

/* A full packet on the wire, and what of a stream it carries at least. */
#define HOPWORLD_WIRE (SIM_MTU + 28)
#define HOPWORLD_PAYLOAD 1400

typedef struct hopworld_config {
  uint64_t rate_mbit, rtt_ms;
  uint32_t mode; /* quicmig_mode */
  uint64_t seed;
  /* Of both connections; connected and closed are the world's. */
  quicmig_conn_callbacks callbacks;
  void *user_data;
} hopworld_config;

typedef struct hopworld {
  hopworld_config config;
  sim net;
  sim_host client_host, server_host;
  sim_line line;
  sim_actor client_actor, server_actor, app;
  quicmig_client *client;
  quicmig_server *server;
  quicmig_conn *client_conn, *server_conn; /* once connected */
  uint64_t hops, failed;
  bool is_closed;
} hopworld;

/* Full packets that the line queues each way: about a bandwidth-delay product,
 * at least 100. */
uint64_t hopworld_queue(uint64_t rate_mbit, uint64_t rtt_ms);

/* app: deadline and run are given, its argument is cfg->user_data. */
void hopworld_init(hopworld *w, const hopworld_config *cfg,
                   quicmig_tstamp (*deadline)(void *arg),
                   void (*run)(void *arg, int fd));

/* Connects, without scheduled hops.  False: it did not work out, and it is said
 * why. */
bool hopworld_start(hopworld *w);

void hopworld_run(hopworld *w, quicmig_duration d);

/* Hops now, and every gap from now on. */
void hopworld_hop_every(hopworld *w, quicmig_duration gap);

void hopworld_reset(hopworld *w);

#endif
