/* Where a client's server is: what the program says, or what the resolver does.
 */
#ifndef QM_RESOLVE_H
#define QM_RESOLVE_H

#include "base/addr.h"
#include "endpoint/race.h"
#include <quicmig/endpoint.h>

typedef struct qm_remotes {
  qm_addr rows[QM_RACE_ADDRESSES]; /* the best first */
  size_t n;
} qm_remotes;

/*
 * At least one address; those of the resolver in its order, but the families
 * take turns (RFC 8305 section 4).  May block.
 * Errors, with their text: QUICMIG_ERR_INVALID_ARGUMENT, QUICMIG_ERR_RESOLVE.
 */
int qm_resolve(const quicmig_client_config *cfg, qm_remotes *r);

#endif
