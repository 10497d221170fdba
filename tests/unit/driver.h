/*
 * Stands in for quic/: empties an engine's outbox after every input, answers
 * OPEN, MIGRATE and REBIND as the test says, and keeps a log of all actions:
 *
 *   open  1:closed>spare  migrate:2  rebind:2  close:2
 *   record:ok  gap-learned
 *
 * Paths get the sockets 1, 2, ... and the local ports 5001, 5002, ... in the
 * order of opening.  Time is driver.now and moves only when told to.
 */
#ifndef QM_TEST_DRIVER_H
#define QM_TEST_DRIVER_H

#include <stdio.h>

#include "core/engine.h"
#include "table.h"

#define US QUICMIG_MICROSECOND
#define MS QUICMIG_MILLISECOND
#define S QUICMIG_SECOND
#define NEVER QUICMIG_NEVER
/* When every driver begins: as after an hour of uptime. */
#define T0 (3600 * S)

#define DRIVER_SOCKETS 4096
/* What a want of descriptors says (EMFILE). */
#define DRIVER_SHORT 24
/* More inputs than this without a step of time are a busy loop. */
#define DRIVER_PATIENCE 32

/* Where every path leads. */
#define DRIVER_PEER 4433

typedef struct driver {
  quicmig_options o; /* change between driver_init and driver_connect */
  qm_path slots[16];
  qm_engine e;
  qm_policy policy; /* the engine's, if adaptive */
  qm_cc cc;
  quicmig_tstamp now;
  /* The answers. */
  int open_err, open_errno;   /* to OPEN */
  quicmig_duration open_time; /* how long opening takes */
  uint32_t shortages; /* so many OPENs fail for want of a descriptor first */
  int start_err;      /* to MIGRATE */
  bool is_silent;     /* MIGRATE and REBIND stay unanswered by the network; else
                       * each succeeds at once */
  /* What was seen. */
  uint32_t opens, closes, records, events[16];
  uint64_t values[16];  /* of the last event of each type */
  uint64_t dcid_seq;    /* of the last connection ID taken */
  uint32_t longest_out; /* most actions that waited at once */
  bool is_open[DRIVER_SOCKETS], is_watched[DRIVER_SOCKETS];
  quicmig_hop_record record; /* the last */
  char log[1024];
} driver;

/* Hours of hops fill the log: it is for tests of a few. */
static inline void driver_note(driver *d, const char *format, ...) {
  size_t used = strlen(d->log);
  va_list args;

  if (used + 64 > sizeof(d->log)) {
    return;
  }
  if (used) {
    d->log[used++] = ' ';
  }
  va_start(args, format);
  vsnprintf(d->log + used, sizeof(d->log) - used, format, args);
  va_end(args);
}

/* The log since the last call. */
static inline const char *driver_log(driver *d) {
  static char text[sizeof(d->log)];

  memcpy(text, d->log, sizeof(text));
  d->log[0] = 0;
  return text;
}

static inline qm_path *driver_path(driver *d, uint32_t id) {
  qm_path *p = qm_paths_find(&d->e.paths, id);

  if (!p) {
    print_error("no path %u\n", id);
    fail();
  }
  return p;
}

static inline bool driver_has(const driver *d, uint32_t id) {
  return qm_paths_find(&d->e.paths, id) != NULL;
}

static inline quicmig_path_state driver_state(driver *d, uint32_t id) {
  return driver_has(d, id) ? driver_path(d, id)->state : QUICMIG_PATH_CLOSED;
}

/* Makes a socket: returns its handle and sets its local address. */
static inline int driver_socket(driver *d, qm_addr *local) {
  int handle = (int)++d->opens;

  assert_true(handle < DRIVER_SOCKETS);
  d->is_open[handle] = d->is_watched[handle] = true;
  qm_addr_any(local, AF_INET);
  qm_addr_set_port(local, (uint16_t)(5000 + handle));
  return handle;
}

