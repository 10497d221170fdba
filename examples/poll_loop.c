/*
 * The client of <quicmig/endpoint.h> in a loop of the program's own, here
 * poll(2): it sends a datagram every 10 ms to an echo_server, hops all the
 * while, and prints each hop.
 *
 * A loop has to do three things, and run() does nothing else:
 *   watch the sockets that the watch callback names,
 *   call quicmig_client_run() for each that is readable, and with -1 at latest
 *   when quicmig_client_deadline() has come.
 */
#include <stdio.h>

#include <quicmig/endpoint.h>

#include "cli.h"
#include "small.h"

#define SEND_EVERY (10 * QUICMIG_MILLISECOND)
#define LINGER QUICMIG_SECOND

typedef struct program {
  small_options o;
  quicmig_client *client;
  small_set sockets;
  quicmig_tstamp start, next; /* next: datagram due; QUICMIG_NEVER: not yet */
  uint64_t sent, echoed;
  int is_done, status;
} program;

static void on_watch(quicmig *m, int fd, int on, void *user_data) {
  program *p = user_data;

  (void)m;
  small_watch(&p->sockets, fd, on);
}

static void on_hop(quicmig *m, const quicmig_hop_record *r, void *user_data) {
  const program *p = user_data;

  (void)m;
  small_print_hop(r, p->start);
}

static void on_connected(quicmig_conn *c, void *user_data) {
  program *p = user_data;

  (void)c;
  p->start = quicmig_clock();
  p->next = p->start + SEND_EVERY;
}

static void on_datagram(quicmig_conn *c, const uint8_t *data, size_t len,
                        void *user_data) {
  program *p = user_data;

  (void)c;
  (void)data;
  (void)len;
  p->echoed++;
}

static void on_closed(quicmig_conn *c, const quicmig_close_info *info,
                      void *user_data) {
  program *p = user_data;

  (void)c;
  if (info->err != 0) {
    cli_say("%s port %s: %s%s%s", p->o.host, p->o.port,
            quicmig_strerror(info->err), info->reason[0] ? ": " : "",
            info->reason);
    p->status = 1;
  }
}

static void start(program *p) {
  quicmig_callbacks cb = {.size = sizeof(cb), .watch = on_watch, .hop = on_hop};
  quicmig_conn_callbacks conn_cb = {.size = sizeof(conn_cb),
                                    .connected = on_connected,
                                    .closed = on_closed,
                                    .datagram = on_datagram};
  quicmig_client_config cfg;
  quicmig_tls_config tls;

  quicmig_tls_config_default(&tls);
  tls.alpn = p->o.alpn;
  tls.ca_file = p->o.ca_file;
  tls.insecure = p->o.is_insecure != 0;
  quicmig_client_config_default(&cfg);
  cfg.host = p->o.host;
  cfg.port = cli_number("PORT", p->o.port, 1, 65535);
  cfg.tls = &tls;
  cfg.migration = &p->o.migration;
  cfg.callbacks = &cb;
  cfg.conn_callbacks = &conn_cb;
  cfg.user_data = p;
  /* Everything is copied: cfg and what it points to may go out of scope. */
  if (quicmig_client_new(&p->client, &cfg, quicmig_clock()) != 0) {
    cli_fail("%s", quicmig_last_error_text());
  }
}

/* Every 10 ms: queues a datagram, which leaves in the next run, or, when the
 * time is over, waits for the last echoes. */
static void tick(program *p, quicmig_tstamp now) {
  static const uint8_t data[100] = "Here I am.";
  quicmig_tstamp end = p->start + p->o.duration;

  for (; p->next <= now; p->next += SEND_EVERY) {
    if (p->next <= end) {
      int rv = quicmig_conn_send_datagram(quicmig_client_conn(p->client), data,
                                          sizeof(data));

      /* A full queue: the network has stood still for long.  Skip this one. */
      if (rv != 0 && rv != QUICMIG_ERR_BLOCKED) {
        cli_fail("%s", quicmig_strerror(rv));
      }
      p->sent += rv == 0;
    }
    p->is_done = p->next >= end + LINGER;
  }
}

static void run(program *p) {
  int rv = 0;

  while (rv == 0 && !p->is_done) {
    quicmig_tstamp at = quicmig_client_deadline(p->client), now;
    small_set ready = small_wait(&p->sockets, p->next < at ? p->next : at);
    nfds_t i;

    now = quicmig_clock();
    for (i = 0; i < ready.n && rv == 0; i++) {
      /* One that was closed meanwhile is ignored. */
      if (ready.fds[i].revents) {
        rv = quicmig_client_run(p->client, ready.fds[i].fd, now);
      }
    }
    if (rv == 0) {
      tick(p, now);
      /* Lets time pass and sends what was queued. */
      rv = quicmig_client_run(p->client, -1, now);
    }
  }
}

/* Reports, and says goodbye: one more run, or more if the kernel is busy. */
static void finish(program *p) {
  const small_set none = {.n = 0};

  if (p->status == 0) {
    small_print_result(p->sent, p->echoed, quicmig_client_migrator(p->client));
  }
  quicmig_conn_close(quicmig_client_conn(p->client), 0, "done");
  while (quicmig_client_run(p->client, -1, quicmig_clock()) == 0) {
    (void)small_wait(&none, quicmig_client_deadline(p->client));
  }
  quicmig_client_free(p->client);
}

int main(int argc, char **argv) {
  program p = {.next = QUICMIG_NEVER};

  small_read(&p.o, "poll_loop",
             "Sends datagrams to an echo_server from a poll(2) loop, hopping.",
             argc, argv);
  start(&p);
  run(&p);
  finish(&p);
  return p.status;
}
