#include "trace.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS QUICMIG_MILLISECOND
#define RING (sizeof(((sim_trace_side *)0)->out) / sizeof(quicmig_tstamp))
#define PACKET 1500 /* bytes of a chance */

/* Of the recording that is made. */
#define PERIOD 120000 /* ms */
#define PAUSE_AT 70000
#define PAUSE 4000
#define STEP 500 /* the rate changes so often */

static quicmig_tstamp chance(const sim_trace_side *e) {
  return e->start + e->at[e->next] * MS;
}

static void advance(sim_trace_side *e) {
  if (++e->next == e->n) {
    e->next = 0;
    e->start += e->period * MS;
  }
}

/* Chances that nobody took are gone. */
static void catch_up(sim_trace_side *e, quicmig_tstamp now) {
  quicmig_duration round = e->period * MS;

  if (now >= e->start + 2 * round) {
    e->start += (now - e->start) / round * round - round;
  }
  while (chance(e) < now) {
    advance(e);
  }
  while (e->len && e->out[e->head] <= now) {
    e->head = (e->head + 1) % RING;
    e->len--;
  }
}

static bool is_full(const sim_trace_side *e, quicmig_tstamp now) {
  return e->len == RING || (e->packets && e->len >= e->packets) ||
         (e->queue && chance(e) - now > e->queue);
}

static void trace_pass(sim *s, sim_node *n, sim_pkt *p) {
  sim_trace *t = (sim_trace *)(void *)n;
  sim_trace_side *e = &t->side[p->dir];
  quicmig_tstamp at = s->now;

  if (e->n) {
    catch_up(e, s->now);
    if (is_full(e, s->now)) {
      sim_drop(s, n, p);
      return;
    }
    at = chance(e);
    advance(e);
    e->out[(e->head + e->len++) % RING] = at;
    e->longest = qm_time_max(e->longest, at - s->now);
  }
  sim_forward_at(s, n, p, at + t->delay);
}

void sim_trace_init(sim *s, sim_trace *t, quicmig_duration delay) {
  memset(t, 0, sizeof(*t));
  t->node.pass = trace_pass;
  t->delay = delay;
  sim_append(s, &t->node);
}

void sim_trace_reset(sim_trace *t) {
  free(t->side[SIM_UP].at);
  free(t->side[SIM_DOWN].at);
  t->side[SIM_UP].at = t->side[SIM_DOWN].at = NULL;
}

static void add(sim_trace_side *e, uint32_t at) {
  if ((e->n & (e->n - 1)) == 0) { /* a power of two, or none */
    e->at = realloc(e->at, (e->n ? 2 * e->n : 1) * sizeof(*e->at));
    assert(e->at);
  }
  e->at[e->n++] = at;
  e->period = at ? at : 1;
}

bool sim_trace_load(sim_trace *t, sim_dir dir, const char *name) {
  const char *folder = getenv("QUICMIG_TRACES");
  char path[4096];
  uint32_t at;
  FILE *f;

  snprintf(path, sizeof(path), "%s/%s",
           folder ? folder : SIM_ROOT "/../shared/data/cellular", name);
  f = fopen(path, "r");
  if (!f) {
    printf("skipped: %s: %s\n", path, strerror(errno));
    return false;
  }
  while (fscanf(f, "%u", &at) == 1) {
    add(&t->side[dir], at);
  }
  fclose(f);
  assert(t->side[dir].n);
  return true;
}

void sim_trace_make(sim *s, sim_trace *t, sim_dir dir, unsigned mbit) {
  sim_trace_side *e = &t->side[dir];
  /* Chances a STEP, on average, and as of now. */
  uint32_t mean = mbit * 1000000u / 8 / PACKET * STEP / 1000, rate = mean;
  uint32_t at, i;

  for (at = 0; at < PERIOD; at += STEP) {
    rate = (uint32_t)qm_rng_range(&s->rng, rate / 2, rate / 2 + mean);
    for (i = 0; i < rate; i++) {
      uint32_t when = at + i * STEP / rate;

      if (when < PAUSE_AT || when >= PAUSE_AT + PAUSE) {
        add(e, when);
      }
    }
  }
  e->period = PERIOD;
}
