#include "sim.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "group.h"
#include "uplink.h"

#define SIM_PORTS 65536

/* --- packets --- */

static sim_pkt *new_pkt(sim *s) {
  sim_pkt *p;

  if (qm_list_is_empty(&s->spare)) {
    p = malloc(sizeof(*p));
    assert(p);
    qm_list_init(&p->link);
  } else {
    p = qm_list_entry(s->spare.next, sim_pkt, link);
    qm_list_remove(&p->link);
  }
  qm_heap_node_init(&p->timer);
  return p;
}

static void free_pkt(sim *s, sim_pkt *p) {
  qm_list_remove(&p->link);
  qm_list_push(&s->spare, &p->link);
}

sim_pkt *sim_copy(sim *s, const sim_pkt *p) {
  sim_pkt *q = new_pkt(s);

  q->node = p->node;
  q->src = p->src;
  q->dst = p->dst;
  q->dir = p->dir;
  q->ecn = p->ecn;
  q->len = p->len;
  memcpy(q->data, p->data, p->len);
  return q;
}

sim_pkt *sim_pkt_new(sim *s, sim_dir dir, const qm_addr *src,
                     const qm_addr *dst) {
  sim_pkt *p = new_pkt(s);

  p->node = NULL;
  p->src = *src;
  p->dst = *dst;
  p->dir = dir;
  p->ecn = 0;
  p->len = 0;
  return p;
}

uint16_t sim_client_port(const sim_pkt *p) {
  return qm_addr_port(p->dir == SIM_UP ? &p->src : &p->dst);
}

/* --- the chain --- */

/* Where the owner of an address's port is noted. */
static int16_t *port_slot(const sim_host *h, const qm_addr *a) {
  size_t family = qm_addr_family(a) == AF_INET6;

  return &h->by_port[family * SIM_PORTS + qm_addr_port(a)];
}

void sim_set_readable(sim_host *h, int fd) {
  sim_sock *s = &h->socks[fd];

  if (s->is_left) {
    return;
  }
  if (s->group >= 0) {
    fd = s->group;
    if (qm_list_is_empty(&s->member)) {
      qm_list_push(&h->socks[fd].queue, &s->member);
    }
    s = &h->socks[fd];
  }
  if (!s->is_ready) {
    s->is_ready = true;
    h->ready[h->n_ready++] = (int16_t)fd;
  }
}

static void arrive(sim *s, sim_pkt *p) {
  sim_host *h = s->hosts[p->dir];
  int fd = *port_slot(h, &p->dst);
  sim_sock *sock = fd >= 0 ? &h->socks[fd] : NULL;

  if (!sock || !sim_is_here(h, &p->dst) || sock->queued >= SIM_QUEUE ||
      (sock->remote.len && !qm_addr_is_equal(&sock->remote, &p->src))) {
    s->lost++;
    free_pkt(s, p);
    return;
  }
  p->at = ++s->arrived;
  qm_list_push(&sock->queue, &p->link);
  sock->queued++;
  s->carried++;
  sim_set_readable(h, fd);
}

static void run_actor(sim *s, sim_actor *a, int fd) {
  qm_list *l;

  a->run(a->arg, fd);
  /* An application may have queued something at any other. */
  for (l = s->actors.next; l != &s->actors; l = l->next) {
    sim_actor *b = qm_list_entry(l, sim_actor, link);

    b->is_stale |= b == a || a->wakes_others;
  }
}

static bool has_more(const sim_host *h, const sim_sock *s) {
  if (s->is_group) {
    return s->is_watched && !qm_list_is_empty(&s->queue);
  }
  return s->queued &&
         (h->reads_newest_first || (h->is_level_triggered && s->is_watched));
}

/* Like an event loop after its poll: each readable socket once. */
static void run_ready(sim_host *h) {
  size_t i, n = h->n_ready;
  unsigned turns;
  int16_t fd;

  if (h->world->now < h->busy_until) {
    return;
  }
  for (i = 0; i < n; i++) {
    fd = h->ready[h->reads_newest_first ? n - 1 - i : i];
    if (h->socks[fd].is_ready) {
      h->socks[fd].is_ready = false;
      turns = 0;
      do {
        assert(++turns < 1000000); /* a busy loop */
        run_actor(h->world, h->actor, fd);
      } while (has_more(h, &h->socks[fd]));
    }
  }
  assert(h->n_ready == n);
  h->n_ready = 0;
}

