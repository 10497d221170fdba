#include "options.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../cli.h"
#include "flows.h"
#include "help.h"

enum {
  LISTEN = 256,
  INTERVAL,
  JITTER,
  BYTES,
  DRAIN,
  MODE,
  ADAPTIVE,
  DEGRADE,
  UPLINKS,
  HOP_LOG,
  NAME,
  INSECURE,
  TO,
  TOTAL,
  CLIENT_FLOWS,
  CONNECTIONS,
  CLIENT_CONNECTIONS,
  RANGE,
  CERT,
  KEY,
  CA,
  IDLE,
  FLOWS,
  QUEUE,
  FWMARK,
  DURATION,
  JSON,
  HELP
};

#define COMMON_OPTIONS                                                         \
  {"listen", required_argument, NULL, LISTEN},                                 \
      {"port-range", required_argument, NULL, RANGE},                          \
      {"cert", required_argument, NULL, CERT},                                 \
      {"key", required_argument, NULL, KEY},                                   \
      {"ca", required_argument, NULL, CA},                                     \
      {"flow-idle", required_argument, NULL, IDLE},                            \
      {"max-flows", required_argument, NULL, FLOWS},                           \
      {"queue", required_argument, NULL, QUEUE},                               \
      {"fwmark", required_argument, NULL, FWMARK},                             \
      {"duration", required_argument, NULL, DURATION},                         \
      {"json", no_argument, NULL, JSON}, {"help", no_argument, NULL, HELP}, {  \
    NULL, 0, NULL, 0                                                           \
  }

static const struct option client_options[] = {
    {"hop-interval", required_argument, NULL, INTERVAL},
    {"hop-jitter", required_argument, NULL, JITTER},
    {"hop-bytes", required_argument, NULL, BYTES},
    {"drain", required_argument, NULL, DRAIN},
    {"mode", required_argument, NULL, MODE},
    {"adaptive", no_argument, NULL, ADAPTIVE},
    {"degrade-ptos", required_argument, NULL, DEGRADE},
    {"uplinks", required_argument, NULL, UPLINKS},
    {"hop-log", required_argument, NULL, HOP_LOG},
    {"server-name", required_argument, NULL, NAME},
    {"insecure", no_argument, NULL, INSECURE},
    COMMON_OPTIONS};

static const struct option server_options[] = {
    {"to", required_argument, NULL, TO},
    {"max-flows-total", required_argument, NULL, TOTAL},
    {"max-client-flows", required_argument, NULL, CLIENT_FLOWS},
    {"max-connections", required_argument, NULL, CONNECTIONS},
    {"max-client-connections", required_argument, NULL, CLIENT_CONNECTIONS},
    COMMON_OPTIONS};

/* HOST:PORT, [HOST]:PORT. */
static void take_address(const char *option, const char *text, int flags,
                         endpoint_address *out) {
  struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = flags};
  struct addrinfo *found;
  const char *colon = strrchr(text, ':');
  size_t len = colon ? (size_t)(colon - text) : 0;
  char host[256];
  int rv;

  if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
    text++;
    len -= 2;
  }
  if (len == 0 || len >= sizeof(host)) {
    cli_usage("%s %s: ADDRESS:PORT is expected", option, text);
  }
  memcpy(host, text, len);
  host[len] = '\0';
  (void)cli_number(option, colon + 1, flags & AI_PASSIVE ? 0 : 1, 65535);
  rv = getaddrinfo(host, colon + 1, &hints, &found);
  if (rv != 0) {
    cli_usage("%s %s: %s", option, host, gai_strerror(rv));
  }
  memcpy(&out->a, found->ai_addr, found->ai_addrlen);
  out->len = found->ai_addrlen;
  freeaddrinfo(found);
}

static void take_listen(forward_options *o, const char *text) {
  endpoint_address *a = &o->listen[o->is_server && o->listen[0].len];

  if (a->len) {
    cli_usage("--listen %s: one too many", text);
  }
  take_address("--listen", text, AI_PASSIVE | AI_NUMERICHOST, a);
}

static void take_range(forward_options *o, const char *text) {
  char lo[8] = "";
  const char *dash = strchr(text, '-');

  if (!dash || (size_t)(dash - text) >= sizeof(lo)) {
    cli_usage("--port-range %s: LO-HI is expected", text);
  }
  memcpy(lo, text, (size_t)(dash - text));
  o->port_lo = (uint16_t)cli_number("--port-range", lo, 1, 65535);
  o->port_hi =
      (uint16_t)cli_number("--port-range", dash + 1, o->port_lo, 65535);
}

static void take_mode(forward_options *o, const char *text) {
  if (strcmp(text, "rebind") == 0) {
    o->migration.hop_mode = QUICMIG_MODE_REBIND;
  } else if (strcmp(text, "migrate") != 0) {
    cli_usage("--mode %s: migrate or rebind is expected", text);
  }
}

static void take_uplinks(forward_options *o, const char *text) {
  if (strlen(text) >= sizeof(o->migration.interfaces)) {
    cli_usage("--uplinks %s: at most %zu characters are expected", text,
              sizeof(o->migration.interfaces) - 1);
  }
  strcpy(o->migration.interfaces, text);
}

