/* The command line of echo_client. */
#include "echo_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

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
    "  --port-range LO-HI    draw the server's port of each hop from there\n"
    "  --address2 A          the server's address in the other family\n"
    "  --degrade-ptos N      hop after N silent PTOs, 0 or 2-16 [2]\n"
    "  --adaptive            learn when flows are throttled, hop before it\n"
    "  --watch-network       move when links, addresses or routes change\n"
    "  --interfaces A,B      interfaces to use, best first\n"
    "  --events              tell on stderr what is learnt\n"
    "  --no-gso              give the kernel every packet on its own\n"
    "  --no-gro              take every packet from the kernel on its own\n"
    "  --duration T          send so long [10s]\n"
    "  --rate N              datagrams a second [100]\n"
    "  --size N              bytes a datagram, at least 16 [1000]\n"
    "  --datagram-age T      drop what has waited so long, 0: never [5s]\n"
    "  --datagram-drop WHICH oldest or newest gives way when too many wait\n"
    "                        [newest]\n"
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
  RANGE,
  ADDRESS2,
  DEGRADE,
  ADAPTIVE,
  WATCH,
  IFACES,
  EVENTS,
  NO_GSO,
  NO_GRO,
  DURATION,
  RATE,
  SIZE,
  AGE,
  DROP,
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
    {"port-range", required_argument, NULL, RANGE},
    {"address2", required_argument, NULL, ADDRESS2},
    {"degrade-ptos", required_argument, NULL, DEGRADE},
    {"adaptive", no_argument, NULL, ADAPTIVE},
    {"watch-network", no_argument, NULL, WATCH},
    {"interfaces", required_argument, NULL, IFACES},
    {"events", no_argument, NULL, EVENTS},
    {"no-gso", no_argument, NULL, NO_GSO},
    {"no-gro", no_argument, NULL, NO_GRO},
    {"duration", required_argument, NULL, DURATION},
    {"rate", required_argument, NULL, RATE},
    {"size", required_argument, NULL, SIZE},
    {"datagram-age", required_argument, NULL, AGE},
    {"datagram-drop", required_argument, NULL, DROP},
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

static void take_mode(echo_options *o, const char *text) {
  if (strcmp(text, "rebind") == 0) {
    o->migration.hop_mode = QUICMIG_MODE_REBIND;
  } else if (strcmp(text, "migrate") != 0) {
    cli_usage("--hop-mode %s: migrate or rebind is expected", text);
  }
}

static void take_age(echo_options *o, const char *text) {
  quicmig_duration age = cli_duration("--datagram-age", text);

  if (age && (age < QUICMIG_MILLISECOND || age > 3600 * QUICMIG_SECOND)) {
    cli_usage("--datagram-age %s: 0 or 1ms to 1h is expected", text);
  }
  o->transport.datagram_max_age = age;
}

static void take_drop(echo_options *o, const char *text) {
  if (strcmp(text, "oldest") == 0) {
    o->transport.datagram_drop = QUICMIG_DROP_OLDEST;
  } else if (strcmp(text, "newest") == 0) {
    o->transport.datagram_drop = QUICMIG_DROP_NEWEST;
  } else {
    cli_usage("--datagram-drop %s: oldest or newest is expected", text);
  }
}

/* The options about hops and sockets; 0 if c is none of them. */
static int take_hop_option(echo_options *o, int c) {
  quicmig_options *m = &o->migration;

  switch (c) {
  case INTERVAL:
    m->hop_interval = cli_duration("--hop-interval", optarg);
    return 1;
  case JITTER:
    m->hop_jitter_pct = (uint32_t)cli_number("--hop-jitter", optarg, 0, 90);
    return 1;
  case BYTES:
    m->hop_bytes = cli_number("--hop-bytes", optarg, 0, UINT64_MAX);
    return 1;
  case MODE:
    take_mode(o, optarg);
    return 1;
  case DRAIN:
    m->drain = cli_duration("--drain", optarg);
    return 1;
  case SOCKETS:
    m->max_sockets = (uint32_t)cli_number("--max-sockets", optarg, 2, 16);
    return 1;
  case PORTS:
    cli_ports("--local-ports", optarg, &m->local_port_lo, &m->local_port_hi);
    return 1;
  case IFACE:
    cli_string("--interface", optarg, m->interface_name,
               sizeof(m->interface_name));
    return 1;
  case FWMARK:
    m->fwmark = (uint32_t)cli_number("--fwmark", optarg, 0, UINT32_MAX);
    return 1;
  case NO_GSO:
    m->no_offload |= QUICMIG_NO_GSO;
    return 1;
  case NO_GRO:
    m->no_offload |= QUICMIG_NO_GRO;
    return 1;
  default:
    return 0;
  }
}

/* The options about what makes the client hop by itself, and where to; 0 if c
 * is none of them. */
static int take_trigger_option(echo_options *o, int c) {
  quicmig_options *m = &o->migration;

  switch (c) {
  case RANGE:
    cli_ports("--port-range", optarg, &m->remote_port_lo, &m->remote_port_hi);
    return 1;
  case ADDRESS2:
    o->host2 = optarg;
    return 1;
  case DEGRADE:
    m->degrade_ptos = (uint32_t)cli_number("--degrade-ptos", optarg, 0, 16);
    return 1;
  case ADAPTIVE:
    m->adaptive = 1;
    return 1;
  case WATCH:
    m->watch_network = 1;
    return 1;
  case IFACES:
    cli_string("--interfaces", optarg, m->interfaces, sizeof(m->interfaces));
    return 1;
  case EVENTS:
    o->shows_events = 1;
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

static void take_option(echo_options *o, int c) {
  if (take_hop_option(o, c) || take_trigger_option(o, c) ||
      take_tls_option(&o->tls, c)) {
    return;
  }
  switch (c) {
  case DURATION:
    o->duration = cli_duration("--duration", optarg);
    break;
  case RATE:
    o->rate = cli_number("--rate", optarg, 0, 1000000);
    break;
  case SIZE:
    o->size = cli_number("--size", optarg, ECHO_SIZE_MIN, 65535);
    break;
  case AGE:
    take_age(o, optarg);
    break;
  case DROP:
    take_drop(o, optarg);
    break;
  case STREAM:
    o->stream_bytes = cli_number("--stream-bytes", optarg, 0, UINT64_MAX);
    break;
  case LOG:
    o->hop_log = optarg;
    break;
  case JSON:
    o->is_json = 1;
    break;
  default:
    fputs(help, stdout);
    exit(0);
  }
}

void echo_options_read(echo_options *o, int argc, char **argv) {
  const char *why;
  int c;

  cli_start("echo_client");
  *o = (echo_options){
      .rate = 100, .size = 1000, .duration = 10 * QUICMIG_SECOND};
  quicmig_tls_config_default(&o->tls);
  quicmig_options_default(&o->migration);
  quicmig_transport_options_default(&o->transport);
  o->tls.alpn = "quicmig-echo";
  while ((c = cli_next(argc, argv, options)) != -1) {
    take_option(o, c);
  }
  if (argc - optind != 2) {
    cli_usage("HOST and PORT are expected (try --help)");
  }
  o->host = argv[optind];
  o->port = cli_number("PORT", argv[optind + 1], 1, 65535);
  why = quicmig_options_check(&o->migration);
  if (why) {
    cli_usage("%s", why);
  }
}