void sim_wake(sim_host *h, int fd) { run_actor(h->world, h->actor, fd); }

static void enter(sim *s, sim_node *n, sim_pkt *p) {
  if (n) {
    p->node = n;
    n->pass(s, n, p);
  } else {
    arrive(s, p);
  }
}

void sim_forward(sim *s, sim_node *n, sim_pkt *p) {
  sim_forward_at(s, n, p, s->now);
}

/* Also a forward "now" takes its turn in the heap: a packet must not arrive
 * inside the call that sent it. */
void sim_forward_at(sim *s, sim_node *n, sim_pkt *p, quicmig_tstamp at) {
  p->node = n;
  if (qm_heap_reserve(&s->timers, s->timers.len + 1) != 0) {
    abort();
  }
  qm_heap_set(&s->timers, &p->timer, at);
}

void sim_drop(sim *s, sim_node *n, sim_pkt *p) {
  n->dropped[p->dir]++;
  s->lost++;
  free_pkt(s, p);
}

void sim_append(sim *s, sim_node *n) {
  n->next[SIM_UP] = NULL;
  n->next[SIM_DOWN] = s->last;
  if (s->last) {
    s->last->next[SIM_UP] = n;
  } else {
    s->ends[SIM_UP] = n;
  }
  s->ends[SIM_DOWN] = s->last = n;
}

/* --- time --- */

void sim_init(sim *s, uint64_t seed) {
  const char *env = getenv("SIM_SEED");

  *s = (sim){.now = QUICMIG_SECOND};
  s->seed = seed ? seed : env ? strtoull(env, NULL, 0) : 1;
  if (!seed) {
    printf("seed %llu\n", (unsigned long long)s->seed);
  }
  qm_rng_init(&s->rng, s->seed);
  qm_heap_init(&s->timers, &qm_mem_default);
  qm_list_init(&s->spare);
  qm_list_init(&s->actors);
}

void sim_reset(sim *s) {
  qm_heap_node *top;

  while ((top = qm_heap_top(&s->timers))) {
    qm_heap_remove(&s->timers, top);
    free(qm_list_entry(top, sim_pkt, timer));
  }
  qm_heap_reset(&s->timers);
  while (!qm_list_is_empty(&s->spare)) {
    sim_pkt *p = qm_list_entry(s->spare.next, sim_pkt, link);

    qm_list_remove(&p->link);
    free(p);
  }
}

void sim_actor_add(sim *s, sim_actor *a) { qm_list_push(&s->actors, &a->link); }

/* The earliest actor; NULL when none has a deadline. */
static sim_actor *next_actor(sim *s, quicmig_tstamp *at) {
  sim_actor *best = NULL;
  qm_list *l;

  *at = QUICMIG_NEVER;
  for (l = s->actors.next; l != &s->actors; l = l->next) {
    sim_actor *a = qm_list_entry(l, sim_actor, link);
    if (a->is_stale) {
      a->at = a->deadline(a->arg);
      a->is_stale = false;
    }
    if (a->at < *at) {
      *at = a->at;
      best = a;
    }
  }
  return best;
}

static void deliver(sim *s, qm_heap_node *top) {
  sim_pkt *p = qm_list_entry(top, sim_pkt, timer);

  qm_heap_remove(&s->timers, top);
  enter(s, p->node ? p->node->next[p->dir] : s->ends[p->dir], p);
}

/* When a stalled process goes on and finds what has come meanwhile. */
static quicmig_tstamp wake_at(const sim *s) {
  quicmig_tstamp at = QUICMIG_NEVER;
  size_t i;

  for (i = 0; i < 2; i++) {
    if (s->hosts[i] && s->hosts[i]->n_ready) {
      at = qm_time_min(at, s->hosts[i]->busy_until);
    }
  }
  return at;
}

