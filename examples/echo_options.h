/* The command line of echo_client. */
#ifndef ECHO_OPTIONS_H
#define ECHO_OPTIONS_H

#include <quicmig/endpoint.h>

#define ECHO_SIZE_MIN 16 /* bytes of a datagram */

typedef struct echo_options {
  const char *host;
  const char *host2; /* address in the other family; NULL: none */
  uint64_t port;
  uint64_t rate; /* datagrams a second */
  uint64_t size; /* bytes a datagram */
  uint64_t stream_bytes;
  quicmig_duration duration;
  quicmig_tls_config tls;
  quicmig_options migration;
  quicmig_transport_options transport;
  const char *hop_log; /* NULL: none */
  int is_json;
  int shows_events;
} echo_options;

/* Reads it; ends the program on --help and on mistakes. */
void echo_options_read(echo_options *o, int argc, char **argv);

#endif
