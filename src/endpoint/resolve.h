/*
 * Where a client's server is: what the program says, or what the resolver does,
 * at most one address of each family.
 */
#ifndef QM_RESOLVE_H
#define QM_RESOLVE_H

#include "base/addr.h"
#include <quicmig/endpoint.h>

/*
 * The best address first; the second one's len is 0 if there is none.  May
 * block.
 * Errors, with their text: QUICMIG_ERR_INVALID_ARGUMENT, QUICMIG_ERR_RESOLVE.
 */
int qm_resolve(const quicmig_client_config *cfg, qm_addr remotes[2]);

#endif
