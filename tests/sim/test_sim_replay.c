/* An observer without keys.  He resends what he has captured, also long after
 * the connection has hopped on, lets the server's own stateless resets for
 * retired IDs come to the old port (RFC 9000 section 10.3.1), and answers from
 * ports that lead to nobody with bytes that mean nothing.  The connection
 * lives, no path is proven by him, and nothing is lost. */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <ngtcp2/ngtcp2_crypto.h>

#include "endpoint/server.h"

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))
#define CID_AT 1 /* of a short header */
#define RESET_LEN 43
#define JUNK_LEN 40
/* What he captured last of each path, in both directions. */
#define KEPT 64

typedef struct observer {
  sim_node node;
  sim_pkt *kept[2][KEPT];
  size_t n_kept;
  unsigned step; /* packets that he sent: they choose the next one */
  bool replays[2];
  bool resets;  /* genuine ones, for the IDs of old paths */
  bool answers; /* for a server that new ports do not lead to */
  uint16_t known_port;
  uint64_t sent;
} observer;

static struct world {
  rig r;
  sim_line line;
  observer o;
} w;

/* A slot for each port of the client; short headers alone. */
static void keep(sim *s, observer *o, const sim_pkt *p) {
  size_t i;

  if (p->len < 30 || p->data[0] & 0x80) {
    return;
  }
  for (i = 0; i < o->n_kept &&
              sim_client_port(o->kept[SIM_UP][i]) != sim_client_port(p);
       i++) {
  }
  if (i == KEPT) {
    return;
  }
  if (i == o->n_kept) {
    o->kept[SIM_UP][i] = sim_copy(s, p);
    o->kept[SIM_DOWN][i] = sim_copy(s, p);
    o->n_kept++;
  }
  memcpy(o->kept[p->dir][i]->data, p->data, p->len);
  o->kept[p->dir][i]->src = p->src;
  o->kept[p->dir][i]->dst = p->dst;
  o->kept[p->dir][i]->dir = p->dir;
  o->kept[p->dir][i]->len = p->len;
}

static void inject(sim *s, observer *o, sim_pkt *q) {
  o->sent++;
  sim_forward_at(s, &o->node, q, s->now + MS);
}

/* The server's reset for the ID that the client used from that port. */
static void reset(sim *s, observer *o, const sim_pkt *up) {
  sim_pkt *q = sim_copy(s, up);
  ngtcp2_cid id;

  ngtcp2_cid_init(&id, up->data + CID_AT, QM_CID_LEN_SERVER);
  q->src = up->dst;
  q->dst = up->src;
  q->dir = SIM_DOWN;
  q->len = RESET_LEN;
  memset(q->data, 0x55, RESET_LEN);
  assert_int_equal(ngtcp2_crypto_generate_stateless_reset_token(
                       q->data + RESET_LEN - NGTCP2_STATELESS_RESET_TOKENLEN,
                       w.r.server->reset_secret,
                       sizeof(w.r.server->reset_secret), &id),
                   0);
  inject(s, o, q);
}

static void answer(sim *s, observer *o, const sim_pkt *up) {
  sim_pkt *q = sim_copy(s, up);
  size_t i;

  q->src = up->dst;
  q->dst = up->src;
  q->dir = SIM_DOWN;
  q->len = JUNK_LEN;
  q->data[0] = 0x40;
  for (i = 1; i < JUNK_LEN; i++) {
    q->data[i] = (uint8_t)(qm_rng_next(&s->rng) >> 32);
  }
  inject(s, o, q);
}

/* Has the connection left that path?  A later one is under way, or in use. */
static bool is_old(const observer *o, size_t i) {
  uint16_t port = rig_port(&w.r.clients[0]);
  size_t k;

  for (k = i + 1; k < o->n_kept && sim_client_port(o->kept[SIM_UP][k]) != port;
       k++) {
  }
  return k < o->n_kept;
}

static void act(sim *s, observer *o) {
  size_t i = o->n_kept ? o->step++ % o->n_kept : 0;
  sim_dir d;

  for (d = SIM_UP; o->n_kept && d <= SIM_DOWN; d++) {
    if (o->replays[d] && o->kept[d][i]->dir == d) {
      inject(s, o, sim_copy(s, o->kept[d][i]));
    }
  }
  if (o->resets && o->n_kept && is_old(o, i)) {
    reset(s, o, o->kept[SIM_UP][i]);
  }
}

