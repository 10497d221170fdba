/*
 * A QUIC client that hops: it sends datagrams at a steady rate and one stream
 * through a connection that moves to a fresh UDP port again and again, and
 * counts what came back.
 *
 * The whole use of the library is in start(), the callbacks above it, and
 * send_due(); the rest reads options and counts.
 */
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <quicmig/ev.h>

#include "cli.h"
#include "echo_options.h"
#include "goodbye.h"
#include "score.h"

#define LINGER (2 * QUICMIG_SECOND)
#define SIZE_WAIT (2 * QUICMIG_SECOND) /* for path MTU discovery */
#define HEADER ECHO_SIZE_MIN           /* number and time, in each datagram */
#define SAMPLES_MAX 4000000

typedef struct program {
  echo_options o;
  cli_log log;
  struct ev_loop *loop;
  quicmig_client *client;
  quicmig_ev *ev;
  quicmig_stream *stream;
  ev_timer tick;
  quicmig_tstamp connected, start, last_echo;
  quicmig_duration gap_max;
  uint64_t sent, written, echoed_bytes;
  int stream_bad, stream_done, is_sending, is_done;
  int status;
  seen echoed;
  samples rtt, validate;
} program;

/* The stream's bytes: any two places within 2^24 differ somewhere near. */
static uint8_t pattern(uint64_t i) {
  return (uint8_t)(i ^ (i >> 8) ^ (i >> 16));
}

static void on_watch(quicmig *m, int fd, int on, void *user_data) {
  program *p = user_data;

  (void)m;
  (void)quicmig_ev_watch(p->ev, fd, on);
}

static void on_hop(quicmig *m, const quicmig_hop_record *r, void *user_data) {
  program *p = user_data;
  char line[1024];

  (void)m;
  if (r->result == 0) {
    samples_add(&p->validate, r->validate_time);
  }
  quicmig_hop_record_json(r, line, sizeof(line));
  cli_log_line(&p->log, "%s", line);
  if (!p->o.is_json && isatty(STDOUT_FILENO)) {
    printf("%8.3f s  %-10s  port %5u > %5u  validated in %.2f ms  gap %.2f ms"
           "%s%s\n",
           (double)(r->started_at - p->connected) / 1e9,
           quicmig_reason_name((int)r->reason), r->from_port, r->to_port,
           (double)r->validate_time / 1e6, (double)r->gap / 1e6,
           r->result ? "  FAILED: " : "",
           r->result ? quicmig_strerror(r->result) : "");
    fflush(stdout);
  }
}

static void on_datagram(quicmig_conn *c, const uint8_t *data, size_t len,
                        void *user_data) {
  program *p = user_data;
  quicmig_tstamp now = quicmig_clock();
  uint64_t header[2];

  (void)c;
  if (len < HEADER) {
    return;
  }
  memcpy(header, data, HEADER);
  if (!seen_add(&p->echoed, header[0])) {
    return;
  }
  samples_add(&p->rtt, now - header[1]);
  if (!p->is_done && now - p->last_echo > p->gap_max) {
    p->gap_max = now - p->last_echo;
  }
  p->last_echo = now;
}

static void fill_stream(program *p) {
  uint8_t chunk[16384];
  int64_t n;
  size_t i, len;

  while (p->stream && p->written < p->o.stream_bytes) {
    len = sizeof(chunk);
    if (p->o.stream_bytes - p->written < len) {
      len = (size_t)(p->o.stream_bytes - p->written);
    }
    for (i = 0; i < len; i++) {
      chunk[i] = pattern(p->written + i);
    }
    n = quicmig_stream_write(p->stream, chunk, len);
    if (n <= 0) {
      return;
    }
    p->written += (uint64_t)n;
    if (p->written == p->o.stream_bytes) {
      (void)quicmig_stream_finish(p->stream);
    }
  }
}

static void on_stream_writable(quicmig_conn *c, quicmig_stream *s, size_t acked,
                               void *user_data) {
  (void)c;
  (void)s;
  (void)acked;
  fill_stream(user_data);
}

static void on_stream_data(quicmig_conn *c, quicmig_stream *s,
                           const uint8_t *data, size_t len, int fin,
                           void *user_data) {
  program *p = user_data;
  size_t i;

  (void)c;
  for (i = 0; i < len; i++) {
    p->stream_bad |= data[i] != pattern(p->echoed_bytes + i);
  }
  p->echoed_bytes += len;
  p->stream_done |= fin;
  quicmig_stream_consume(s, len);
}

static void on_stream_closed(quicmig_conn *c, quicmig_stream *s, uint64_t code,
                             void *user_data) {
  program *p = user_data;

  (void)c;
  (void)s;
  (void)code;
  p->stream = NULL;
}

static void refuse_size(const program *p) {
  cli_fail("--size %llu: %s; %zu bytes fit", (unsigned long long)p->o.size,
           quicmig_strerror(QUICMIG_ERR_TOO_LARGE),
           quicmig_conn_max_datagram(quicmig_client_conn(p->client)));
}

