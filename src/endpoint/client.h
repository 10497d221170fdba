/* quicmig_client_new() over another network, for the tests. */
#ifndef QM_CLIENT_H
#define QM_CLIENT_H

#include "io/net.h"
#include <quicmig/endpoint.h>

int qm_client_new(quicmig_client **pc, const quicmig_client_config *cfg,
                  const qm_net *net, quicmig_tstamp now);

#endif