static inline void driver_open(driver *d) {
  qm_addr local;
  int handle;

  driver_note(d, "open");
  d->now += d->open_time;
  if (d->shortages) {
    d->shortages--;
    if (!qm_engine_on_shortage(&d->e, DRIVER_SHORT, &d->cc, d->now)) {
      qm_engine_on_refused(&d->e, QUICMIG_ERR_SYSTEM, DRIVER_SHORT, d->now);
    }
    return;
  }
  if (d->open_err) {
    qm_engine_on_refused(&d->e, d->open_err, d->open_errno, d->now);
    return;
  }
  handle = driver_socket(d, &local);
  qm_engine_on_opened(&d->e, &local, DRIVER_PEER, handle, d->now);
}

/* n bytes come on the path, and ngtcp2 accepts them.  Returns the id of the
 * path that ngtcp2 reads them under, 0: discarded. */
static inline uint32_t driver_accept(driver *d, uint32_t id, size_t n) {
  qm_arrival a;
  const qm_path *p =
      qm_engine_on_datagram(&d->e, driver_path(d, id), n, &a, d->now);
  uint32_t as = p ? p->id : 0;

  if (p) {
    qm_engine_on_accepted(&d->e, &a, d->now);
  }
  return as;
}

/* As ngtcp2 does: a fresh connection ID is taken for the path first. */
static inline void driver_migrate(driver *d, uint32_t id) {
  driver_note(d, "migrate:%u", id);
  if (d->start_err) {
    qm_engine_on_refused(&d->e, d->start_err, 0, d->now);
    return;
  }
  qm_engine_on_id_used(&d->e, ++d->dcid_seq);
  qm_engine_on_probing(&d->e, d->cc.pto, d->now);
  if (!d->is_silent) {
    qm_engine_on_validated(&d->e, id, d->now);
    driver_accept(d, id, 100);
  }
}

static inline void driver_rebind(driver *d, uint32_t id) {
  driver_note(d, "rebind:%u", id);
  qm_engine_on_probing(&d->e, d->cc.pto, d->now);
  if (!d->is_silent) {
    qm_engine_on_tx(&d->e, driver_path(d, id), 1, 100, d->now);
    driver_accept(d, id, 100);
  }
}

static inline void driver_close(driver *d, const qm_action *a) {
  driver_note(d, "close:%u", a->path);
  assert_true(d->is_open[a->value]); /* no socket is closed twice */
  d->is_open[a->value] = d->is_watched[a->value] = false;
  d->closes++;
}

static inline void driver_event(driver *d, const qm_action *a) {
  d->events[a->event]++;
  d->values[a->event] = a->value;
  if (a->event == QUICMIG_EVENT_PATH_STATE) {
    driver_note(d, "%u:%s>%s", a->path, quicmig_path_state_name(a->from),
                quicmig_path_state_name(a->to));
  } else {
    driver_note(d, "%s", quicmig_event_name(a->event));
  }
}

static inline void driver_do(driver *d, const qm_action *a) {
  switch ((qm_action_type)a->type) {
  case QM_ACT_OPEN:
    driver_open(d);
    break;
  case QM_ACT_MIGRATE:
    driver_migrate(d, a->path);
    break;
  case QM_ACT_REBIND:
    driver_rebind(d, a->path);
    break;
  case QM_ACT_CLOSE:
    driver_close(d, a);
    break;
  case QM_ACT_RECORD:
    d->record = d->e.hop.record;
    d->records++;
    driver_note(d, "record:%s", quicmig_err_name(d->record.result));
    break;
  case QM_ACT_EVENT:
    driver_event(d, a);
    break;
  }
}

/* Carries out what waits; to be called after every input. */
static inline void driver_run(driver *d) {
  qm_action a;

  do {
    d->longest_out =
        d->e.out.len > d->longest_out ? d->e.out.len : d->longest_out;
    if (!qm_engine_next(&d->e, &a)) {
      break;
    }
    driver_do(d, &a);
  } while (true);
}

/* Default options, a peer 20 ms away. */
static inline void driver_init(driver *d) {
  memset(d, 0, sizeof(*d));
  quicmig_options_default(&d->o);
  d->cc = (qm_cc){.cwnd = 12000, .srtt = 20 * MS, .pto = 50 * MS};
  d->now = T0;
}

