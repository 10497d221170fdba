/*
 * A station with somebody at it who has no keys, sees every packet, and adds
 * packets of his own in one direction: noise, and what he saw, sent again,
 * turned round, from elsewhere, or under the name of another connection.  He
 * neither holds nor changes what passes.
 *
 * It stands at the door of the host that it deceives, behind everything that
 * loses packets: a copy of a packet that was lost on the way would be as good
 * as the packet.
 */
#ifndef FORGE_H
#define FORGE_H

#include "sim.h"

typedef enum sim_forgery {
  SIM_FORGE_NOISE,  /* random bytes */
  SIM_FORGE_SHORT,  /* the same with a short header's first byte */
  SIM_FORGE_LONG,   /* with a long header's, of a version that we speak */
  SIM_FORGE_ID,     /* noise behind a connection ID that was seen */
  SIM_FORGE_MIRROR, /* a packet of the host itself, back to it */
  SIM_FORGE_REPLAY, /* a packet that came before, on its own addresses */
  SIM_FORGE_MOVE,   /* a packet that came before, on those of another path */
  SIM_FORGE_SPLICE, /* on those of another connection */
  SIM_FORGE_SPOOF,  /* from an address that nobody has */
  SIM_FORGE_RESET,  /* a stateless reset whose token is wrong */
  SIM_FORGE_TOKEN,  /* a stateless reset of the server: token() */
  SIM_FORGERIES
} sim_forgery;

#define SIM_FORGE_FLOWS 16
#define SIM_FORGE_KEPT 64

/* The two ends of a path, as seen at the station. */
typedef struct sim_forge_flow {
  qm_addr client, server;
} sim_forge_flow;

typedef struct sim_forge_kept {
  sim_forge_flow flow;
  size_t len;
  uint8_t data[SIM_MTU];
} sim_forge_kept;

typedef struct sim_forge {
  sim_node node;
  /* Settings, to be changed while the world runs. */
  sim_dir dir;            /* of what is forged */
  uint32_t kinds;         /* 1u << SIM_FORGE_... */
  unsigned burst;         /* forged for each real packet of that direction */
  quicmig_duration every; /* and one each so often, whatever happens; 0: none */
  size_t lo, hi;          /* length of noise */
  uint64_t most;          /* so many in all; UINT64_MAX */
  uint64_t at;            /* one of at_kind, before this packet; UINT64_MAX */
  sim_forgery at_kind;
  /* Which connection has this client's port?  NULL: there is only one. */
  int (*owner)(void *arg, uint16_t client_port);
  /* The token of a stateless reset for that ID (of 12 bytes, the server's
   * length); false: none.  For SIM_FORGE_TOKEN. */
  bool (*token)(void *arg, const uint8_t *id, uint8_t *dest);
  void *arg;
  /* What was seen and done. */
  uint64_t passed; /* packets, both directions */
  uint64_t made[SIM_FORGERIES], total;
  /* Inside. */
  sim *world;
  sim_actor actor;
  qm_rng rng; /* its own: the rest of the world is as without it */
  quicmig_tstamp next_at;
  sim_forge_flow flows[SIM_FORGE_FLOWS]; /* the last ones, a ring */
  size_t n_flows;
  sim_forge_kept kept[2][SIM_FORGE_KEPT]; /* by direction; of any age */
  size_t n_kept[2];
} sim_forge;

#define SIM_FORGE_ALL ((1u << SIM_FORGE_TOKEN) - 1) /* needs no secret */

/* Forges nothing until burst or every is set. */
void sim_forge_init(sim *s, sim_forge *f, sim_dir dir);

const char *sim_forge_name(sim_forgery kind);

#endif
