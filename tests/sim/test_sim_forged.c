/*
 * Somebody without keys adds datagrams to every phase of a hop, towards the
 * client or towards the server: noise, mirrored, replayed and misdirected
 * packets, false resets.  Each script is played twice, without and with them,
 * and they change nothing: no path is proven by them and no alarm ended, no hop
 * caused, no connection ended, and no datagram lost that was not lost without
 * them.
 */
#include "forge.h"
#include "rig.h"
#include "scale.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))
#define DELAY (10 * MS)
#define ROUNDS_MIN 3
#define ROUNDS_MAX 100000
#define REASONS 16

typedef struct hole {
  uint16_t spared; /* the only port that works; 0: all do */
  uint16_t dead;   /* the only one that does not; 0: none */
  bool in[2];      /* directions that lose */
  bool is_dark;    /* all is lost */
} hole;

static struct world {
  rig r;
  sim_forge up, down;
  sim_line line;
  sim_filter filter;
  hole hole;
  uint64_t reasons[REASONS]; /* good hops */
  uint64_t proven;           /* hops to ports that lead nowhere */
  uint64_t astray;           /* rounds after which the port in use was wrong */
  uint64_t asleep;           /* after which nothing came back */
} w;

/* Which client has that port?  -1: none now. */
static int owner_of(void *arg, uint16_t port) {
  const rig *r = arg;
  int fd = r->client_host.by_port[port];

  return fd < 0 ? -1 : r->owner[fd];
}

/* The second client is spared. */
static bool drops(void *arg, const sim_pkt *p) {
  const hole *h = arg;
  uint16_t port = sim_client_port(p);

  if (owner_of(&w.r, port) == 1) {
    return false;
  }
  return h->is_dark || (h->in[p->dir] && ((h->spared && port != h->spared) ||
                                          (h->dead && port == h->dead)));
}

static void on_hop(rig_client *c, const quicmig_hop_record *h) {
  if (h->result == 0 && c == &w.r.clients[0]) {
    w.reasons[h->reason]++;
    /* An alarm moves without a proof. */
    w.proven += w.hole.spared && h->to_port != w.hole.spared &&
                h->reason == QUICMIG_REASON_MANUAL;
  }
}

/* --- the phases, one round each --- */

static rig_client *client(void) { return &w.r.clients[0]; }

static void hop(void) {
  (void)quicmig_hop(quicmig_client_migrator(client()->c), w.r.world.now);
}

static void heal(void) { w.hole = (hole){.in = {true, true}}; }

static void steady(void) { rig_run(&w.r, 4 * SEC); }

static void hops(void) {
  int i;

  for (i = 0; i < 4; i++) {
    hop();
    rig_run(&w.r, SEC);
  }
}

static void idle(void) {
  w.r.is_sending = false;
  rig_run(&w.r, 8 * SEC);
  w.r.next_send = w.r.world.now;
  w.r.is_sending = true;
}

static void try_in_vain(bool up, bool down) {
  uint16_t port = rig_port(client());

  w.hole = (hole){.spared = port, .in = {up, down}};
  hop();
  rig_run(&w.r, 5 * SEC);
  w.astray += rig_port(client()) != port;
  heal();
}

static void new_is_dead(void) { try_in_vain(true, true); }
static void new_is_dead_up(void) { try_in_vain(true, false); }
static void new_is_dead_down(void) { try_in_vain(false, true); }

static void old_dies(void) {
  uint16_t port = rig_port(client());

  w.hole = (hole){.dead = port, .in = {true, true}};
  rig_run(&w.r, 10 * SEC);
  w.astray += rig_port(client()) == port;
  heal();
}

/* The network pauses, which looks like a dead path, and new ports lead nowhere:
 * the connection has to find its way back. */
