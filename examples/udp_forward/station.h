/*
 * What both ends have: the loop, the packets, the flows and the counters.  Once
 * a second it expires idle flows; before each sleep of the loop it sends what
 * arrived; SIGUSR1 prints the statistics; SIGINT, SIGTERM and --duration end
 * it.
 */
#ifndef FORWARD_STATION_H
#define FORWARD_STATION_H

#include <ev.h>

#include <quicmig/ev.h>

#include "batch.h"
#include "flows.h"
#include "inbound.h"
#include "log.h"
#include "options.h"

typedef struct station station;

struct station {
  const forward_options *o;
  struct ev_loop *loop;
  quicmig_ev *ev;
  counters count;
  pool pool;
  reader reader;
  outbox outbox;
  flows flows;
  ev_prepare flush;
  ev_timer second, end;
  ev_signal on_usr1, on_int, on_term;
  log_limit refused, malformed;
  void (*close_flow)(station *s, flow *f); /* it is removed right after */
  void (*print)(station *s);               /* statistics, to stdout */
};

/* Takes the memory, for so many flows and waiting packets, and starts the
 * timers; ends the program where that fails. */
void station_start(station *s, const forward_options *o, uint32_t flow_limit,
                   size_t waiting);
void station_stop(station *s);

/* A packet that came through QUIC leaves to `to`, NULL: fd is connected. */
void station_deliver(station *s, int fd, const struct sockaddr_storage *to,
                     const inbound_packet *p);

/* A non-blocking UDP socket with large buffers; the kernel may fragment what it
 * sends.  Negative: errno is set. */
int station_socket(int family);

#endif
