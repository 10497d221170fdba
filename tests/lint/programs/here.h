/* Read before a block of a document that is run: its client talks to 127.0.0.1,
 * to the port of argv[1], and trusts whoever is there; its server takes any
 * port, and a certificate that it signs itself. */
#ifndef HERE_H
#define HERE_H

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include <quicmig/ev.h>

static uint64_t here_port;

static inline void here_begin(int argc, char **argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  here_port = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
}

static inline int here_client_new(quicmig_client **client,
                                  const quicmig_client_config *cfg,
                                  quicmig_tstamp now) {
  quicmig_client_config here = *cfg;
  quicmig_tls_config tls = *cfg->tls;

  tls.ca_file = NULL;
  tls.insecure = 1;
  here.tls = &tls;
  here.host = "127.0.0.1";
  here.port = here_port;
  return quicmig_client_new(client, &here, now);
}

static inline int here_server_new(quicmig_server **server,
                                  const quicmig_server_config *cfg,
                                  quicmig_tstamp now) {
  quicmig_server_config here = *cfg;
  quicmig_tls_config tls = *cfg->tls;
  struct sockaddr_in local = {.sin_family = AF_INET};

  local.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  tls.cert_file = tls.key_file = NULL;
  here.tls = &tls;
  here.local = (const struct sockaddr *)&local;
  here.locallen = sizeof(local);
  return quicmig_server_new(server, &here, now);
}

#define quicmig_client_new here_client_new
#define quicmig_server_new here_server_new

/* For blocks that leave the callback to the reader. */
static inline void here_connected(quicmig_conn *c, void *user_data) {
  (void)c;
  (void)user_data;
  puts("connected");
}

#endif