void sim_run(sim *s, quicmig_tstamp until, const bool *stop) {
  unsigned idle_turns = 0;
  qm_list *l;

  /* The test may have done anything since the last run. */
  for (l = s->actors.next; l != &s->actors; l = l->next) {
    qm_list_entry(l, sim_actor, link)->is_stale = true;
  }
  while (!stop || !*stop) {
    qm_heap_node *top = qm_heap_top(&s->timers);
    quicmig_tstamp at;
    sim_actor *a = next_actor(s, &at);
    quicmig_tstamp wake = wake_at(s);
    quicmig_tstamp next =
        qm_time_min(top ? qm_time_min(top->at, at) : at, wake);

    if (next > until) {
      break;
    }
    idle_turns = next > s->now ? 0 : idle_turns + 1;
    assert(idle_turns < 1000000); /* a busy loop */
    s->now = qm_time_max(s->now, next);
    if (at <= s->now && (!top || top->at > at)) {
      run_actor(s, a, -1);
      continue;
    }
    /* All that is due at this instant, then the hosts that it reached. */
    for (; top && top->at <= s->now; top = qm_heap_top(&s->timers)) {
      deliver(s, top);
    }
    run_ready(s->hosts[SIM_UP]);
    run_ready(s->hosts[SIM_DOWN]);
  }
  if (!stop || !*stop) {
    s->now = qm_time_max(s->now, until);
  }
}

/* --- hosts: qm_net --- */

/* The errno that a test wants of this call on fd (-1: none yet), or 0. */
static int fault_on(sim_host *h, sim_call call, int fd) {
  uint64_t index = h->calls[call]++;

  h->fault_fd = fd;
  return h->fault ? h->fault(h->fault_arg, call, index) : 0;
}

int sim_fault(sim_host *h, sim_call call) { return fault_on(h, call, -1); }

void sim_sock_init(sim_sock *s) {
  *s = (sim_sock){.is_used = true, .group = -1, .device = -1, .uplink = -1};
  qm_list_init(&s->queue);
  qm_list_init(&s->member);
}

int sim_take_fd(sim_host *h) {
  int i;

  for (i = 0; i < SIM_SOCKS; i++) {
    if (!h->socks[i].is_used) {
      sim_sock_init(&h->socks[i]);
      h->open++;
      h->opened++;
      return i;
    }
  }
  return -EMFILE;
}

static int sim_open(void *ctx, const qm_sock_config *c, int *fd,
                    uint32_t *no_offload) {
  sim_host *h = ctx;
  int err = sim_fault(h, SIM_OPEN), device = sim_find_device(h, c);

  if (err || device < -1) {
    return err ? -err : device;
  }
  *fd = sim_take_fd(h);
  if (*fd < 0) {
    return *fd;
  }
  *no_offload = c->no_offload;
  h->socks[*fd].has_gro = !(c->no_offload & QUICMIG_NO_GRO);
  h->socks[*fd].device = (int8_t)device;
  return 0;
}

static int sim_bind(void *ctx, int fd, const qm_addr *local) {
  sim_host *h = ctx;
  sim_sock *s = &h->socks[fd];
  int err = fault_on(h, SIM_BIND, fd);

  assert(s->is_used);
  if (err) {
    return -err;
  }
  if (*port_slot(h, local) >= 0) {
    return -EADDRINUSE;
  }
  s->local = *local;
  if (qm_addr_is_wildcard(local) && h->n_uplinks == 0) {
    s->local = h->addr;
    qm_addr_set_port(&s->local, qm_addr_port(local));
  }
  *port_slot(h, &s->local) = (int16_t)fd;
  return 0;
}

static int sim_connect(void *ctx, int fd, const qm_addr *remote) {
  sim_host *h = ctx;
  sim_sock *s = &h->socks[fd];
  int err = fault_on(h, SIM_CONNECT, fd), route;

  if (err) {
    return -err;
  }
  if (h->n_uplinks) {
    uint16_t port = qm_addr_port(&s->local);

    route = sim_find_route(h, s, remote);
    if (route < 0) {
      return route;
    }
    s->uplink = (int8_t)route;
    s->local = h->uplinks[route].addr;
    qm_addr_set_port(&s->local, port);
  }
  s->remote = *remote;
  return 0;
}

