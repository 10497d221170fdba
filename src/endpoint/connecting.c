#include "endpoint/connecting.h"

#include <errno.h>
#include <string.h>

#include "endpoint/dial.h"
#include "endpoint/race.h"
#include "quic/private.h"

#define DIALS 16
#define NO_DIAL DIALS

struct qm_connecting {
  qm_remotes remotes;
  qm_race race;
  qm_clock_guard clock;
  qm_dial_config cfg;
  qm_addr added; /* by the program, of the other family; len 0: none */
  quicmig_tstamp give_up_at; /* handshake_timeout has passed */
  quicmig_tstamp last_call;  /* a server has refused us: the rest has until
                                then; NEVER: none has */
  bool is_given_up;          /* by the program */
  unsigned loaded;           /* NO_DIAL: none */
  unsigned failed;           /* that tells why, if none succeeds */
  qm_dial dials[DIALS];
};

static void unload(quicmig_client *c) {
  qm_connecting *k = c->connecting;

  if (k->loaded != NO_DIAL) {
    qm_dial_unload(&k->dials[k->loaded], c);
    k->loaded = NO_DIAL;
  }
}

static void load(quicmig_client *c, unsigned i) {
  qm_connecting *k = c->connecting;

  if (i != k->loaded) {
    unload(c);
    qm_dial_load(&k->dials[i], c);
    k->loaded = i;
  }
}

static unsigned find_place(const qm_connecting *k) {
  unsigned i;

  for (i = 0; i < DIALS && k->dials[i].migrator; i++) {
  }
  return i;
}

/* The first that is under way, or NO_DIAL.  One that only waits for the kernel
 * to take its CONNECTION_CLOSE comes last. */
static unsigned find_live(const quicmig_client *c) {
  const qm_connecting *k = c->connecting;
  unsigned i, closing = NO_DIAL;

  for (i = 0; i < DIALS; i++) {
    if (!qm_dial_is_live(&k->dials[i])) {
      continue;
    }
    if (!(i == k->loaded ? c->conn.is_close_sent
                         : k->dials[i].end.is_close_sent)) {
      return i;
    }
    closing = i;
  }
  return closing;
}

static void load_any(quicmig_client *c) {
  unsigned live = find_live(c);

  load(c, live != NO_DIAL ? live : c->connecting->failed);
}

/* --- the beginning --- */

/* One more dial, in a free place; *i is its number.  As qm_dial_start(). */
static int begin(quicmig_client *c, unsigned address, quicmig_tstamp now,
                 unsigned *i) {
  qm_connecting *k = c->connecting;
  int rv;

  *i = find_place(k);
  rv = qm_dial_start(&k->dials[*i], c, &k->cfg, &k->remotes.rows[address],
                     qm_time_since(k->give_up_at, k->clock.last), now);
  if (rv == 0) {
    k->dials[*i].address = (uint8_t)address;
  }
  return rv;
}

/* The first dial; an address without a route now gives way to the next one. */
static int begin_first(quicmig_client *c, quicmig_tstamp now) {
  qm_connecting *k = c->connecting;
  int first = 0, first_errno = 0, rv, address;
  unsigned i;

  while ((address = qm_race_next(&k->race, now)) >= 0) {
    rv = begin(c, (unsigned)address, now, &i);
    if (rv == 0) {
      load(c, i);
    }
    if (rv != QUICMIG_ERR_SYSTEM) {
      return rv;
    }
    if (first == 0) {
      first = rv;
      first_errno = errno;
    }
    qm_race_on_failed(&k->race, (unsigned)address, false, now);
  }
  errno = first_errno;
  return first;
}

static int keep_config(quicmig_client *c, const quicmig_client_config *cfg,
                       qm_dial_config *dest) {
  if (cfg->migration) {
    dest->migration = *cfg->migration;
    dest->migration.size = sizeof(dest->migration);
  } else {
    quicmig_options_default(&dest->migration);
  }
  dest->cb = *cfg->callbacks;
  dest->user_data = cfg->user_data;
  if (cfg->session && cfg->session_len) {
    dest->resume = qm_malloc(&c->mem, cfg->session_len);
    if (!dest->resume) {
      return QUICMIG_ERR_NOMEM;
    }
    memcpy(dest->resume, cfg->session, cfg->session_len);
    dest->resume_len = cfg->session_len;
  }
  return 0;
}

