#include <quicmig/model.h>

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#define OPTIONS_MIN_SIZE sizeof(quicmig_options)
#define DAY (86400 * QUICMIG_SECOND)
#define HOUR (3600 * QUICMIG_SECOND)
#define MS QUICMIG_MILLISECOND

static_assert(offsetof(quicmig_options, interfaces) + 64 ==
                  sizeof(quicmig_options),
              "no tail padding in a public struct");

void quicmig_options_default(quicmig_options *o) {
  *o = (quicmig_options){
      .size = sizeof(*o),
      .hop_interval = 300 * QUICMIG_SECOND,
      .hop_min_gap = 100 * MS,
      .hop_backoff = QUICMIG_SECOND,
      .hop_backoff_max = 300 * QUICMIG_SECOND,
      .hop_quiet = 2 * QUICMIG_SECOND,
      .drain = 60 * QUICMIG_SECOND,
      .hop_jitter_pct = 20,
      .max_sockets = 4,
      .hop_mode = QUICMIG_MODE_MIGRATE,
      .rcvbuf = 1 << 20,
      .sndbuf = 1 << 20,
      .degrade_ptos = 2,
  };
}

/* A range that 0 switches off. */
static bool is_off_or_in(uint64_t v, uint64_t lo, uint64_t hi) {
  return v == 0 || (v >= lo && v <= hi);
}

static bool is_in(uint64_t v, uint64_t lo, uint64_t hi) {
  return v >= lo && v <= hi;
}

static const char *check_schedule(const quicmig_options *o) {
  if (!is_off_or_in(o->hop_interval, 10 * MS, 366 * DAY)) {
    return "hop_interval must be 0 or 10 ms to 366 days";
  }
  if (o->hop_jitter_pct > 90) {
    return "hop_jitter_pct must be 0 to 90";
  }
  if (o->hop_bytes != 0 && o->hop_bytes < 65536) {
    return "hop_bytes must be 0 or at least 65536";
  }
  if (o->hop_packets != 0 && o->hop_packets < 100) {
    return "hop_packets must be 0 or at least 100";
  }
  if (!is_in(o->hop_min_gap, 10 * MS, HOUR)) {
    return "hop_min_gap must be 10 ms to 1 h";
  }
  if (!is_in(o->hop_backoff, 100 * MS, HOUR)) {
    return "hop_backoff must be 100 ms to 1 h";
  }
  if (!is_in(o->hop_backoff_max, o->hop_backoff, DAY)) {
    return "hop_backoff_max must be hop_backoff to 24 h";
  }
  if (o->hop_quiet > HOUR) {
    return "hop_quiet must be 0 to 1 h";
  }
  if (o->hop_mode > QUICMIG_MODE_REBIND) {
    return "hop_mode must be QUICMIG_MODE_MIGRATE or QUICMIG_MODE_REBIND";
  }
  if (!is_off_or_in(o->degrade_ptos, 2, 16)) {
    return "degrade_ptos must be 0 or 2 to 16";
  }
  return o->drain > HOUR ? "drain must be 0 to 1 h" : NULL;
}

static bool is_port_range(uint16_t lo, uint16_t hi) {
  return (lo == 0) == (hi == 0) && lo <= hi;
}

/* Names separated by commas, none of them empty or too long. */
static bool is_interface_list(const char *names, size_t size) {
  const char *end = memchr(names, 0, size), *p = names;

  if (!end || p == end) {
    return end != NULL;
  }
  for (;;) {
    size_t len = strcspn(p, ",");

    if (!is_in(len, 1, 15)) {
      return false;
    }
    if (p + len == end) {
      return true;
    }
    p += len + 1;
  }
}

static const char *check_interfaces(const quicmig_options *o) {
  if (!memchr(o->interface_name, 0, sizeof(o->interface_name))) {
    return "interface_name must be at most 15 characters";
  }
  if (!is_interface_list(o->interfaces, sizeof(o->interfaces))) {
    return "interfaces must be names of 1 to 15 characters, separated by "
           "commas, 63 in all";
  }
  if (o->interfaces[0] && o->interface_name[0]) {
    return "interfaces and interface_name exclude each other";
  }
  return NULL;
}

static const char *check_sockets(const quicmig_options *o) {
  if (!is_in(o->max_sockets, 2, 16)) {
    return "max_sockets must be 2 to 16";
  }
  if (!is_port_range(o->local_port_lo, o->local_port_hi)) {
    return "local_port_lo and local_port_hi must be both 0 or a range";
  }
  if (!is_port_range(o->remote_port_lo, o->remote_port_hi)) {
    return "remote_port_lo and remote_port_hi must be both 0 or a range";
  }
  if (!is_off_or_in(o->rcvbuf, 2048, 1u << 30)) {
    return "rcvbuf must be 0 or 2048 to 1 GiB";
  }
  if (!is_off_or_in(o->sndbuf, 2048, 1u << 30)) {
    return "sndbuf must be 0 or 2048 to 1 GiB";
  }
  if (o->no_offload & ~(QUICMIG_NO_GSO | QUICMIG_NO_GRO)) {
    return "no_offload must be of QUICMIG_NO_GSO and QUICMIG_NO_GRO";
  }
  return check_interfaces(o);
}

const char *quicmig_options_check(const quicmig_options *o) {
  const char *why;

  if (o->size < OPTIONS_MIN_SIZE) {
    return "size must be set by quicmig_options_default()";
  }
  why = check_schedule(o);
  return why ? why : check_sockets(o);
}
