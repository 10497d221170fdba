#include "station.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "routing.h"

/* Every socket will need it; better to learn now that it cannot be had. */
static void check_mark(const config *c) {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), err = 0;

  if (fd < 0 || (c->fwmark && setsockopt(fd, SOL_SOCKET, SO_MARK, &c->fwmark,
                                         sizeof(c->fwmark)) != 0)) {
    err = errno;
  }
  if (fd >= 0) {
    close(fd);
  }
  if (err) {
    cli_fail("FwMark %u cannot be set: %s (CAP_NET_ADMIN is needed)", c->fwmark,
             strerror(err));
  }
}

static void say_change(const station *s, config_key key, unsigned line,
                       bool is_applied) {
  const char *more = is_applied ? "" : ": ignored until the next start";

  if (line) {
    say("%s:%u: %s changed%s", s->file, line, config_name(key), more);
  } else {
    say("%s: %s was removed%s", s->file, config_name(key), more);
  }
}

/* Applies what can change while running, and names what cannot. */
static void reread(station *s) {
  static const unsigned applied =
      1u << KEY_ENABLED | 1u << KEY_INTERVAL | 1u << KEY_JITTER |
      1u << KEY_BYTES | 1u << KEY_DRAIN | 1u << KEY_HOP_MODE |
      1u << KEY_ADAPTIVE | 1u << KEY_DEGRADE | 1u << KEY_NAT;
  char error[CONFIG_ERROR];
  config fresh;
  size_t i;

  if (!config_read(&fresh, s->file, error)) {
    say("%s: nothing is changed", error);
    return;
  }
  for (i = 0; i < KEY_COUNT; i++) {
    bool is_applied = (applied >> i & 1) && !s->c.is_server;

    if (fresh.hash[i] != s->c.hash[i]) {
      say_change(s, (config_key)i, fresh.line[i], is_applied);
    }
    if (is_applied) {
      s->c.hash[i] = fresh.hash[i];
      s->c.line[i] = fresh.line[i];
    }
  }
  config_take_schedule(&s->c, &fresh);
  config_reset(&fresh);
  s->reload(s->user_data);
}

static void on_signal(struct ev_loop *loop, ev_signal *w, int revents) {
  station *s = w->data;

  (void)revents;
  switch (w->signum) {
  case SIGUSR1:
    s->report(s->user_data);
    fflush(stdout);
    break;
  case SIGHUP:
    reread(s);
    break;
  default:
    ev_break(loop, EVBREAK_ALL);
  }
}

static void watch_signals(station *s) {
  static const int signals[] = {SIGINT, SIGTERM, SIGUSR1, SIGHUP};
  size_t i;

  for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
    ev_signal_init(&s->signals[i], on_signal, signals[i]);
    s->signals[i].data = s;
    ev_signal_start(s->loop, &s->signals[i]);
  }
}

void station_open(station *s, void (*report)(void *), void (*reload)(void *),
                  void *user_data) {
  const char *what;
  int rv;

  s->report = report;
  s->reload = reload;
  s->user_data = user_data;
  if (!s->c.keep_alive) {
    say("KeepAlive is off: a tunnel that carries nothing ends after 60 s, and "
        "NATs forget it sooner");
  }
  check_mark(&s->c);
  rv = tun_open(&s->device, s->c.device, &what);
  if (rv != 0) {
    cli_fail("%s: %s%s", what, strerror(rv),
             rv == EPERM ? " (CAP_NET_ADMIN is needed)" : "");
  }
  s->loop = ev_default_loop(0);
  s->ev = s->loop ? quicmig_ev_new(s->loop) : NULL;
  if (!s->ev) {
    cli_fail("out of memory");
  }
  if (!routing_add_addresses(&s->c, s->device.name)) {
    cli_fail("%s has not got its addresses", s->device.name);
  }
  rv = tun_up(&s->device, s->c.mtu ? s->c.mtu : TUN_MTU_MIN);
  if (rv != 0) {
    cli_fail("%s cannot be set up: %s", s->device.name, strerror(rv));
  }
  watch_signals(s);
}

void station_close(station *s) {
  size_t i;

  for (i = 0; i < sizeof(s->signals) / sizeof(s->signals[0]); i++) {
    ev_signal_stop(s->loop, &s->signals[i]);
  }
  quicmig_ev_free(s->ev);
  tun_close(&s->device);
  ev_loop_destroy(s->loop);
  config_reset(&s->c);
}

void station_tls(const station *s, quicmig_tls_config *tls) {
  quicmig_tls_config_default(tls);
  tls->alpn = "quicmig-vpn";
  tls->cert_file = s->c.certificate;
  tls->key_file = s->c.private_key;
  tls->ca_file = s->c.ca;
}

void station_transport(const station *s, quicmig_transport_options *o) {
  quicmig_transport_options_default(o);
  o->idle_timeout = CONFIG_IDLE_TIMEOUT;
  o->keep_alive = s->c.keep_alive;
  o->max_streams_bidi = o->max_streams_uni = 0; /* only DATAGRAMs are used */
}

void station_set_mtu(station *s, size_t room) {
  int rv = s->c.mtu ? 0 : tun_set_mtu(&s->device, room);

  if (rv != 0) {
    say("%s: MTU %zu: %s", s->device.name, room, strerror(rv));
  }
}

void station_print_counts(const tunnel_counts *c) {
  printf("\"tx_packets\":%llu,\"tx_bytes\":%llu,\"rx_packets\":%llu,"
         "\"rx_bytes\":%llu,\"dropped_late\":%llu,\"dropped_full\":%llu,"
         "\"dropped_too_large\":%llu,\"dropped_uncut\":%llu,"
         "\"dropped_source\":%llu,\"dropped_malformed\":%llu",
         (unsigned long long)c->tx_packets, (unsigned long long)c->tx_bytes,
         (unsigned long long)c->rx_packets, (unsigned long long)c->rx_bytes,
         (unsigned long long)c->late, (unsigned long long)c->full,
         (unsigned long long)c->too_large, (unsigned long long)c->uncut,
         (unsigned long long)c->foreign, (unsigned long long)c->malformed);
}