int qm_connecting_new(quicmig_client *c, const quicmig_client_config *cfg,
                      const qm_net *net, const qm_remotes *remotes,
                      quicmig_tstamp now) {
  qm_connecting *k = qm_calloc(&c->mem, 1, sizeof(*k));
  int rv;

  if (!k) {
    return QUICMIG_ERR_NOMEM;
  }
  c->connecting = k;
  k->cfg.net = net;
  k->remotes = *remotes;
  k->loaded = k->failed = NO_DIAL;
  k->clock.last = now;
  k->give_up_at = qm_time_add(now, c->o.handshake_timeout);
  k->last_call = QUICMIG_NEVER;
  qm_race_init(&k->race, remotes->n,
               qm_time_max(QM_RACE_PATIENCE, 3 * c->o.initial_rtt), now);
  rv = keep_config(c, cfg, &k->cfg);
  return rv == 0 ? begin_first(c, now) : rv;
}

void qm_connecting_free(quicmig_client *c) {
  qm_connecting *k = c->connecting;
  unsigned i;

  if (!k) {
    return;
  }
  for (i = 0; i < DIALS; i++) {
    if (i != k->loaded) {
      qm_dial_reset(&k->dials[i]);
    }
  }
  qm_free(&c->mem, k->cfg.resume);
  qm_free(&c->mem, k);
  c->connecting = NULL;
}

/* --- one wins --- */

/* Ends all but the one that is loaded.  True: the kernel has taken what they
 * had to say. */
static bool end_others(qm_connecting *k, int fd, quicmig_tstamp now) {
  bool is_done = true;
  unsigned i;

  for (i = 0; i < DIALS; i++) {
    if (i == k->loaded) {
      continue;
    }
    if (qm_dial_say_goodbye(&k->dials[i], fd, now)) {
      qm_dial_reset(&k->dials[i]);
    } else {
      is_done = false;
    }
  }
  return is_done;
}

/* The server in the other family, for a connection that has lost its first one
 * (quicmig_add_remote()). */
static void add_second(quicmig_client *c, const qm_dial *winner) {
  const qm_connecting *k = c->connecting;
  int family = qm_addr_family(&k->remotes.rows[winner->address]);
  size_t i;

  for (i = 0; i <= k->remotes.n; i++) {
    const qm_addr *a = i < k->remotes.n ? &k->remotes.rows[i] : &k->added;

    if (a->len && qm_addr_family(a) != family) {
      (void)quicmig_add_remote(c->migrator, &a->u.sa, a->len);
      return;
    }
  }
}

/* The dial that is loaded has completed its handshake. */
static void on_won(quicmig_client *c, quicmig_tstamp now) {
  qm_connecting *k = c->connecting;
  bool is_done = end_others(k, -1, now);

  add_second(c, &k->dials[k->loaded]);
  k->last_call = QUICMIG_NEVER;
  if (is_done) {
    qm_connecting_free(c);
  }
}

/* Since then: the others, until they are gone, and the connection. */
static bool run_winner(quicmig_client *c, int fd, quicmig_tstamp now,
                       qm_client_turn *turn) {
  if (end_others(c->connecting, fd, now)) {
    qm_connecting_free(c);
  }
  return turn(c, fd, now);
}

/* --- or fails --- */

/* The more a failure says, the better. */
static int telling(int err) {
  switch (err) {
  case QUICMIG_ERR_HANDSHAKE_TIMEOUT:
    return 0;
  case QUICMIG_ERR_REFUSED:
  case QUICMIG_ERR_NOMEM:
    return 1;
  default: /* somebody has answered */
    return 2;
  }
}

/* Nobody listens there: what has heard nothing from there will not. */
static void end_deaf(qm_connecting *k, unsigned address) {
  unsigned i;

  for (i = 0; i < DIALS; i++) {
    qm_dial *d = &k->dials[i];

    if (qm_dial_is_live(d) && d->address == address && qm_dial_is_deaf(d)) {
      d->is_over = true;
    }
  }
}

