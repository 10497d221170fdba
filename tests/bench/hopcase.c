#include "hopcase.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "hopsim.h"

#define MS QUICMIG_MILLISECOND
#define SEC QUICMIG_SECOND
#define SEED 1
/* Full packets of a stream that may be simulated for one case; more on the line
 * for which there are goals. */
#define PACKETS_MAX 400000
#define PACKETS_MAX_GOALS 1550000
#define PACKET_BITS (1480 * 8)
/* This much is always affordable: every line has recovered by then. */
#define SPAN_MIN 15 /* seconds */
#define HOPS_MIN 3
#define HOPS_MAX 6
#define DATAGRAM_GAP_MAX 10 /* seconds */
/* Recovery: what is looked at, and what it must reach. */
#define LOOK (100 * MS / HOPSIM_SLOT)
#define LASTS (500 * MS / HOPSIM_SLOT)
#define ENOUGH 0.95
/* Datagrams of this long after a hop count. */
#define AFTERMATH SEC

static const uint64_t all_intervals[HOPCASE_INTERVALS] = {1,  5,  10,
                                                          30, 60, 300};
static const uint64_t short_intervals[] = {5};

static uint64_t hops_every(const bench_options *o, uint64_t seconds) {
  uint64_t n = SPAN_MIN / seconds;

  return o->hops ? o->hops : n < HOPS_MIN ? HOPS_MIN : qm_time_min(n, HOPS_MAX);
}

static bool is_affordable(const hopcase *c, const bench_options *o,
                          uint64_t interval_s) {
  uint64_t span = interval_s * hops_every(o, interval_s);
  uint64_t packets = c->rate_mbit * 1000000 / PACKET_BITS * span;

  return span <= SPAN_MIN ||
         packets <= (c->rate_mbit == 100 && c->rtt_ms == 50 ? PACKETS_MAX_GOALS
                                                            : PACKETS_MAX);
}

/* How far apart hops are made: as asked for, or as far as is affordable. */
static void plan(hopcase *c, const bench_options *o) {
  size_t i;

  c->goodput.interval_s =
      is_affordable(c, o, c->interval_s) ? c->interval_s : 0;
  for (i = HOPCASE_INTERVALS; i-- > 0 && !c->goodput.interval_s;) {
    if (all_intervals[i] < c->interval_s &&
        (i == 0 || is_affordable(c, o, all_intervals[i]))) {
      c->goodput.interval_s = all_intervals[i];
    }
  }
  c->delay.interval_s = qm_time_min(c->interval_s, DATAGRAM_GAP_MAX);
}

static void add(hopcase_group *g, const bench_options *o, uint32_t mode,
                uint64_t interval_s) {
  hopcase *c = &g->cases[g->n++];

  *c = (hopcase){.rate_mbit = g->rate_mbit,
                 .rtt_ms = g->rtt_ms,
                 .is_down = g->is_down,
                 .mode = mode,
                 .interval_s = interval_s};
  plan(c, o);
}

void hopcase_list(hopcase_group *g, const bench_options *o) {
  const uint64_t *intervals = o->is_short ? short_intervals : all_intervals;
  size_t n = o->is_short ? 1 : HOPCASE_INTERVALS, i;
  uint32_t mode;

  g->n = 0;
  for (mode = 0; mode < HOPCASE_MODES; mode++) {
    if (o->mode &&
        (strcmp(o->mode, "rebind") == 0) != (mode == QUICMIG_MODE_REBIND)) {
      continue;
    }
    if (o->interval_s) {
      add(g, o, mode, o->interval_s);
    }
    for (i = 0; i < n && !o->interval_s; i++) {
      add(g, o, mode, intervals[i]);
    }
  }
}

/* --- goodput --- */

static uint64_t sum(const hopsim_trace *t, size_t from, size_t to) {
  uint64_t bytes = 0;

  for (; from < to && from < t->n_slots; from++) {
    bytes += t->slots[from];
  }
  return bytes;
}

