/*
 * Each function that may not be called inside a callback, called inside each
 * callback, with arguments that are wrong besides: it says
 * QUICMIG_ERR_REENTRANT and changes nothing.  Getters answer.  ..._free()
 * asserts.  The connection hops and carries its data as if nothing had been.
 */
#include "rig.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/addr.h"

typedef enum where {
  WATCH,
  SOCKET,
  HOP,
  EVENT,
  CONNECTED,
  CLOSED,
  DATAGRAM,
  WRITABLE,
  STREAM_DATA,
  STREAM_WRITABLE,
  STREAM_CLOSED,
  SESSION,
  MAX_DATAGRAM,
  DATAGRAM_HEAD,
  DATAGRAM_POP,
  PLACES
} where;

static const char *const places[] = {
    "watch",        "socket",          "hop",           "event",
    "connected",    "closed",          "datagram",      "writable",
    "stream_data",  "stream_writable", "stream_closed", "session",
    "max_datagram", "datagram_head",   "datagram_pop"};

static struct world {
  rig r;
  sim_line line;
  uint64_t seen[PLACES], bad;
  quicmig_callbacks mig; /* of the rig, as it made them */
  quicmig_conn_callbacks conn;
  unsigned heads; /* datagrams that are left to be popped */
  where dies_in;  /* PLACES: nowhere */
} w;

/* --- what may not be called --- */

static int try_attach(quicmig *m) { return quicmig_attach(m, NULL); }

static int try_read(quicmig *m) { return quicmig_read(m, -1, 0); }

static int try_write(quicmig *m) { return quicmig_write(m, NULL, 0, NULL); }

static int try_on_time(quicmig *m) { return quicmig_on_time(m, 0); }

static int try_hop(quicmig *m) { return quicmig_hop(m, 0); }

static int try_reschedule(quicmig *m) {
  quicmig_options wrong = {.size = 0};

  return quicmig_reschedule(m, &wrong, 0);
}

static int try_add_remote(quicmig *m) { return quicmig_add_remote(m, NULL, 0); }

static int try_changed(quicmig *m) { return quicmig_network_changed(m, 0); }

static int try_path_add(quicmig *m) {
  quicmig_path_config wrong = {.size = 0};
  uint32_t id;

  return quicmig_path_add(m, &wrong, &id, 0);
}

static int try_path_switch(quicmig *m) {
  return quicmig_path_switch(m, 999, 0, 0);
}

static int try_path_close(quicmig *m) { return quicmig_path_close(m, 999, 0); }

static const struct forbidden {
  const char *name;
  int (*call)(quicmig *m);
} forbidden[] = {
    {"quicmig_attach", try_attach},
    {"quicmig_detach", quicmig_detach},
    {"quicmig_read", try_read},
    {"quicmig_write", try_write},
    {"quicmig_on_time", try_on_time},
    {"quicmig_hop", try_hop},
    {"quicmig_reschedule", try_reschedule},
    {"quicmig_add_remote", try_add_remote},
    {"quicmig_network_changed", try_changed},
    {"quicmig_path_add", try_path_add},
    {"quicmig_path_switch", try_path_switch},
    {"quicmig_path_close", try_path_close},
};

static void expect_reentrant(where at, const char *name, int rv) {
  if (rv != QUICMIG_ERR_REENTRANT) {
    printf("%s in %s: %s\n", name, places[at], quicmig_err_name(rv));
    w.bad++;
  }
}

/* The functions marked "callback: yes". */
static void look(quicmig *m) {
  quicmig_stats s = {.size = sizeof(s)};
  ngtcp2_path_storage ps;
  quicmig_path_info paths[4];

  quicmig_get_path(m, &ps);
  quicmig_get_stats(m, &s);
  (void)quicmig_paths(m, paths, 4);
  (void)quicmig_deadline(m);
  (void)quicmig_conn_error(m);
  (void)quicmig_sys_error(m);
  (void)quicmig_next_hop(m);
  assert_true(quicmig_memory(m) > 0);
}

