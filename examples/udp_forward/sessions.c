/* Connections of the server, and their flows. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server.h"

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

static void on_connected(quicmig_conn *conn, void *user_data) {
  session *t = user_data;
  quicmig_conn_info info = {.size = sizeof(info)};
  char text[LOG_ADDRESS_MAX], name[128] = "";

  t->is_connected = true;
  t->owner->s.count.connections++;
  quicmig_conn_get_info(conn, &info);
  if (t->owner->o.tls.ca_file) {
    (void)quicmig_conn_peer_name(conn, name, sizeof(name));
  }
  log_line("client %llu connected from %s%s%s", (unsigned long long)t->id,
           log_address(&info.remote, text), name[0] ? ": " : "", name);
}

static void on_migrated(quicmig_conn *conn, const quicmig_migration *m,
                        void *user_data) {
  session *t = user_data;
  char old[LOG_ADDRESS_MAX], new[LOG_ADDRESS_MAX];

  (void)conn;
  log_line("client %llu moved: %s > %s", (unsigned long long)t->id,
           log_address(&m->old_remote, old), log_address(&m->new_remote, new));
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
  unlink_exit(x);
}

static void on_closed(quicmig_conn *conn, const quicmig_close_info *info,
                      void *user_data) {
  session *t = user_data;
  station *s = &t->owner->s;
  flow *f;

  (void)conn;
  if (t->is_connected) {
    log_line("client %llu is gone: %s", (unsigned long long)t->id,
             info->err ? quicmig_strerror(info->err) : "closed");
  } else { /* anybody can cause this line */
    log_rarely(&t->owner->failed, "client %llu has not connected: %s",
               (unsigned long long)t->id,
               info->err ? quicmig_strerror(info->err) : "closed");
  }
  while (t->first) {
    f = t->first->f;
    session_close_flow(s, f);
    flows_remove(&s->flows, f);
  }
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

/* The target answers. */
static void on_packet(struct ev_loop *loop, ev_io *w, int revents) {
  exit_flow *x = w->data;
  station *s = &x->of->owner->s;

  (void)loop;
  (void)revents;
  if (reader_read(&s->reader, w->fd, take_packet, x) > 0) {
    flows_touch(&s->flows, x->f, quicmig_clock());
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

static flow *add_flow(session *t, const flow_key *key, quicmig_tstamp now) {
  server *v = t->owner;
  exit_flow *x;
  flow *f;
  int fd;

  if (t->flows >= v->o.max_flows) {
    refuse(t, "the client has --max-flows of them");
    return NULL;
  }
  f = flows_add(&v->s.flows, key, now);
  if (!f) {
    refuse(t, "all clients together have --max-flows-total of them");
    return NULL;
  }
  fd = open_exit(v);
  if (fd < 0) {
    refuse(t, strerror(errno));
    flows_remove(&v->s.flows, f);
    return NULL;
  }
  x = &v->exits[flows_place(&v->s.flows, f)];
  *x = (exit_flow){.of = t, .f = f, .next = t->first};
  if (t->first) {
    t->first->previous = x;
  }
  t->first = x;
  t->flows++;
  v->s.count.flows_opened++;
  ev_io_init(&x->io, on_packet, fd, EV_READ);
  x->io.data = x;
  ev_io_start(v->s.loop, &x->io);
  return f;
}

static void on_datagram(quicmig_conn *conn, const uint8_t *data, size_t len,
                        void *user_data) {
  session *t = user_data;
  station *s = &t->owner->s;
  quicmig_tstamp now = quicmig_clock();
  inbound_packet p;
  flow_key key;
  flow *f;

  (void)conn;
  if (!inbound_take(&t->in, data, len, now, &p)) {
    return;
  }
  key = (flow_key){{t->id, p.flow}};
  f = flows_find(&s->flows, &key);
  if (f) {
    flows_touch(&s->flows, f, now);
  } else {
    f = add_flow(t, &key, now);
  }
  if (f) {
    station_deliver(s, t->owner->exits[flows_place(&s->flows, f)].io.fd, NULL,
                    &p);
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
