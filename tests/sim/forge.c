#include "forge.h"

#include <arpa/inet.h>
#include <assert.h>

#define ID_LEN 12 /* bytes of a server's connection ID */
#define ID_AT 1   /* in a short header (RFC 9000 section 17.3.1) */
#define TOKEN_LEN 16
#define RESET_LEN 43
#define RESET_NOISE (RESET_LEN - TOKEN_LEN)
/* 203.0.113.0/24 and 2001:db8::/32 are nobody's (RFC 5737, RFC 3849). */
#define NOBODY4 "203.0.113.7"
#define NOBODY6 "2001:db8::7"

static size_t below(sim_forge *f, size_t n) {
  return (size_t)qm_rng_range(&f->rng, 0, n - 1);
}

static void noise(sim_forge *f, uint8_t *data, size_t len) {
  size_t i;

  for (i = 0; i < len; i++) {
    data[i] = (uint8_t)(qm_rng_next(&f->rng) >> 32);
  }
}

/* --- what passes --- */

static sim_forge_flow flow_of(const sim_pkt *p) {
  return p->dir == SIM_UP ? (sim_forge_flow){p->src, p->dst}
                          : (sim_forge_flow){p->dst, p->src};
}

static bool is_same(const sim_forge_flow *a, const sim_forge_flow *b) {
  return qm_addr_is_equal(&a->client, &b->client) &&
         qm_addr_is_equal(&a->server, &b->server);
}

static void note_flow(sim_forge *f, const sim_forge_flow *flow) {
  size_t n = f->n_flows < SIM_FORGE_FLOWS ? f->n_flows : SIM_FORGE_FLOWS, i;

  for (i = 0; i < n; i++) {
    if (is_same(&f->flows[i], flow)) {
      return;
    }
  }
  f->flows[f->n_flows++ % SIM_FORGE_FLOWS] = *flow;
}

/* Each new one takes the place of any other, so that some are very old. */
static void keep(sim_forge *f, const sim_pkt *p, const sim_forge_flow *flow) {
  size_t *n = &f->n_kept[p->dir];
  sim_forge_kept *k =
      &f->kept[p->dir][*n < SIM_FORGE_KEPT ? (*n)++ : below(f, *n)];

  k->flow = *flow;
  k->len = p->len;
  memcpy(k->data, p->data, p->len);
}

/* --- what is forged --- */

static sim_forge_flow *any_flow(sim_forge *f) {
  return &f->flows[below(f, f->n_flows < SIM_FORGE_FLOWS ? f->n_flows
                                                         : SIM_FORGE_FLOWS)];
}

static sim_forge_kept *any_kept(sim_forge *f, sim_dir dir) {
  return f->n_kept[dir] ? &f->kept[dir][below(f, f->n_kept[dir])] : NULL;
}

static sim_pkt *begin(sim_forge *f, const sim_forge_flow *flow) {
  return f->dir == SIM_UP
             ? sim_pkt_new(f->world, SIM_UP, &flow->client, &flow->server)
             : sim_pkt_new(f->world, SIM_DOWN, &flow->server, &flow->client);
}

static sim_pkt *make_noise(sim_forge *f, sim_forgery kind) {
  const sim_forge_kept *k = any_kept(f, f->dir);
  sim_pkt *p = begin(f, any_flow(f));
  uint8_t *b = p->data;

  p->len = (size_t)qm_rng_range(&f->rng, f->lo, f->hi);
  noise(f, b, p->len);
  if (kind == SIM_FORGE_SHORT || kind == SIM_FORGE_RESET) {
    b[0] = (uint8_t)(0x40 | (b[0] & 0x3f));
  } else if (kind == SIM_FORGE_LONG) {
    b[0] |= 0xc0;
    memcpy(b + 1, "\0\0\0\1", 4);
    b[5] = (uint8_t)(b[5] % 24); /* length of an ID */
  } else if (kind == SIM_FORGE_ID && k && k->len > ID_AT + ID_LEN) {
    b[0] = (uint8_t)(0x40 | (b[0] & 0x3f));
    memcpy(b + ID_AT, k->data + ID_AT, ID_LEN);
  }
  return p;
}

static sim_pkt *make_copy(sim_forge *f, const sim_forge_kept *k,
                          const sim_forge_flow *flow) {
  sim_pkt *p = begin(f, flow);

  p->len = k->len;
  memcpy(p->data, k->data, k->len);
  return p;
}

/* Of another connection than k's; NULL: none is known. */
static const sim_forge_flow *find_other(sim_forge *f, const sim_forge_kept *k) {
  int mine, i;

  if (!f->owner) {
    return NULL;
  }
  mine = f->owner(f->arg, qm_addr_port(&k->flow.client));
  for (i = 0; i < SIM_FORGE_FLOWS; i++) {
    const sim_forge_flow *flow = any_flow(f);
    int his = f->owner(f->arg, qm_addr_port(&flow->client));

    if (his >= 0 && his != mine) {
      return flow;
    }
  }
  return NULL;
}

