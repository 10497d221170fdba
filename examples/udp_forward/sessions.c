/* Connections of the server, and their flows. */
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server.h"

/* QUIC's error code of a connection that is one too many. */
#define CLOSE_LIMIT 1

#define CONTAINER(pointer, type, field)                                        \
  ((type *)(void *)((char *)(pointer)-offsetof(type, field)))

int session_on_accept(quicmig_server *q, quicmig_conn *conn, void *user_data) {
  server *v = user_data;
  session *t = calloc(1, sizeof(*t));

  (void)q;
  if (!t) {
    return -1;
  }
  t->owner = v;
  t->conn = conn;
  t->id = ++v->sessions;
  outbound_init(&t->out, &v->s.pool, v->o.queue, &v->s.count);
  inbound_init(&t->in, v->o.tls.ca_file ? INBOUND_SLOTS : INBOUND_STRANGER,
               &v->s.count);
  quicmig_conn_set_user_data(conn, t);
  return 0;
}

static void unlink_exit(exit_flow *x) {
  *(x->previous ? &x->previous->next : &x->of->first) = x->next;
  if (x->next) {
    x->next->previous = x->previous;
  }
  x->of->flows--;
}

void session_close_flow(station *s, flow *f) {
  server *v = (server *)s;
  exit_flow *x = &v->exits[flows_place(&s->flows, f)];

  outbox_flush(&s->outbox); /* it may have packets for the socket */
  ev_io_stop(s->loop, &x->io);
  close(x->io.fd);
  shares_remove(&v->flows, &x->place);
  unlink_exit(x);
}

static void end_flow(station *s, flow *f) {
  session_close_flow(s, f);
  flows_remove(&s->flows, f);
}

/* From here on it has no flows. */
static void leave(session *t) {
  server *v = t->owner;

  if (!t->of) {
    return;
  }
  while (t->first) {
    end_flow(&v->s, t->first->f);
  }
  shares_remove(&v->connections, &t->place);
  parties_leave(&v->parties, t->of);
  t->of = NULL;
}

static void evict_session(session *t, const session *by) {
  log_rarely(&t->owner->gave_way, "client %llu (%s) gives way to client %llu",
             (unsigned long long)t->id, t->of->name,
             (unsigned long long)by->id);
  t->owner->clients_evicted++;
  leave(t);
  quicmig_conn_close(t->conn, CLOSE_LIMIT, "too many connections");
}

/* Joins the party of that name.  False: it may have no more connections. */
static bool enter(session *t, const char *name) {
  server *v = t->owner;
  quicmig_tstamp now = quicmig_clock();
  party *m = parties_join(&v->parties, name);
  share_place *victim;

  if (!m || !shares_may_add(&v->connections, &m->connections, now, &victim)) {
    log_rarely(&v->turned_away,
               "client %llu (%s) is refused: too many connections",
               (unsigned long long)t->id, name);
    v->clients_refused++;
    if (m) {
      parties_leave(&v->parties, m);
    }
    return false;
  }
  if (victim) {
    evict_session(CONTAINER(victim, session, place), t);
  }
  t->of = m;
  shares_add(&v->connections, &m->connections, &t->place, now);
  return true;
}

static void on_connected(quicmig_conn *conn, void *user_data) {
  session *t = user_data;
  quicmig_conn_info info = {.size = sizeof(info)};
  char text[LOG_ADDRESS_MAX], name[256] = "", of[PARTY_NAME_MAX];

  t->is_connected = true;
  t->owner->s.count.connections++;
  quicmig_conn_get_info(conn, &info);
  if (t->owner->o.tls.ca_file) {
    (void)quicmig_conn_peer_name(conn, name, sizeof(name));
  }
  log_line("client %llu connected from %s%s%s", (unsigned long long)t->id,
           log_address(&info.remote, text), name[0] ? ": " : "", name);
  party_name(of, name, &info.remote);
  if (!enter(t, of)) {
    quicmig_conn_close(conn, CLOSE_LIMIT, "too many connections");
  }
}

static void on_migrated(quicmig_conn *conn, const quicmig_migration *m,
                        void *user_data) {
  session *t = user_data;
  char old[LOG_ADDRESS_MAX], new[LOG_ADDRESS_MAX];

  (void)conn;
  log_line("client %llu moved: %s > %s", (unsigned long long)t->id,
           log_address(&m->old_remote, old), log_address(&m->new_remote, new));
}

static void on_closed(quicmig_conn *conn, const quicmig_close_info *info,
                      void *user_data) {
  session *t = user_data;

  (void)conn;
  if (t->is_connected) {
    log_line("client %llu is gone: %s", (unsigned long long)t->id,
             info->err ? quicmig_strerror(info->err) : "closed");
  } else { /* anybody can cause this line */
    log_rarely(&t->owner->failed, "client %llu has not connected: %s",
               (unsigned long long)t->id,
               info->err ? quicmig_strerror(info->err) : "closed");
  }
  leave(t);
  outbound_reset(&t->out);
  inbound_reset(&t->in);
  free(t);
}