/* The first path is open, the handshake not confirmed. */
static inline void driver_begin(driver *d, uint64_t seed) {
  qm_addr local;
  int handle;

  assert_null(quicmig_options_check(&d->o));
  qm_engine_init(&d->e, &d->o, d->slots, seed);
  if (d->o.adaptive) {
    qm_policy_init(&d->policy);
    d->e.policy = &d->policy;
  }
  handle = driver_socket(d, &local);
  qm_engine_on_first_path(&d->e, &local, DRIVER_PEER, handle, d->now);
  driver_run(d);
}

static inline void driver_confirm(driver *d, bool forbids, uint64_t limit) {
  qm_engine_on_confirmed(&d->e, forbids, limit, d->now);
  driver_run(d);
  driver_log(d);
}

/* Connected to a peer that allows everything; path 1 is active. */
static inline void driver_connect(driver *d) {
  driver_begin(d, 1);
  driver_confirm(d, false, 8);
}

static inline void driver_on_time(driver *d) {
  qm_engine_on_time(&d->e, &d->cc, d->now);
  driver_run(d);
}

/* Calls on_time at `now` until nothing is due: a loop that waked late. */
static inline void driver_catch_up(driver *d) {
  int turns = 0;

  while (qm_engine_deadline(&d->e) <= d->now) {
    driver_on_time(d);
    if (++turns > DRIVER_PATIENCE) {
      print_error("busy loop: %s\n", driver_log(d));
      fail();
    }
  }
}

/* Sleeps until `t`, through all that was due before. */
static inline void driver_sleep_until(driver *d, quicmig_tstamp t) {
  quicmig_tstamp at;

  while ((at = qm_engine_deadline(&d->e)) <= t) {
    d->now = qm_time_max(d->now, at);
    driver_catch_up(d);
  }
  d->now = t;
}

static inline int driver_hop(driver *d) {
  int rv = qm_engine_hop(&d->e, QUICMIG_REASON_MANUAL, &d->cc, d->now);

  driver_run(d);
  return rv;
}

/* A SPARE path, as quicmig_path_add() makes it; returns its id. */
static inline uint32_t driver_add(driver *d) {
  qm_addr local;
  int handle = driver_socket(d, &local);
  qm_path *p = qm_paths_add(&d->e.paths, &local, DRIVER_PEER, handle, d->now);

  assert_non_null(p);
  driver_run(d);
  return p->id;
}

static inline int driver_switch(driver *d, uint32_t id,
                                quicmig_duration timeout) {
  int rv = qm_engine_switch(&d->e, driver_path(d, id), timeout, &d->cc, d->now);

  driver_run(d);
  return rv;
}

static inline void driver_validated(driver *d, uint32_t id) {
  qm_engine_on_validated(&d->e, id, d->now);
  driver_run(d);
}

static inline void driver_failed(driver *d, uint32_t id, int err) {
  qm_engine_on_failed(&d->e, id, err, d->now);
  driver_run(d);
}

static inline void driver_tx(driver *d, uint32_t id, size_t n) {
  qm_engine_on_tx(&d->e, driver_path(d, id), 1, n, d->now);
  driver_run(d);
}

/* As driver_accept(), and carries out what follows from it. */
static inline uint32_t driver_rx(driver *d, uint32_t id, size_t n) {
  uint32_t as = driver_accept(d, id, n);

  driver_run(d);
  return as;
}

/* A datagram that ngtcp2 does not accept: junk, or a duplicate. */
static inline void driver_junk(driver *d, uint32_t id, size_t n) {
  qm_arrival a;

  (void)qm_engine_on_datagram(&d->e, driver_path(d, id), n, &a, d->now);
  driver_run(d);
}

static inline void driver_path_error(driver *d, uint32_t id, int err) {
  qm_engine_on_path_error(&d->e, driver_path(d, id), err, &d->cc, d->now);
  driver_run(d);
}

#endif