static int sim_local_addr(void *ctx, int fd, qm_addr *local) {
  sim_host *h = ctx;
  int err = fault_on(h, SIM_LOCAL_ADDR, fd);

  if (err == 0) {
    *local = h->socks[fd].local;
  }
  return -err;
}

/* May p follow in the message m, as the kernel's GRO has it? */
static bool can_follow(const qm_msg *m, const sim_pkt *p) {
  size_t size = m->segment ? m->segment : m->len;

  return p->len && p->len <= size && m->len % size == 0 &&
         qm_msg_count(m) < QM_SEGMENTS_MAX && m->len + p->len <= m->cap &&
         p->ecn == m->ecn && qm_addr_is_equal(&p->src, &m->remote) &&
         qm_addr_is_equal(&p->dst, &m->local);
}

/* Takes the oldest datagram and, with GRO, those that can follow it. */
static void take(sim_host *h, sim_sock *s, qm_msg *m) {
  m->at = qm_list_entry(s->queue.next, sim_pkt, link)->at;
  m->len = m->segment = 0;
  do {
    sim_pkt *p = qm_list_entry(s->queue.next, sim_pkt, link);

    if (m->len) {
      m->segment = m->segment ? m->segment : m->len;
    }
    memcpy(m->data + m->len, p->data, p->len);
    m->len += p->len;
    m->ecn = p->ecn;
    m->remote = p->src;
    m->local = p->dst;
    s->queued--;
    free_pkt(h->world, p);
  } while (s->has_gro && m->len && !qm_list_is_empty(&s->queue) &&
           can_follow(m, qm_list_entry(s->queue.next, sim_pkt, link)));
}

static int sim_recv(void *ctx, int fd, qm_msg *msgs, size_t n) {
  sim_host *h = ctx;
  sim_sock *s = &h->socks[fd];
  int err = fault_on(h, SIM_RECV, fd);
  size_t i;

  assert(s->is_used);
  if (err) {
    return err == EAGAIN ? 0 : -err;
  }
  for (i = 0; i < n && !qm_list_is_empty(&s->queue); i++) {
    take(h, s, &msgs[i]);
  }
  return (int)i;
}

static void send_one(sim_host *h, const sim_sock *s, const qm_msg *m,
                     const uint8_t *data, size_t len) {
  sim *w = h->world;
  sim_pkt *p = sim_pkt_new(w, h->out, &s->local,
                           s->remote.len ? &s->remote : &m->remote);

  p->ecn = m->ecn;
  p->len = len;
  memcpy(p->data, data, len);
  sim_forward(w, NULL, p);
}

static int sim_send(void *ctx, int fd, const qm_msg *msgs, size_t n) {
  sim_host *h = ctx;
  const sim_sock *s = &h->socks[fd];
  size_t mtu = h->mtu ? h->mtu : SIM_MTU, i, k, len;

  assert(s->is_used && !s->is_watch);
  if (s->uplink >= 0 && !h->uplinks[s->uplink].is_up) {
    return h->uplinks[s->uplink].is_mute ? (int)n : -ENETUNREACH;
  }
  for (i = 0; i < n; i++) {
    size_t size = msgs[i].segment ? msgs[i].segment : msgs[i].len;
    int err = size > mtu ? EMSGSIZE : fault_on(h, SIM_SEND, fd);

    if (err) {
      return i ? (int)i : -err;
    }
    for (k = 0; k < qm_msg_count(&msgs[i]); k++) {
      const uint8_t *data = qm_msg_at(&msgs[i], k, &len);

      send_one(h, s, &msgs[i], data, len);
    }
  }
  return (int)i;
}

static void sim_close(void *ctx, int fd) {
  sim_host *h = ctx;
  sim_sock *s = &h->socks[fd];

  assert(s->is_used);
  qm_list_remove(&s->member);
  while (s->is_group && !qm_list_is_empty(&s->queue)) {
    qm_list_remove(s->queue.next);
  }
  while (!qm_list_is_empty(&s->queue)) {
    free_pkt(h->world, qm_list_entry(s->queue.next, sim_pkt, link));
  }
  if (s->local.len && *port_slot(h, &s->local) == fd) {
    *port_slot(h, &s->local) = -1;
  }
  *s = (sim_sock){.is_used = false};
  h->open--;
}