static bool take_packet(void *user_data, packet *k,
                        const struct sockaddr_storage *from) {
  exit_flow *x = user_data;
  station *s = &x->of->owner->s;

  (void)from;
  k->flow = x->f->key.word[1];
  if (!outbound_push(&x->of->out, k, quicmig_clock())) {
    s->count.queue_full++;
    return false;
  }
  s->count.packets_in++;
  s->count.bytes_in += k->len;
  return true;
}

/* Used, and so is its connection. */
static void touch(exit_flow *x, quicmig_tstamp now) {
  flows_touch(&x->of->owner->s.flows, x->f, now);
  shares_touch(&x->place, now);
  shares_touch(&x->of->place, now);
}

/* The target answers. */
static void on_packet(struct ev_loop *loop, ev_io *w, int revents) {
  exit_flow *x = w->data;
  station *s = &x->of->owner->s;

  (void)loop;
  (void)revents;
  if (reader_read(&s->reader, w->fd, take_packet, x) > 0) {
    touch(x, quicmig_clock());
    quicmig_conn_wake(x->of->conn);
  }
}

static void refuse(session *t, const char *why) {
  t->owner->s.count.flows_refused++;
  log_rarely(&t->owner->s.refused, "flow of client %llu refused: %s",
             (unsigned long long)t->id, why);
}

/* A socket that is connected to the target, or -1. */
static int open_exit(const server *v) {
  int fd = station_socket(v->o.to.a.ss_family);

  if (fd >= 0 && connect(fd, (const void *)&v->o.to.a, v->o.to.len) != 0) {
    close(fd);
    return -1;
  }
  return fd;
}

/* May t have one more?  As shares_may_add(). */
static bool may_add_flow(session *t, quicmig_tstamp now, share_place **victim) {
  server *v = t->owner;

  if (t->flows >= v->o.max_flows) {
    refuse(t, "the connection has --max-flows of them");
    return false;
  }
  if (!shares_may_add(&v->flows, &t->of->flows, now, victim)) {
    refuse(t, t->of->flows.count >= v->flows.limit
                  ? "the client has --max-client-flows of them"
                  : "all clients together have --max-flows-total of them");
    return false;
  }
  return true;
}

static void evict_flow(exit_flow *x, const session *by) {
  server *v = x->of->owner;

  log_rarely(&v->gave_way,
             "a flow of client %llu (%s) gives way to client %llu",
             (unsigned long long)x->of->id, x->of->of->name,
             (unsigned long long)by->id);
  v->s.count.flows_evicted++;
  end_flow(&v->s, x->f);
}

static exit_flow *make_exit(session *t, flow *f, int fd, quicmig_tstamp now) {
  server *v = t->owner;
  exit_flow *x = &v->exits[flows_place(&v->s.flows, f)];

  *x = (exit_flow){.of = t, .f = f, .next = t->first};
  if (t->first) {
    t->first->previous = x;
  }
  t->first = x;
  t->flows++;
  shares_add(&v->flows, &t->of->flows, &x->place, now);
  v->s.count.flows_opened++;
  ev_io_init(&x->io, on_packet, fd, EV_READ);
  x->io.data = x;
  ev_io_start(v->s.loop, &x->io);
  return x;
}

/* The socket comes first: a flow that fails costs nobody else's. */
static exit_flow *add_flow(session *t, const flow_key *key,
                           quicmig_tstamp now) {
  server *v = t->owner;
  share_place *victim;
  flow *f;
  int fd;

  if (!may_add_flow(t, now, &victim)) {
    return NULL;
  }
  fd = open_exit(v);
  if (fd < 0) {
    refuse(t, strerror(errno));
    return NULL;
  }
  if (victim) {
    evict_flow(CONTAINER(victim, exit_flow, place), t);
  }
  f = flows_add(&v->s.flows, key, now); /* as many fit as the shares allow */
  assert(f);
  return make_exit(t, f, fd, now);
}

static void on_datagram(quicmig_conn *conn, const uint8_t *data, size_t len,
                        void *user_data) {
  session *t = user_data;
  station *s = &t->owner->s;
  quicmig_tstamp now = quicmig_clock();
  inbound_packet p;
  exit_flow *x;
  flow_key key;
  flow *f;

  (void)conn;
  if (!t->of || !inbound_take(&t->in, data, len, now, &p)) {
    return;
  }
  key = (flow_key){{t->id, p.flow}};
  f = flows_find(&s->flows, &key);
  x = f ? &t->owner->exits[flows_place(&s->flows, f)] : add_flow(t, &key, now);
  if (x) {
    touch(x, now);
    station_deliver(s, x->io.fd, NULL, &p);
  }
}

static size_t on_head(quicmig_conn *conn, const uint8_t **data,
                      void *user_data) {
  session *t = user_data;

  return outbound_head(&t->out, quicmig_conn_max_datagram(conn),
                       quicmig_clock(), data);
}

static void on_pop(quicmig_conn *conn, int sent, void *user_data) {
  session *t = user_data;

  (void)conn;
  outbound_pop(&t->out, sent);
}

const quicmig_conn_callbacks session_callbacks = {.size =
                                                      sizeof(session_callbacks),
                                                  .connected = on_connected,
                                                  .closed = on_closed,
                                                  .datagram = on_datagram,
                                                  .migrated = on_migrated,
                                                  .datagram_head = on_head,
                                                  .datagram_pop = on_pop};
