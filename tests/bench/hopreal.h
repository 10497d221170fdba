/*
 * Hops over real loopback sockets: goodput and datagrams beside the same
 * transfer without hops, and the CPU and system calls of one hop beside those
 * of a bare socket.
 */
#ifndef HOPREAL_H
#define HOPREAL_H

#include "bench.h"

/* One direction, over the rounds: --ms of transfer with a hop every second, and
 * as much without hops. */
typedef struct hopreal_goodput {
  bench_spread mbit_hops, mbit_none; /* Mbit/s of stream data */
  bench_spread ratio;                /* of the two, in one round */
  uint64_t hops, failed;
  uint64_t sent, lost; /* datagrams */
  uint64_t blocked;    /* not taken by the queue */
  bool is_good;        /* the transfer went on to its end */
} hopreal_goodput;

/*
 * One hop of a client without other traffic: quicmig_hop() and all of its
 * quicmig_client_run() until the next hop, so both challenges, the answers to
 * the server's, path MTU discovery, fresh IDs and the end of an old socket; not
 * the program's poll, not the server.  Beside it, in turn: socket, the same
 * options, getrandom, bind, connect, close.
 */
typedef struct hopreal_cpu {
  bench_spread us_hop, us_sockets;
  bench_spread ratio; /* of the two, in one round */
  double syscalls_hop, syscalls_sockets, wakeups_hop;
  uint64_t hops, failed;
  bool is_good;
} hopreal_cpu;

hopreal_goodput hopreal_run_goodput(const bench_options *o, bool is_down);
hopreal_cpu hopreal_run_cpu(const bench_options *o);

#endif