/* All that are over, but the one that tells why. */
static void drop_failed(qm_connecting *k) {
  unsigned i;

  for (i = 0; i < DIALS; i++) {
    if (k->dials[i].is_over && i != k->failed) {
      qm_dial_reset(&k->dials[i]);
    }
  }
}

/* The dial that is loaded has failed.  Another one is loaded before the
 * program's callbacks are called, so that they may close the connection. */
static void on_failed(quicmig_client *c) {
  qm_connecting *k = c->connecting;
  quicmig_tstamp now = k->clock.last;
  unsigned i = k->loaded, address = k->dials[i].address;
  int err = c->conn.close_err;

  unload(c);
  k->dials[i].is_over = true;
  qm_race_on_failed(&k->race, address, err != QUICMIG_ERR_HANDSHAKE_TIMEOUT,
                    now);
  if (err == QUICMIG_ERR_REFUSED) {
    end_deaf(k, address);
  }
  if (telling(err) > 1 && k->last_call == QUICMIG_NEVER) {
    k->last_call = qm_time_add(now, k->race.patience);
  }
  if (k->failed == NO_DIAL ||
      telling(err) > telling(k->dials[k->failed].end.close_err)) {
    k->failed = i;
  }
  load_any(c);
  (void)quicmig_detach(k->dials[i].migrator);
  drop_failed(k);
}

static void look_for_refusal(quicmig_client *c) {
  qm_connecting *k = c->connecting;
  qm_dial *d = &k->dials[k->loaded];
  quicmig_stats s = {.size = sizeof(s)};

  quicmig_get_stats(c->migrator, &s);
  if (!d->is_doubted && s.refused && s.rx_packets == 0) {
    d->is_doubted = true;
    qm_race_on_doubt(&k->race, k->clock.last);
  }
}

/* --- a run --- */

/* The program has closed the connection, whichever dial was loaded. */
static bool is_given_up(const quicmig_client *c) {
  return c->connecting->is_given_up ||
         (c->conn.wants_close &&
          c->conn.ccerr.type == NGTCP2_CCERR_TYPE_APPLICATION);
}

/* A turn of one dial.  True: nothing more is to be done in this run, because it
 * won, with *is_over, or because the program has had enough. */
static bool run_dial(quicmig_client *c, unsigned i, int fd, quicmig_tstamp now,
                     qm_client_turn *turn, bool *is_over) {
  load(c, i);
  *is_over = turn(c, fd, now);
  if (c->conn.state == QM_CONN_OPEN) {
    on_won(c, now);
    return true;
  }
  if (is_given_up(c)) {
    return true;
  }
  if (*is_over) {
    *is_over = false;
    on_failed(c);
    return is_given_up(c);
  }
  look_for_refusal(c);
  return false;
}

/* The same CONNECTION_CLOSE on all of them.  True: it is said.  Those that have
 * said it are watched no more, whatever comes for them. */
static bool give_up(quicmig_client *c, int fd, quicmig_tstamp now,
                    qm_client_turn *turn) {
  qm_connecting *k = c->connecting;
  qm_dial_end end = qm_dial_get_end(&c->conn);
  unsigned i, last = k->loaded, waiting = NO_DIAL;

  k->is_given_up = true;
  k->last_call = QUICMIG_NEVER;
  for (i = 0; i < DIALS; i++) {
    if (!qm_dial_is_live(&k->dials[i])) {
      continue;
    }
    load(c, i);
    end.is_close_sent = c->conn.is_close_sent;
    qm_dial_set_end(&c->conn, &end);
    if (turn(c, fd, now)) {
      (void)quicmig_detach(c->migrator);
      k->dials[i].is_over = true;
      last = i;
    } else {
      waiting = i;
    }
  }
  load(c, waiting != NO_DIAL ? waiting : last);
  return waiting == NO_DIAL;
}