static void pauses(void) {
  uint16_t port = rig_port(client());

  w.hole = (hole){.spared = port, .in = {true, true}, .is_dark = true};
  rig_run(&w.r, 400 * MS);
  w.hole.is_dark = false;
  rig_run(&w.r, 10 * SEC);
  w.astray += rig_port(client()) != port;
  heal();
}

typedef struct phase {
  const char *name;
  void (*round)(void);
  bool is_quiet;   /* makes no hop at all */
  bool is_lossy;   /* some are lost without the forger too */
  bool is_alarmed; /* hops are made for other reasons than by hand */
} phase;

static const phase phases[] = {
    {"steady", steady, true, false, false},
    {"hops", hops, false, false, false},
    {"idle", idle, true, false, false},
    {"new path dead", new_is_dead, false, false, false},
    {"new path dead up", new_is_dead_up, false, false, false},
    {"new path dead down", new_is_dead_down, false, false, false},
    {"old path dies", old_dies, false, true, true},
    {"pause", pauses, false, true, true},
};

/* --- a play --- */

typedef struct outcome {
  uint64_t lost, sent, rounds, forged, proven, astray, asleep, failed;
  uint64_t reasons[REASONS];
  quicmig_duration gap;
  bool is_closed;
  int error;
} outcome;

/* The second connection is there to have its packets stolen. */
static void prepare(uint32_t mode) {
  rig_init(&w.r, 11, false);
  heal();
  memset(w.reasons, 0, sizeof(w.reasons));
  w.proven = w.astray = w.asleep = 0;
  sim_forge_init(&w.r.world, &w.down, SIM_DOWN);
  sim_filter_init(&w.r.world, &w.filter, drops, &w.hole);
  sim_line_init(&w.r.world, &w.line, DELAY);
  sim_forge_init(&w.r.world, &w.up, SIM_UP);
  w.up.owner = w.down.owner = owner_of;
  w.up.arg = w.down.arg = &w.r;
  w.r.migration.hop_interval = 3600 * SEC; /* by hand; but alarms are on */
  w.r.migration.hop_mode = mode;
  w.r.on_hop = on_hop;
  w.r.send_every = 20 * MS;
  assert_int_equal(rig_start(&w.r, 2), 0);
  rig_run(&w.r, 2 * SEC);
}

static outcome finish(uint64_t rounds, uint64_t forged) {
  outcome o = {.rounds = rounds, .forged = forged};

  w.up.burst = w.down.burst = 0;
  w.up.every = w.down.every = 0;
  rig_finish(&w.r, 3 * SEC);
  o.sent = client()->sent;
  o.lost = o.sent - client()->echoed;
  o.proven = w.proven;
  o.astray = w.astray;
  o.asleep = w.asleep;
  o.failed = rig_stats(client()).hops_failed;
  o.gap = client()->gap_max;
  o.is_closed = client()->is_closed || w.r.clients[1].is_closed;
  o.error = client()->close.err;
  memcpy(o.reasons, w.reasons, sizeof(o.reasons));
  rig_reset(&w.r);
  return o;
}

/* So many rounds at least, and until so many packets were forged; 0: none. */
static outcome play(const phase *p, uint32_t mode, sim_dir dir, uint64_t forged,
                    uint64_t rounds) {
  sim_forge *f = dir == SIM_UP ? &w.up : &w.down;
  uint64_t i = 0;

  prepare(mode);
  if (forged) {
    f->burst = (unsigned)scale(1, 4);
    f->every = scale(20, 5) * MS;
  }
  client()->gap_max = 0;
  do {
    p->round();
    rig_run(&w.r, 2 * SEC);
    w.asleep += w.r.world.now - client()->last_echo > SEC;
  } while (++i < rounds ||
           (f->total < forged && i < ROUNDS_MAX && !client()->is_closed));
  return finish(i, f->total);
}