/* Sends what the rate has made due by now. */
static void send_due(program *p, quicmig_tstamp now) {
  static uint8_t data[65536];
  uint64_t due = (uint64_t)((double)(now - p->start) / 1e9 * (double)p->o.rate);
  int rv;

  while (p->sent < due && p->sent < p->echoed.n) {
    uint64_t header[2] = {p->sent, now};

    memcpy(data, header, HEADER);
    rv = quicmig_conn_send_datagram(quicmig_client_conn(p->client), data,
                                    (size_t)p->o.size);
    if (rv == QUICMIG_ERR_TOO_LARGE) {
      refuse_size(p);
    }
    if (rv != 0) {
      return;
    }
    p->sent++;
  }
}

/* At first only what fits 1200 bytes of UDP payload may be sent; path MTU
 * discovery finds out more in a round trip or two.  The run begins when a
 * datagram of --size fits. */
static void on_max_datagram(quicmig_conn *c, size_t max, void *user_data) {
  program *p = user_data;

  (void)c;
  if (!p->is_sending && (p->o.rate == 0 || max >= p->o.size)) {
    p->is_sending = 1;
    p->start = p->last_echo = quicmig_clock();
  }
}

static void on_tick(struct ev_loop *loop, ev_timer *w, int revents) {
  program *p = w->data;
  quicmig_tstamp now = quicmig_clock();

  (void)revents;
  if (!p->is_sending) {
    if (now - p->connected >= SIZE_WAIT) {
      refuse_size(p);
    }
    return;
  }
  if (now - p->start < p->o.duration) {
    send_due(p, now);
    return;
  }
  p->is_done = 1;
  if (now - p->start >= p->o.duration + LINGER) {
    ev_timer_stop(loop, w);
    ev_break(loop, EVBREAK_ALL);
  }
}

/* What the library has learnt; states of paths are not shown. */
static void on_event(quicmig *m, const quicmig_event *e, void *user_data) {
  (void)m;
  (void)user_data;
  if (e->type == QUICMIG_EVENT_VERDICT) {
    cli_say("%s: %llu bytes, %.3f s; %llu > %llu bytes/s",
            quicmig_verdict_name((int)e->verdict),
            (unsigned long long)e->flow_bytes, (double)e->flow_age / 1e9,
            (unsigned long long)e->rate_before,
            (unsigned long long)e->rate_after);
  } else if (e->type != QUICMIG_EVENT_PATH_STATE) {
    cli_say("%s %llu", quicmig_event_name((int)e->type),
            (unsigned long long)e->value);
  }
}

/* A literal address for client_config.remote2, or nothing. */
static socklen_t read_address2(const program *p, struct sockaddr_storage *ss) {
  struct addrinfo hints = {.ai_socktype = SOCK_DGRAM,
                           .ai_flags = AI_NUMERICSERV | AI_NUMERICHOST};
  struct addrinfo *found;
  char port[8];
  socklen_t len;

  if (!p->o.host2) {
    return 0;
  }
  snprintf(port, sizeof(port), "%u", (unsigned)p->o.port);
  if (getaddrinfo(p->o.host2, port, &hints, &found) != 0) {
    cli_usage("--address2 %s: an address is expected", p->o.host2);
  }
  len = found->ai_addrlen;
  memcpy(ss, found->ai_addr, len);
  freeaddrinfo(found);
  return len;
}

static void on_connected(quicmig_conn *c, void *user_data) {
  program *p = user_data;
  double every =
      p->o.rate > 1000 ? 0.001 : 1. / (double)(p->o.rate ? p->o.rate : 10);

  p->connected = quicmig_clock();
  on_max_datagram(c, quicmig_conn_max_datagram(c), p);
  if (p->o.stream_bytes && quicmig_conn_open_stream(c, 1, &p->stream) != 0) {
    cli_fail("the server allows no stream");
  }
  fill_stream(p);
  ev_timer_init(&p->tick, on_tick, 0., every < 0.1 ? every : 0.1);
  p->tick.data = p;
  ev_timer_start(p->loop, &p->tick);
}

static void on_closed(quicmig_conn *c, const quicmig_close_info *info,
                      void *user_data) {
  program *p = user_data;

  (void)c;
  if (info->err != 0) {
    cli_say("%s port %llu: %s%s%s%s", p->o.host, (unsigned long long)p->o.port,
            info->by_peer ? "the server says: " : "",
            quicmig_strerror(info->err), info->reason[0] ? ": " : "",
            info->reason);
    p->status = 1;
  }
  ev_break(p->loop, EVBREAK_ALL);
}

