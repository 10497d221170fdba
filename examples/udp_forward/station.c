#include "station.h"

#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "../cli.h"

#define LOCAL_BUFFER (4 << 20) /* bytes asked of the kernel, a socket */

static void on_flush(struct ev_loop *loop, ev_prepare *w, int revents) {
  station *s = w->data;

  (void)loop;
  (void)revents;
  outbox_flush(&s->outbox);
}

static void on_second(struct ev_loop *loop, ev_timer *w, int revents) {
  station *s = w->data;
  quicmig_tstamp now = quicmig_clock();
  flow *f;

  (void)loop;
  (void)revents;
  while (now > s->o->flow_idle &&
         (f = flows_idle(&s->flows, now - s->o->flow_idle)) != NULL) {
    s->close_flow(s, f);
    flows_remove(&s->flows, f);
  }
}

static void on_end(struct ev_loop *loop, ev_timer *w, int revents) {
  (void)w;
  (void)revents;
  ev_break(loop, EVBREAK_ALL);
}

static void on_signal(struct ev_loop *loop, ev_signal *w, int revents) {
  station *s = w->data;

  (void)revents;
  if (w->signum == SIGUSR1) {
    s->print(s);
  } else {
    ev_break(loop, EVBREAK_ALL);
  }
}

static void watch_signal(station *s, ev_signal *w, int signum) {
  ev_signal_init(w, on_signal, signum);
  w->data = s;
  ev_signal_start(s->loop, w);
}

static void take_memory(station *s, uint32_t flow_limit, size_t waiting) {
  uint64_t seed[2];

  if (getrandom(seed, sizeof(seed), 0) != sizeof(seed)) {
    cli_fail("no random bytes");
  }
  s->ev = quicmig_ev_new(s->loop);
  if (!s->ev || !pool_init(&s->pool, waiting + 2 * BATCH) ||
      !outbox_init(&s->outbox, &s->count) ||
      !flows_init(&s->flows, flow_limit, seed)) {
    cli_fail("out of memory");
  }
  reader_init(&s->reader, &s->pool, &s->count);
}

void station_start(station *s, const forward_options *o, uint32_t flow_limit,
                   size_t waiting) {
  log_start();
  s->o = o;
  s->loop = ev_default_loop(0);
  take_memory(s, flow_limit, waiting);
  ev_prepare_init(&s->flush, on_flush);
  /* After the adapter's, which runs QUIC. */
  ev_set_priority(&s->flush, EV_MINPRI);
  ev_timer_init(&s->second, on_second, 1., 1.);
  s->flush.data = s->second.data = s;
  ev_prepare_start(s->loop, &s->flush);
  ev_timer_start(s->loop, &s->second);
  if (o->duration) {
    ev_timer_init(&s->end, on_end, (double)o->duration / 1e9, 0.);
    ev_timer_start(s->loop, &s->end);
  }
  watch_signal(s, &s->on_usr1, SIGUSR1);
  watch_signal(s, &s->on_int, SIGINT);
  watch_signal(s, &s->on_term, SIGTERM);
}

void station_stop(station *s) {
  quicmig_ev_free(s->ev);
  flows_reset(&s->flows);
  outbox_reset(&s->outbox);
  pool_reset(&s->pool);
  ev_loop_destroy(s->loop);
}

void station_deliver(station *s, int fd, const struct sockaddr_storage *to,
                     const inbound_packet *p) {
  uint8_t *at = outbox_add(&s->outbox, fd, to, p->len[0] + p->len[1]);

  if (at && p->len[0]) {
    memcpy(at, p->data[0], p->len[0]);
  }
  if (at && p->len[1]) {
    memcpy(at + p->len[0], p->data[1], p->len[1]);
  }
}

int station_socket(int family) {
  int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  int size = LOCAL_BUFFER;
  int discover = IP_PMTUDISC_DONT;

  if (fd < 0) {
    return -1;
  }
  /* The system's default buffers and fragments of its own choice do, too. */
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) != 0) {
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
  }
  if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) != 0) {
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
  }
  if (family == AF_INET6) {
    (void)setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &discover,
                     sizeof(discover));
  } else {
    (void)setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &discover,
                     sizeof(discover));
  }
  return fd;
}
