#include "datapath.h"

#include <stdio.h>

/* What the project promises of a full run; a short one, which also runs beside
 * other tests, is only to notice what is badly wrong. */
#define GOAL_SINGLE 1.5
#define GOAL_GSO 0.97
#define GOAL_PER_WAKEUP 32
#define SHORT_SINGLE 1.0
#define SHORT_GSO 0.75
/* Below this size what ngtcp2 does for a DATAGRAM outweighs what the kernel
 * does for a packet, and there is no promise. */
#define GOAL_SIZE 1000
/* "None a packet", with room for a queue that grows once. */
#define ALLOCS_MAX 0.001
/* Packets of the same size, but for an acknowledgement in some. */
#define PACKET_TOLERANCE 0.02

static const struct {
  const char *key, *label;
} kinds[DP_KINDS] = {
    [DP_ENDPOINT] = {"endpoint", "endpoint"},
    [DP_SINGLE] = {"bare_single", "bare ngtcp2, a call a packet"},
    [DP_GSO] = {"bare_gso", "bare ngtcp2, GSO and GRO"},
    [DP_UDP] = {"udp", "bare UDP, GSO and GRO"},
    [DP_COPIED] = {"endpoint_copied", "endpoint, data copied"},
};

static double median(const dp_kind_result *k, dp_metric m) {
  return k->of[m].median;
}

/* Holds in every build and with every option. */
static const char *check_correct(const dp_kind_result *k) {
  double size = median(&k[DP_ENDPOINT], DP_PACKET);
  double other = median(&k[DP_GSO], DP_PACKET);

  if (!(median(&k[DP_ENDPOINT], DP_GOODPUT) > 0) ||
      !(median(&k[DP_SINGLE], DP_GOODPUT) > 0) ||
      !(median(&k[DP_GSO], DP_GOODPUT) > 0)) {
    return "nothing arrived";
  }
  if (k[DP_ENDPOINT].lost || k[DP_SINGLE].lost || k[DP_GSO].lost) {
    return "DATAGRAMs were lost";
  }
  if (size > other * (1 + PACKET_TOLERANCE) ||
      size < other * (1 - PACKET_TOLERANCE)) {
    return "the endpoint's packets are not of the bare loop's size";
  }
  return NULL;
}

static const char *check_ratios(const dp_kind_result *k, double single,
                                double gso, double per_wakeup) {
  if (median(&k[DP_SINGLE], DP_RATIO) < single) {
    return "too slow beside bare ngtcp2 with a call a packet";
  }
  if (median(&k[DP_GSO], DP_RATIO) < gso) {
    return "too slow beside bare ngtcp2 with GSO";
  }
  if (median(&k[DP_ENDPOINT], DP_PER_WAKEUP) < per_wakeup) {
    return "too few datagrams a wake-up";
  }
  return NULL;
}

static const char *check(const dp_result *r, const dp_kind_result *k) {
  const char *why = check_correct(k);

  if (!why && median(&k[DP_ENDPOINT], DP_ALLOCS) > ALLOCS_MAX) {
    why = "allocations per packet";
  }
  if (why || r->last->is_sanitized || r->no_offload || !r->last->has_gso ||
      (k == r->of[DP_DATAGRAM] && r->size < GOAL_SIZE)) {
    return why;
  }
  return r->is_short ? check_ratios(k, SHORT_SINGLE, SHORT_GSO, 1)
                     : check_ratios(k, GOAL_SINGLE, GOAL_GSO, GOAL_PER_WAKEUP);
}

static void print_table(const char *what, const dp_kind_result *k) {
  size_t i;

  printf("\n%-29s  Mbit/s  endpoint to it      CPU ns  syscalls  allocations  "
         "packets\n%-29s          goodput (min-max)   /packet   /packet      "
         "/packet  /wake-up\n",
         what, "");
  for (i = 0; i < DP_KINDS; i++) {
    bench_spread x = k[i].of[DP_RATIO];

    if (!k[i].is_measured) {
      continue;
    }
    printf("%-29s %7.0f", kinds[i].label, median(&k[i], DP_GOODPUT));
    if (i == DP_ENDPOINT) {
      printf("  %-18s", "-");
    } else {
      printf("  %5.3f (%5.3f-%5.3f)", x.median, x.min, x.max);
    }
    printf(" %7.0f %9.3f %12.4f %9.1f\n", median(&k[i], DP_CPU),
           median(&k[i], DP_SYSCALLS), median(&k[i], DP_ALLOCS),
           median(&k[i], DP_PER_WAKEUP));
  }
}

