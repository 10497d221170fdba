#include "endpoint/server.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "endpoint/errtext.h"

/* Writing in a run: a busy server must come back to its socket. */
#define WRITE_MAX QUICMIG_MILLISECOND
/* Handshakes in a run, while nobody has more to write; else it is one. */
#define HANDSHAKES_MAX (2 * QUICMIG_MILLISECOND)
/* A timer that is later than that tells of a pause. */
#define LATE (5 * QUICMIG_MILLISECOND)

static int check_addresses(const quicmig_server_config *cfg,
                           qm_listener_config *c) {
  uint16_t port, port2;

  if (qm_addr_set(&c->local[0], cfg->local, (socklen_t)cfg->locallen) != 0) {
    return qm_error(QUICMIG_ERR_INVALID_ARGUMENT,
                    "local must be an IPv4 or IPv6 address");
  }
  if (cfg->local2 &&
      (qm_addr_set(&c->local[1], cfg->local2, (socklen_t)cfg->locallen2) != 0 ||
       qm_addr_family(&c->local[0]) == qm_addr_family(&c->local[1]))) {
    return qm_error(QUICMIG_ERR_INVALID_ARGUMENT,
                    "local2 must be an address of the other family");
  }
  port = qm_addr_port(&c->local[0]);
  if (cfg->port_hi &&
      (port == 0 || cfg->port_hi < port || cfg->port_hi > 65535 ||
       cfg->port_hi - port >= QM_LISTENER_PORTS)) {
    return qm_error(QUICMIG_ERR_INVALID_ARGUMENT,
                    "port_hi must be 0 or from local's port on, at most %d "
                    "ports",
                    QM_LISTENER_PORTS);
  }
  port2 = c->local[1].len ? qm_addr_port(&c->local[1]) : 0;
  if (cfg->port_hi && port2 + (cfg->port_hi - port) > 65535) {
    return qm_error(QUICMIG_ERR_INVALID_ARGUMENT,
                    "the range from local2's port on ends behind 65535");
  }
  c->port_hi = (uint16_t)cfg->port_hi;
  return 0;
}

static int check_config(const quicmig_server_config *cfg,
                        qm_listener_config *c) {
  if (!cfg || cfg->size < sizeof(*cfg)) {
    return qm_error(QUICMIG_ERR_INVALID_ARGUMENT,
                    "size must be set by quicmig_server_config_default()");
  }
  if (!cfg->callbacks || cfg->callbacks->size < sizeof(*cfg->callbacks) ||
      !cfg->callbacks->watch) {
    return qm_error(QUICMIG_ERR_INVALID_ARGUMENT,
                    "callbacks with watch are required");
  }
  if (cfg->no_offload & ~(uint64_t)(QUICMIG_NO_GSO | QUICMIG_NO_GRO)) {
    return qm_error(QUICMIG_ERR_INVALID_ARGUMENT,
                    "no_offload must be of QUICMIG_NO_GSO and QUICMIG_NO_GRO");
  }
  if (cfg->fwmark > UINT32_MAX) {
    return qm_error(QUICMIG_ERR_INVALID_ARGUMENT,
                    "fwmark must be 0 to 4294967295");
  }
  *c = (qm_listener_config){.no_offload = (uint32_t)cfg->no_offload,
                            .fwmark = (uint32_t)cfg->fwmark};
  return check_addresses(cfg, c);
}

static int start(quicmig_server *s, const quicmig_server_config *cfg,
                 const qm_listener_config *lc) {
  uint64_t keys[4];
  int rv;

  if (s->net->random(s->net->ctx, keys, sizeof(keys)) != 0 ||
      s->net->random(s->net->ctx, s->reset_secret, sizeof(s->reset_secret)) !=
          0) {
    return qm_error(QUICMIG_ERR_RANDOM, "%s",
                    quicmig_strerror(QUICMIG_ERR_RANDOM));
  }
  qm_cidtable_init(&s->ids, &s->mem, keys);
  memcpy(s->routes_key, keys + 2, sizeof(s->routes_key));
  rv = qm_tls_init(&s->tls, cfg->tls, true, NULL);
  if (rv == 0) {
    rv = qm_listener_open(&s->listener, lc, &s->mem, s->net, &s->local);
  }
  return rv == 0 ? qm_inbox_init(&s->inbox, &s->listener) : rv;
}