static void start(program *p) {
  quicmig_callbacks cb = {.size = sizeof(cb), .watch = on_watch, .hop = on_hop};
  quicmig_conn_callbacks conn_cb = {.size = sizeof(conn_cb),
                                    .connected = on_connected,
                                    .closed = on_closed,
                                    .datagram = on_datagram,
                                    .max_datagram = on_max_datagram,
                                    .stream_data = on_stream_data,
                                    .stream_writable = on_stream_writable,
                                    .stream_closed = on_stream_closed};
  quicmig_client_config cfg;
  struct sockaddr_storage second;

  cb.event = p->o.shows_events ? on_event : NULL;
  quicmig_client_config_default(&cfg);
  cfg.remote2len = read_address2(p, &second);
  cfg.remote2 =
      cfg.remote2len ? (const struct sockaddr *)(const void *)&second : NULL;
  cfg.host = p->o.host;
  cfg.port = p->o.port;
  cfg.tls = &p->o.tls;
  cfg.migration = &p->o.migration;
  cfg.transport = &p->o.transport;
  cfg.callbacks = &cb;
  cfg.conn_callbacks = &conn_cb;
  cfg.user_data = p;
  if (quicmig_client_new(&p->client, &cfg, quicmig_clock()) != 0) {
    cli_fail("%s", quicmig_last_error_text());
  }
  quicmig_ev_set_client(p->ev, p->client);
}

static void report(program *p, const quicmig_stats *s) {
  int stream_ok =
      p->stream_done && !p->stream_bad && p->echoed_bytes == p->o.stream_bytes;
  const char *format =
      p->o.is_json
          ? "{\"datagrams_sent\":%llu,\"datagrams_echoed\":%llu,"
            "\"datagrams_lost\":%llu,\"stream_bytes\":%llu,\"stream_ok\":%s,"
            "\"hops\":%llu,\"hops_failed\":%llu,\"validate_ms_p50\":%.3f,"
            "\"validate_ms_p99\":%.3f,\"gap_ms_max\":%.3f,\"rtt_us_p50\":%.0f,"
            "\"rtt_us_p99\":%.0f,\"sockets_open\":%u,\"sockets_peak\":%u,"
            "\"late_rescued\":%llu}\n"
          : "%llu datagrams sent, %llu echoed, %llu lost; stream: %llu bytes, "
            "intact: %s\n%llu hops, %llu failed; validated in %.2f ms (p99 "
            "%.2f); longest silence %.2f ms\nround trip %.0f us (p99 %.0f); "
            "%u sockets open, %u at most; %llu late packets rescued\n";

  printf(format, (unsigned long long)p->sent,
         (unsigned long long)p->echoed.count,
         (unsigned long long)(p->sent - p->echoed.count),
         (unsigned long long)p->echoed_bytes,
         stream_ok || p->o.stream_bytes == 0 ? "true" : "false",
         (unsigned long long)s->hops,
         (unsigned long long)(s->hops_failed + s->hops_refused),
         samples_percentile(&p->validate, 50) / 1e3,
         samples_percentile(&p->validate, 99) / 1e3, (double)p->gap_max / 1e6,
         samples_percentile(&p->rtt, 50), samples_percentile(&p->rtt, 99),
         s->sockets_open, s->sockets_peak, (unsigned long long)s->late_rescued);
}

static void on_interrupt(struct ev_loop *loop, ev_signal *w, int revents) {
  (void)w;
  (void)revents;
  ev_break(loop, EVBREAK_ALL);
}

/* Says goodbye and frees everything; returns the exit status. */
static int finish(program *p) {
  quicmig_stats s = {.size = sizeof(s)};
  int was_open = p->status == 0;

  quicmig_get_stats(quicmig_client_migrator(p->client), &s);
  goodbye_client(p->client, "done");
  if (was_open) {
    report(p, &s);
  }
  quicmig_client_free(p->client);
  quicmig_ev_free(p->ev);
  seen_reset(&p->echoed);
  samples_reset(&p->rtt);
  samples_reset(&p->validate);
  return cli_log_close(&p->log) || p->status;
}

int main(int argc, char **argv) {
  program p = {.status = 0};
  double expected;
  ev_signal on_int;
  int status;

  echo_options_read(&p.o, argc, argv);
  cli_log_open(&p.log, p.o.hop_log);
  expected = (double)p.o.rate * (double)p.o.duration / 1e9;
  seen_init(&p.echoed, expected < 1e12 ? (uint64_t)expected + 1 : UINT32_MAX);
  samples_init(&p.rtt,
               expected < SAMPLES_MAX ? (size_t)expected + 1 : SAMPLES_MAX);
  samples_init(&p.validate, 100000);
  p.loop = ev_default_loop(0);
  p.ev = quicmig_ev_new(p.loop);
  if (!p.ev) {
    cli_fail("out of memory");
  }
  start(&p);
  ev_signal_init(&on_int, on_interrupt, SIGINT);
  ev_signal_start(p.loop, &on_int);
  ev_run(p.loop, 0);
  status = finish(&p);
  ev_loop_destroy(p.loop);
  return status;
}
