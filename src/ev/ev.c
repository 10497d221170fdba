/* libev watchers over the public functions of the endpoint. */
#include <quicmig/ev.h>

#include <stdlib.h>

#define WAIT_MAX 60. /* seconds */

struct quicmig_ev {
  struct ev_loop *loop;
  quicmig_client *client; /* one of the two */
  quicmig_server *server;
  ev_timer timer;
  ev_prepare prepare; /* before each sleep: whatever was queued leaves */
  ev_io **io;         /* by descriptor; NULL: never watched */
  size_t n_io;
};

static quicmig_tstamp deadline(const quicmig_ev *e) {
  if (e->client) {
    return quicmig_client_deadline(e->client);
  }
  return e->server ? quicmig_server_deadline(e->server) : QUICMIG_NEVER;
}

static void run(quicmig_ev *e, int fd) {
  if (e->client) {
    (void)quicmig_client_run(e->client, fd, quicmig_clock());
  } else if (e->server) {
    (void)quicmig_server_run(e->server, fd, quicmig_clock());
  }
}

static void on_readable(struct ev_loop *loop, ev_io *w, int revents) {
  (void)loop;
  (void)revents;
  run(w->data, w->fd);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents) {
  (void)loop;
  (void)w;
  (void)revents; /* what is due is run before the next sleep */
}

/* Runs what is due and sets the one timer to the next deadline. */
static void on_prepare(struct ev_loop *loop, ev_prepare *w, int revents) {
  quicmig_ev *e = w->data;
  quicmig_tstamp now = quicmig_clock(), at = deadline(e);

  (void)revents;
  if (at <= now) {
    run(e, -1);
    at = deadline(e);
  }
  ev_timer_stop(loop, &e->timer);
  if (at != QUICMIG_NEVER) {
    ev_tstamp wait = at > now ? (ev_tstamp)(at - now) / 1e9 : 0.;

    /* libev's clock stands still while the machine sleeps, ours does not. */
    wait = wait < WAIT_MAX ? wait : WAIT_MAX;

    ev_now_update(loop);
    ev_timer_set(&e->timer, wait, 0.);
    ev_timer_start(loop, &e->timer);
  }
}

quicmig_ev *quicmig_ev_new(struct ev_loop *loop) {
  quicmig_ev *e = calloc(1, sizeof(*e));

  if (!e) {
    return NULL;
  }
  e->loop = loop;
  ev_timer_init(&e->timer, on_timer, 0., 0.);
  ev_prepare_init(&e->prepare, on_prepare);
  e->prepare.data = e;
  ev_prepare_start(loop, &e->prepare);
  ev_unref(loop); /* it alone is no reason to go on: ev_run() returns then */
  return e;
}

void quicmig_ev_free(quicmig_ev *e) {
  size_t i;

  if (!e) {
    return;
  }
  for (i = 0; i < e->n_io; i++) {
    if (e->io[i]) {
      ev_io_stop(e->loop, e->io[i]);
      free(e->io[i]);
    }
  }
  free(e->io);
  ev_timer_stop(e->loop, &e->timer);
  ev_ref(e->loop); /* what quicmig_ev_new() took */
  ev_prepare_stop(e->loop, &e->prepare);
  free(e);
}

void quicmig_ev_set_client(quicmig_ev *e, quicmig_client *c) { e->client = c; }

void quicmig_ev_set_server(quicmig_ev *e, quicmig_server *s) { e->server = s; }

/* Room for descriptors up to fd.  The kernel gives the lowest that are free:
 * the table stays as small as the program's own. */
static int reserve(quicmig_ev *e, size_t fd) {
  size_t n = e->n_io ? e->n_io : 16, i;
  ev_io **io;

  while (n <= fd) {
    n *= 2;
  }
  if (n == e->n_io) {
    return 0;
  }
  io = realloc(e->io, n * sizeof(*io));
  if (!io) {
    return QUICMIG_ERR_NOMEM;
  }
  for (i = e->n_io; i < n; i++) {
    io[i] = NULL;
  }
  e->io = io;
  e->n_io = n;
  return 0;
}

static int start(quicmig_ev *e, int fd) {
  ev_io *w;

  if (reserve(e, (size_t)fd) != 0) {
    return QUICMIG_ERR_NOMEM;
  }
  w = e->io[fd];
  if (!w) {
    w = e->io[fd] = calloc(1, sizeof(*w));
    if (!w) {
      return QUICMIG_ERR_NOMEM;
    }
    ev_init(w, on_readable);
    w->data = e;
  }
  ev_io_set(w, fd, EV_READ);
  ev_io_start(e->loop, w);
  return 0;
}

int quicmig_ev_watch(quicmig_ev *e, int fd, int on) {
  if (on) {
    return start(e, fd);
  }
  if ((size_t)fd < e->n_io && e->io[fd]) {
    ev_io_stop(e->loop, e->io[fd]);
  }
  return 0;
}

void quicmig_ev_watch_client(quicmig *m, int fd, int on, void *user_data) {
  (void)m;
  (void)quicmig_ev_watch(user_data, fd, on);
}

void quicmig_ev_watch_server(quicmig_server *s, int fd, int on,
                             void *user_data) {
  (void)s;
  (void)quicmig_ev_watch(user_data, fd, on);
}