static int sim_watch(void *ctx) {
  sim_host *h = ctx;
  int err = sim_fault(h, SIM_WATCH);
  int fd = err ? -err : sim_take_fd(h);

  if (fd >= 0) {
    h->socks[fd].is_watch = true;
  }
  return fd;
}

static int sim_reserved(void *ctx, char *dest, size_t len) {
  sim_host *h = ctx;
  size_t n = h->reserved ? strlen(h->reserved) : 0;

  h->reserved_reads++;
  n = n < len ? n : len;
  memcpy(dest, h->reserved ? h->reserved : "", n);
  return (int)n;
}

static int sim_changed(void *ctx, int fd) {
  sim_sock *s = &((sim_host *)ctx)->socks[fd];
  int is_changed = s->is_changed, err = fault_on(ctx, SIM_CHANGED, fd);

  assert(s->is_used && s->is_watch);
  if (err) {
    return -err;
  }
  s->is_changed = false;
  return is_changed;
}

static quicmig_tstamp sim_clock(void *ctx) {
  return ((sim_host *)ctx)->world->now;
}

static int sim_random(void *ctx, void *dest, size_t n) {
  sim_host *h = ctx;
  int err = sim_fault(h, SIM_RANDOM);
  uint8_t *p = dest;
  size_t i;

  if (err) {
    return -err;
  }
  for (i = 0; i < n; i++) {
    p[i] = (uint8_t)(qm_rng_next(&h->world->rng) >> 32);
  }
  return 0;
}

/* The tables of hosts that are gone, for those to come: they are as good as new
 * once every socket is closed, and a world is made in half the time. */
static struct tables {
  sim_sock *socks;
  int16_t *ready, *by_port;
} spare_tables[2];

static void take_tables(sim_host *h) {
  struct tables *t = spare_tables[0].socks ? spare_tables : spare_tables + 1;
  size_t i;

  h->socks = t->socks;
  h->ready = t->ready;
  h->by_port = t->by_port;
  *t = (struct tables){.socks = NULL};
  if (h->socks) {
    return;
  }
  h->socks = calloc(SIM_SOCKS, sizeof(*h->socks));
  h->ready = calloc(SIM_SOCKS, sizeof(*h->ready));
  h->by_port = malloc(2 * SIM_PORTS * sizeof(*h->by_port));
  assert(h->socks && h->by_port && h->ready);
  for (i = 0; i < 2 * SIM_PORTS; i++) {
    h->by_port[i] = -1;
  }
}

static void give_tables(sim_host *h) {
  struct tables *t = spare_tables[0].socks ? spare_tables + 1 : spare_tables;

  if (t->socks) {
    free(h->socks);
    free(h->by_port);
    free(h->ready);
    return;
  }
  *t = (struct tables){h->socks, h->ready, h->by_port};
}

void sim_host_init(sim *s, sim_host *h, sim_dir out, const char *addr) {
  *h = (sim_host){.world = s,
                  .out = out,
                  .net = {.ctx = h,
                          .open = sim_open,
                          .bind = sim_bind,
                          .connect = sim_connect,
                          .local_addr = sim_local_addr,
                          .recv = sim_recv,
                          .send = sim_send,
                          .close = sim_close,
                          .reserved = sim_reserved,
                          .clock = sim_clock,
                          .watch = sim_watch,
                          .changed = sim_changed,
                          .group = sim_group_open,
                          .join = sim_group_join,
                          .leave = sim_group_leave,
                          .readable = sim_group_readable,
                          .random = sim_random}};
  take_tables(h);
  sim_set_addr(&h->addr, addr);
  /* Packets of direction UP arrive at the server. */
  s->hosts[out == SIM_UP ? SIM_DOWN : SIM_UP] = h;
}

void sim_host_reset(sim_host *h) {
  int i;

  /* Only as far as there are any: the rest of the table was never touched. */
  for (i = 0; h->open && i < SIM_SOCKS; i++) {
    if (h->socks[i].is_used) {
      sim_close(h, i);
    }
  }
  give_tables(h);
}