static void poke(where at, rig_client *c, quicmig *m) {
  size_t i;

  w.seen[at]++;
  for (i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++) {
    expect_reentrant(at, forbidden[i].name, forbidden[i].call(m));
  }
  if (c->c) { /* NULL while it is made */
    expect_reentrant(at, "quicmig_client_run", quicmig_client_run(c->c, -1, 0));
    (void)quicmig_client_deadline(c->c);
  }
  look(m);
  if (w.dies_in == at && c->c) {
    if (getenv("FREES_CLIENT")) {
      quicmig_client_free(c->c);
    } else {
      quicmig_free(m);
    }
  }
}

/* --- the migrator's callbacks --- */

static void on_watch(quicmig *m, int fd, int on, void *user_data) {
  poke(WATCH, user_data, m);
  w.mig.watch(m, fd, on, user_data);
}

static int on_socket(quicmig *m, int fd, const struct sockaddr *local,
                     void *user_data) {
  poke(SOCKET, user_data, m);
  return w.mig.socket(m, fd, local, user_data);
}

static void on_hop(quicmig *m, const quicmig_hop_record *r, void *user_data) {
  poke(HOP, user_data, m);
  w.mig.hop(m, r, user_data);
}

static void on_event(quicmig *m, const quicmig_event *e, void *user_data) {
  poke(EVENT, user_data, m);
  w.mig.event(m, e, user_data);
}

static void wrap_migrator(rig *r, quicmig_client_config *cfg) {
  static quicmig_callbacks cb;

  (void)r;
  w.mig = *cfg->callbacks;
  cb = w.mig;
  cb.watch = on_watch;
  cb.socket = on_socket;
  cb.hop = on_hop;
  cb.event = on_event;
  cfg->callbacks = &cb;
}

/* --- the connection's --- */

static void poke_conn(where at, void *user_data) {
  rig_client *c = user_data;

  poke(at, c, quicmig_client_migrator(c->c));
}

static void on_connected(quicmig_conn *c, void *user_data) {
  static const uint8_t some[1000];

  poke_conn(CONNECTED, user_data);
  w.conn.connected(c, user_data);
  while (quicmig_conn_send_datagram(c, some, sizeof(some)) == 0) {
  }
  w.heads = 3;
  quicmig_conn_wake(c);
}

static void on_closed(quicmig_conn *c, const quicmig_close_info *info,
                      void *user_data) {
  poke_conn(CLOSED, user_data);
  w.conn.closed(c, info, user_data);
}

static void on_datagram(quicmig_conn *c, const uint8_t *data, size_t len,
                        void *user_data) {
  poke_conn(DATAGRAM, user_data);
  if (len == 200) { /* the rig's own */
    w.conn.datagram(c, data, len, user_data);
  }
}

static void on_writable(quicmig_conn *c, void *user_data) {
  (void)c;
  poke_conn(WRITABLE, user_data);
}

static void on_stream_data(quicmig_conn *c, quicmig_stream *s,
                           const uint8_t *data, size_t len, int fin,
                           void *user_data) {
  poke_conn(STREAM_DATA, user_data);
  w.conn.stream_data(c, s, data, len, fin, user_data);
}

static void on_stream_writable(quicmig_conn *c, quicmig_stream *s, size_t acked,
                               void *user_data) {
  poke_conn(STREAM_WRITABLE, user_data);
  if (w.conn.stream_writable) {
    w.conn.stream_writable(c, s, acked, user_data);
  }
}

static void on_stream_closed(quicmig_conn *c, quicmig_stream *s, uint64_t code,
                             void *user_data) {
  poke_conn(STREAM_CLOSED, user_data);
  w.conn.stream_closed(c, s, code, user_data);
}

static void on_session(quicmig_conn *c, const uint8_t *data, size_t len,
                       void *user_data) {
  (void)c;
  (void)data;
  (void)len;
  poke_conn(SESSION, user_data);
}

static void on_max_datagram(quicmig_conn *c, size_t max, void *user_data) {
  (void)c;
  (void)max;
  poke_conn(MAX_DATAGRAM, user_data);
}

