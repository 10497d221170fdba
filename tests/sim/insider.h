/*
 * A hostile server, as far as its packets go: learns the server's 1-RTT secret
 * from its TLS session, and seals any frames into packets that the client takes
 * for genuine (RFC 9001 section 5).  The server itself stays ours.
 *
 *   insider_init > rig_start_server > ... > insider_seal, once it can
 */
#ifndef INSIDER_H
#define INSIDER_H

#include <gnutls/gnutls.h>

#include "rig.h"

#define INSIDER_SECRET_MAX 48

typedef struct insider {
  quicmig_server_callbacks cb; /* the rig's, with accept */
  gnutls_session_t session;    /* of the last connection accepted */
  uint8_t secret[INSIDER_SECRET_MAX];
  size_t secret_len; /* 0: not known yet */
  uint64_t number;   /* of the next packet */
} insider;

/* Takes r->on_server_config.  One at a time. */
void insider_init(insider *i, rig *r);

/* Makes of q, a copy of a packet to the client, one 1-RTT packet with these
 * frames and padding, len bytes of frames in all >= 20.  id: the client's
 * connection ID. */
void insider_seal(insider *i, sim_pkt *q, const uint8_t *id, size_t idlen,
                  const uint8_t *frames, size_t len);

#endif
