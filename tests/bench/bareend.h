/* One end of a bare ngtcp2 connection: creation, TLS and callbacks. */
#ifndef BAREEND_H
#define BAREEND_H

#include <ngtcp2/ngtcp2_crypto.h>

#include "baresock.h"
#include "carrier.h"
#include "endpoint/tls.h"

typedef struct bare_end {
  struct bare *b;
  ngtcp2_conn *conn; /* server: NULL before the first packet */
  gnutls_session_t session;
  ngtcp2_crypto_conn_ref ref;
  qm_tls tls;
  baresock sock;
  quicmig_tstamp now; /* of the turn under way, set before the start */
  bool has_more;      /* the send quantum ended the last turn */
  bool is_server;
} bare_end;

enum { BARE_SERVER, BARE_CLIENT };

typedef struct bare {
  carrier base; /* first */
  ngtcp2_mem mem;
  bare_end ends[2];
  size_t packet_size;
  int64_t stream;                 /* of the client */
  uint64_t stream_in, stream_out; /* bytes so far */
} bare;

/* Makes the connection.  hd: the client's first packet; NULL: this is the
 * client, whose socket is connected.  0, or less than 0. */
int bare_end_start(bare_end *e, const ngtcp2_pkt_hd *hd);
void bare_end_reset(bare_end *e);

/* From here to there; valid as long as *e. */
ngtcp2_path bare_end_path(bare_end *e);

#endif
