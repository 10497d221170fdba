/*
 * A QUIC client that hops: it sends datagrams at a steady rate and one stream
 * through a connection that moves to a fresh UDP port again and again, and
 * counts what came back.
 *
 * The whole use of the library is in start(), the callbacks above it, and
 * send_due(); the rest reads options and counts.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <quicmig/ev.h>

#include "cli.h"
#include "score.h"

#define LINGER (2 * QUICMIG_SECOND)
#define HEADER 16 /* number and time, in each datagram */
#define SAMPLES_MAX 4000000

typedef struct program {
  const char *host;
  uint64_t port, rate, size, stream_bytes;
  quicmig_duration duration;
  quicmig_tls_config tls;
  quicmig_options migration;
  quicmig_transport_options transport;
  const char *hop_log;
  int is_json;
  /* While it runs. */
  FILE *log;
  struct ev_loop *loop;
  quicmig_client *client;
  quicmig_ev *ev;
  quicmig_stream *stream;
  ev_timer tick;
  quicmig_tstamp start, last_echo;
  quicmig_duration gap_max;
  uint64_t sent, written, echoed_bytes;
  int stream_bad, stream_done, is_done;
  int status;
  seen echoed;
  samples rtt, validate;
} program;

static const char help[] =
    "usage: echo_client [options] HOST PORT\n"
    "Sends datagrams and a stream to an echo_server, hopping all the while.\n"
    "  --hop-interval T      mean time between hops, 0: none [300s]\n"
    "  --hop-jitter PCT      0-90 [20]\n"
    "  --hop-bytes N         also hop after N bytes on a path [0: off]\n"
    "  --hop-mode MODE       migrate or rebind [migrate]\n"
    "  --drain T             keep old sockets at most so long [60s]\n"
    "  --max-sockets N       2-16 [4]\n"
    "  --local-ports LO-HI   draw local ports from there [1024-65535]\n"
    "  --interface IF        bind every socket to it\n"
    "  --fwmark N            mark every socket\n"
    "  --duration T          send so long [10s]\n"
    "  --rate N              datagrams a second [100]\n"
    "  --size N              bytes a datagram, 16-1400 [1000]\n"
    "  --stream-bytes N      send so much through a stream [0]\n"
    "  --ca F                trust these CAs [the system's]\n"
    "  --server-name NAME    expected in the certificate [HOST]\n"
    "  --cert F --key F      show this client certificate\n"
    "  --insecure            do not verify the server\n"
    "  --alpn NAME           application protocol [quicmig-echo]\n"
    "  --hop-log FILE        one JSON record a hop\n"
    "  --json                last line: the result as one JSON object\n"
    "  --help\n"
    "T is a number with ms, s, m or h.\n";

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
  if (p->log) {
    quicmig_hop_record_json(r, line, sizeof(line));
    fprintf(p->log, "%s\n", line);
    fflush(p->log);
  }
  if (!p->is_json && isatty(STDOUT_FILENO)) {
    printf("%8.3f s  %-10s  port %5u > %5u  validated in %.2f ms  gap %.2f ms"
           "%s%s\n",
           (double)(r->started_at - p->start) / 1e9,
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

  while (p->stream && p->written < p->stream_bytes) {
    len = sizeof(chunk);
    if (p->stream_bytes - p->written < len) {
      len = (size_t)(p->stream_bytes - p->written);
    }
    for (i = 0; i < len; i++) {
      chunk[i] = pattern(p->written + i);
    }
    n = quicmig_stream_write(p->stream, chunk, len);
    if (n <= 0) {
      return;
    }
    p->written += (uint64_t)n;
    if (p->written == p->stream_bytes) {
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

/* Sends what the rate has made due by now. */
static void send_due(program *p, quicmig_tstamp now) {
  static uint8_t data[65536];
  uint64_t due = (uint64_t)((double)(now - p->start) / 1e9 * (double)p->rate);
  int rv;

  while (p->sent < due && p->sent < p->echoed.n) {
    uint64_t header[2] = {p->sent, now};

    memcpy(data, header, HEADER);
    rv = quicmig_conn_send_datagram(quicmig_client_conn(p->client), data,
                                    (size_t)p->size);
    if (rv == QUICMIG_ERR_TOO_LARGE) {
      cli_fail("--size %llu: %s; %zu bytes fit", (unsigned long long)p->size,
               quicmig_strerror(rv),
               quicmig_conn_max_datagram(quicmig_client_conn(p->client)));
    }
    if (rv != 0) {
      return;
    }
    p->sent++;
  }
}

static void on_tick(struct ev_loop *loop, ev_timer *w, int revents) {
  program *p = w->data;
  quicmig_tstamp now = quicmig_clock();

  (void)revents;
  if (now - p->start < p->duration) {
    send_due(p, now);
    return;
  }
  p->is_done = 1;
  if (now - p->start >= p->duration + LINGER) {
    ev_timer_stop(loop, w);
    ev_break(loop, EVBREAK_ALL);
  }
}

static void on_connected(quicmig_conn *c, void *user_data) {
  program *p = user_data;
  double every = p->rate > 1000 ? 0.001 : 1. / (double)(p->rate ? p->rate : 10);

  p->start = p->last_echo = quicmig_clock();
  if (p->stream_bytes && quicmig_conn_open_stream(c, 1, &p->stream) != 0) {
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
    fprintf(stderr, "echo_client: %s port %llu: %s%s%s\n", p->host,
            (unsigned long long)p->port, quicmig_strerror(info->err),
            info->reason[0] ? ": " : "", info->reason);
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
                                    .stream_data = on_stream_data,
                                    .stream_writable = on_stream_writable,
                                    .stream_closed = on_stream_closed};
  quicmig_client_config cfg;

  quicmig_client_config_default(&cfg);
  cfg.host = p->host;
  cfg.port = p->port;
  cfg.tls = &p->tls;
  cfg.migration = &p->migration;
  cfg.transport = &p->transport;
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
      p->stream_done && !p->stream_bad && p->echoed_bytes == p->stream_bytes;
  const char *format =
      p->is_json
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
         stream_ok || p->stream_bytes == 0 ? "true" : "false",
         (unsigned long long)s->hops,
         (unsigned long long)(s->hops_failed + s->hops_refused),
         samples_percentile(&p->validate, 50) / 1e3,
         samples_percentile(&p->validate, 99) / 1e3, (double)p->gap_max / 1e6,
         samples_percentile(&p->rtt, 50), samples_percentile(&p->rtt, 99),
         s->sockets_open, s->sockets_peak, (unsigned long long)s->late_rescued);
}

enum {
  INTERVAL = 256,
  JITTER,
  BYTES,
  MODE,
  DRAIN,
  SOCKETS,
  PORTS,
  IFACE,
  FWMARK,
  DURATION,
  RATE,
  SIZE,
  STREAM,
  CA,
  NAME,
  CERT,
  KEY,
  INSECURE,
  ALPN,
  LOG,
  JSON,
  HELP
};

static const struct option options[] = {
    {"hop-interval", required_argument, NULL, INTERVAL},
    {"hop-jitter", required_argument, NULL, JITTER},
    {"hop-bytes", required_argument, NULL, BYTES},
    {"hop-mode", required_argument, NULL, MODE},
    {"drain", required_argument, NULL, DRAIN},
    {"max-sockets", required_argument, NULL, SOCKETS},
    {"local-ports", required_argument, NULL, PORTS},
    {"interface", required_argument, NULL, IFACE},
    {"fwmark", required_argument, NULL, FWMARK},
    {"duration", required_argument, NULL, DURATION},
    {"rate", required_argument, NULL, RATE},
    {"size", required_argument, NULL, SIZE},
    {"stream-bytes", required_argument, NULL, STREAM},
    {"ca", required_argument, NULL, CA},
    {"server-name", required_argument, NULL, NAME},
    {"cert", required_argument, NULL, CERT},
    {"key", required_argument, NULL, KEY},
    {"insecure", no_argument, NULL, INSECURE},
    {"alpn", required_argument, NULL, ALPN},
    {"hop-log", required_argument, NULL, LOG},
    {"json", no_argument, NULL, JSON},
    {"help", no_argument, NULL, HELP},
    {NULL, 0, NULL, 0}};

static void take_ports(program *p, const char *text) {
  char lo[8] = "";
  const char *dash = strchr(text, '-');

  if (!dash || (size_t)(dash - text) >= sizeof(lo)) {
    cli_usage("--local-ports %s: LO-HI is expected", text);
  }
  memcpy(lo, text, (size_t)(dash - text));
  p->migration.local_port_lo =
      (uint16_t)cli_number("--local-ports", lo, 1, 65535);
  p->migration.local_port_hi =
      (uint16_t)cli_number("--local-ports", dash + 1, 1, 65535);
}

static void take_mode(program *p, const char *text) {
  if (strcmp(text, "rebind") == 0) {
    p->migration.hop_mode = QUICMIG_MODE_REBIND;
  } else if (strcmp(text, "migrate") != 0) {
    cli_usage("--hop-mode %s: migrate or rebind is expected", text);
  }
}

static void take_interface(program *p, const char *text) {
  if (strlen(text) >= sizeof(p->migration.interface_name)) {
    cli_usage("--interface %s: at most 15 characters are expected", text);
  }
  strcpy(p->migration.interface_name, text);
}

/* The options about hops and sockets; 0 if c is none of them. */
static int take_hop_option(program *p, int c) {
  quicmig_options *o = &p->migration;

  switch (c) {
  case INTERVAL:
    o->hop_interval = cli_duration("--hop-interval", optarg);
    return 1;
  case JITTER:
    o->hop_jitter_pct = (uint32_t)cli_number("--hop-jitter", optarg, 0, 90);
    return 1;
  case BYTES:
    o->hop_bytes = cli_number("--hop-bytes", optarg, 0, UINT64_MAX);
    return 1;
  case MODE:
    take_mode(p, optarg);
    return 1;
  case DRAIN:
    o->drain = cli_duration("--drain", optarg);
    return 1;
  case SOCKETS:
    o->max_sockets = (uint32_t)cli_number("--max-sockets", optarg, 2, 16);
    return 1;
  case PORTS:
    take_ports(p, optarg);
    return 1;
  case IFACE:
    take_interface(p, optarg);
    return 1;
  case FWMARK:
    o->fwmark = (uint32_t)cli_number("--fwmark", optarg, 0, UINT32_MAX);
    return 1;
  default:
    return 0;
  }
}

/* The options about certificates; 0 if c is none of them. */
static int take_tls_option(quicmig_tls_config *tls, int c) {
  switch (c) {
  case CA:
    tls->ca_file = optarg;
    return 1;
  case NAME:
    tls->server_name = optarg;
    return 1;
  case CERT:
    tls->cert_file = optarg;
    return 1;
  case KEY:
    tls->key_file = optarg;
    return 1;
  case INSECURE:
    tls->insecure = 1;
    return 1;
  case ALPN:
    tls->alpn = optarg;
    return 1;
  default:
    return 0;
  }
}

static void take_option(program *p, int c) {
  if (take_hop_option(p, c) || take_tls_option(&p->tls, c)) {
    return;
  }
  switch (c) {
  case DURATION:
    p->duration = cli_duration("--duration", optarg);
    break;
  case RATE:
    p->rate = cli_number("--rate", optarg, 0, 1000000);
    break;
  case SIZE:
    p->size = cli_number("--size", optarg, HEADER, 65535);
    break;
  case STREAM:
    p->stream_bytes = cli_number("--stream-bytes", optarg, 0, UINT64_MAX);
    break;
  case LOG:
    p->hop_log = optarg;
    break;
  case JSON:
    p->is_json = 1;
    break;
  default:
    fputs(help, stdout);
    exit(0);
  }
}

static void read_options(program *p, int argc, char **argv) {
  const char *why;
  int c;

  while ((c = cli_next(argc, argv, options)) != -1) {
    take_option(p, c);
  }
  if (argc - optind != 2) {
    cli_usage("HOST and PORT are expected (try --help)");
  }
  p->host = argv[optind];
  p->port = cli_number("PORT", argv[optind + 1], 1, 65535);
  why = quicmig_options_check(&p->migration);
  if (why) {
    cli_usage("%s", why);
  }
  if (p->hop_log && !(p->log = fopen(p->hop_log, "w"))) {
    cli_fail("%s: cannot be written", p->hop_log);
  }
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
  quicmig_conn_close(quicmig_client_conn(p->client), 0, "done");
  (void)quicmig_client_run(p->client, -1, quicmig_clock());
  if (was_open) {
    report(p, &s);
  }
  quicmig_client_free(p->client);
  quicmig_ev_free(p->ev);
  seen_reset(&p->echoed);
  samples_reset(&p->rtt);
  samples_reset(&p->validate);
  if (p->log) {
    fclose(p->log);
  }
  return p->status;
}

int main(int argc, char **argv) {
  program p = {.rate = 100, .size = 1000, .duration = 10 * QUICMIG_SECOND};
  double expected;
  ev_signal on_int;
  int status;

  cli_start("echo_client");
  quicmig_tls_config_default(&p.tls);
  quicmig_options_default(&p.migration);
  quicmig_transport_options_default(&p.transport);
  p.tls.alpn = "quicmig-echo";
  read_options(&p, argc, argv);
  expected = (double)p.rate * (double)p.duration / 1e9;
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
