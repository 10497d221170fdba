/*
 * How costs grow with the number of connections in one process: asking a client
 * for its deadline, a hop, a wake-up; and what one more connection takes of
 * memory.  All counts live side by side and are measured in turns.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "scaleworld.h"

#define SEC QUICMIG_SECOND
#define COUNTS_MAX 4
#define ROUNDS_MAX 99
/* Clients that are sent to, or hop, at a time; and how many in a round. */
#define WAKE_AT_ONCE 256
#define WAKES 2048
#define HOP_AT_ONCE 64
#define HOPS 128
/* Connections that are weighed, the last ones. */
#define WEIGHED 8
#define SETTLE (20 * SEC)
#define ASKS 100000
#define BYTES_MAX 2048
/* Deadline at the largest count beside that at the smallest. */
#define GROWTH_MAX 1.5
#define GROWTH_MAX_SHORT 3.0

/* What is measured in each round. */
typedef enum figure {
  WARM,            /* ns: a deadline, the client's memory in the cache */
  FIRST,           /* ns: the same right after its wake-up, once */
  COLD,            /* ns: the same without a wake-up */
  REARM,           /* ns: moving the client in a heap of deadlines */
  SERVER_DEADLINE, /* ns: the server's */
  HOP,             /* us: a client's calls for one hop */
  SERVER_HOP,      /* us: the server's calls for it */
  WAKEUP,          /* us: a client's call with one datagram */
  FIGURES
} figure;

typedef struct population {
  size_t n;
  scaleworld world;
  size_t *order; /* all clients; those that are drawn in front */
  qm_rng rng;
  double rounds[FIGURES][ROUNDS_MAX];
  bench_spread figures[FIGURES];
  double bytes, server_bytes; /* of one connection */
  size_t migration_bytes;
  bool is_good;
} population;

/* --- set-up --- */

/* The last few are weighed, until they are at rest. */
static void populate(population *p, size_t n) {
  size_t weighed = n < 2 * WEIGHED ? (n + 1) / 2 : WEIGHED, i;
  scaleworld *w = &p->world;

  p->n = n;
  p->order = calloc(n, sizeof(*p->order));
  assert(p->order);
  qm_rng_init(&p->rng, n);
  p->is_good = scaleworld_init(w, n);
  for (i = 0; i < n && p->is_good; i++) {
    p->order[i] = i;
    if (i == n - weighed) {
      scaleworld_run(w, SETTLE);
      w->client_heap.is_on = w->server_heap.is_on = true;
    }
    p->is_good = scaleworld_add(w);
  }
  if (p->is_good) {
    scaleworld_run(w, SETTLE);
    w->client_heap.is_on = w->server_heap.is_on = false;
    p->bytes = (double)w->client_heap.bytes / (double)weighed;
    p->server_bytes = (double)w->server_heap.bytes / (double)weighed;
    p->migration_bytes =
        quicmig_memory(quicmig_client_migrator(w->clients[n - 1].client));
  }
}

/* --- measuring --- */

/* n different clients, or all there are; returns how many. */
static size_t draw(population *p, size_t n) {
  size_t i;

  n = n < p->n ? n : p->n;
  for (i = 0; i < n; i++) {
    size_t k = qm_rng_range(&p->rng, i, p->n - 1), other = p->order[i];

    p->order[i] = p->order[k];
    p->order[k] = other;
  }
  return n;
}

static double us_per(const scalemeter *m, uint64_t n) {
  return n ? (double)m->ns / 1000 / (double)n : 0;
}

/* Wake-ups with one datagram, and the deadlines asked for after them. */
static void measure_wakeups(population *p, size_t round) {
  scaleworld *w = &p->world;
  size_t done = 0, n;

  w->wakeups = (scalemeter){.calls = 0};
  w->warm.n = w->first.n = w->rearm.n = 0;
  w->is_asking = true;
  for (; done < WAKES; done += n) {
    n = draw(p, WAKE_AT_ONCE);
    scaleworld_wake(w, p->order, n);
  }
  w->is_asking = false;
  p->rounds[WAKEUP][round] = us_per(&w->wakeups, w->wakeups.calls);
  p->rounds[WARM][round] = scalesamples_median(&w->warm);
  p->rounds[FIRST][round] = scalesamples_median(&w->first);
  p->rounds[REARM][round] = scalesamples_median(&w->rearm);
  p->is_good &= w->wakeups.calls >= done;
}

static void measure_hops(population *p, size_t round) {
  scaleworld *w = &p->world;
  uint64_t before = w->hops;
  size_t done = 0, n;

  w->of_clients = w->of_server = (scalemeter){.calls = 0};
  for (; done < HOPS; done += n) {
    n = draw(p, HOP_AT_ONCE);
    scaleworld_hop(w, p->order, n);
  }
  p->rounds[HOP][round] = us_per(&w->of_clients, w->hops - before);
  p->rounds[SERVER_HOP][round] = us_per(&w->of_server, w->hops - before);
  p->is_good &= w->hops - before == done && w->failed == 0 && w->closed == 0;
}

/* Clients that have not run since long, and the server. */
static void measure_asking(population *p, size_t round) {
  size_t n = draw(p, p->n), done = 0, i;
  scaleworld *w = &p->world;
  uint64_t begin = scalesamples_now();

  for (; done < WAKES; done += n) {
    for (i = 0; i < n; i++) {
      (void)quicmig_client_deadline(w->clients[p->order[i]].client);
    }
  }
  p->rounds[COLD][round] = (double)(scalesamples_now() - begin) / (double)done;
  begin = scalesamples_now();
  for (i = 0; i < ASKS; i++) {
    (void)quicmig_server_deadline(w->server);
  }
  p->rounds[SERVER_DEADLINE][round] =
      (double)(scalesamples_now() - begin) / ASKS;
}