static sim_pkt *make_spoof(sim_forge *f, const sim_forge_kept *k) {
  sim_pkt *p = make_copy(f, k, &k->flow);

  if (qm_addr_family(&p->src) == AF_INET) {
    inet_pton(AF_INET, NOBODY4, &p->src.u.in.sin_addr);
  } else {
    inet_pton(AF_INET6, NOBODY6, &p->src.u.in6.sin6_addr);
  }
  return p;
}

/* A genuine stateless reset, for an ID that the client has used. */
static sim_pkt *make_token(sim_forge *f) {
  const sim_forge_kept *k = any_kept(f, SIM_UP);
  uint8_t token[TOKEN_LEN];
  sim_pkt *p;

  if (!k || k->len <= ID_AT + ID_LEN || (k->data[0] & 0x80) || !f->token ||
      !f->token(f->arg, k->data + ID_AT, token)) {
    return NULL;
  }
  p = begin(f, any_flow(f));
  p->len = RESET_LEN;
  noise(f, p->data, RESET_NOISE);
  p->data[0] = (uint8_t)(0x40 | (p->data[0] & 0x3f));
  memcpy(p->data + RESET_NOISE, token, sizeof(token));
  return p;
}

/* NULL: nothing of that kind is to be had. */
static sim_pkt *make(sim_forge *f, sim_forgery kind) {
  sim_dir from = kind == SIM_FORGE_MIRROR
                     ? (f->dir == SIM_UP ? SIM_DOWN : SIM_UP)
                     : f->dir;
  const sim_forge_kept *k = any_kept(f, from);
  const sim_forge_flow *flow;

  switch (kind) {
  case SIM_FORGE_NOISE:
  case SIM_FORGE_SHORT:
  case SIM_FORGE_LONG:
  case SIM_FORGE_ID:
  case SIM_FORGE_RESET:
    return make_noise(f, kind);
  case SIM_FORGE_MIRROR:
  case SIM_FORGE_REPLAY:
    return k ? make_copy(f, k, &k->flow) : NULL;
  case SIM_FORGE_MOVE:
    return k ? make_copy(f, k, any_flow(f)) : NULL;
  case SIM_FORGE_SPLICE:
    flow = k ? find_other(f, k) : NULL;
    return flow ? make_copy(f, k, flow) : NULL;
  case SIM_FORGE_SPOOF:
    return k ? make_spoof(f, k) : NULL;
  case SIM_FORGE_TOKEN:
    return make_token(f);
  case SIM_FORGERIES:
    break;
  }
  return NULL;
}

static void forge_one(sim_forge *f, sim_forgery kind) {
  sim_pkt *p = f->n_flows && f->total < f->most ? make(f, kind) : NULL;

  if (p) {
    f->made[kind]++;
    f->total++;
    sim_forward(f->world, &f->node, p);
  }
}

static void forge_any(sim_forge *f) {
  sim_forgery kind;

  do {
    kind = (sim_forgery)below(f, SIM_FORGERIES);
  } while (!(f->kinds & 1u << kind));
  forge_one(f, kind);
}

static void forge_pass(sim *s, sim_node *n, sim_pkt *p) {
  sim_forge *f = (sim_forge *)(void *)n;
  sim_forge_flow flow = flow_of(p);
  unsigned i;

  note_flow(f, &flow);
  if (f->passed++ == f->at) {
    forge_one(f, f->at_kind);
  }
  keep(f, p, &flow);
  sim_forward(s, n, p);
  for (i = 0; p->dir == f->dir && i < f->burst; i++) {
    forge_any(f);
  }
}

static quicmig_tstamp deadline(void *arg) {
  const sim_forge *f = arg;

  return f->every && f->total < f->most ? f->next_at : QUICMIG_NEVER;
}

static void run(void *arg, int fd) {
  sim_forge *f = arg;

  (void)fd;
  forge_any(f);
  f->next_at = f->world->now + f->every;
}

void sim_forge_init(sim *s, sim_forge *f, sim_dir dir) {
  memset(f, 0, sizeof(*f));
  f->node.pass = forge_pass;
  f->world = s;
  f->dir = dir;
  f->kinds = SIM_FORGE_ALL;
  f->lo = 1;
  f->hi = 1400;
  f->most = f->at = UINT64_MAX;
  f->actor = (sim_actor){.deadline = deadline, .run = run, .arg = f};
  qm_rng_init(&f->rng, s->seed ^ 0x666f7267);
  sim_append(s, &f->node);
  sim_actor_add(s, &f->actor);
}

const char *sim_forge_name(sim_forgery kind) {
  static const char *const names[] = {"noise",  "short",  "long", "id",
                                      "mirror", "replay", "move", "splice",
                                      "spoof",  "reset",  "token"};

  assert(kind < SIM_FORGERIES);
  return names[kind];
}
