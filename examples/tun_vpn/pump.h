/*
 * Moves packets between the TUN device and connections.
 *
 *   TUN > ring of the connection > DATAGRAM      as fast as QUIC asks for them
 *   DATAGRAM > merge > TUN                       gathered until the loop sleeps
 *
 * When the only open tunnel's ring is full, the TUN is not read until half of
 * it is free: its queue in the kernel fills, and senders slow down.  With
 * several tunnels a full one loses its packets instead, so that a slow client
 * does not stop the others.
 */
#ifndef PUMP_H
#define PUMP_H

#include <quicmig/ev.h>

#include "codel.h"
#include "merge.h"
#include "ring.h"
#include "say.h"
#include "tun.h"

typedef struct pump pump;

/* Packets are IP packets inside the tunnel. */
typedef struct tunnel_counts {
  uint64_t tx_packets, tx_bytes; /* put into DATAGRAMs */
  uint64_t rx_packets, rx_bytes; /* that arrived, checks passed */
  uint64_t late;                 /* lost to keep the wait short */
  uint64_t full;                 /* lost in front of a full ring */
  uint64_t too_large;            /* for the path: answered with ICMP */
  uint64_t uncut;                /* too odd to be cut into segments */
  uint64_t foreign;              /* from an address that is not the client's */
  uint64_t malformed;            /* no IP packet */
} tunnel_counts;

/* One connection's share; user_data of its callbacks. */
typedef struct tunnel {
  pump *pump;
  quicmig_conn *conn; /* NULL: closed */
  void *owner;        /* whose it is */
  size_t index;       /* of the client in the configuration */
  ring out;
  codel codel;
  size_t room; /* the largest DATAGRAM now; 0: not connected */
  say_limit foreign_said;
  tunnel_counts counts;
} tunnel;

typedef struct pump_calls {
  /* The open tunnel that p is for, or NULL. */
  tunnel *(*find)(const uint8_t *p, void *user_data);
  /* May p come from there?  NULL: anything may. */
  bool (*may_come)(const tunnel *t, const uint8_t *p, void *user_data);
} pump_calls;

struct pump {
  struct ev_loop *loop;
  tun *device;
  pump_calls calls;
  void *user_data;
  ev_io readable;
  ev_prepare flush;
  bool is_paused;
  bool is_broken; /* the device is gone, and the loop has ended */
  size_t open;    /* tunnels */
  tunnel *guess;  /* where the last packet went, most likely the next one's */
  uint64_t lost;  /* packets for nobody */
  quicmig_tstamp told_at; /* when ICMP was sent last */
  unsigned told;          /* in this tenth of a second */
  merge in;
  uint8_t spare[RING_ROOM];
};

/* Starts to read the device. */
void pump_start(pump *p, struct ev_loop *loop, tun *device,
                const pump_calls *calls, void *user_data);
void pump_stop(pump *p);

/* Makes t the tunnel of conn, whose user data it becomes.  False: no memory. */
bool tunnel_open(tunnel *t, pump *p, quicmig_conn *conn);
/* Drops what waits.  Harmless when closed; counters stay. */
void tunnel_close(tunnel *t);

/* The callbacks of a connection with a tunnel as user data.  max_datagram is
 * the program's, which calls tunnel_on_room(). */
void tunnel_on_datagram(quicmig_conn *c, const uint8_t *data, size_t len,
                        void *user_data);
size_t tunnel_head(quicmig_conn *c, const uint8_t **data, void *user_data);
void tunnel_pop(quicmig_conn *c, int sent, void *user_data);
void tunnel_on_room(tunnel *t, size_t room);

#endif
