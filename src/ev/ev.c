/* libev watchers over the public functions of the endpoint. */
#include <quicmig/ev.h>

#include <stdlib.h>

#define SOCKETS_MAX 64
#define WAIT_MAX 60. /* seconds */

struct quicmig_ev {
  struct ev_loop *loop;
  quicmig_client *client; /* one of the two */
  quicmig_server *server;
  ev_timer timer;
  ev_prepare prepare; /* before each sleep: whatever was queued leaves */
  ev_io io[SOCKETS_MAX];
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
  size_t i;

  if (!e) {
    return NULL;
  }
  e->loop = loop;
  ev_timer_init(&e->timer, on_timer, 0., 0.);
  ev_prepare_init(&e->prepare, on_prepare);
  e->prepare.data = e;
  ev_prepare_start(loop, &e->prepare);
  for (i = 0; i < SOCKETS_MAX; i++) {
    ev_io_init(&e->io[i], on_readable, -1, EV_READ);
    e->io[i].data = e;
  }
  return e;
}

void quicmig_ev_free(quicmig_ev *e) {
  size_t i;

  if (!e) {
    return;
  }
  for (i = 0; i < SOCKETS_MAX; i++) {
    ev_io_stop(e->loop, &e->io[i]);
  }
  ev_timer_stop(e->loop, &e->timer);
  ev_prepare_stop(e->loop, &e->prepare);
  free(e);
}

void quicmig_ev_set_client(quicmig_ev *e, quicmig_client *c) { e->client = c; }

void quicmig_ev_set_server(quicmig_ev *e, quicmig_server *s) { e->server = s; }

/* The watcher of fd, or a free one for fd -1. */
static ev_io *find(quicmig_ev *e, int fd) {
  size_t i;

  for (i = 0; i < SOCKETS_MAX; i++) {
    if (e->io[i].fd == fd) {
      return &e->io[i];
    }
  }
  return NULL;
}

int quicmig_ev_watch(quicmig_ev *e, int fd, int on) {
  ev_io *w = find(e, on ? -1 : fd);

  if (!w) {
    return on ? QUICMIG_ERR_NOMEM : 0;
  }
  if (on) {
    ev_io_set(w, fd, EV_READ);
    ev_io_start(e->loop, w);
  } else {
    ev_io_stop(e->loop, w);
    ev_io_set(w, -1, EV_READ);
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
