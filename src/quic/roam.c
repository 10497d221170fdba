/* Follows the network from home to home. */
#include "quic/migrator.h"

#include "io/rxfault.h"

/* The kernel tells one change in many messages. */
#define DEBOUNCE (10 * QUICMIG_MILLISECOND)
#define CHECK_EVERY (100 * QUICMIG_MILLISECOND)
/* No socket to look with: again after this time. */
#define BLIND_FOR QUICMIG_SECOND

int qm_homes_watch(quicmig *m) {
  int fd;

  if (!m->engine.o.watch_network || !m->net->watch) {
    return 0;
  }
  fd = m->net->watch(m->net->ctx);
  if (fd < 0) {
    m->sys_error = (int16_t)-fd;
    return QUICMIG_ERR_SYSTEM;
  }
  m->homes.watch_fd = fd;
  m->cb.watch(m, fd, 1, m->user_data);
  return 0;
}

void qm_homes_unwatch(quicmig *m) {
  if (m->homes.watch_fd >= 0) {
    if (!qm_rxfault_is_paused(m->homes.watch_faults)) {
      m->cb.watch(m, m->homes.watch_fd, 0, m->user_data);
    }
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
  int rv = m->net->changed(m->net->ctx, m->homes.watch_fd);

  if (rv != 0) { /* who cannot hear of changes looks for them now and then */
    qm_homes_on_change(m, false);
  }
  qm_listening_on_watch_read(m, rv >= 0);
}

/* Ends a question to the kernel, of which `err` came; s is open if that is 0.
 * sys_error: as it was before.  What cannot be reached is QUICMIG_ERR_NO_PATH.
 */
static int end_question(quicmig *m, int err, int sys_error, const qm_sock *s) {
  bool is_gone = qm_homes_is_unreachable(err, m->sys_error);

  m->sys_error = (int16_t)sys_error;
  if (err == 0) {
    m->net->close(m->net->ctx, s->fd);
  }
  return is_gone ? QUICMIG_ERR_NO_PATH : err;
}

/* Where would a socket be bound now?  Nothing is sent.  A draining socket may
 * have to give way for the question.  Errors: QUICMIG_ERR_NO_PATH (there is no
 * way), or what qm_sock_open() said: it cannot be told now. */
static int find_route(quicmig *m, uint8_t from, uint8_t *home, qm_addr *local) {
  qm_ports ports = m->ports; /* the history stays as it is */
  int sys_error = m->sys_error;
  qm_sock s;
  int err = qm_homes_open_from(m, from, &ports, &s, home);

  if (err != 0 && qm_migrator_make_way(m, err)) {
    err = qm_homes_open_from(m, from, &ports, &s, home);
  }
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
    h->better_for = QM_BETTER_FOR;
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
  quicmig_duration gap = qm_engine_gap_of(
      e, qm_engine_mode_of(e, QUICMIG_REASON_NETWORK), qm_migrator_cc(m).pto);
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

int quicmig_network_changed(quicmig *m, quicmig_tstamp now) {
  int rv = qm_migrator_enter(m, now);

  if (rv == 0) {
    m->homes.check_at = m->clock.last;
    qm_homes_on_time(m);
    m->is_inside = false;
  }
  return rv;
}
