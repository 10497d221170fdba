#include "quic/migrator.h"

#include <errno.h>
#include <string.h>

#include "io/txplan.h"

/* A better home that leads nowhere is tried ever more rarely. */
#define BETTER_FOR_MAX (300 * QUICMIG_SECOND)
/* With so few connection IDs a hop may be the last one for a while. */
#define SCARCE_IDS 4

void qm_homes_init(qm_homes *h, const qm_addr *remote) {
  *h = (qm_homes){.remotes = {*remote},
                  .n_remotes = 1,
                  .watch_fd = -1,
                  .check_at = QUICMIG_NEVER,
                  .better_since = QUICMIG_NEVER,
                  .better_for = QM_BETTER_FOR};
}

/* The i-th interface of the list, NULL behind its end; an empty list has one
 * entry, "". */
static const char *interface(const quicmig *m, unsigned i, char name[16]) {
  const char *p = m->engine.o.interfaces;
  size_t len = strcspn(p, ",");

  for (; i && p[len]; i--) {
    p += len + 1;
    len = strcspn(p, ",");
  }
  if (i) {
    return NULL;
  }
  memcpy(name, p, len);
  name[len] = 0;
  return name;
}

static unsigned count(const quicmig *m) {
  unsigned n = QM_REMOTES;
  const char *p = m->engine.o.interfaces;

  while ((p = strchr(p, ','))) {
    p++;
    n += QM_REMOTES;
  }
  return n;
}

qm_addr qm_homes_remote(const quicmig *m, uint8_t home) {
  const quicmig_options *o = &m->engine.o;
  qm_addr a = m->homes.remotes[home % QM_REMOTES];
  uint32_t draw;

  if (o->remote_port_lo &&
      m->net->random(m->net->ctx, &draw, sizeof(draw)) == 0) {
    uint32_t ports = (uint32_t)(o->remote_port_hi - o->remote_port_lo) + 1;

    qm_addr_set_port(&a, (uint16_t)(o->remote_port_lo + draw % ports));
  }
  return a;
}

static int open_at(quicmig *m, uint8_t home, qm_ports *ports, qm_sock *s) {
  char name[16];
  const char *list = interface(m, home / QM_REMOTES, name);
  qm_migrator_socket how = {.remote = qm_homes_remote(m, home),
                            .interface_name =
                                list[0] ? list : m->engine.o.interface_name,
                            .needs_carrier = list[0] != 0};

  return qm_migrator_open_socket(m, &how, ports, s);
}

bool qm_homes_is_unreachable(int err, int sys_errno) {
  return err == QUICMIG_ERR_SYSTEM &&
         (qm_txplan_is_path_down(sys_errno) || sys_errno == ENODEV ||
          sys_errno == ENETDOWN || sys_errno == EAFNOSUPPORT);
}

int qm_homes_open_from(quicmig *m, uint8_t from, qm_ports *ports, qm_sock *s,
                       uint8_t *home) {
  unsigned n = count(m), i;
  int first = 0, first_errno = 0;

  for (i = 0; i < n; i++) {
    uint8_t h = (uint8_t)((from + i) % n);
    int err;

    if (h % QM_REMOTES >= m->homes.n_remotes) {
      continue;
    }
    *home = h;
    err = open_at(m, h, ports, s);
    if (!qm_homes_is_unreachable(err, m->sys_error)) {
      return err;
    }
    if (first == 0) {
      first = err;
      first_errno = m->sys_error;
    }
  }
  m->sys_error = (int16_t)first_errno;
  return first;
}

/* A scheduled hop may find out whether a better home works again; not a REBIND,
 * which would pay with data. */
static bool may_try_best(const quicmig *m) {
  return m->engine.hop.record.mode == QUICMIG_MODE_MIGRATE &&
         m->clock.last >= m->homes.best_again;
}

int qm_homes_open(quicmig *m, uint32_t reason, qm_sock *s) {
  uint8_t from = m->homes.next;

  if (reason == QUICMIG_REASON_NETWORK ||
      (reason == QUICMIG_REASON_INTERVAL && may_try_best(m))) {
    from = 0;
  } else if (reason == QUICMIG_REASON_DEGRADED &&
             m->engine.ledger.peer_cid_limit < SCARCE_IDS) {
    from++; /* there may be no second attempt */
  }
  return qm_homes_open_from(m, from, &m->ports, s, &m->homes.tried);
}

void qm_homes_on_record(quicmig *m, const quicmig_hop_record *r) {
  const qm_path *active = qm_engine_active(&m->engine);
  bool is_mute = r->result == 0 && !active->is_heard;

  if (r->result != 0 && (r->reason == QUICMIG_REASON_NETWORK ||
                         r->reason == QUICMIG_REASON_INTERVAL)) {
    m->homes.better_for = qm_time_min(2 * m->homes.better_for, BETTER_FOR_MAX);
    m->homes.best_again = qm_time_add(m->clock.last, m->homes.better_for);
  }
  if (r->result == 0 && !is_mute) {
    m->homes.is_forced = false;
  }
  /* Moved at once and not heard yet counts as no better than a failure. */
  if ((is_mute || r->result == QUICMIG_ERR_VALIDATION_FAILED) &&
      r->reason != QUICMIG_REASON_EXPLICIT) {
    m->homes.next = (uint8_t)((m->homes.tried + 1u) % count(m));
  } else if (r->result == 0) {
    m->homes.next = active->home == QM_HOME_BY_HAND ? 0 : active->home;
  }
}

int quicmig_add_remote(quicmig *m, const struct sockaddr *remote,
                       socklen_t remotelen) {
  qm_homes *h = &m->homes;
  qm_addr a;

  if (m->is_inside) {
    return QUICMIG_ERR_REENTRANT;
  }
  if (qm_addr_set(&a, remote, remotelen) != 0 ||
      qm_addr_family(&a) == qm_addr_family(&h->remotes[0])) {
    return QUICMIG_ERR_INVALID_ARGUMENT;
  }
  if (h->n_remotes == QM_REMOTES) {
    return QUICMIG_ERR_INVALID_STATE;
  }
  h->remotes[h->n_remotes++] = a;
  qm_engine_on_ways(&m->engine, true);
  return 0;
}
