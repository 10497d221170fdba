/* Hops and paths by hand. */
#include "quic/migrator.h"

#include <string.h>

int quicmig_hop(quicmig *m, quicmig_tstamp now) {
  int rv = qm_migrator_enter(m, now);
  uint64_t seq;
  qm_cc cc;

  if (rv != 0) {
    return rv;
  }
  cc = qm_migrator_cc(m);
  rv = qm_engine_hop(&m->engine, QUICMIG_REASON_MANUAL, &cc, m->clock.last);
  seq = m->engine.hop.record.seq;
  qm_migrator_run(m);
  /* The attempt may have ended while its actions were carried out. */
  if (rv == 0 && m->engine.hop.record.seq == seq) {
    rv = m->engine.hop.record.result;
  }
  m->is_inside = false;
  return rv;
}

/* The local address a path by hand starts from. */
static int read_config(const quicmig *m, const quicmig_path_config *cfg,
                       qm_addr *from) {
  qm_addr_any(from, qm_addr_family(&m->homes.remotes[0]));
  if (cfg && cfg->size >= sizeof(*cfg) && cfg->interface_name &&
      strlen(cfg->interface_name) >= sizeof(m->engine.o.interface_name)) {
    return QUICMIG_ERR_INVALID_ARGUMENT;
  }
  if (!cfg || !cfg->local) {
    return cfg && cfg->size < sizeof(*cfg) ? QUICMIG_ERR_INVALID_ARGUMENT : 0;
  }
  if (cfg->size < sizeof(*cfg) ||
      qm_addr_set(from, cfg->local, cfg->locallen) != 0 ||
      qm_addr_family(from) != qm_addr_family(&m->homes.remotes[0])) {
    return QUICMIG_ERR_INVALID_ARGUMENT;
  }
  return 0;
}

static int add_path(quicmig *m, const qm_migrator_socket *how, uint32_t *id) {
  qm_cc cc = qm_migrator_cc(m);
  int err = qm_engine_make_room(&m->engine, &cc, m->clock.last);
  qm_sock s;

  qm_migrator_run(m);
  if (err == 0) {
    err = qm_migrator_open_socket(m, how, &m->ports, &s);
  }
  if (err != 0 && qm_migrator_make_way(m, err)) {
    err = qm_migrator_open_socket(m, how, &m->ports, &s);
  }
  if (err != 0) {
    return err;
  }
  *id = qm_paths_add(&m->engine.paths, &s.local, qm_addr_port(&s.remote), s.fd,
                     m->clock.last)
            ->id;
  qm_migrator_on_socket(m, &s, QM_HOME_BY_HAND);
  qm_migrator_run(m);
  return 0;
}

int quicmig_path_add(quicmig *m, const quicmig_path_config *cfg, uint32_t *id,
                     quicmig_tstamp now) {
  qm_migrator_socket how = {.interface_name = m->engine.o.interface_name};
  int rv =
      m->is_inside ? QUICMIG_ERR_REENTRANT : read_config(m, cfg, &how.from);

  if (cfg && cfg->interface_name) {
    how.interface_name = cfg->interface_name;
  }

  if (rv == 0) {
    rv = qm_migrator_enter(m, now);
  }
  if (rv != 0) {
    return rv;
  }
  how.remote = qm_homes_remote(m, 0);
  rv = add_path(m, &how, id);
  m->is_inside = false;
  return rv;
}

int quicmig_path_switch(quicmig *m, uint32_t id, quicmig_duration timeout,
                        quicmig_tstamp now) {
  qm_path *p = qm_paths_find(&m->engine.paths, id);
  qm_cc cc;
  int rv;

  if (m->is_inside) {
    return QUICMIG_ERR_REENTRANT;
  }
  if (!p) {
    return QUICMIG_ERR_NO_PATH;
  }
  if (p->state != QUICMIG_PATH_SPARE) {
    return QUICMIG_ERR_INVALID_STATE;
  }
  rv = qm_migrator_enter(m, now);
  if (rv != 0) {
    return rv;
  }
  cc = qm_migrator_cc(m);
  rv = qm_engine_switch(&m->engine, p, timeout, &cc, m->clock.last);
  qm_migrator_run(m);
  if (rv == 0 && m->engine.hop.record.to_id == id) {
    rv = m->engine.hop.record.result;
  }
  m->is_inside = false;
  return rv;
}

int quicmig_path_close(quicmig *m, uint32_t id, quicmig_tstamp now) {
  qm_path *p = qm_paths_find(&m->engine.paths, id);
  int rv;

  if (m->is_inside) {
    return QUICMIG_ERR_REENTRANT;
  }
  if (!p) {
    return QUICMIG_ERR_NO_PATH;
  }
  if (p->state == QUICMIG_PATH_ACTIVE || p->state == QUICMIG_PATH_PROBING) {
    return QUICMIG_ERR_INVALID_STATE;
  }
  if (qm_path_is_held(p)) {
    return QUICMIG_ERR_BUSY;
  }
  rv = qm_migrator_enter(m, now);
  if (rv == 0) {
    qm_paths_move(&m->engine.paths, p, QUICMIG_PATH_CLOSED, m->clock.last);
    qm_migrator_run(m);
    m->is_inside = false;
  }
  return rv;
}

static void describe(const quicmig *m, const qm_path *p, quicmig_path_info *i) {
  qm_addr remote;

  *i = (quicmig_path_info){
      .size = sizeof(*i),
      .id = p->id,
      .state = p->state,
      .fd = p->handle,
      .rtt = p->id == m->engine.active_id ? qm_migrator_cc(m).srtt : 0,
      .tx_packets = p->meter.tx_packets,
      .tx_bytes = p->meter.tx_bytes,
      .rx_packets = p->meter.rx_packets,
      .rx_bytes = p->meter.rx_bytes,
      .late_packets = p->meter.late,
      .rescued_packets = p->meter.rescued,
      .opened_at = p->opened_at,
      .active_at = p->active_at,
      .draining_at = p->draining_at};
  qm_addr_copy_to(&p->local, &i->local);
  remote = m->homes.remotes[p->home % QM_REMOTES];
  qm_addr_set_port(&remote, p->remote_port);
  qm_addr_copy_to(&remote, &i->remote);
}

size_t quicmig_paths(const quicmig *m, quicmig_path_info *out, size_t n) {
  const qm_path *p = NULL;
  size_t i = 0;

  while ((p = qm_paths_next(&m->engine.paths, p))) {
    if (i < n) {
      describe(m, p, &out[i]);
    }
    i++;
  }
  return i;
}
