#include "nodes.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdlib.h>

#define PORTS 65536
#define QUEUE_DEFAULT 1000

#define HEADERS 28 /* of IPv4 and UDP */

/* How much a policer's token bucket holds, as time. */
#define BUCKET (50 * QUICMIG_MILLISECOND)

static bool is_hit(sim *s, uint32_t ppm) {
  return ppm && qm_rng_range(&s->rng, 0, 999999) < ppm;
}

static quicmig_duration queue_time(const sim_line_side *l) {
  return (SIM_MTU + HEADERS) * 8 * QUICMIG_SECOND / l->rate *
         (l->queue ? l->queue : QUEUE_DEFAULT);
}

/* When the last bit of p has left the line's sender; NEVER: the queue is full.
 * It holds so many full packets, or as many bytes of smaller ones. */
static quicmig_tstamp serialise(sim_line_side *l, const sim_pkt *p,
                                quicmig_tstamp now) {
  quicmig_duration each;

  if (!l->rate) {
    return now;
  }
  each = (p->len + HEADERS) * 8 * QUICMIG_SECOND / l->rate;
  if (l->busy_until < now) {
    l->busy_until = now;
  }
  if (l->busy_until - now > queue_time(l)) {
    return QUICMIG_NEVER;
  }
  l->busy_until += each;
  return l->busy_until;
}

static void line_pass(sim *s, sim_node *n, sim_pkt *p) {
  sim_line_side *l = &((sim_line *)(void *)n)->side[p->dir];
  quicmig_tstamp out;

  if (is_hit(s, l->loss_ppm) ||
      (out = serialise(l, p, s->now)) == QUICMIG_NEVER) {
    sim_drop(s, n, p);
    return;
  }
  out += l->delay;
  if (l->jitter) {
    out += qm_rng_range(&s->rng, 0, l->jitter);
  }
  if (is_hit(s, l->reorder_ppm)) {
    out += 3 * l->delay;
  } else if (l->keeps_order) {
    out = l->last_out = qm_time_max(out, l->last_out);
  }
  if (is_hit(s, l->duplicate_ppm)) {
    sim_forward_at(s, n, sim_copy(s, p), out);
  }
  sim_forward_at(s, n, p, out);
}

void sim_line_init(sim *s, sim_line *l, quicmig_duration delay) {
  *l = (sim_line){.node = {.pass = line_pass},
                  .side = {{.delay = delay, .keeps_order = true},
                           {.delay = delay, .keeps_order = true}}};
  sim_append(s, &l->node);
}

static void filter_pass(sim *s, sim_node *n, sim_pkt *p) {
  sim_filter *f = (sim_filter *)(void *)n;

  if (f->drops(f->arg, p)) {
    sim_drop(s, n, p);
  } else {
    sim_forward(s, n, p);
  }
}

void sim_filter_init(sim *s, sim_filter *f,
                     bool (*drops)(void *arg, const sim_pkt *p), void *arg) {
  *f = (sim_filter){.node = {.pass = filter_pass}, .drops = drops, .arg = arg};
  sim_append(s, &f->node);
}

static void unmap(sim_nat *n, struct sim_mapping *m) {
  n->by_inner[qm_addr_port(&m->inner)] = -1;
  m->is_used = false;
  n->mappings--;
}

static bool is_stale(const sim_nat *n, const struct sim_mapping *m,
                     quicmig_tstamp now) {
  return n->timeout && now > qm_time_add(m->last, n->timeout);
}

void sim_nat_expire(sim_nat *n, quicmig_tstamp now) {
  size_t i;

  for (i = 0; n->mappings && i < PORTS; i++) {
    if (n->table[i].is_used && is_stale(n, &n->table[i], now)) {
      unmap(n, &n->table[i]);
    }
  }
}

/* The mapping of an inner address; a new one if there is room. */
static struct sim_mapping *map(sim *s, sim_nat *n, const qm_addr *inner) {
  int32_t port = n->by_inner[qm_addr_port(inner)];
  struct sim_mapping *m;

  if (port >= 0 && !is_stale(n, &n->table[port], s->now)) {
    return &n->table[port];
  }
  if (port >= 0) {
    unmap(n, &n->table[port]);
  }
  if (n->limit && n->mappings >= n->limit) {
    sim_nat_expire(n, s->now);
    if (n->mappings >= n->limit) {
      return NULL;
    }
  }
  do {
    port = (int32_t)qm_rng_range(&s->rng, 1024, PORTS - 1);
  } while (n->table[port].is_used);
  m = &n->table[port];
  *m =
      (struct sim_mapping){.is_used = true, .inner = *inner, .outer = n->outer};
  qm_addr_set_port(&m->outer, (uint16_t)port);
  n->by_inner[qm_addr_port(inner)] = port;
  n->mappings++;
  return m;
}

static void nat_pass(sim *s, sim_node *node, sim_pkt *p) {
  sim_nat *n = (sim_nat *)(void *)node;
  struct sim_mapping *m;

  if (p->dir == SIM_UP) {
    m = map(s, n, &p->src);
  } else {
    m = &n->table[qm_addr_port(&p->dst)];
    if (!m->is_used || is_stale(n, m, s->now)) {
      m = NULL;
    }
  }
  if (!m) {
    sim_drop(s, node, p);
    return;
  }
  m->last = s->now;
  if (p->dir == SIM_UP) {
    p->src = m->outer;
  } else {
    p->dst = m->inner;
  }
  sim_forward(s, node, p);
}