/* Does the stretch bring enough?  `level`: bytes a slot without hops. */
static bool is_enough(const hopsim_trace *t, size_t from, size_t to,
                      double level) {
  return (double)sum(t, from, to) >= ENOUGH * level * (double)(to - from);
}

/* Recovery of the hop that began with the slot `from`, in ms; see hopcase.h. */
static double recovery(const hopsim_trace *t, const hopcase *c, size_t from,
                       size_t to, double level) {
  size_t latest = from + (size_t)(4 * c->rtt_ms * MS / HOPSIM_SLOT) + 2 * LOOK;
  size_t at = from;

  /* A dip that the hop may have caused begins within a few round trips. */
  while (is_enough(t, at, at + LOOK, level)) {
    if (++at > latest || at + LOOK > to) {
      return 0;
    }
  }
  for (; at + LOOK <= to; at++) {
    size_t end = at + LOOK, lasts = (size_t)qm_time_min(end + LASTS, to);

    if (is_enough(t, at, end, level) && is_enough(t, end, lasts, level)) {
      return (double)(end - from) * HOPSIM_SLOT / MS;
    }
  }
  return -1;
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;

  return (x > y) - (x < y);
}

/* The median over the n hops; "never" is the longest. */
static double median_recovery(const hopsim_trace *t, const hopcase *c, size_t n,
                              double level) {
  size_t gap = t->n_slots / n, i;
  double *each = malloc(n * sizeof(*each)), median;

  assert(each);
  for (i = 0; i < n; i++) {
    each[i] = recovery(t, c, i * gap, (i + 1) * gap, level);
    each[i] = each[i] < 0 ? (double)QUICMIG_NEVER : each[i];
  }
  qsort(each, n, sizeof(*each), by_value);
  median = each[n / 2];
  free(each);
  return median < (double)QUICMIG_NEVER ? median : -1;
}

static hopsim_setup setup_of(const hopcase *c, uint64_t gap_s, uint64_t hops) {
  return (hopsim_setup){.rate_mbit = c->rate_mbit,
                        .rtt_ms = c->rtt_ms,
                        .is_down = c->is_down,
                        .mode = c->mode,
                        .hops = hops,
                        .length = gap_s * (hops ? hops : 1) * SEC,
                        .seed = SEED};
}

/* none: at least as long, without hops. */
static void run_stream(hopcase *c, const bench_options *o,
                       const hopsim_trace *none) {
  hopcase_goodput *g = &c->goodput;
  uint64_t n = hops_every(o, g->interval_s);
  hopsim_setup s = setup_of(c, g->interval_s, n);
  hopsim_trace t = hopsim_stream(&s);
  double bytes_none = (double)sum(none, 0, t.n_slots);
  double span_ms = (double)(t.n_slots * HOPSIM_SLOT) / MS;

  g->hops = t.hops;
  g->failed = t.failed;
  g->is_good = t.is_good && bytes_none > 0;
  if (g->is_good) {
    g->mbit_none = bytes_none * 8e-3 / span_ms;
    g->deficit_ms =
        (1 - (double)sum(&t, 0, t.n_slots) / bytes_none) * span_ms / (double)n;
    g->recovery_ms =
        median_recovery(&t, c, (size_t)n, bytes_none / (double)t.n_slots);
  }
  hopsim_trace_reset(&t);
}

double hopcase_ratio(const hopcase *c) {
  return 1 - c->goodput.deficit_ms / (double)(c->interval_s * 1000);
}

/* --- datagrams --- */

/* Delays in ms of the datagrams sent in the second after a hop, sorted. */
static size_t aftermath(const hopsim_trace *t, const hopcase *c, uint64_t hops,
                        double *dest) {
  uint64_t gap = c->delay.interval_s * SEC;
  size_t i, n = 0;

  for (i = 0; i < t->n_datagrams; i++) {
    const hopsim_datagram *d = &t->datagrams[i];

    if (d->sent_at < hops * gap && d->sent_at % gap < AFTERMATH &&
        d->delay != QUICMIG_NEVER) {
      dest[n++] = (double)d->delay / MS;
    }
  }
  qsort(dest, n, sizeof(*dest), by_value);
  return n;
}

