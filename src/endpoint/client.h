/* A client: one connection over one migrator; and quicmig_client_new() over
 * another network, for the tests. */
#ifndef QM_CLIENT_H
#define QM_CLIENT_H

#include "endpoint/conn.h"
#include "io/net.h"
#include <quicmig/endpoint.h>

/* connecting.h */
typedef struct qm_connecting qm_connecting;

struct quicmig_client {
  quicmig_conn conn; /* first: the owner finds the client by it */
  quicmig_mem mem;
  quicmig_transport_options o;
  qm_tls tls;
  quicmig *migrator;         /* of the dial that is loaded, while connecting */
  qm_connecting *connecting; /* NULL: connected, or ended, and alone */
  quicmig_tstamp busy_at;    /* several packets came within a PTO */
  quicmig_tstamp counted_at; /* since then so many have come */
  int counted;
  quicmig_duration keep_alive; /* as ngtcp2 knows it */
  bool wants_run;              /* something was queued */
  bool is_held; /* the kernel wants time, or ngtcp2 the next quantum */
  bool is_inside;
};

int qm_client_new(quicmig_client **pc, const quicmig_client_config *cfg,
                  const qm_net *net, quicmig_tstamp now);

#endif