void sim_nat_init(sim *s, sim_nat *n, const char *outer) {
  size_t i;

  *n = (sim_nat){.node = {.pass = nat_pass},
                 .table = calloc(PORTS, sizeof(*n->table)),
                 .by_inner = malloc(PORTS * sizeof(*n->by_inner))};
  assert(n->table && n->by_inner);
  qm_addr_any(&n->outer, AF_INET);
  inet_pton(AF_INET, outer, &n->outer.u.in.sin_addr);
  for (i = 0; i < PORTS; i++) {
    n->by_inner[i] = -1;
  }
  sim_append(s, &n->node);
}

void sim_nat_reset(sim_nat *n) {
  free(n->table);
  free(n->by_inner);
}

void sim_nat_rebind(sim_nat *n) {
  size_t i;

  for (i = 0; i < PORTS; i++) {
    if (n->table[i].is_used) {
      unmap(n, &n->table[i]);
    }
  }
}

/* May p pass a flow that is over its limit? */
static bool is_let_through(const sim_policer *q, struct sim_flow *f,
                           const sim_pkt *p, quicmig_tstamp now) {
  if (q->slow) {
    return f->packets % q->slow == 0;
  }
  if (q->rate == 0 || f->empty_at > now + BUCKET) {
    return false;
  }
  f->empty_at = qm_time_max(f->empty_at, now) +
                (p->len + HEADERS) * 8 * QUICMIG_SECOND / q->rate;
  return true;
}

static void police(sim *s, sim_node *n, sim_pkt *p) {
  sim_policer *q = (sim_policer *)(void *)n;
  struct sim_flow *f = &q->flows[sim_client_port(p)];

  if (f->packets == 0) {
    f->since = s->now;
  }
  f->packets++;
  f->bytes += q->is_blind[p->dir] ? 0 : p->len;
  if (((q->bytes && f->bytes > q->bytes) ||
       (q->age && s->now - f->since > q->age)) &&
      !is_let_through(q, f, p, s->now)) {
    sim_drop(s, n, p);
  } else {
    sim_forward(s, n, p);
  }
}

void sim_policer_init(sim *s, sim_policer *p) {
  *p = (sim_policer){.node = {.pass = police},
                     .flows = calloc(PORTS, sizeof(*p->flows))};
  assert(p->flows);
  sim_append(s, &p->node);
}

void sim_policer_reset(sim_policer *p) { free(p->flows); }

static void radio_pass(sim *s, sim_node *n, sim_pkt *p) {
  sim_radio *r = (sim_radio *)(void *)n;
  quicmig_tstamp out;

  while (s->now >= r->next) {
    r->until = r->next + qm_rng_range(&s->rng, r->lo, r->hi);
    r->next = r->until + qm_rng_range(&s->rng, 0, 2 * r->every);
  }
  out = qm_time_max(s->now, r->until) + qm_rng_range(&s->rng, 0, r->jitter);
  out = r->last_out[p->dir] = qm_time_max(out, r->last_out[p->dir]);
  sim_forward_at(s, n, p, out);
}

void sim_radio_init(sim *s, sim_radio *r, quicmig_duration every) {
  *r = (sim_radio){.node = {.pass = radio_pass},
                   .every = every,
                   .lo = 50 * QUICMIG_MILLISECOND,
                   .hi = 300 * QUICMIG_MILLISECOND,
                   .jitter = 5 * QUICMIG_MILLISECOND,
                   .next = s->now + 5 * QUICMIG_SECOND};
  sim_append(s, &r->node);
}

/* What the others have sent since the last packet is in the queue already. */
static void rivals_pass(sim *s, sim_node *n, sim_pkt *p) {
  sim_rivals *r = (sim_rivals *)(void *)n;
  sim_line_side *l = &r->line->side[p->dir];
  quicmig_duration took = s->now - r->seen[p->dir];

  r->seen[p->dir] = s->now;
  if (s->now >= r->turn) {
    r->is_on = !r->is_on;
    r->turn =
        s->now + qm_rng_range(&s->rng, 0, 2 * (r->is_on ? r->on : r->off));
  }
  if (r->is_on && l->rate) {
    quicmig_tstamp full = s->now + queue_time(l);
    quicmig_tstamp from = qm_time_max(l->busy_until, s->now - took);

    l->busy_until = qm_time_max(
        l->busy_until, qm_time_min(from + took * r->share / 100, full));
  }
  sim_forward(s, n, p);
}

void sim_rivals_init(sim *s, sim_rivals *r, sim_line *line, unsigned share) {
  *r = (sim_rivals){.node = {.pass = rivals_pass},
                    .line = line,
                    .share = share,
                    .on = 20 * QUICMIG_SECOND,
                    .off = 20 * QUICMIG_SECOND,
                    .turn = s->now,
                    .seen = {s->now, s->now}};
  sim_append(s, &r->node);
}
