/*
 * The server end: QUIC connections, the flows of each, and for each flow a UDP
 * socket that is connected to the target.  A session is what a connection has
 * here; it lives from accept to closed:
 *
 *   accept > (handshake) > MEMBER of a party > LEFT: refused, or its place was
 *                                              needed > closed
 *
 * Parties share the flows, and the connections: see shares.h.  Only a member
 * has flows.
 */
#ifndef FORWARD_SERVER_H
#define FORWARD_SERVER_H

#include "inbound.h"
#include "outbound.h"
#include "parties.h"
#include "station.h"

typedef struct server server;
typedef struct exit_flow exit_flow;

typedef struct session {
  server *owner;
  quicmig_conn *conn;
  uint64_t id; /* never used again */
  bool is_connected;
  party *of;         /* NULL: not a member */
  share_place place; /* among the connections of all members */
  outbound out;
  inbound in;
  exit_flow *first; /* its flows */
  uint32_t flows;
} session;

/* Beside each flow of the table, by place. */
struct exit_flow {
  session *of;
  flow *f;
  share_place place;          /* among the flows of all parties */
  ev_io io;                   /* its fd is connected to the target */
  exit_flow *next, *previous; /* of the session */
};

struct server {
  station s; /* first: the station's callbacks cast */
  forward_options o;
  quicmig_server *quic;
  exit_flow *exits;
  uint64_t sessions; /* in all */
  parties parties;
  shares flows, connections; /* of the parties */
  uint64_t clients_refused, clients_evicted;
  log_limit failed, gave_way, turned_away;
};

int server_main(const forward_options *o);

/* sessions.c: */
int session_on_accept(quicmig_server *q, quicmig_conn *conn, void *user_data);
extern const quicmig_conn_callbacks session_callbacks;
/* The station's close_flow. */
void session_close_flow(station *s, flow *f);

#endif
