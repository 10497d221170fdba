/* Creation, time and getters of <quicmig/quicmig.h>. */
#include "quic/migrator.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* A program that is late by so much has paused, and its machine perhaps, */
#define PAUSED (2 * QUICMIG_MILLISECOND)
/* or has slept: NATs may have forgotten the connection. */
#define SLEPT (10 * QUICMIG_SECOND)

#define CALLBACKS_MIN_SIZE sizeof(quicmig_callbacks)

static_assert(sizeof(quicmig_callbacks) ==
                  offsetof(quicmig_callbacks, event) + sizeof(void (*)(void)),
              "no tail padding in a public struct");
static_assert(sizeof(quicmig_stats) ==
                  offsetof(quicmig_stats, min_gap) + sizeof(quicmig_duration),
              "no tail padding in a public struct");
static_assert(sizeof(quicmig_hop_record) ==
                  offsetof(quicmig_hop_record, next_at) +
                      sizeof(quicmig_tstamp),
              "no tail padding in a public struct");
static_assert(sizeof(quicmig_path_info) ==
                  offsetof(quicmig_path_info, draining_at) +
                      sizeof(quicmig_tstamp),
              "no tail padding in a public struct");
static_assert(sizeof(quicmig_path_config) ==
                  offsetof(quicmig_path_config, interface_name) +
                      sizeof(const char *),
              "no tail padding in a public struct");

/* docs/architecture.md: 2 KiB with the default of four sockets. */
static_assert(sizeof(void *) > 8 ||
                  sizeof(quicmig) + 4 * sizeof(qm_path) <= 2048,
              "a handle is small");

static size_t handle_size(const quicmig_options *o) {
  return sizeof(quicmig) + o->max_sockets * sizeof(qm_path);
}

/* The adaptive policy is there only while it is wanted. */
static int want_policy(quicmig *m, bool is_wanted) {
  qm_policy *p = m->engine.policy;

  if (is_wanted == (p != NULL)) {
    return 0;
  }
  if (is_wanted) {
    p = qm_malloc(&m->mem, sizeof(*p));
    if (!p) {
      return QUICMIG_ERR_NOMEM;
    }
    qm_policy_init(p);
    qm_engine_on_policy(&m->engine, p, m->clock.last);
    return 0;
  }
  qm_engine_on_policy(&m->engine, NULL, m->clock.last);
  qm_free(&m->mem, p);
  return 0;
}

static int open_first(quicmig *m) {
  uint64_t seed;
  qm_sock s;
  int err;

  if (m->net->random(m->net->ctx, &seed, sizeof(seed)) != 0) {
    return QUICMIG_ERR_RANDOM;
  }
  qm_rng_init(&m->engine.sched.rng, seed);
  err = qm_homes_watch(m);
  if (err == 0) {
    err = qm_homes_open(m, QUICMIG_REASON_INITIAL, &s);
  }
  if (err != 0) {
    return err;
  }
  qm_engine_on_first_path(&m->engine, &s.local, qm_addr_port(&s.remote), s.fd,
                          m->clock.last);
  qm_migrator_on_socket(m, &s, m->homes.tried);
  qm_migrator_run(m);
  return 0;
}

int qm_migrator_new(quicmig **pm, const quicmig_options *o,
                    const quicmig_callbacks *cb, const quicmig_mem *mem,
                    const qm_net *net, const struct sockaddr *remote,
                    socklen_t remotelen, quicmig_tstamp now, void *user_data) {
  quicmig_options defaults;
  qm_addr peer;
  quicmig *m;
  int err;

  quicmig_options_default(&defaults);
  o = o ? o : &defaults;
  mem = mem ? mem : &qm_mem_default;
  if (quicmig_options_check(o) || !cb || cb->size < CALLBACKS_MIN_SIZE ||
      !cb->watch || qm_addr_set(&peer, remote, remotelen) != 0) {
    return QUICMIG_ERR_INVALID_ARGUMENT;
  }
  m = qm_calloc(mem, 1, handle_size(o));
  if (!m) {
    return QUICMIG_ERR_NOMEM;
  }
  m->mem = *mem;
  m->net = net;
  m->cb = *cb;
  m->user_data = user_data;
  m->write_at = m->full_at = m->stall_at = m->listen_at = QUICMIG_NEVER;
  m->rx_at = now;
  m->clock.last = now;
  qm_ports_init(&m->ports, o->local_port_lo, o->local_port_hi);
  qm_homes_init(&m->homes, &peer);
  qm_engine_init(&m->engine, o, m->slots, 0);
  m->engine.nat = &qm_nat_process;
  qm_engine_on_ways(&m->engine, strchr(o->interfaces, ',') != NULL);
  *pm = m;
  m->is_inside = true;
  err = want_policy(m, o->adaptive != 0);
  if (err == 0) {
    err = open_first(m);
  }
  m->is_inside = false;
  if (err != 0) {
    *pm = NULL;
    qm_homes_unwatch(m);
    (void)want_policy(m, false);
    errno = m->sys_error;
    qm_free(mem, m->ports.reserved);
    qm_free(mem, m);
  }
  return err;
}