static size_t on_head(quicmig_conn *c, const uint8_t **data, void *user_data) {
  static const uint8_t own[100];

  (void)c;
  poke_conn(DATAGRAM_HEAD, user_data);
  *data = own;
  return w.heads ? sizeof(own) : SIZE_MAX;
}

static void on_pop(quicmig_conn *c, int sent, void *user_data) {
  (void)c;
  (void)sent;
  poke_conn(DATAGRAM_POP, user_data);
  w.heads--;
}

static void wrap_conn(rig *r, quicmig_conn_callbacks *cb, bool is_server) {
  (void)r;
  if (is_server) {
    return;
  }
  w.conn = *cb;
  cb->connected = on_connected;
  cb->closed = on_closed;
  cb->datagram = on_datagram;
  cb->writable = on_writable;
  cb->stream_data = on_stream_data;
  cb->stream_writable = on_stream_writable;
  cb->stream_closed = on_stream_closed;
  cb->session = on_session;
  cb->max_datagram = on_max_datagram;
  cb->datagram_head = on_head;
  cb->datagram_pop = on_pop;
}

/* --- the tests --- */

static void play(uint32_t mode) {
  memset(w.seen, 0, sizeof(w.seen));
  w.bad = 0;
  rig_init(&w.r, 0, false);
  sim_line_init(&w.r.world, &w.line, 10 * MS);
  w.r.on_client_config = wrap_migrator;
  w.r.on_callbacks = wrap_conn;
  w.r.stream_bytes = 100000;
  w.r.send_every = 50 * MS;
  w.r.migration.hop_interval = SEC;
  w.r.migration.hop_mode = mode;
  w.r.migration.drain = SEC;
  w.r.client_transport.datagram_queue = 16384;
  assert_int_equal(rig_start(&w.r, 1), 0);
  rig_run(&w.r, 10 * SEC);
}

static void test_each_in_each(void **state) {
  static const uint32_t modes[] = {QUICMIG_MODE_MIGRATE, QUICMIG_MODE_REBIND};
  size_t i, at;

  (void)state;
  w.dies_in = PLACES;
  for (i = 0; i < 2; i++) {
    rig_client *c;

    play(modes[i]);
    c = &w.r.clients[0];
    assert_false(c->is_closed);
    assert_true(c->stream_done && !c->stream_bad);
    assert_true(rig_stats(c).hops >= 7);
    assert_int_equal(w.heads, 0);
    rig_finish(&w.r, SEC);
    assert_int_equal(rig_lost(&w.r), 0);
    quicmig_conn_close(quicmig_client_conn(c->c), 0, NULL);
    rig_run(&w.r, SEC);
    assert_true(c->is_closed);
    for (at = 0; at < PLACES; at++) {
      printf("%s: %llu times\n", places[at], (unsigned long long)w.seen[at]);
      assert_true(w.seen[at] > 0);
    }
    assert_int_equal(w.bad, 0);
    rig_reset(&w.r);
  }
}

/* A free inside this callback ends the process with SIGABRT. */
static void dies(where at, bool of_client) {
  int status;
  pid_t pid;

  fflush(stdout);
  pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    (void)!freopen("/dev/null", "w", stderr);
    if (of_client) {
      setenv("FREES_CLIENT", "1", 1);
    }
    w.dies_in = at;
    play(QUICMIG_MODE_MIGRATE);
    quicmig_conn_close(quicmig_client_conn(w.r.clients[0].c), 0, NULL);
    rig_run(&w.r, SEC);
    _exit(0);
  }
  assert_int_equal(waitpid(pid, &status, 0), pid);
  if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT) {
    print_error("%s: status %x\n", places[at], (unsigned)status);
    fail();
  }
}

static void test_free_asserts(void **state) {
  where at;

  (void)state;
  for (at = WATCH; at < PLACES; at++) {
    dies(at, false);
    dies(at, true);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_in_each),
                                     cmocka_unit_test(test_free_asserts)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
