/* The command line of udp_forward. */
#ifndef FORWARD_OPTIONS_H
#define FORWARD_OPTIONS_H

#include <stdbool.h>

#include <quicmig/endpoint.h>

#define FORWARD_ALPN "quicmig-forward"

typedef struct endpoint_address {
  struct sockaddr_storage a;
  socklen_t len; /* 0: none */
} endpoint_address;

typedef struct forward_options {
  bool is_server;
  const char *host;           /* client: of the server */
  uint16_t port;              /* client: the same */
  endpoint_address listen[2]; /* client: the local side, one; server: QUIC */
  endpoint_address to;        /* server: the target */
  uint16_t port_lo, port_hi;  /* of the server; 0: one port */
  uint32_t fwmark;
  quicmig_duration flow_idle;
  uint32_t max_flows;              /* client: in all; server: of a connection */
  uint32_t max_flows_total;        /* server */
  uint32_t max_client_flows;       /* server: of a party; 0: chosen */
  uint32_t max_connections;        /* server */
  uint32_t max_client_connections; /* server: of a party */
  uint32_t queue;                  /* packets that wait, of a connection */
  quicmig_duration duration;       /* 0: until a signal */
  quicmig_tls_config tls;
  quicmig_options migration;
  quicmig_transport_options transport;
  const char *hop_log; /* NULL: none */
  bool is_json;
} forward_options;

/* Reads it; ends the program on --help and on mistakes. */
void options_read(forward_options *o, int argc, char **argv);

#endif
