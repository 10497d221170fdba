/*
 * What a client and a server have in common: the configuration, the device with
 * its addresses, the loop, and the signals.
 *   INT, TERM   ends the loop
 *   USR1        prints the statistics
 *   HUP         reads the file again
 */
#ifndef STATION_H
#define STATION_H

#include "config.h"
#include "pump.h"

typedef struct station {
  config c;
  const char *file;
  struct ev_loop *loop;
  quicmig_ev *ev;
  tun device;
  pump pump;
  ev_signal signals[4];
  void (*report)(void *user_data);
  void (*reload)(void *user_data); /* c is the new one */
  void *user_data;
} station;

/* Opens and raises the device, and installs the signals.  What goes wrong ends
 * the program with one line and status 1. */
void station_open(station *s, void (*report)(void *), void (*reload)(void *),
                  void *user_data);
void station_close(station *s);

/* The files and limits that both sides use. */
void station_tls(const station *s, quicmig_tls_config *tls);
void station_transport(const station *s, quicmig_transport_options *o);

/* The MTU follows room, unless one is configured. */
void station_set_mtu(station *s, size_t room);

/* The counters as the inside of a JSON object, to stdout. */
void station_print_counts(const tunnel_counts *c);

#endif