int quicmig_new(quicmig **pm, const quicmig_options *o,
                const quicmig_callbacks *cb, const quicmig_mem *mem,
                const struct sockaddr *remote, socklen_t remotelen,
                quicmig_tstamp now, void *user_data) {
  return qm_migrator_new(pm, o, cb, mem, &qm_net_kernel, remote, remotelen, now,
                         user_data);
}

static void close_sockets(quicmig *m) {
  qm_path *p = NULL;

  while ((p = qm_paths_next(&m->engine.paths, p))) {
    uint8_t rx_faults = p->rx_faults;
    int fd = p->handle;

    *p = (qm_path){.id = 0};
    qm_migrator_close_socket(m, fd, rx_faults);
  }
  qm_homes_unwatch(m);
}

void quicmig_free(quicmig *m) {
  quicmig_mem mem;

  if (!m) {
    return;
  }
  assert(!m->is_inside); /* the call that is under way would go on with it */
  m->is_inside = true;
  close_sockets(m);
  qm_hold_free(m);
  (void)want_policy(m, false);
  mem = m->mem;
  qm_free(&mem, m->ports.reserved);
  qm_free(&mem, m);
}

int quicmig_detach(quicmig *m) {
  if (m->is_inside) {
    return QUICMIG_ERR_REENTRANT;
  }
  if (!m->conn) {
    return 0;
  }
  m->is_inside = true;
  qm_engine_on_end(&m->engine, m->clock.last);
  qm_migrator_run(m);
  close_sockets(m);
  qm_hold_free(m);
  m->is_inside = false;
  m->conn = NULL;
  return 0;
}

void quicmig_get_path(const quicmig *m, ngtcp2_path_storage *ps) {
  const qm_path *active = qm_engine_active(&m->engine);
  ngtcp2_path path;

  ngtcp2_path_storage_zero(ps);
  if (!active) {
    return;
  }
  qm_migrator_ngtcp2_path(m, active, &path);
  ngtcp2_path_storage_init(ps, path.local.addr, path.local.addrlen,
                           path.remote.addr, path.remote.addrlen, NULL);
}

int quicmig_attach(quicmig *m, ngtcp2_conn *conn) {
  ngtcp2_path_storage ps;

  if (m->is_inside) {
    return QUICMIG_ERR_REENTRANT;
  }
  if (m->conn || !qm_engine_active(&m->engine)) {
    return QUICMIG_ERR_INVALID_STATE;
  }
  quicmig_get_path(m, &ps);
  if (!conn || ngtcp2_conn_is_server(conn) ||
      !ngtcp2_path_eq(&ps.path, ngtcp2_conn_get_path(conn)) ||
      !qm_migrator_is_shown_as(qm_engine_active(&m->engine),
                               &ngtcp2_conn_get_path(conn)->local)) {
    return QUICMIG_ERR_INVALID_ARGUMENT;
  }
  m->conn = conn;
  if (m->keep_alive) {
    quicmig_set_keep_alive(m, m->keep_alive);
  }
  return 0;
}

quicmig_tstamp quicmig_deadline(const quicmig *m) {
  quicmig_tstamp at = m->write_at;

  if (!m->conn) {
    return QUICMIG_NEVER;
  }
  if (m->hold && qm_migrator_is_closing(m)) {
    return qm_clock_guard_out(&m->clock, at);
  }
  at = qm_time_min(at, m->stall_at);
  at = qm_time_min(at, m->listen_at);
  at = qm_time_min(at, m->homes.check_at);
  at = qm_time_min(at, qm_engine_deadline(&m->engine));
  at = qm_time_min(at, ngtcp2_conn_get_expiry(m->conn));
  return qm_clock_guard_out(&m->clock, at);
}

/* The path that time is about to judge, or NULL. */
static const qm_path *find_judged(const quicmig *m) {
  if (m->engine.hop.phase == QM_PHASE_PROBING) {
    return qm_paths_find(&m->engine.paths, m->engine.hop.record.to_id);
  }
  return m->is_late || qm_engine_is_silent(&m->engine, m->clock.last) ||
                 qm_time_is_due(m->stall_at, m->clock.last)
             ? qm_engine_active(&m->engine)
             : NULL;
}

/*
 * The proof of a new path, or the acknowledgement that was missed, may wait in
 * its socket while the program was busy elsewhere: it is read before time is
 * allowed to fail the path.
 */