static void show(const char *who, const outcome *o) {
  size_t i;

  printf("  %-7s %llu rounds, %llu forged, %llu of %llu lost, gap %.0f ms, "
         "%llu failed, %llu proven, %llu astray, %llu asleep%s %d;",
         who, (unsigned long long)o->rounds, (unsigned long long)o->forged,
         (unsigned long long)o->lost, (unsigned long long)o->sent,
         (double)o->gap / 1e6, (unsigned long long)o->failed,
         (unsigned long long)o->proven, (unsigned long long)o->astray,
         (unsigned long long)o->asleep, o->is_closed ? ", CLOSED" : "",
         o->error);
  for (i = 0; i < REASONS; i++) {
    if (o->reasons[i]) {
      printf(" %s %llu", quicmig_reason_name((int)i),
             (unsigned long long)o->reasons[i]);
    }
  }
  printf("\n");
}

static uint64_t sum_of(const uint64_t *reasons) {
  uint64_t n = 0;
  size_t i;

  for (i = 0; i < REASONS; i++) {
    n += reasons[i];
  }
  return n;
}

/* What must hold with the forger at work, beside the same without him. */
static bool is_fine(const phase *p, const outcome *with,
                    const outcome *without) {
  uint64_t by_hand = with->reasons[QUICMIG_REASON_MANUAL];

  if (with->is_closed || with->proven || with->asleep ||
      with->astray > without->astray || with->lost > without->lost) {
    return false;
  }
  if (p->is_quiet) {
    return sum_of(with->reasons) == 0 && with->failed == 0;
  }
  return p->is_alarmed ? sum_of(with->reasons) <= sum_of(without->reasons)
                       : sum_of(with->reasons) == by_hand &&
                             with->failed == without->failed;
}

static bool row(const phase *p, uint32_t mode, sim_dir dir) {
  const size_t rows = COUNT_OF(phases) * 2 * 2;
  outcome with, without;

  printf("row: %s, %s, towards the %s\n", p->name,
         mode == QUICMIG_MODE_REBIND ? "rebind" : "migrate",
         dir == SIM_UP ? "server" : "client");
  with = play(p, mode, dir, scale(32000, 1000000) / rows + 1, ROUNDS_MIN);
  without = play(p, mode, dir, 0, with.rounds);
  if (is_fine(p, &with, &without)) {
    return true;
  }
  show("without", &without);
  show("with", &with);
  return false;
}

static void test_forged(void **state) {
  static const uint32_t modes[] = {QUICMIG_MODE_MIGRATE, QUICMIG_MODE_REBIND};
  unsigned bad = 0;
  size_t i, m;

  (void)state;
  for (i = 0; i < COUNT_OF(phases); i++) {
    for (m = 0; m < 2; m++) {
      bad += !row(&phases[i], modes[m], SIM_UP);
      bad += !row(&phases[i], modes[m], SIM_DOWN);
    }
  }
  assert_int_equal(bad, 0);
}

/* From the first packet of the handshake on. */
static void test_handshake(void **state) {
  unsigned dir;

  (void)state;
  for (dir = 0; dir < 2; dir++) {
    sim_forge *f = dir == SIM_UP ? &w.up : &w.down;
    uint64_t n, total = 0, most = scale(2000, 50000);

    for (n = 0; total < most; n++) {
      rig_init(&w.r, n + 1, false);
      heal();
      sim_forge_init(&w.r.world, &w.down, SIM_DOWN);
      sim_line_init(&w.r.world, &w.line, DELAY);
      sim_forge_init(&w.r.world, &w.up, SIM_UP);
      f->burst = 16;
      f->every = MS;
      f->most = 300;
      assert_int_equal(rig_start(&w.r, 1), 0);
      assert_true(client()->is_connected);
      total += f->total;
      rig_finish(&w.r, SEC);
      assert_false(client()->is_closed);
      rig_reset(&w.r);
    }
    printf("%llu forged over %llu handshakes\n", (unsigned long long)total,
           (unsigned long long)n);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_forged),
                                     cmocka_unit_test(test_handshake)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