int qm_server_new(quicmig_server **ps, const quicmig_server_config *cfg,
                  const qm_net *net, quicmig_tstamp now) {
  const quicmig_mem *mem;
  quicmig_transport_options o;
  quicmig_server *s;
  qm_listener_config lc;
  int rv;

  qm_error_clear();
  rv = check_config(cfg, &lc);

  if (rv == 0) {
    rv = qm_conn_check(&o, cfg->transport, cfg->conn_callbacks);
  }
  if (rv != 0) {
    return rv;
  }
  mem = cfg->mem ? cfg->mem : &qm_mem_default;
  s = qm_calloc(mem, 1, sizeof(*s));
  if (!s) {
    return qm_error(QUICMIG_ERR_NOMEM, "out of memory");
  }
  s->mem = *mem;
  s->net = net;
  s->cb = *cfg->callbacks;
  s->conn_cb = *cfg->conn_callbacks;
  s->user_data = cfg->user_data;
  s->o = o;
  s->clock.last = now;
  s->write_at = QUICMIG_NEVER;
  s->listener.group = -1;
  s->listener.again_at = QUICMIG_NEVER;
  qm_txq_init(&s->tx, s->txbuf, sizeof(s->txbuf));
  qm_heap_init(&s->timers, &s->mem);
  qm_list_init(&s->conns);
  qm_list_init(&s->dirty);
  qm_list_init(&s->half_open);
  qm_backlog_init(&s->answers, &s->mem);
  qm_backlog_init(&s->initials, &s->mem);
  qm_list_init(&s->goodbyes);
  qm_list_init(&s->unheard);
  qm_cidtable_init(&s->ids, &s->mem, (const uint64_t[2]){0, 0});
  rv = start(s, cfg, &lc);
  if (rv != 0) {
    int saved = errno;

    quicmig_server_free(s);
    errno = saved;
    return qm_error_default(rv);
  }
  *ps = s;
  s->is_watched = true;
  s->cb.watch(s, qm_listener_fd(&s->listener), 1, s->user_data);
  return 0;
}

int quicmig_server_new(quicmig_server **ps, const quicmig_server_config *cfg,
                       quicmig_tstamp now) {
  return qm_server_new(ps, cfg, &qm_net_kernel, now);
}

void quicmig_server_free(quicmig_server *s) {
  quicmig_mem mem;

  if (!s) {
    return;
  }
  assert(!s->is_inside); /* the run that is under way would go on with it */
  s->is_inside = true;
  s->write_at = QUICMIG_NEVER;
  (void)qm_server_flush(s); /* what waits has a last try */
  while (!qm_list_is_empty(&s->conns)) {
    qm_sconn *c = qm_list_entry(s->conns.next, qm_sconn, link);

    if (c->conn.state != QM_CONN_ENDED) {
      c->conn.close_err = QUICMIG_ERR_CLOSED;
      qm_conn_end(&c->conn);
    }
    qm_sconn_free(c);
  }
  if (s->is_watched) {
    s->cb.watch(s, qm_listener_fd(&s->listener), 0, s->user_data);
  }
  qm_backlog_reset(&s->answers);
  qm_backlog_reset(&s->initials);
  qm_inbox_reset(&s->inbox);
  qm_listener_close(&s->listener);
  qm_cidtable_reset(&s->ids);
  qm_heap_reset(&s->timers);
  qm_tls_reset(&s->tls);
  mem = s->mem;
  qm_free(&mem, s);
}

void quicmig_server_close(quicmig_server *s, uint64_t code,
                          const char *reason) {
  qm_list *l;

  s->is_closing = true;
  for (l = s->conns.next; l != &s->conns; l = l->next) {
    quicmig_conn_close(&qm_list_entry(l, qm_sconn, link)->conn, code, reason);
  }
}

void quicmig_server_address(const quicmig_server *s,
                            struct sockaddr_storage *local) {
  qm_addr_copy_to(&s->local, local);
}

static uint64_t count_closes(const quicmig_server *s) {
  const qm_list *lists[] = {&s->goodbyes, &s->unheard, &s->dirty}, *l;
  uint64_t n = 0;
  size_t i;

  for (i = 0; i < 3; i++) {
    for (l = lists[i]->next; l != lists[i]; l = l->next) {
      n += lists[i] != &s->dirty ||
           qm_list_entry(l, const qm_sconn, dirty)->conn.wants_close;
    }
  }
  return n;
}

