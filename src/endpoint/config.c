/* Defaults and ranges of the endpoint's configuration structs. */
#include <quicmig/endpoint.h>

#include <assert.h>
#include <stdbool.h>

#define KIB 1024u
#define MIB (1024u * KIB)
#define HOUR (3600 * QUICMIG_SECOND)
#define MS QUICMIG_MILLISECOND

#define NO_TAIL_PADDING(type, last)                                            \
  static_assert(sizeof(type) ==                                                \
                    offsetof(type, last) + sizeof(((type *)0)->last),          \
                "no tail padding in a public struct")

NO_TAIL_PADDING(quicmig_tls_config, insecure);
NO_TAIL_PADDING(quicmig_transport_options, max_half_open);
NO_TAIL_PADDING(quicmig_close_info, reason);
NO_TAIL_PADDING(quicmig_migration, new_remote);
NO_TAIL_PADDING(quicmig_conn_callbacks, datagram_pop);
NO_TAIL_PADDING(quicmig_conn_info, alpn);
NO_TAIL_PADDING(quicmig_client_config, n_remotes);
NO_TAIL_PADDING(quicmig_server_callbacks, accept);
NO_TAIL_PADDING(quicmig_server_config, fwmark);
NO_TAIL_PADDING(quicmig_server_stats, closes_waiting);

void quicmig_tls_config_default(quicmig_tls_config *c) {
  *c = (quicmig_tls_config){.size = sizeof(*c)};
}

void quicmig_client_config_default(quicmig_client_config *c) {
  *c = (quicmig_client_config){.size = sizeof(*c)};
}

void quicmig_server_config_default(quicmig_server_config *c) {
  *c = (quicmig_server_config){.size = sizeof(*c)};
}

void quicmig_transport_options_default(quicmig_transport_options *o) {
  *o = (quicmig_transport_options){.size = sizeof(*o),
                                   .idle_timeout = 30 * QUICMIG_SECOND,
                                   .handshake_timeout = 10 * QUICMIG_SECOND,
                                   .initial_rtt = 333 * MS,
                                   .datagram_max_age = 5 * QUICMIG_SECOND,
                                   .datagram_queue = 256 * KIB,
                                   .stream_buffer = 256 * KIB,
                                   .stream_window = 256 * KIB,
                                   .connection_window = MIB,
                                   .max_streams_bidi = 100,
                                   .max_streams_uni = 100,
                                   .cid_limit = 8,
                                   .max_udp_payload = 1452,
                                   .max_connections = 10000,
                                   .max_half_open = 1024};
}

static bool is_in(uint64_t v, uint64_t lo, uint64_t hi) {
  return v >= lo && v <= hi;
}

static const char *check_timers(const quicmig_transport_options *o) {
  if (o->idle_timeout && !is_in(o->idle_timeout, 100 * MS, 24 * HOUR)) {
    return "idle_timeout must be 0 or 100 ms to 24 h";
  }
  if (o->keep_alive > 24 * HOUR) {
    return "keep_alive must be 0 to 24 h";
  }
  if (!is_in(o->handshake_timeout, 100 * MS, 600 * QUICMIG_SECOND)) {
    return "handshake_timeout must be 100 ms to 10 min";
  }
  if (!is_in(o->initial_rtt, MS, 10 * QUICMIG_SECOND)) {
    return "initial_rtt must be 1 ms to 10 s";
  }
  if (o->datagram_max_age && !is_in(o->datagram_max_age, MS, HOUR)) {
    return "datagram_max_age must be 0 or 1 ms to 1 h";
  }
  return NULL;
}

static const char *check_sizes(const quicmig_transport_options *o) {
  if (!is_in(o->datagram_queue, 4 * KIB, 64 * MIB)) {
    return "datagram_queue must be 4 KiB to 64 MiB";
  }
  if (!is_in(o->stream_buffer, 4 * KIB, 64 * MIB)) {
    return "stream_buffer must be 4 KiB to 64 MiB";
  }
  if (!is_in(o->stream_window, 4 * KIB, 64 * MIB)) {
    return "stream_window must be 4 KiB to 64 MiB";
  }
  if (!is_in(o->connection_window, 4 * KIB, 1024 * MIB)) {
    return "connection_window must be 4 KiB to 1 GiB";
  }
  if (!is_in(o->max_udp_payload, 1200, QUICMIG_MAX_PKTLEN)) {
    return "max_udp_payload must be 1200 to 1500";
  }
  if (o->datagram_drop > QUICMIG_DROP_OLDEST) {
    return "datagram_drop must be QUICMIG_DROP_NEWEST or QUICMIG_DROP_OLDEST";
  }
  return NULL;
}

static const char *check_counts(const quicmig_transport_options *o) {
  if (o->max_streams_bidi > 65535) {
    return "max_streams_bidi must be 0 to 65535";
  }
  if (o->max_streams_uni > 65535) {
    return "max_streams_uni must be 0 to 65535";
  }
  if (!is_in(o->cid_limit, 2, 8)) {
    return "cid_limit must be 2 to 8";
  }
  if (!is_in(o->max_connections, 1, 1000000)) {
    return "max_connections must be 1 to 1,000,000";
  }
  if (o->max_half_open > 1000000) {
    return "max_half_open must be 0 to 1,000,000";
  }
  return NULL;
}

const char *
quicmig_transport_options_check(const quicmig_transport_options *o) {
  const char *why;

  if (o->size < sizeof(*o)) {
    return "size must be set by quicmig_transport_options_default()";
  }
  why = check_timers(o);
  why = why ? why : check_sizes(o);
  return why ? why : check_counts(o);
}