static int read_judged(quicmig *m) {
  const qm_path *p = find_judged(m);
  uint64_t before;
  int rv;

  if (!p) {
    return 0;
  }
  before = qm_migrator_in_flight(m);
  rv = qm_migrator_read(m, p->handle);
  qm_migrator_on_flight(m, before);
  return rv;
}

static int pass_time(quicmig *m) {
  quicmig_tstamp now = m->clock.last;
  qm_cc cc;

  if (read_judged(m) < 0 || qm_listening_on_time(m) < 0) {
    return QUICMIG_ERR_CONN;
  }
  if (ngtcp2_conn_get_expiry(m->conn) <= now) {
    m->conn_error = (int16_t)ngtcp2_conn_handle_expiry(m->conn, now);
    qm_migrator_run(m);
    if (m->conn_error != 0) {
      return QUICMIG_ERR_CONN;
    }
  }
  qm_stall_on_time(m);
  qm_homes_on_time(m);
  while (qm_engine_deadline(&m->engine) <= now) {
    cc = qm_migrator_cc(m);
    qm_engine_on_time(&m->engine, &cc, now);
    qm_migrator_run(m);
  }
  return 0;
}

/* By how much this call is later than had been asked for; 0: the last one was
 * just before. */
static quicmig_duration lateness(const quicmig *m, quicmig_tstamp now) {
  quicmig_tstamp last = qm_clock_guard_out(&m->clock, m->clock.last);

  return now > qm_time_add(last, PAUSED)
             ? qm_time_since(now, qm_time_max(quicmig_deadline(m), last))
             : 0;
}

static void take_time(quicmig *m, quicmig_tstamp now) {
  quicmig_duration late = lateness(m, now);
  quicmig_tstamp from = m->clock.last;

  if (late > SLEPT && m->engine.o.watch_network) {
    qm_homes_on_change(m, true);
  }
  qm_clock_guard_in(&m->clock, now);
  if (late > PAUSED) {
    m->is_late = true;
    qm_silence_on_pause(&m->engine.silence, m->engine.o.degrade_ptos, from,
                        m->clock.last);
    qm_stall_on_pause(m, from);
  }
}

int qm_migrator_enter(quicmig *m, quicmig_tstamp now) {
  if (m->is_inside) {
    return QUICMIG_ERR_REENTRANT;
  }
  take_time(m, now);
  if (!m->conn) {
    return QUICMIG_ERR_INVALID_STATE;
  }
  m->is_inside = true;
  return 0;
}

static bool is_due(const quicmig *m) {
  return ngtcp2_conn_get_expiry(m->conn) <= m->clock.last ||
         m->stall_at <= m->clock.last || m->listen_at <= m->clock.last ||
         m->homes.check_at <= m->clock.last ||
         qm_engine_deadline(&m->engine) <= m->clock.last;
}

int quicmig_on_time(quicmig *m, quicmig_tstamp now) {
  int rv = qm_migrator_enter(m, now);

  if (rv == 0) {
    rv = is_due(m) ? pass_time(m) : 0;
    m->is_inside = m->is_late = false;
  }
  return rv;
}

int quicmig_conn_error(const quicmig *m) { return m->conn_error; }

int quicmig_sys_error(const quicmig *m) { return m->sys_error; }

int quicmig_reschedule(quicmig *m, const quicmig_options *o,
                       quicmig_tstamp now) {
  if (m->is_inside) {
    return QUICMIG_ERR_REENTRANT;
  }
  if (quicmig_options_check(o)) {
    return QUICMIG_ERR_INVALID_ARGUMENT;
  }
  take_time(m, now);
  if (want_policy(m, o->adaptive != 0) != 0) {
    return QUICMIG_ERR_NOMEM;
  }
  qm_engine_on_options(&m->engine, o, m->clock.last);
  return 0;
}

void quicmig_get_stats(const quicmig *m, quicmig_stats *s) {
  quicmig_stats all = m->engine.stats;
  size_t size = s->size < sizeof(all) ? s->size : sizeof(all);

  all.size = size;
  all.min_gap = qm_engine_min_gap(&m->engine, qm_migrator_cc(m).pto);
  memcpy(s, &all, size);
}

quicmig_tstamp quicmig_next_hop(const quicmig *m) {
  if (!m->conn) {
    return QUICMIG_NEVER;
  }
  return qm_clock_guard_out(&m->clock, qm_sched_deadline(&m->engine.sched));
}

size_t quicmig_memory(const quicmig *m) {
  return handle_size(&m->engine.o) + qm_hold_memory(m) +
         (m->engine.policy ? sizeof(qm_policy) : 0) +
         (m->ports.reserved ? sizeof(qm_reserved) : 0);
}