void quicmig_server_get_stats(const quicmig_server *s,
                              quicmig_server_stats *dest) {
  quicmig_server_stats all = s->stats;
  size_t size = dest->size < sizeof(all) ? dest->size : sizeof(all);

  all.size = size;
  all.handshakes_dropped = s->answers.dropped + s->initials.dropped;
  all.closes_waiting = count_closes(s);
  memcpy(dest, &all, size);
}

quicmig_tstamp quicmig_server_deadline(const quicmig_server *s) {
  const qm_heap_node *top = qm_heap_top(&s->timers);
  quicmig_tstamp at = top ? top->at : QUICMIG_NEVER;

  at = qm_time_min(at, qm_listener_deadline(&s->listener));
  if (s->write_at != QUICMIG_NEVER) {
    at = qm_time_min(at, s->write_at); /* until then nothing is said */
  } else if (!qm_list_is_empty(&s->dirty) || qm_server_has_deferred(s)) {
    return 0;
  } else {
    at = qm_time_min(at, qm_server_goodbyes_at(s));
  }
  if (qm_inbox_has_more(&s->inbox)) {
    return 0;
  }
  return qm_clock_guard_out(&s->clock, at);
}

quicmig_duration qm_server_worked(quicmig_server *s) {
  quicmig_duration took = qm_time_since(s->net->clock(s->net->ctx), s->run_at);

  qm_clock_guard_work(&s->clock, took);
  return took;
}

static void pass_time(quicmig_server *s) {
  qm_heap_node *top;

  while ((top = qm_heap_top(&s->timers)) &&
         qm_time_is_due(top->at, s->clock.last)) {
    qm_sconn_on_time(qm_list_entry(top, qm_sconn, timer));
  }
}

/* Each dirty connection in turn; one that has more goes to the end.  A goodbye
 * is said to everybody at once.  Writing takes time too, which lets the pacers
 * go on, but not without end: the socket must be read. */
static void write_dirty(quicmig_server *s) {
  quicmig_duration until = qm_time_add(qm_server_worked(s), WRITE_MAX);
  bool has_time = true;

  if (!qm_server_flush(s)) {
    return;
  }
  qm_server_repeat_goodbyes(s);
  while ((has_time || s->is_closing) && !qm_list_is_empty(&s->dirty)) {
    qm_sconn *c = qm_list_entry(s->dirty.next, qm_sconn, dirty);

    qm_list_remove(&c->dirty);
    qm_list_push(&s->dirty, &c->dirty);
    if (!qm_sconn_write(c)) {
      break;
    }
    has_time = qm_server_worked(s) < until;
  }
  (void)qm_server_flush(s);
}

/* What the known connections have to do comes first, and each run comes back
 * to it: a flood of newcomers may take long, but not their time.  Nothing is
 * begun while the socket takes no answer. */
static void shake_hands(quicmig_server *s) {
  if (qm_server_has_deferred(s) && s->write_at == QUICMIG_NEVER) {
    qm_server_work_off(s, qm_list_is_empty(&s->dirty) ? HANDSHAKES_MAX : 0);
  }
}

/* After a pause the sockets are read before the timers: what would stop them
 * may be waiting there, such as the PATH_RESPONSE of a path that is about to
 * fail.  They are read between handshakes too, even if the program's loop only
 * says that time has passed: each run has time for some handshakes, and packets
 * of open connections must not wait for all. */
static bool must_read(const quicmig_server *s) {
  const qm_heap_node *top = qm_heap_top(&s->timers);

  return qm_inbox_has_more(&s->inbox) || qm_server_has_deferred(s) ||
         (top && qm_time_add(top->at, LATE) <= s->clock.last);
}

/* Tells the program what to watch now. */
static void watch(quicmig_server *s) {
  bool is_watched = qm_listener_is_watched(&s->listener);

  if (is_watched != s->is_watched) {
    s->is_watched = is_watched;
    s->cb.watch(s, qm_listener_fd(&s->listener), is_watched, s->user_data);
  }
}

int quicmig_server_run(quicmig_server *s, int fd, quicmig_tstamp now) {
  if (s->is_inside) {
    return QUICMIG_ERR_REENTRANT;
  }
  s->is_inside = true;
  s->run_at = s->net->clock(s->net->ctx);
  qm_clock_guard_in(&s->clock, now);
  if ((fd >= 0 && fd == qm_listener_fd(&s->listener)) || must_read(s)) {
    qm_server_read(s);
  }
  qm_server_read_again(s);
  watch(s);
  pass_time(s);
  write_dirty(s);
  shake_hands(s);
  s->is_inside = false;
  return 0;
}