static void observe(sim *s, sim_node *n, sim_pkt *p) {
  observer *o = n->state;

  keep(s, o, p);
  if (o->answers && p->dir == SIM_UP && sim_client_port(p) != o->known_port) {
    answer(s, o, p);
    sim_drop(s, n, p);
    return;
  }
  if (p->dir == SIM_UP && w.r.is_sending) {
    act(s, o);
  }
  sim_forward(s, n, p);
}

static void open_world(uint32_t mode) {
  memset(&w, 0, sizeof(w));
  rig_init(&w.r, 0, false);
  sim_line_init(&w.r.world, &w.line, 20 * MS);
  w.o.node.pass = observe;
  w.o.node.state = &w.o;
  sim_append(&w.r.world, &w.o.node);
  w.r.migration.hop_mode = mode;
  w.r.migration.hop_interval = 500 * MS;
  w.r.migration.max_sockets = 16;
  w.r.size = 900;
}

static void close_world(void) {
  size_t i;

  rig_finish(&w.r, 2 * SEC);
  assert_false(w.r.clients[0].is_closed);
  for (i = 0; i < w.o.n_kept; i++) {
    free(w.o.kept[SIM_UP][i]);
    free(w.o.kept[SIM_DOWN][i]);
  }
}

typedef struct row {
  const char *name;
  uint32_t mode;
  bool up, down, resets;
} row;

static const row rows[] = {
    {"what the client sent", QUICMIG_MODE_MIGRATE, true, false, false},
    {"what the server sent", QUICMIG_MODE_MIGRATE, false, true, false},
    {"both, REBIND", QUICMIG_MODE_REBIND, true, true, false},
    {"the server's resets", QUICMIG_MODE_MIGRATE, false, false, true},
    {"all of it", QUICMIG_MODE_MIGRATE, true, true, true},
};

static void ends_nothing(void **state) {
  size_t i;

  (void)state;
  for (i = 0; i < COUNT_OF(rows); i++) {
    quicmig_server_stats s = {.size = sizeof(s)};

    print_message("%s\n", rows[i].name);
    open_world(rows[i].mode);
    w.o.replays[SIM_UP] = rows[i].up;
    w.o.replays[SIM_DOWN] = rows[i].down;
    w.o.resets = rows[i].resets;
    assert_int_equal(rig_start(&w.r, 1), 0);
    rig_run(&w.r, 15 * SEC);
    close_world();
    assert_true(w.o.sent > 1000);
    assert_true(rig_stats(&w.r.clients[0]).hops >= 20);
    assert_int_equal(rig_lost(&w.r), 0);
    quicmig_server_get_stats(w.r.server, &s);
    assert_int_equal(s.resets_sent, 0);
    rig_reset(&w.r);
  }
}

/* New ports lead to somebody else, who answers each packet with 40 bytes. */
static void proves_nothing(void **state) {
  static const uint32_t modes[] = {QUICMIG_MODE_REBIND, QUICMIG_MODE_MIGRATE};
  size_t i;

  (void)state;
  for (i = 0; i < COUNT_OF(modes); i++) {
    quicmig_stats s;

    open_world(modes[i]);
    w.r.migration.hop_interval = 4 * SEC;
    assert_int_equal(rig_start(&w.r, 1), 0);
    w.o.known_port = rig_port(&w.r.clients[0]);
    w.o.answers = true;
    rig_run(&w.r, 15 * SEC);
    s = rig_stats(&w.r.clients[0]);
    print_message("%s: %llu failed, %llu lost\n",
                  modes[i] == QUICMIG_MODE_REBIND ? "rebind" : "migrate",
                  (unsigned long long)s.hops_failed,
                  (unsigned long long)rig_lost(&w.r));
    assert_int_equal(s.hops, 0);
    assert_true(s.hops_failed >= 2 && w.o.sent > 0);
    close_world();
    /* A REBIND's trial costs what was sent during it, a hop at most 200 ms. */
    assert_true(rig_lost(&w.r) <=
                (modes[i] == QUICMIG_MODE_REBIND ? s.hops_failed * 22 : 0));
    rig_reset(&w.r);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ends_nothing),
      cmocka_unit_test(proves_nothing),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
