#include "endpoint/tracker.h"

static qm_tracked *find_pending(qm_tracker *t, const qm_addr *addr) {
  size_t i;

  for (i = 0; i < QM_TRACKER_PENDING; i++) {
    if (t->pending[i].addr.len && qm_addr_is_equal(&t->pending[i].addr, addr)) {
      return &t->pending[i];
    }
  }
  return NULL;
}

void qm_tracker_on_packet(qm_tracker *t, const qm_addr *from, uint64_t id) {
  if (!t->current.addr.len || qm_addr_is_equal(&t->current.addr, from)) {
    t->current.id = id;
    return;
  }
  if (!find_pending(t, from)) {
    t->pending[t->next_pending] = (qm_tracked){.addr = *from, .id = id};
    t->next_pending = (uint8_t)((t->next_pending + 1) % QM_TRACKER_PENDING);
  }
}

bool qm_tracker_is_known(const qm_tracker *t, const qm_addr *addr) {
  size_t i;

  for (i = 0; i < QM_TRACKER_PENDING; i++) {
    if (t->earlier[i].len && qm_addr_is_equal(&t->earlier[i], addr)) {
      return true;
    }
  }
  return false;
}

bool qm_tracker_on_validated(qm_tracker *t, const qm_addr *addr,
                             quicmig_tstamp now, quicmig_migration *m) {
  qm_tracked old = t->current;
  qm_tracked *seen;

  if (!old.addr.len) {
    t->current.addr = *addr;
    return false;
  }
  if (qm_addr_is_equal(&old.addr, addr)) {
    return false;
  }
  seen = find_pending(t, addr);
  t->current = (qm_tracked){.addr = *addr, .id = seen ? seen->id : 0};
  if (seen) {
    *seen = (qm_tracked){.id = 0};
  }
  t->earlier[t->next_earlier] = old.addr;
  t->next_earlier = (uint8_t)((t->next_earlier + 1) % QM_TRACKER_PENDING);
  *m = (quicmig_migration){.size = sizeof(*m), .count = ++t->count, .at = now};
  if (qm_addr_port(&old.addr) != qm_addr_port(addr)) {
    m->flags |= QUICMIG_MIGRATION_PORT;
  }
  if (!qm_addr_is_same_host(&old.addr, addr)) {
    m->flags |= QUICMIG_MIGRATION_IP;
  }
  if (t->current.id == old.id) {
    m->flags |= QUICMIG_MIGRATION_SAME_ID;
  }
  qm_addr_copy_to(&old.addr, &m->old_remote);
  qm_addr_copy_to(addr, &m->new_remote);
  return true;
}