static void print_human(const dp_result *r) {
  const dp_kind_result *d = r->of[DP_DATAGRAM];

  printf(
      "%llu rounds of %llu ms a kind, each a process; both ends in one thread, "
      "%s\nDATAGRAMs of %llu bytes in packets of %.0f; stream %s, packets "
      "of %llu; %s\n",
      (unsigned long long)r->rounds, (unsigned long long)r->ms, r->last->cipher,
      (unsigned long long)r->size, median(&d[DP_ENDPOINT], DP_PACKET),
      r->last->is_lending ? "lent" : "copied",
      (unsigned long long)r->last->packet_size,
      r->last->has_gso ? "the kernel has GSO and GRO"
                       : "the kernel has NO GSO");
  print_table("DATAGRAMs", r->of[DP_DATAGRAM]);
  print_table("stream", r->of[DP_STREAM]);
  printf("\nDATAGRAMs of the endpoint: %llu sent, %llu lost; %s\n",
         (unsigned long long)d[DP_ENDPOINT].sent,
         (unsigned long long)d[DP_ENDPOINT].lost,
         r->last->has_allocations ? "allocations: the whole process's"
                                  : "allocations: library and ngtcp2 only");
  printf("self-check%s: %s\n",
         r->last->is_sanitized ? " (sanitizers: no speed)"
         : r->no_offload       ? " (without offload: no speed)"
         : r->is_short         ? " (short: loose bounds)"
                               : "",
         r->failure ? r->failure : "true");
}

static void print_ratio(const char *name, const dp_kind_result *k,
                        dp_metric m) {
  const bench_spread *x = &k->of[m];

  printf("\"%s\":%.4f,\"%s_min\":%.4f,\"%s_max\":%.4f,", name, x->median, name,
         x->min, name, x->max);
}

static void print_kind(const dp_kind_result *k) {
  printf("\"goodput_mbit\":%.1f,\"goodput_mbit_min\":%.1f,"
         "\"goodput_mbit_max\":%.1f,\"goodput_wall_mbit\":%.1f,\"cpu_ns_per_"
         "packet\":%.1f,"
         "\"syscalls_per_packet\":%.4f,\"allocs_per_packet\":%.5f,"
         "\"allocs_lib_per_packet\":%.5f,\"acks_per_packet\":%.4f,"
         "\"datagrams_per_wakeup\":%.1f,\"packet_bytes\":%.1f,"
         "\"cpu_share\":%.3f,\"datagrams_sent\":%llu,\"datagrams_lost\":%llu",
         median(k, DP_GOODPUT), k->of[DP_GOODPUT].min, k->of[DP_GOODPUT].max,
         median(k, DP_WALL_GOODPUT), median(k, DP_CPU), median(k, DP_SYSCALLS),
         median(k, DP_ALLOCS), median(k, DP_ALLOCS_OURS), median(k, DP_ANSWERS),
         median(k, DP_PER_WAKEUP), median(k, DP_PACKET), median(k, DP_BUSY),
         (unsigned long long)k->sent, (unsigned long long)k->lost);
}

static void print_load(const char *name, const dp_kind_result *k) {
  size_t i;

  printf("\"%s\":{", name);
  print_ratio("ratio_vs_bare_single", &k[DP_SINGLE], DP_RATIO);
  print_ratio("ratio_vs_bare_gso", &k[DP_GSO], DP_RATIO);
  print_ratio("ratio_vs_udp", &k[DP_UDP], DP_RATIO);
  print_ratio("wall_ratio_vs_bare_single", &k[DP_SINGLE], DP_WALL_RATIO);
  print_ratio("wall_ratio_vs_bare_gso", &k[DP_GSO], DP_WALL_RATIO);
  print_kind(&k[DP_ENDPOINT]);
  for (i = DP_SINGLE; i < DP_KINDS; i++) {
    if (k[i].is_measured) {
      printf(",\"%s\":{", kinds[i].key);
      print_kind(&k[i]);
      printf("}");
    }
  }
  printf("},");
}

static void print_json(const dp_result *r) {
  printf("{\"rounds\":%llu,\"ms\":%llu,\"cipher\":\"%s\","
         "\"datagram_bytes\":%llu,\"full_packet_bytes\":%llu,\"gso\":%s,"
         "\"stream_is_lent\":%s,\"allocs_counted\":\"%s\",\"sanitized\":%s,",
         (unsigned long long)r->rounds, (unsigned long long)r->ms,
         r->last->cipher, (unsigned long long)r->size,
         (unsigned long long)r->last->packet_size,
         r->last->has_gso ? "true" : "false",
         r->last->is_lending ? "true" : "false",
         r->last->has_allocations ? "process" : "library",
         r->last->is_sanitized ? "true" : "false");
  print_load("datagram", r->of[DP_DATAGRAM]);
  print_load("stream", r->of[DP_STREAM]);
  printf("\"failure\":\"%s\",\"ok\":%s}\n", r->failure ? r->failure : "",
         r->failure ? "false" : "true");
}

int datapath_report(dp_result *r, bool is_json) {
  if (!r->failure) {
    r->failure = check(r, r->of[DP_DATAGRAM]);
  }
  if (!r->failure) {
    r->failure = check(r, r->of[DP_STREAM]);
  }
  if (is_json) {
    print_json(r);
  } else {
    print_human(r);
  }
  return r->failure ? 1 : 0;
}
