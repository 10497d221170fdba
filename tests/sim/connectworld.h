/*
 * A world for tests of connecting: a server with an address of each family, and
 * more addresses that are dead, slow or refused, which the client is told in
 * some order.
 */
#ifndef CONNECTWORLD_H
#define CONNECTWORLD_H

#include "rig.h"
#include "uplink.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ALIVE4 "10.9.0.1"
#define ALIVE6 "fd09::1"
#define DEAD4 "10.9.0.2" /* nothing comes back */
#define DEAD6 "fd09::2"
#define REFUSED4 "10.9.0.3" /* the kernel hears that nobody listens */
#define REFUSED6 "fd09::3"

#define ADDRESSES 10
#define DELAY (10 * MS) /* one way */

typedef struct connect_world {
  rig r;
  sim_line line;
  sim_node slow;
  quicmig_duration slow_by[2]; /* each way: IPv4, IPv6 */
  struct sockaddr_storage remotes[ADDRESSES];
  size_t n_remotes;
  sim_actor icmp;
  qm_net kernel;                 /* as the simulator made it */
  quicmig_tstamp refused_at[64]; /* by socket; 0: not */
  bool is_refusal_pending[64];
  quicmig_tstamp begun_at, connected_at;
  unsigned connected, closed;
  void (*rig_connected)(quicmig_conn *c, void *user_data);
  void (*rig_closed)(quicmig_conn *c, const quicmig_close_info *info,
                     void *user_data);
  quicmig_conn *conn; /* that connected was called for */
} connect_world;

extern connect_world w;

/* Names end with NULL. */
void connect_prepare(const char *const *addresses);

/* Server and client; 0 or the client's error. */
int connect_start(void);

/* Where the connection goes, as "10.9.0.1"; "" before it is connected. */
const char *connect_remote(char dest[64]);

#endif
