#include "quic/migrator.h"

#include <errno.h>
#include <string.h>

#include "io/txplan.h"

/* The kernel tells one change in many messages. */
#define DEBOUNCE (10 * QUICMIG_MILLISECOND)
#define CHECK_EVERY (100 * QUICMIG_MILLISECOND)
/* No socket to look with: again after this time. */
#define BLIND_FOR QUICMIG_SECOND
/* A better interface that comes and goes is left alone; one that stays but
 * leads nowhere is tried ever more rarely. */
#define BETTER_FOR (2 * QUICMIG_SECOND)
#define BETTER_FOR_MAX (300 * QUICMIG_SECOND)
/* With so few connection IDs a hop may be the last one for a while. */
#define SCARCE_IDS 4

void qm_homes_init(qm_homes *h, const qm_addr *remote) {
  *h = (qm_homes){.remotes = {*remote},
                  .n_remotes = 1,
                  .watch_fd = -1,
                  .check_at = QUICMIG_NEVER,
                  .better_since = QUICMIG_NEVER,
                  .better_for = BETTER_FOR};
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

static bool is_unreachable(int err, int sys_errno) {
  return err == QUICMIG_ERR_SYSTEM &&
         (qm_txplan_is_path_down(sys_errno) || sys_errno == ENODEV ||
          sys_errno == ENETDOWN || sys_errno == EAFNOSUPPORT);
}

/* Opens at the first home from `from` on that has a route; *home is its name.
 * The first one's error counts. */
static int open_any(quicmig *m, uint8_t from, qm_ports *ports, qm_sock *s,
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
    if (!is_unreachable(err, m->sys_error)) {
      return err;
    }
    if (first == 0) {
      first = err;
      first_errno = m->sys_error;
    }
  }
  m->sys_error = first_errno;
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
  return open_any(m, from, &m->ports, s, &m->homes.tried);
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

int qm_homes_watch(quicmig *m) {
  int fd;

  if (!m->engine.o.watch_network || !m->net->watch) {
    return 0;
  }
  fd = m->net->watch(m->net->ctx);
  if (fd < 0) {
    m->sys_error = -fd;
    return QUICMIG_ERR_SYSTEM;
  }
  m->homes.watch_fd = fd;
  m->cb.watch(m, fd, 1, m->user_data);
  return 0;
}

void qm_homes_unwatch(quicmig *m) {
  if (m->homes.watch_fd >= 0) {
    m->cb.watch(m, m->homes.watch_fd, 0, m->user_data);
    m->net->close(m->net->ctx, m->homes.watch_fd);
    m->homes.watch_fd = -1;
  }
  m->homes.check_at = QUICMIG_NEVER;
}

void qm_homes_on_change(quicmig *m, bool is_forced) {
  qm_homes *h = &m->homes;

  h->is_forced = h->is_forced || is_forced;
  /* A look that waits for a better home to last does not put this one off. */
  h->check_at = qm_time_min(
      h->check_at, qm_time_max(qm_time_add(m->clock.last, DEBOUNCE),
                               qm_time_add(h->checked_at, CHECK_EVERY)));
}

void qm_homes_on_readable(quicmig *m) {
  if (m->net->changed(m->net->ctx, m->homes.watch_fd)) {
    qm_homes_on_change(m, false);
  }
}

/* Ends a question to the kernel, of which `err` came; s is open if that is 0.
 * sys_error: as it was before.  What cannot be reached is QUICMIG_ERR_NO_PATH.
 */
static int end_question(quicmig *m, int err, int sys_error, const qm_sock *s) {
  bool is_gone = is_unreachable(err, m->sys_error);

  m->sys_error = sys_error;
  if (err == 0) {
    m->net->close(m->net->ctx, s->fd);
  }
  return is_gone ? QUICMIG_ERR_NO_PATH : err;
}

/* Where would a socket be bound now?  Nothing is sent.  Errors:
 * QUICMIG_ERR_NO_PATH (there is no way), or what qm_sock_open() said: it cannot
 * be told now. */
static int find_route(quicmig *m, uint8_t from, uint8_t *home, qm_addr *local) {
  qm_ports ports = m->ports; /* the history stays as it is */
  int sys_error = m->sys_error;
  qm_sock s;
  int err = open_any(m, from, &ports, &s, home);

  if (err == 0) {
    *local = s.local;
  }
  return end_question(m, err, sys_error, &s);
}

static void tell(quicmig *m, uint64_t what) {
  qm_outbox_push_event(&m->engine.out, QUICMIG_EVENT_NETWORK, what);
}

/* Is the home in use still what it was, so that a better one can wait? */
static bool can_stay(quicmig *m, const qm_path *active, uint8_t better) {
  qm_homes *h = &m->homes;
  qm_addr local;
  uint8_t home;

  if (h->is_forced || better > active->home ||
      find_route(m, active->home, &home, &local) != 0 || home != active->home ||
      !qm_addr_is_same_host(&local, &active->local)) {
    return false;
  }
  if (better == active->home) {
    h->better_since = QUICMIG_NEVER;
    h->better_for = BETTER_FOR;
    return true;
  }
  if (h->better_since == QUICMIG_NEVER || h->better != better) {
    h->better = better;
    h->better_since = m->clock.last;
  }
  h->check_at = qm_time_add(h->better_since, h->better_for);
  return h->check_at > m->clock.last;
}

static void move(quicmig *m) {
  qm_cc cc = qm_migrator_cc(m);
  int rv =
      qm_engine_hop(&m->engine, QUICMIG_REASON_NETWORK, &cc, m->clock.last);

  m->homes.is_forced = false;
  m->homes.better_since = QUICMIG_NEVER;
  if (rv == 0) {
    tell(m, 1);
  }
}

/* When the network may be looked at, because a hop can follow: not while one is
 * under way, which may lead there already, and not before the minimum gap. */
static quicmig_tstamp ready_at(const quicmig *m) {
  const qm_engine *e = &m->engine;
  quicmig_duration gap = qm_engine_min_gap(e, qm_migrator_cc(m).pto);
  quicmig_tstamp at = m->clock.last;

  if (!e->is_confirmed) {
    return qm_time_add(at, CHECK_EVERY);
  }
  if (e->hop.phase != QM_PHASE_IDLE) { /* the longer it lasts, the longer */
    return qm_time_add(at, qm_time_max(CHECK_EVERY, at - e->hop.at));
  }
  return e->sched.last_start
             ? qm_time_max(at, qm_time_add(e->sched.last_start, gap))
             : at;
}

/* Is the source address of a path that was added by hand still there?  Which
 * interface it was bound to is not known any more. */
static bool lives_by_hand(quicmig *m, const qm_path *p) {
  qm_migrator_socket how = {.remote = qm_homes_remote(m, p->home),
                            .from = p->local,
                            .interface_name = m->engine.o.interface_name};
  qm_ports ports = m->ports;
  int sys_error = m->sys_error, err;
  qm_sock s;

  qm_addr_set_port(&how.from, 0);
  err = qm_migrator_open_socket(m, &how, &ports, &s);
  return end_question(m, err, sys_error, &s) != QUICMIG_ERR_NO_PATH;
}

static void check(quicmig *m) {
  const qm_path *active = qm_engine_active(&m->engine);
  qm_homes *h = &m->homes;
  qm_addr local;
  uint8_t best;
  int err;

  if (active->home == QM_HOME_BY_HAND && !h->is_forced) {
    h->is_forced = !lives_by_hand(m, active);
    if (!h->is_forced) {
      return;
    }
  }
  err = find_route(m, 0, &best, &local);
  if (err == QUICMIG_ERR_NO_PATH) {
    if (!h->is_lost) {
      tell(m, 2);
    }
    h->is_lost = true;
    return;
  }
  if (err != 0) {
    h->check_at = qm_time_add(m->clock.last, BLIND_FOR);
    return;
  }
  h->is_forced = h->is_forced || h->is_lost;
  h->is_lost = false;
  if (!can_stay(m, active, best)) {
    move(m);
  }
}

void qm_homes_on_time(quicmig *m) {
  qm_homes *h = &m->homes;

  if (!qm_time_is_due(h->check_at, m->clock.last)) {
    return;
  }
  h->check_at = ready_at(m);
  if (h->check_at > m->clock.last) {
    return;
  }
  h->check_at = QUICMIG_NEVER;
  h->checked_at = m->clock.last;
  if (qm_sched_is_wanted(&m->engine.o)) {
    check(m);
    qm_migrator_run(m);
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
  m->engine.has_others = true;
  return 0;
}

int quicmig_network_changed(quicmig *m, quicmig_tstamp now) {
  int rv = qm_migrator_enter(m, now);

  if (rv == 0) {
    m->homes.check_at = m->clock.last;
    qm_homes_on_time(m);
    m->is_inside = false;
  }
  return rv;
}
