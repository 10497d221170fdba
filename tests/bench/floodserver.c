#define _GNU_SOURCE /* ppoll, sendmmsg */
#include "floodserver.h"

#include <malloc.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define SEC QUICMIG_SECOND
#define ASK '?'
#define TRIM 't'

static void watch(quicmig_server *s, int fd, int on, void *user_data) {
  struct pollfd *p = user_data;

  (void)s;
  *p = (struct pollfd){.fd = on ? fd : -1, .events = POLLIN};
}

static void echo(quicmig_conn *c, const uint8_t *data, size_t len,
                 void *user_data) {
  (void)user_data;
  (void)quicmig_conn_send_datagram(c, data, len);
}

static quicmig_server *make(struct pollfd *fd, uint64_t timeout_ms) {
  struct sockaddr_in local = {.sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  quicmig_server_callbacks cb = {.size = sizeof(cb), .watch = watch};
  quicmig_conn_callbacks conn_cb = {.size = sizeof(conn_cb), .datagram = echo};
  quicmig_transport_options o;
  quicmig_server_config cfg;
  quicmig_tls_config tls;
  quicmig_server *s = NULL;

  quicmig_tls_config_default(&tls);
  tls.alpn = FLOODSERVER_ALPN;
  quicmig_transport_options_default(&o);
  o.handshake_timeout = timeout_ms * QUICMIG_MILLISECOND;
  quicmig_server_config_default(&cfg);
  cfg.local = (struct sockaddr *)&local;
  cfg.locallen = sizeof(local);
  cfg.tls = &tls;
  cfg.transport = &o;
  cfg.callbacks = &cb;
  cfg.conn_callbacks = &conn_cb;
  cfg.user_data = fd;
  if (quicmig_server_new(&s, &cfg, quicmig_clock()) != 0) {
    fprintf(stderr, "flood: %s\n", quicmig_last_error_text());
  }
  return s;
}

/* False: nobody is there any more. */
static bool answer(quicmig_server *s, int control) {
  floodserver_report r = {.stats.size = sizeof(r.stats)};
  char c;

  if (read(control, &c, 1) != 1) {
    return false;
  }
  if (c == TRIM) {
    (void)malloc_trim(0);
  }
  quicmig_server_get_stats(s, &r.stats);
  r.rss_kib = bench_rss_kib();
  r.heap_kib = bench_heap() / 1024;
  return write(control, &r, sizeof(r)) == sizeof(r);
}

static void serve(int control, uint64_t timeout_ms) {
  struct pollfd fds[2] = {{.fd = -1}, {.fd = control, .events = POLLIN}};
  quicmig_server *s = make(&fds[0], timeout_ms);
  struct sockaddr_storage at;
  struct timespec ts;
  quicmig_tstamp now, wait;
  uint16_t port = 0;

  if (s) {
    quicmig_server_address(s, &at);
    port = ntohs(((struct sockaddr_in *)&at)->sin_port);
  }
  if (write(control, &port, sizeof(port)) != sizeof(port) || !s) {
    return;
  }
  while (!fds[1].revents || answer(s, control)) {
    now = quicmig_clock();
    wait = quicmig_server_deadline(s);
    wait = wait == QUICMIG_NEVER ? SEC : wait > now ? wait - now : 0;
    ts = (struct timespec){.tv_sec = (time_t)(wait / SEC),
                           .tv_nsec = (long)(wait % SEC)};
    (void)ppoll(fds, 2, &ts, NULL);
    (void)quicmig_server_run(s, fds[0].revents ? fds[0].fd : -1,
                             quicmig_clock());
  }
  quicmig_server_free(s);
}

bool floodserver_start(floodserver *s, uint64_t handshake_timeout_ms) {
  int ends[2];

  *s = (floodserver){.control = -1};
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) {
    perror("flood: socketpair");
    return false;
  }
  (void)fflush(NULL);
  s->pid = fork();
  if (s->pid == 0) {
    close(ends[0]);
    serve(ends[1], handshake_timeout_ms);
    _exit(0);
  }
  close(ends[1]);
  s->control = ends[0];
  if (s->pid < 0 ||
      read(s->control, &s->port, sizeof(s->port)) != sizeof(s->port) ||
      s->port == 0) {
    floodserver_stop(s);
    return false;
  }
  return true;
}

bool floodserver_ask(const floodserver *s, bool has_trim,
                     floodserver_report *dest) {
  const char c = has_trim ? TRIM : ASK;

  return write(s->control, &c, 1) == 1 &&
         read(s->control, dest, sizeof(*dest)) == sizeof(*dest);
}

/* It ends when nobody is at the other end of its control. */
void floodserver_stop(floodserver *s) {
  if (s->control >= 0) {
    close(s->control);
  }
  if (s->pid > 0) {
    (void)waitpid(s->pid, NULL, 0);
  }
}