/* The options about hops; false if c is none of them. */
static bool take_hop_option(forward_options *o, int c) {
  quicmig_options *m = &o->migration;

  switch (c) {
  case INTERVAL:
    m->hop_interval = cli_duration("--hop-interval", optarg);
    return true;
  case JITTER:
    m->hop_jitter_pct = (uint32_t)cli_number("--hop-jitter", optarg, 0, 90);
    return true;
  case BYTES:
    m->hop_bytes = cli_number("--hop-bytes", optarg, 0, UINT64_MAX);
    return true;
  case DRAIN:
    m->drain = cli_duration("--drain", optarg);
    return true;
  case MODE:
    take_mode(o, optarg);
    return true;
  case ADAPTIVE:
    m->adaptive = 1;
    return true;
  case DEGRADE:
    m->degrade_ptos = (uint32_t)cli_number("--degrade-ptos", optarg, 0, 16);
    return true;
  case UPLINKS:
    take_uplinks(o, optarg);
    return true;
  case HOP_LOG:
    o->hop_log = optarg;
    return true;
  default:
    return false;
  }
}

/* The options about certificates; false if c is none of them. */
static bool take_tls_option(quicmig_tls_config *tls, int c) {
  switch (c) {
  case NAME:
    tls->server_name = optarg;
    return true;
  case INSECURE:
    tls->insecure = 1;
    return true;
  case CERT:
    tls->cert_file = optarg;
    return true;
  case KEY:
    tls->key_file = optarg;
    return true;
  case CA:
    tls->ca_file = optarg;
    return true;
  default:
    return false;
  }
}

static uint32_t take_limit(const char *option) {
  return (uint32_t)cli_number(option, optarg, 1, FLOWS_MAX);
}

/* How many of something there may be; false if c is none of them. */
static bool take_limit_option(forward_options *o, int c) {
  switch (c) {
  case FLOWS:
    o->max_flows = take_limit("--max-flows");
    return true;
  case TOTAL:
    o->max_flows_total = take_limit("--max-flows-total");
    return true;
  case CLIENT_FLOWS:
    o->max_client_flows = take_limit("--max-client-flows");
    return true;
  case CONNECTIONS:
    o->max_connections = take_limit("--max-connections");
    return true;
  case CLIENT_CONNECTIONS:
    o->max_client_connections = take_limit("--max-client-connections");
    return true;
  case QUEUE:
    o->queue = (uint32_t)cli_number("--queue", optarg, 16, 65536);
    return true;
  default:
    return false;
  }
}

static void take_option(forward_options *o, int c) {
  if (take_hop_option(o, c) || take_tls_option(&o->tls, c) ||
      take_limit_option(o, c)) {
    return;
  }
  switch (c) {
  case LISTEN:
    take_listen(o, optarg);
    break;
  case TO:
    take_address("--to", optarg, 0, &o->to);
    break;
  case RANGE:
    take_range(o, optarg);
    break;
  case IDLE:
    o->flow_idle = cli_duration("--flow-idle", optarg);
    if (!o->flow_idle) {
      cli_usage("--flow-idle %s: more than 0 is expected", optarg);
    }
    break;
  case FWMARK:
    o->fwmark = (uint32_t)cli_number("--fwmark", optarg, 0, UINT32_MAX);
    break;
  case DURATION:
    o->duration = cli_duration("--duration", optarg);
    break;
  case JSON:
    o->is_json = true;
    break;
  default:
    fputs(forward_help, stdout);
    exit(0);
  }
}

static void set_defaults(forward_options *o) {
  *o = (forward_options){.flow_idle = 180 * QUICMIG_SECOND,
                         .max_flows = 1024,
                         .max_flows_total = 8192,
                         .max_connections = 8192,
                         .max_client_connections = 256,
                         .queue = 1024};
  quicmig_tls_config_default(&o->tls);
  quicmig_options_default(&o->migration);
  quicmig_transport_options_default(&o->transport);
  o->tls.alpn = FORWARD_ALPN;
  o->migration.watch_network = 1;
  /* NATs forget UDP after 30 s of silence, and the idle timeout is as long. */
  o->transport.keep_alive = 10 * QUICMIG_SECOND;
}

/* What remains of the command line, and what goes together. */
static void finish(forward_options *o, int argc, char **argv) {
  const char *why;

  if (!o->listen[0].len) {
    take_listen(o, o->is_server ? "0.0.0.0:4433" : "127.0.0.1:51821");
  }
  if (o->is_server) {
    if (argc != optind) {
      cli_usage("unexpected argument %s (try --help)", argv[optind]);
    }
    if (!o->to.len) {
      cli_usage("--to HOST:PORT is expected (try --help)");
    }
    return;
  }
  if (argc - optind != 2) {
    cli_usage("SERVER and PORT are expected (try --help)");
  }
  o->host = argv[optind];
  o->port = (uint16_t)cli_number("PORT", argv[optind + 1], 1, 65535);
  o->migration.fwmark = o->fwmark;
  o->migration.remote_port_lo = o->port_lo;
  o->migration.remote_port_hi = o->port_hi;
  why = quicmig_options_check(&o->migration);
  if (why) {
    cli_usage("%s", why);
  }
}

void options_read(forward_options *o, int argc, char **argv) {
  bool has_role = argc > 1 && argv[1][0] != '-';
  int c;

  cli_start("udp_forward");
  set_defaults(o);
  if (has_role) {
    o->is_server = strcmp(argv[1], "server") == 0;
    if (!o->is_server && strcmp(argv[1], "client") != 0) {
      cli_usage("client or server is expected (try --help)");
    }
    argc--;
    argv++;
  }
  while ((c = cli_next(argc, argv,
                       o->is_server ? server_options : client_options)) != -1) {
    take_option(o, c);
  }
  if (!has_role) {
    cli_usage("client or server is expected first (try --help)");
  }
  finish(o, argc, argv);
}