static double percentile(const double *sorted, size_t n, double p) {
  return sorted[(size_t)(p * (double)(n - 1))];
}

static void compare(hopcase *c, uint64_t hops, const hopsim_trace *t,
                    const hopsim_trace *none) {
  double *a = calloc(t->n_datagrams + none->n_datagrams + 2, sizeof(*a));
  double *b = a + t->n_datagrams + 1;
  hopcase_delay *d = &c->delay;
  size_t n, k;

  assert(a);
  n = aftermath(t, c, hops, a);
  k = aftermath(none, c, hops, b);
  if (n && k) {
    d->added_ms_p50 = percentile(a, n, 0.5) - percentile(b, k, 0.5);
    d->added_ms_p99 = percentile(a, n, 0.99) - percentile(b, k, 0.99);
    d->added_ms_max = a[n - 1] - b[k - 1];
  }
  d->is_good &= n && k;
  free(a);
}

static void run_datagrams(hopcase *c, const bench_options *o,
                          const hopsim_trace *none) {
  hopcase_delay *d = &c->delay;
  uint64_t n = hops_every(o, d->interval_s);
  hopsim_setup s = setup_of(c, d->interval_s, n);
  hopsim_trace t = hopsim_datagrams(&s);
  size_t i;

  d->hops = t.hops;
  d->failed = t.failed;
  d->sent = d->lost = t.refused;
  for (i = 0; i < t.n_datagrams; i++) {
    if (t.datagrams[i].sent_at != QUICMIG_NEVER) {
      d->sent++;
      d->lost += t.datagrams[i].delay == QUICMIG_NEVER;
    }
  }
  d->is_good = t.is_good;
  compare(c, n, &t, none);
  hopsim_trace_reset(&t);
}

/* --- the group --- */

/* Transfers without hops, as long as the longest with hops. */
static hopsim_trace run_none(const hopcase_group *g, const bench_options *o,
                             bool is_stream) {
  uint64_t most = 1;
  hopsim_setup s;
  size_t i;

  for (i = 0; i < g->n; i++) {
    uint64_t gap = is_stream ? g->cases[i].goodput.interval_s
                             : g->cases[i].delay.interval_s;

    most = qm_time_max(most, gap * hops_every(o, gap));
  }
  s = setup_of(&g->cases[0], most, 0);
  return is_stream ? hopsim_stream(&s) : hopsim_datagrams(&s);
}

/* The same transfers may have been made for an earlier case. */
static bool is_known(hopcase_group *g, size_t i, bool is_stream) {
  hopcase *c = &g->cases[i];
  size_t k;

  for (k = 0; k < i; k++) {
    const hopcase *b = &g->cases[k];

    if (b->mode != c->mode) {
      continue;
    }
    if (is_stream && b->goodput.interval_s == c->goodput.interval_s) {
      c->goodput = b->goodput;
      return true;
    }
    if (!is_stream && b->delay.interval_s == c->delay.interval_s) {
      c->delay = b->delay;
      return true;
    }
  }
  return false;
}

void hopcase_run(hopcase_group *g, const bench_options *o) {
  hopsim_trace streams = run_none(g, o, true);
  hopsim_trace datagrams = run_none(g, o, false);
  size_t i;

  for (i = 0; i < g->n; i++) {
    if (!is_known(g, i, true)) {
      run_stream(&g->cases[i], o, &streams);
    }
    if (!is_known(g, i, false)) {
      run_datagrams(&g->cases[i], o, &datagrams);
    }
  }
  hopsim_trace_reset(&streams);
  hopsim_trace_reset(&datagrams);
}
