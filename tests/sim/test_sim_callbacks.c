/* What callbacks may do: every getter, streams and datagrams, but run nothing
 * (QUICMIG_ERR_REENTRANT). */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct world {
  rig r;
  sim_line line;
  uint64_t pokes[2]; /* callbacks of the client, of the server */
} w;

static const uint8_t some[1000];

static quicmig_conn_info info_of(const quicmig_conn *c) {
  quicmig_conn_info i = {.size = sizeof(i)};

  quicmig_conn_get_info(c, &i);
  return i;
}

static void assert_closed_for(quicmig_conn *c) {
  quicmig_stream *s;

  assert_int_equal(quicmig_conn_send_datagram(c, some, 1), QUICMIG_ERR_CLOSED);
  assert_int_equal(quicmig_conn_open_stream(c, 1, &s), QUICMIG_ERR_CLOSED);
}

/* From inside a callback of the client: look at everything, run nothing.  The
 * migrator is between two calls when a callback is not its own, so that a hop
 * is refused for other reasons then, if at all. */
static void poke_client(rig_client *c, bool is_in_migrator) {
  quicmig_tstamp now = c->r->world.now;
  quicmig_path_info paths[4];
  quicmig *m;
  uint32_t id;

  if (!c->c) { /* its creation calls back too */
    return;
  }
  m = quicmig_client_migrator(c->c);
  w.pokes[0]++;
  assert_int_equal(quicmig_client_run(c->c, -1, now), QUICMIG_ERR_REENTRANT);
  if (is_in_migrator) {
    assert_int_equal(quicmig_hop(m, now), QUICMIG_ERR_REENTRANT);
    assert_int_equal(quicmig_path_add(m, NULL, &id, now),
                     QUICMIG_ERR_REENTRANT);
    assert_int_equal(quicmig_reschedule(m, &c->r->migration, now),
                     QUICMIG_ERR_REENTRANT);
    assert_in_range(quicmig_paths(m, paths, 4), 1, 4);
  }
  assert_true(rig_stats(c).sockets_opened >= 1);
  assert_true(quicmig_memory(m) > 0);
  (void)quicmig_client_deadline(c->c);
  (void)quicmig_deadline(m);
  (void)quicmig_next_hop(m);
  (void)quicmig_conn_max_datagram(quicmig_client_conn(c->c));
  (void)info_of(quicmig_client_conn(c->c));
}

static void poke_server(rig *r) {
  quicmig_server_stats s = {.size = sizeof(s)};

  w.pokes[1]++;
  assert_int_equal(quicmig_server_run(r->server, -1, r->world.now),
                   QUICMIG_ERR_REENTRANT);
  (void)quicmig_server_deadline(r->server);
  quicmig_server_get_stats(r->server, &s);
  assert_int_equal(s.connections, 1);
}

static void poke(void *user_data) {
  if (user_data == &w.r) {
    poke_server(user_data);
  } else {
    poke_client(user_data, true);
  }
}

static void poke_connected(quicmig_conn *c, void *user_data) {
  quicmig_stream *s;

  assert_int_equal(info_of(c).is_open, 1);
  assert_int_equal(quicmig_conn_send_datagram(c, some, 10), 0);
  assert_int_equal(quicmig_conn_open_stream(c, 1, &s), 0);
  assert_int_equal(quicmig_stream_write(s, some, 100), 100);
  assert_int_equal(quicmig_stream_finish(s), 0);
  poke(user_data);
}

static void poke_datagram(quicmig_conn *c, const uint8_t *data, size_t len,
                          void *user_data) {
  (void)c;
  (void)data;
  (void)len;
  poke(user_data);
}

static void poke_open(quicmig_conn *c, quicmig_stream *s, void *user_data) {
  (void)c;
  assert_int_equal(quicmig_stream_finish(s), 0);
  poke(user_data);
}

static void poke_data(quicmig_conn *c, quicmig_stream *s, const uint8_t *data,
                      size_t len, int fin, void *user_data) {
  (void)data;
  (void)fin;
  quicmig_stream_consume(s, len);
  poke_datagram(c, data, len, user_data);
}

static void poke_acked(quicmig_conn *c, quicmig_stream *s, size_t acked,
                       void *user_data) {
  (void)s;
  poke_datagram(c, NULL, acked, user_data);
}

static void poke_stream_closed(quicmig_conn *c, quicmig_stream *s,
                               uint64_t code, void *user_data) {
  (void)s;
  poke_datagram(c, NULL, (size_t)code, user_data);
}

static void poke_session(quicmig_conn *c, const uint8_t *data, size_t len,
                         void *user_data) {
  poke_datagram(c, data, len, user_data);
}

static void poke_migrated(rig *r, const quicmig_migration *m) {
  (void)m;
  poke_server(r);
}

static void poke_closed(quicmig_conn *c, const quicmig_close_info *info,
                        void *user_data) {
  quicmig_conn_close(c, 1, "again");
  assert_int_equal(info->is_app, 1);
  assert_closed_for(c);
  if (user_data == &w.r) {
    poke_server(user_data);
  } else {
    ((rig_client *)user_data)->is_closed = true;
    poke_client(user_data, false);
  }
}

static void poke_hop(rig_client *c, const quicmig_hop_record *h) {
  (void)h;
  poke_client(c, true);
}

static void poke_event(rig_client *c, const quicmig_event *e) {
  (void)e;
  poke_client(c, true);
}

static int poke_socket(rig_client *c, int fd) {
  (void)fd;
  poke_client(c, true);
  return 0;
}

static void poke_all(rig *r, quicmig_conn_callbacks *cb, bool is_server) {
  (void)r;
  (void)is_server;
  cb->connected = poke_connected;
  cb->datagram = poke_datagram;
  cb->stream_open = poke_open;
  cb->stream_data = poke_data;
  cb->stream_writable = poke_acked;
  cb->stream_closed = poke_stream_closed;
  cb->session = poke_session;
  cb->closed = poke_closed;
}

static void test_callbacks(void **state) {
  (void)state;
  w.pokes[0] = w.pokes[1] = 0;
  rig_init(&w.r, 0, false);
  sim_line_init(&w.r.world, &w.line, 10 * MS);
  w.r.send_every = 0;
  w.r.on_callbacks = poke_all;
  w.r.on_hop = poke_hop;
  w.r.on_event = poke_event;
  w.r.on_socket = poke_socket;
  w.r.on_migrated = poke_migrated;
  w.r.migration.hop_interval = SEC;
  w.r.migration.drain = SEC;
  assert_int_equal(rig_start(&w.r, 1), 0);
  rig_run(&w.r, 10 * SEC);
  quicmig_conn_close(quicmig_client_conn(w.r.clients[0].c), 0, NULL);
  rig_run(&w.r, SEC);
  printf("%llu callbacks of the client, %llu of the server\n",
         (unsigned long long)w.pokes[0], (unsigned long long)w.pokes[1]);
  assert_true(w.r.clients[0].is_closed);
  assert_true(w.pokes[0] > 40 && w.pokes[1] > 15);
  assert_int_equal(quicmig_client_run(w.r.clients[0].c, -1, w.r.world.now),
                   QUICMIG_ERR_CLOSED);
  rig_reset(&w.r);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_callbacks)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
