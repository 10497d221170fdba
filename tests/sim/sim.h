/*
 * The simulated network: hosts with UDP sockets behind qm_net, and a chain of
 * nodes between them that delay, lose, reorder, translate, block and police.
 * One thread, one virtual clock: a day takes seconds, and the same seed gives
 * the same weather (TLS keys and its random bytes stay real).
 *
 *   client host(s) -- node 0 -- node 1 -- ... -- server host
 *                     UP >                  < DOWN
 */
#ifndef SIM_H
#define SIM_H

#include "base/addr.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/rng.h"
#include "io/net.h"

#define SIM_MTU 1500

typedef enum sim_dir { SIM_UP = 0, SIM_DOWN = 1 } sim_dir;

typedef struct sim sim;
typedef struct sim_node sim_node;
typedef struct sim_host sim_host;

/* A datagram under way. */
typedef struct sim_pkt {
  qm_heap_node timer; /* while a node holds it */
  qm_list link;       /* in a socket's queue, or among the spare ones */
  sim_node *node;     /* forwards it when the timer is due */
  qm_addr src, dst;
  sim_dir dir;
  uint8_t ecn;
  uint64_t at; /* the number of its arrival at a socket */
  size_t len;
  uint8_t data[SIM_MTU];
} sim_pkt;

/* One station of the chain.  pass() forwards (sim_forward, sim_forward_at) or
 * drops (sim_drop) the packet, now or later. */
struct sim_node {
  void (*pass)(sim *s, sim_node *n, sim_pkt *p);
  sim_node *next[2]; /* by direction; NULL: the host */
  void *state;
  uint64_t dropped[2];
};

/* Something with a deadline: a client, a server, an application. */
typedef struct sim_actor {
  qm_list link;
  quicmig_tstamp (*deadline)(void *arg);
  void (*run)(void *arg, int fd); /* fd: readable, or -1 */
  void *arg;
  bool wakes_others; /* running it may change the others' deadlines */
  bool is_stale;     /* at must be asked for again */
  quicmig_tstamp at;
} sim_actor;

typedef struct sim_sock {
  bool is_used;
  bool is_watched;
  bool has_gro;
  bool is_ready;         /* in the host's list of readable sockets */
  bool is_watch;         /* no socket: becomes readable with each change */
  bool is_changed;       /* of the watch: there was one, and nobody asked yet */
  bool is_group;         /* no socket: readable while a member is */
  int16_t group;         /* that it joined; -1: none */
  bool is_left;          /* it is in none any more: nobody hears of it */
  uint32_t number;       /* it joined with */
  qm_list member;        /* among the readable ones of its group */
  int8_t device;         /* bound to the interface of this uplink; -1: none */
  int8_t uplink;         /* connected through this one; -1: none */
  qm_addr local, remote; /* remote.len 0: not connected */
  qm_list queue;         /* of a group: its readable members */
  size_t queued;
} sim_sock;

/* An address of a host, on an interface; the routing table prefers the first
 * one that is up, of the wanted family, and on the interface that the socket is
 * bound to.  A host without any has its addr, and every route. */
typedef struct sim_uplink {
  char interface[16];
  qm_addr addr;
  bool is_up;
  bool is_mute; /* while it is down a send is lost without an error */
} sim_uplink;

#define SIM_UPLINKS 4
#define SIM_SOCKS 16384
#define SIM_QUEUE 4096 /* datagrams a socket buffers */

/* The calls of qm_net, for fault injection. */
typedef enum sim_call {
  SIM_OPEN,
  SIM_BIND,
  SIM_CONNECT,
  SIM_LOCAL_ADDR,
  SIM_RECV,
  SIM_SEND,
  SIM_RANDOM,
  SIM_WATCH,
  SIM_GROUP,
  SIM_JOIN,
  SIM_CHANGED,
  SIM_CALLS
} sim_call;

struct sim_host {
  sim *world;
  sim_dir out; /* the direction its packets leave in */
  qm_addr addr;
  qm_net net;
  sim_actor *actor; /* is run when a socket is readable */
  sim_sock *socks;
  int16_t *by_port; /* fd or -1, of IPv4 and then of IPv6 */
  sim_uplink uplinks[SIM_UPLINKS];
  size_t n_uplinks;
  int16_t *ready; /* readable sockets, to be run */
  size_t n_ready;
  quicmig_tstamp busy_until; /* reads nothing before: a stalled process */
  bool is_level_triggered; /* asks again while a watched socket is not empty */
  bool reads_newest_first; /* empties the last socket to become readable before
                              it looks at the others */
  size_t open, opened;     /* sockets: now, ever */
  uint64_t calls[SIM_CALLS];
  const char *reserved; /* ports, as the kernel lists them; NULL: none */
  size_t reserved_reads;
  size_t mtu; /* the largest UDP payload that its link takes; 0: SIM_MTU */
  /* Returns an errno to fail this call with, or 0.  NULL: never. */
  int (*fault)(void *arg, sim_call call, uint64_t index);
  void *fault_arg;
  int fault_fd; /* the socket of the call that fault() is asked about; -1 */
};

struct sim {
  quicmig_tstamp now;
  qm_rng rng;
  uint64_t seed;
  qm_heap timers;
  qm_list spare, actors;
  sim_host *hosts[2]; /* client, server: index by direction of arrival */
  sim_node *ends[2];  /* first node upwards, first node downwards */
  sim_node *last;
  uint64_t carried, lost, arrived;
};

/* A descriptor that is taken. */
void sim_sock_init(sim_sock *s);

/* seed 0: from the environment SIM_SEED or 1; printed. */
void sim_init(sim *s, uint64_t seed);
void sim_reset(sim *s);

/* addr: "10.0.0.1" or "fd00::1".  The first host is the client's, then the
 * server's. */
void sim_host_init(sim *s, sim_host *h, sim_dir out, const char *addr);
void sim_host_reset(sim_host *h);

/* Appends a node at the server's side. */
void sim_append(sim *s, sim_node *n);

void sim_actor_add(sim *s, sim_actor *a);

/* Runs until the virtual time `until`, or until *stop is true. */
void sim_run(sim *s, quicmig_tstamp until, const bool *stop);

/* For nodes. */
void sim_forward(sim *s, sim_node *n, sim_pkt *p);
void sim_forward_at(sim *s, sim_node *n, sim_pkt *p, quicmig_tstamp at);
void sim_drop(sim *s, sim_node *n, sim_pkt *p);
/* A copy, to be forwarded on its own. */
sim_pkt *sim_copy(sim *s, const sim_pkt *p);
/* An empty packet of that direction, to be filled in and forwarded. */
sim_pkt *sim_pkt_new(sim *s, sim_dir dir, const qm_addr *src,
                     const qm_addr *dst);

/* The client's port in a packet, whichever way it goes. */
uint16_t sim_client_port(const sim_pkt *p);

#endif