static void measure(population *pops, size_t n, size_t rounds) {
  size_t i, r, k;

  for (r = 0; r < rounds; r++) {
    for (i = 0; i < n; i++) {
      measure_wakeups(&pops[i], r);
      measure_hops(&pops[i], r);
      measure_asking(&pops[i], r);
    }
  }
  for (i = 0; i < n; i++) {
    for (k = 0; k < FIGURES; k++) {
      pops[i].figures[k] = bench_spread_of(pops[i].rounds[k], rounds);
    }
  }
}

/* --- printing --- */

static void print_spread(const bench_spread *s, int width, int digits) {
  char text[64];

  snprintf(text, sizeof(text), "%.*f (%.*f-%.*f)", digits, s->median, digits,
           s->min, digits, s->max);
  printf("  %*s", width, text);
}

static void table(const population *pops, size_t n) {
  size_t i;

  puts("             deadline, ns: memory cached   first      not      re-arm  "
       "server's\n"
       "connections  median (least-most)   after a wake-up  cached   in heap");
  for (i = 0; i < n; i++) {
    const bench_spread *f = pops[i].figures;

    printf("%11zu", pops[i].n);
    print_spread(&f[WARM], 20, 1);
    printf("  %16.0f  %6.0f  %8.0f  %8.1f\n", f[FIRST].median, f[COLD].median,
           f[REARM].median, f[SERVER_DEADLINE].median);
  }
  puts("             us per hop: client     server's               us per "
       "wake-up          heap bytes: client  server's  migrator's");
  for (i = 0; i < n; i++) {
    const bench_spread *f = pops[i].figures;

    printf("%11zu", pops[i].n);
    print_spread(&f[HOP], 21, 1);
    print_spread(&f[SERVER_HOP], 21, 1);
    print_spread(&f[WAKEUP], 18, 2);
    printf("  %18.0f  %8.0f  %10zu%s\n", pops[i].bytes, pops[i].server_bytes,
           pops[i].migration_bytes, pops[i].is_good ? "" : "  FAILED");
  }
}

static void json_spread(const char *name, const bench_spread *s) {
  printf(",\"%s\":%.3f,\"%s_min\":%.3f,\"%s_max\":%.3f", name, s->median, name,
         s->min, name, s->max);
}

static void json(const population *pops, size_t n, double growth, double wall,
                 bool is_good) {
  static const char *const names[FIGURES] = {
      "ns_per_deadline",   "ns_per_deadline_first",  "ns_per_deadline_cold",
      "ns_per_rearm",      "ns_per_server_deadline", "us_per_hop",
      "us_per_hop_server", "us_per_wakeup"};
  size_t i, k;

  printf("{\"cases\":[");
  for (i = 0; i < n; i++) {
    printf("%s{\"connections\":%zu", i ? "," : "", pops[i].n);
    for (k = 0; k < FIGURES; k++) {
      json_spread(names[k], &pops[i].figures[k]);
    }
    printf(",\"bytes_per_connection\":%.0f,"
           "\"bytes_per_connection_server\":%.0f,"
           "\"migration_bytes_per_connection\":%zu,\"ok\":%s}",
           pops[i].bytes, pops[i].server_bytes, pops[i].migration_bytes,
           pops[i].is_good ? "true" : "false");
  }
  printf("],\"deadline_growth\":%.3f,\"wall_s\":%.1f,\"ok\":%s}\n", growth,
         wall, is_good ? "true" : "false");
}

/* --- all of it --- */

static double growth_of(const population *pops, size_t n) {
  double least = pops[0].figures[WARM].median;

  return least > 0 ? pops[n - 1].figures[WARM].median / least : 0;
}

static bool check(const population *pops, size_t n, double growth_max) {
  bool is_good = growth_of(pops, n) <= growth_max;
  size_t i;

  for (i = 0; i < n; i++) {
    is_good &= pops[i].is_good && pops[i].migration_bytes <= BYTES_MAX;
  }
  return is_good;
}

static void finish(population *pops, size_t n) {
  size_t i;

  for (i = 0; i < n && pops[i].order; i++) {
    scaleworld_reset(&pops[i].world);
    free(pops[i].order);
  }
}

int bench_scale(const bench_options *o) {
  static const size_t all[] = {10, 100, 1000, 10000}, few[] = {10, 200};
  static population pops[COUNTS_MAX];
  size_t n = o->connections ? 1 : o->is_short ? 2 : COUNTS_MAX, i;
  size_t rounds = o->rounds ? (size_t)o->rounds : o->is_short ? 2 : 5;
  double begin = bench_wall();
  bool is_good = true;

  for (i = 0; i < n && is_good; i++) {
    populate(&pops[i], o->connections ? (size_t)o->connections
                       : o->is_short  ? few[i]
                                      : all[i]);
    is_good = pops[i].is_good;
  }
  if (is_good) {
    measure(pops, n, rounds);
    is_good = check(pops, n, o->is_short ? GROWTH_MAX_SHORT : GROWTH_MAX);
  }
  if (o->is_json) {
    json(pops, n, growth_of(pops, n), bench_wall() - begin, is_good);
  } else {
    table(pops, n);
    printf("a deadline at the last count costs %.2f times that at the first; "
           "%.0f s; self-check: %s\n",
           growth_of(pops, n), bench_wall() - begin,
           is_good ? "true" : "false");
  }
  finish(pops, n);
  return is_good ? 0 : 1;
}
