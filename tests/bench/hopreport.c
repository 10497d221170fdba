#include "hopreport.h"

#include <stdio.h>

#include <quicmig/model.h>

typedef unsigned long long ull;

static const char *direction(bool is_down) { return is_down ? "down" : "up"; }

static const char *mode(uint32_t m) {
  return m == QUICMIG_MODE_REBIND ? "rebind" : "migrate";
}

/* --- for people --- */

static void table_case(const hopcase *c) {
  const hopcase_goodput *g = &c->goodput;
  const hopcase_delay *d = &c->delay;
  char recovery[32];

  snprintf(recovery, sizeof(recovery), g->recovery_ms < 0 ? "never" : "%.0f",
           g->recovery_ms);
  printf("%5llu %4llu  %-4s  %-7s %5llu  %7.4f%c %8.1f %8s  %6llu %4llu "
         "%8.2f %8.2f %8.2f%s\n",
         (ull)c->rate_mbit, (ull)c->rtt_ms, direction(c->is_down),
         mode(c->mode), (ull)c->interval_s, hopcase_ratio(c),
         g->interval_s == c->interval_s ? ' ' : '*', g->deficit_ms, recovery,
         (ull)d->sent, (ull)d->lost, d->added_ms_p50, d->added_ms_p99,
         d->added_ms_max, g->is_good && d->is_good ? "" : "  FAILED");
}

static void table_goodput(const hopreal_goodput *g, const char *name) {
  printf("%-8s  %.4f (%.4f-%.4f) of %.0f Mbit/s; %llu hops, %llu failed; "
         "%llu datagrams, %llu lost\n",
         name, g->ratio.median, g->ratio.min, g->ratio.max, g->mbit_none.median,
         (ull)g->hops, (ull)g->failed, (ull)g->sent, (ull)g->lost);
}

static void table_cpu(const hopreal_cpu *c) {
  printf("CPU of one hop, client  %.1f us (%.1f-%.1f), %.1f system calls, %.1f "
         "wake-ups\nCPU of bare sockets     %.1f us (%.1f-%.1f), %.1f system "
         "calls\nratio                   %.2f (%.2f-%.2f)\n",
         c->us_hop.median, c->us_hop.min, c->us_hop.max, c->syscalls_hop,
         c->wakeups_hop, c->us_sockets.median, c->us_sockets.min,
         c->us_sockets.max, c->syscalls_sockets, c->ratio.median, c->ratio.min,
         c->ratio.max);
}

void hopreport_table(const hopreport *r) {
  size_t i, k;

  printf("Simulated: a stream with hops beside the same without; delay of "
         "datagrams sent in the\nsecond after a hop, less that without "
         "hops.  *: from the deficit, see hopcase.h\n"
         " Mbit   ms  dir   mode      every    ratio  deficit recovery    sent "
         "lost  added ms: p50    p99      max\n"
         "  /s   RTT                    s                ms       ms\n");
  for (i = 0; i < r->n_groups; i++) {
    for (k = 0; k < r->groups[i].n; k++) {
      table_case(&r->groups[i].cases[k]);
    }
  }
  printf("Loopback, a hop a second beside none, median (least-most) of the "
         "rounds:\n");
  table_goodput(&r->up, "upload");
  table_goodput(&r->down, "download");
  table_cpu(&r->cpu);
  printf("%.0f s; self-check: %s\n", r->wall_s, r->is_good ? "true" : "false");
}

/* --- for programs --- */

static void json_case(const hopcase *c, bool is_first) {
  const hopcase_goodput *g = &c->goodput;
  const hopcase_delay *d = &c->delay;

  printf("%s{\"rate_mbit\":%llu,\"rtt_ms\":%llu,\"direction\":\"%s\","
         "\"mode\":\"%s\",\"interval_s\":%llu,\"goodput_ratio\":%.5f,"
         "\"measured_interval_s\":%llu,\"goodput_mbit_none\":%.3f,"
         "\"deficit_ms\":%.2f,",
         is_first ? "" : ",", (ull)c->rate_mbit, (ull)c->rtt_ms,
         direction(c->is_down), mode(c->mode), (ull)c->interval_s,
         hopcase_ratio(c), (ull)g->interval_s, g->mbit_none, g->deficit_ms);
  if (g->recovery_ms < 0) {
    printf("\"recovery_ms\":null,");
  } else {
    printf("\"recovery_ms\":%.0f,", g->recovery_ms);
  }
  printf("\"hops\":%llu,\"hops_failed\":%llu,\"datagram_interval_s\":%llu,"
         "\"sent\":%llu,\"lost\":%llu,\"added_ms_p50\":%.3f,"
         "\"added_ms_p99\":%.3f,\"added_ms_max\":%.3f,\"ok\":%s}",
         (ull)(g->hops + d->hops), (ull)(g->failed + d->failed),
         (ull)d->interval_s, (ull)d->sent, (ull)d->lost, d->added_ms_p50,
         d->added_ms_p99, d->added_ms_max,
         g->is_good && d->is_good ? "true" : "false");
}

static void json_spread(const char *name, const bench_spread *s,
                        const char *format) {
  printf(",\"%s\":", name);
  printf(format, s->median);
  printf(",\"%s_min\":", name);
  printf(format, s->min);
  printf(",\"%s_max\":", name);
  printf(format, s->max);
}

static void json_real(const hopreport *r) {
  const hopreal_cpu *c = &r->cpu;

  printf("\"real\":{\"interval_s\":1,\"hops\":%llu,\"hops_failed\":%llu,"
         "\"sent\":%llu,\"lost\":%llu,\"blocked\":%llu",
         (ull)(r->up.hops + r->down.hops + c->hops),
         (ull)(r->up.failed + r->down.failed + c->failed),
         (ull)(r->up.sent + r->down.sent), (ull)(r->up.lost + r->down.lost),
         (ull)(r->up.blocked + r->down.blocked));
  json_spread("ratio_goodput_up", &r->up.ratio, "%.5f");
  json_spread("ratio_goodput_down", &r->down.ratio, "%.5f");
  json_spread("goodput_mbit_up_hops", &r->up.mbit_hops, "%.1f");
  json_spread("goodput_mbit_up_none", &r->up.mbit_none, "%.1f");
  json_spread("goodput_mbit_down_hops", &r->down.mbit_hops, "%.1f");
  json_spread("goodput_mbit_down_none", &r->down.mbit_none, "%.1f");
  json_spread("cpu_ratio_vs_sockets", &c->ratio, "%.3f");
  json_spread("us_per_hop", &c->us_hop, "%.2f");
  json_spread("us_per_sockets", &c->us_sockets, "%.2f");
  printf(",\"syscalls_per_hop\":%.1f,\"syscalls_per_sockets\":%.1f,"
         "\"wakeups_per_hop\":%.1f}",
         c->syscalls_hop, c->syscalls_sockets, c->wakeups_hop);
}

void hopreport_json(const hopreport *r) {
  bool is_first = true;
  size_t i, k;

  printf("{\"cases\":[");
  for (i = 0; i < r->n_groups; i++) {
    for (k = 0; k < r->groups[i].n; k++) {
      json_case(&r->groups[i].cases[k], is_first);
      is_first = false;
    }
  }
  printf("],");
  json_real(r);
  printf(",\"wall_s\":%.1f,\"ok\":%s}\n", r->wall_s,
         r->is_good ? "true" : "false");
}