/* What the program did since to the dial that it sees holds for all. */
static void spread(quicmig_client *c, quicmig_tstamp now) {
  qm_connecting *k = c->connecting;
  const quicmig_options *o = qm_migrator_options(c->migrator);
  qm_addr remotes[QM_REMOTES];
  unsigned i;

  if (qm_migrator_remotes(c->migrator, remotes) > 1) {
    k->added = remotes[1];
  }
  if (memcmp(o, &k->cfg.migration, sizeof(*o)) == 0) {
    return;
  }
  k->cfg.migration = *o;
  for (i = 0; i < DIALS; i++) {
    if (qm_dial_is_live(&k->dials[i]) && i != k->loaded) {
      (void)quicmig_reschedule(k->dials[i].migrator, &k->cfg.migration, now);
    }
  }
}

/* When to begin the next dial; one that has no time left is not begun. */
static quicmig_tstamp begin_at(const qm_connecting *k) {
  quicmig_tstamp at = qm_race_deadline(&k->race);
  quicmig_tstamp first = qm_time_max(at, k->clock.last);

  return find_place(k) == NO_DIAL || k->is_given_up ||
                 qm_time_add(first, QM_RACE_STAGGER) > k->give_up_at
             ? QUICMIG_NEVER
             : at;
}

/* Begins what is due.  As run_dial(). */
static bool begin_more(quicmig_client *c, quicmig_tstamp now,
                       qm_client_turn *turn, bool *is_over) {
  qm_connecting *k = c->connecting;

  while (qm_time_is_due(begin_at(k), k->clock.last)) {
    unsigned address = (unsigned)qm_race_next(&k->race, k->clock.last), i;
    int rv = begin(c, address, now, &i);

    if (is_given_up(c)) { /* in a callback */
      return true;
    }
    if (rv != 0) {
      qm_race_on_failed(&k->race, address, rv != QUICMIG_ERR_SYSTEM,
                        k->clock.last);
    } else if (run_dial(c, i, -1, now, turn, is_over)) {
      return true;
    }
  }
  return false;
}

/* As run_dial(). */
static bool run_all(quicmig_client *c, int fd, quicmig_tstamp now,
                    qm_client_turn *turn, bool *is_over) {
  unsigned i;

  for (i = 0; i < DIALS; i++) {
    if (qm_dial_is_live(&c->connecting->dials[i]) &&
        run_dial(c, i, fd, now, turn, is_over)) {
      return true;
    }
  }
  return begin_more(c, now, turn, is_over);
}

/* A server has refused us, and the others have not answered for long enough. */
static bool is_lost(const qm_connecting *k) {
  return qm_time_is_due(k->last_call, k->clock.last) &&
         !qm_race_has_more(&k->race);
}

bool qm_connecting_run(quicmig_client *c, int fd, quicmig_tstamp now,
                       qm_client_turn *turn) {
  qm_connecting *k = c->connecting;
  bool is_over = false;

  (void)qm_clock_guard_in(&k->clock, now);
  if (c->conn.state == QM_CONN_OPEN) {
    return run_winner(c, fd, now, turn);
  }
  spread(c, now);
  if (!is_given_up(c) && run_all(c, fd, now, turn, &is_over) &&
      c->conn.state == QM_CONN_OPEN) {
    return is_over;
  }
  if (is_given_up(c)) {
    return give_up(c, fd, now, turn);
  }
  load_any(c);
  if (qm_dial_is_live(&k->dials[k->loaded]) && is_lost(k)) {
    load(c, k->failed);
    (void)end_others(k, -1, now);
  }
  return !qm_dial_is_live(&k->dials[k->loaded]);
}

quicmig_tstamp qm_connecting_deadline(const quicmig_client *c) {
  const qm_connecting *k = c->connecting;
  quicmig_tstamp at =
      c->conn.state == QM_CONN_OPEN ? QUICMIG_NEVER : begin_at(k);
  unsigned i;

  if (!qm_race_has_more(&k->race)) {
    at = qm_time_min(at, k->last_call);
  }
  at = qm_clock_guard_out(&k->clock, at);
  for (i = 0; i < DIALS; i++) {
    if (qm_dial_is_live(&k->dials[i])) {
      at = qm_time_min(at, quicmig_deadline(k->dials[i].migrator));
    }
  }
  return at;
}
