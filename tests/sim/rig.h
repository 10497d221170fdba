/*
 * The test rig: real clients and a real echo server over the simulated network.
 * Clients send numbered datagrams at a steady rate and, if asked, a stream; the
 * server sends everything back; the rig counts.
 *
 *   rig_init > append nodes > change options > rig_start > rig_run ... >
 *   rig_finish (stops sending, waits, checks) > rig_reset
 */
#ifndef RIG_H
#define RIG_H

#include "late.h"
#include "nodes.h"

#include <quicmig/endpoint.h>

#define MS QUICMIG_MILLISECOND
#define SEC QUICMIG_SECOND
#define RIG_CLIENTS 512
#define RIG_RESULTS 64 /* results are counted by -result */

typedef struct rig rig;

/* An allocator that counts and that can fail from the n-th call on. */
typedef struct rig_mem {
  quicmig_mem mem;
  uint64_t calls;
  uint64_t fail_at;  /* this call fails; UINT64_MAX: none */
  bool fails_always; /* and all later ones */
  size_t live;       /* bytes */
} rig_mem;

void rig_mem_init(rig_mem *m);

typedef struct rig_client {
  rig *r;
  quicmig_client *c;
  rig_mem mem;
  quicmig_stream *stream;
  uint64_t sent, echoed, refused_sends;
  uint64_t stream_written, stream_echoed;
  bool stream_bad, stream_done;
  bool is_connected, is_closed;
  quicmig_close_info close;
  char reason[256]; /* of close */
  uint64_t results[RIG_RESULTS];
  quicmig_hop_record last; /* record */
  uint64_t path_events;
  quicmig_tstamp last_echo;
  quicmig_duration gap_max;
  uint8_t session[4096];
  size_t session_len;
} rig_client;

struct rig {
  sim world;
  sim_host client_host, server_host;
  rig_mem server_mem;
  quicmig_server *server;
  rig_client *clients;
  size_t n_clients;
  int16_t *owner; /* client's socket > index of the client */
  /* Settings, to be changed before rig_start(). */
  quicmig_options migration;
  quicmig_transport_options client_transport, server_transport;
  quicmig_tls_config client_tls, server_tls;
  quicmig_duration send_every; /* 0: nothing */
  size_t size;                 /* of a datagram, >= 8 */
  uint64_t stream_bytes;
  const uint8_t *session; /* to resume */
  size_t session_len;
  /* Hooks of a test; may be NULL. */
  void (*on_hop)(rig_client *c, const quicmig_hop_record *h);
  void (*on_event)(rig_client *c, const quicmig_event *e);
  void (*on_migrated)(rig *r, const quicmig_migration *m);
  int (*on_socket)(rig_client *c, int fd);
  /* The callbacks of the connections to come, to be changed.  A client's
   * user_data is its rig_client, the server's is the rig. */
  void (*on_callbacks)(rig *r, quicmig_conn_callbacks *cb, bool is_server);
  /* The rest of what they are made with, to be changed too. */
  void (*on_server_config)(rig *r, quicmig_server_config *cfg);
  void (*on_client_config)(rig *r, quicmig_client_config *cfg);
  void *test;
  /* The last node, if SIM_LATE is set: see rig_start_server(). */
  sim_late late;
  bool is_late;
  /* By how much the clock that a side is told is wrong; may be changed while it
   * runs: the clock steps. */
  int64_t client_skew, server_skew;
  /* While it runs. */
  bool is_server_running;
  const rig_client *running; /* NULL: no client is */
  sim_actor client_actor, server_actor, app_actor;
  quicmig_tstamp next_send;
  uint64_t migrations, migrations_ip, migrations_same_id;
  uint64_t server_datagrams;
  quicmig_conn *server_conn; /* the last one connected; NULL after its end */
  quicmig_close_info server_close; /* the last one */
  char server_reason[256];         /* of server_close */
  uint64_t server_closed;
  bool is_sending;
};

/* Hosts 10.0.0.1 and 10.9.0.1 (or fd00::1 and fd09::1).  Defaults: initial_rtt
 * 50 ms, a datagram of 200 bytes every 10 ms. */
void rig_init(rig *r, uint64_t seed, bool is_v6);

/* Starts the server and n clients and runs until they are connected (10 s at
 * most); returns 0 or the first error of a client's creation. */
int rig_start(rig *r, size_t n);

/* The parts of rig_start().  SIM_LATE=N in the environment: the first one
 * appends a node that holds back N % of the packets for 5-30 ms each and sends
 * N % of them twice, so that every test can be run again in such weather. */
int rig_start_server(rig *r);
int rig_start_client(rig *r);

/* The server dies without a word; rig_start_server() makes another one at the
 * same address. */
void rig_stop_server(rig *r);

void rig_run(rig *r, quicmig_duration d);

/* Stops sending, runs `linger` more. */
void rig_finish(rig *r, quicmig_duration linger);

void rig_reset(rig *r);

/* Now, by the clock of either side: for calls that a test makes itself. */
quicmig_tstamp rig_client_now(const rig *r);
quicmig_tstamp rig_server_now(const rig *r);

/* Lost datagrams of all clients. */
uint64_t rig_lost(const rig *r);

quicmig_stats rig_stats(const rig_client *c);

/* The active path's local port. */
uint16_t rig_port(const rig_client *c);

#endif
