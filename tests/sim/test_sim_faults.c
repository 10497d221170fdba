/*
 * Everything that can fail during twenty hops, fails: each socket call with
 * each errno at each index, once and for ever; each allocation of the client
 * and of the server.  The connection lives or ends with a typed error; nothing
 * leaks and nothing spins (the simulator aborts on a busy loop).  The short
 * form takes the first indices and a few of the others.
 */
#include "rig.h"
#include "scale.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

typedef struct fault {
  sim_call call;
  uint64_t index;
  bool is_for_ever;
  int err;
} fault;

static int inject(void *arg, sim_call call, uint64_t index) {
  const fault *f = arg;

  return call == f->call &&
                 (index == f->index || (f->is_for_ever && index > f->index))
             ? f->err
             : 0;
}

/* Those that a client makes. */
static const char *const call_names[] = {
    "open", "bind", "connect", "local_addr", "recv", "send", "random", "watch"};
static const int errnos[] = {
    EMFILE, ENFILE, ENOMEM,       ENOBUFS,     EADDRINUSE, EPERM, EACCES,
    EINTR,  EAGAIN, ECONNREFUSED, ENETUNREACH, EMSGSIZE,   EIO};
#define HOPS 20
#define FIRST 3 /* indices that the short form never leaves out */
#define OTHERS 4

typedef struct outcome {
  int start;
  bool is_connected, is_closed;
  uint64_t echoed_late; /* in the last second */
  uint64_t hops;
  uint64_t client_calls;
} outcome;

typedef struct world {
  rig r;
  sim_line line;
} world;

static void prepare(world *w) {
  rig_init(&w->r, 7, false);
  sim_line_init(&w->r.world, &w->line, 5 * MS);
  w->r.migration.hop_interval = 4 * SEC / HOPS;
  w->r.migration.hop_jitter_pct = 0;
  w->r.migration.hop_quiet = 0;
  w->r.migration.hop_backoff = 200 * MS;
  w->r.migration.hop_backoff_max = SEC;
  w->r.client_transport.idle_timeout = 3 * SEC;
  w->r.client_transport.handshake_timeout = 3 * SEC;
  w->r.send_every = 20 * MS;
}

static outcome play(world *w) {
  rig *r = &w->r;
  rig_client *c = &r->clients[0];
  outcome o = {.start = rig_start(r, 1)};
  uint64_t before;

  if (o.start == 0) {
    rig_run(r, 4 * SEC);
    before = c->echoed;
    rig_run(r, SEC);
    o.echoed_late = c->echoed - before;
    o.is_connected = c->is_connected;
    o.is_closed = c->is_closed;
    o.hops = rig_stats(c).hops;
  }
  o.client_calls = c->mem.calls;
  return o;
}

/* Frees everything and looks for leaks. */
static void clean_up(world *w) {
  rig *r = &w->r;
  size_t i;

  for (i = 0; i < r->n_clients; i++) {
    quicmig_client_free(r->clients[i].c);
  }
  r->n_clients = 0;
  quicmig_server_free(r->server);
  r->server = NULL;
  assert_int_equal(r->clients[0].mem.live, 0);
  assert_int_equal(r->server_mem.live, 0);
  assert_int_equal(r->client_host.open, 0);
  assert_int_equal(r->server_host.open, 0);
  rig_reset(r);
}

static void complain(const fault *f, const outcome *o) {
  printf(
      "%s index %llu %s errno %d: start %d connected %d closed %d late %llu\n",
      call_names[f->call], (unsigned long long)f->index,
      f->is_for_ever ? "for ever" : "once", f->err, o->start, o->is_connected,
      o->is_closed, (unsigned long long)o->echoed_late);
}

/* What must hold after this fault. */
static bool is_fine(const fault *f, const outcome *o) {
  if (o->start != 0) {
    /* Only the first socket and the first secrets may prevent the start. */
    return o->start < 0 && (f->index == 0 || f->call == SIM_RANDOM ||
                            (f->call == SIM_LOCAL_ADDR && f->index == 1));
  }
  if (f->call == SIM_RANDOM || (f->is_for_ever && f->call >= SIM_RECV)) {
    return true; /* no leak, no spin: that is all that can be asked */
  }
  return o->is_connected && !o->is_closed && o->echoed_late >= 40;
}

static unsigned fault_case(const fault *f) {
  static world w;
  fault arg = *f;
  outcome o;
  bool good;

  prepare(&w);
  w.r.client_host.fault = inject;
  w.r.client_host.fault_arg = &arg;
  o = play(&w);
  good = is_fine(f, &o);
  if (!good) {
    complain(f, &o);
  }
  clean_up(&w);
  return !good;
}

/* How often the client makes each call when nothing fails. */
static void count_calls(uint64_t calls[SIM_CALLS]) {
  static world w;

  prepare(&w);
  assert_true(play(&w).hops >= HOPS);
  memcpy(calls, w.r.client_host.calls, sizeof(w.r.client_host.calls));
  clean_up(&w);
}

/* Each errno at that index of that call. */
static unsigned index_cases(sim_call call, uint64_t index, unsigned *cases) {
  unsigned bad = 0;
  size_t e, ever;

  for (e = 0; e < sizeof(errnos) / sizeof(errnos[0]); e++) {
    for (ever = 0; ever < 2; ever++) {
      fault f = {call, index, ever != 0, errnos[e]};

      bad += fault_case(&f);
      (*cases)++;
    }
  }
  return bad;
}

static void test_calls(void **state) {
  uint64_t calls[SIM_CALLS], i;
  unsigned bad = 0, cases = 0;
  size_t call;

  (void)state;
  count_calls(calls);
  for (call = 0; call <= SIM_WATCH; call++) {
    uint64_t step = scale(calls[call] / OTHERS + 1, 1);

    printf("%s: %llu calls\n", call_names[call],
           (unsigned long long)calls[call]);
    for (i = 0; i < calls[call]; i += i < FIRST ? 1 : step) {
      bad += index_cases((sim_call)call, i, &cases);
    }
  }
  printf("%u cases\n", cases);
  assert_int_equal(bad, 0);
}

/* One allocation fails: of the client, or of the server. */
static bool allocation_case(bool of_server, uint64_t index, bool for_ever) {
  static world w;
  rig_mem *m;
  outcome o;

  prepare(&w);
  m = of_server ? &w.r.server_mem : &w.r.clients[0].mem;
  m->fail_at = index;
  m->fails_always = for_ever;
  o = play(&w);
  clean_up(&w);
  return o.start == 0 && o.is_connected && !o.is_closed;
}

static uint64_t count_allocations(bool of_server) {
  static world w;
  uint64_t n;

  prepare(&w);
  assert_int_equal(play(&w).start, 0);
  n = of_server ? w.r.server_mem.calls : w.r.clients[0].mem.calls;
  clean_up(&w);
  return n;
}

static void test_allocations(void **state) {
  size_t side;

  (void)state;
  for (side = 0; side < 2; side++) {
    uint64_t n = count_allocations(side != 0), i, survived = 0, cases = 0;

    for (i = 0; i < n; i += i < 150 ? 1 : scale(23, 1)) {
      survived += allocation_case(side != 0, i, false);
      (void)allocation_case(side != 0, i, true);
      cases++;
    }
    printf("%s: %llu allocations, %llu of %llu single failures survived by "
           "the connection, the rest by the process\n",
           side ? "server" : "client", (unsigned long long)n,
           (unsigned long long)survived, (unsigned long long)cases);
    assert_true(survived < cases && survived > 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_calls),
                                     cmocka_unit_test(test_allocations)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
