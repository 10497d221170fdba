/* The budget of NAT mappings of this process. */
#include "quic/migrator.h"

#define MAPPINGS 4096
#define LIFETIME (180 * QUICMIG_SECOND)

qm_nat qm_nat_process = QM_NAT_INIT(MAPPINGS, LIFETIME);

int quicmig_nat_budget(uint32_t mappings, quicmig_duration lifetime) {
  if (mappings == 1 || lifetime < QUICMIG_SECOND ||
      lifetime > 3600 * QUICMIG_SECOND) {
    return QUICMIG_ERR_INVALID_ARGUMENT;
  }
  qm_nat_set(&qm_nat_process, mappings, lifetime);
  return 0;
}

uint32_t quicmig_nat_mappings(quicmig_tstamp now) {
  return qm_nat_used(&qm_nat_process, now);
}
