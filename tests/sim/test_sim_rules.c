/*
 * Migration rules of RFC 9000 that ngtcp2 keeps and that docs/rfc9000.md relies
 * on: each shown by what leaves on the wire, or by what comes of it.
 */
#include "tamper.h"

#include "endpoint/client.h"
#include "endpoint/server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define DELAY (10 * MS)
#define CHALLENGE 0x1a
#define RESPONSE 0x1b
#define NEW_ID 0x18
#define RETIRE_ID 0x19
#define PROOF 8 /* bytes of a challenge */
#define CHALLENGES 512
#define ECT0 2
#define PATHS 65536

static struct world {
  rig r;
  sim_node node; /* at the client's door */
  sim_line line;
  tamper t;
  bool pretends_no_id; /* the peer's IDs have no bytes */
  uint8_t proofs[CHALLENGES][PROOF];
  size_t n_proofs;
  uint64_t retired;  /* bit n: the client has retired ID n */
  uint64_t demanded; /* IDs below this one the server wanted back */
  bool bleaches;
  uint16_t dead_port;                      /* upwards, in use before the hop */
  uint64_t marked[PATHS], unmarked[PATHS]; /* by the client's port, upwards */
  uint64_t early; /* small packets down a path that is being proven */
  uint16_t proving;
} w;

static quicmig *migrator(void) {
  return quicmig_client_migrator(w.r.clients[0].c);
}

static void hop(void) {
  assert_int_equal(quicmig_hop(migrator(), w.r.world.now), 0);
}

static void pass(sim *s, sim_node *n, sim_pkt *p) {
  uint16_t port = sim_client_port(p);

  if (p->dir == SIM_UP) {
    *(p->ecn == ECT0 ? &w.marked[port] : &w.unmarked[port]) += 1;
    if (w.bleaches) {
      p->ecn = 0;
    }
    if (w.dead_port && port == w.dead_port) {
      sim_drop(s, n, p);
      return;
    }
  } else if (w.proving && port != w.proving && p->len < 1200) {
    w.early++;
  }
  sim_forward(s, n, p);
}

static rig_client *start(void) {
  static const struct world nothing;

  w = nothing;
  rig_init(&w.r, 0, false);
  w.node.pass = pass;
  sim_append(&w.r.world, &w.node);
  sim_line_init(&w.r.world, &w.line, DELAY);
  w.r.migration.hop_interval = 0;
  w.t.r = &w.r;
  tamper_set(&w.t);
  return &w.r.clients[0];
}

static void connect_all(void) {
  assert_int_equal(rig_start(&w.r, 1), 0);
  assert_true(w.r.clients[0].is_connected);
  rig_run(&w.r, SEC);
}

static void finish(void) {
  rig_finish(&w.r, 2 * SEC);
  assert_false(w.r.clients[0].is_closed);
  tamper_set(NULL);
  rig_reset(&w.r);
}

/* --- section 8.2: proofs --- */

static void keep_proofs(tamper *t, bool by_client, const uint8_t *frames,
                        size_t len) {
  size_t n, at = tamper_find(frames, len, CHALLENGE, &n);

  (void)t;
  (void)by_client;
  if (at != SIZE_MAX && w.n_proofs < CHALLENGES) {
    memcpy(w.proofs[w.n_proofs++], frames + at + 1, PROOF);
  }
}

/* Two runs of one seed: were they drawn from the simulator's numbers, or from a
 * counter, some would be the same. */
static void challenges_are_never_the_same(void **state) {
  static uint8_t all[2 * CHALLENGES][PROOF];
  size_t total = 0, i, k;
  int run;

  (void)state;
  for (run = 0; run < 2; run++) {
    start();
    w.t.watch = keep_proofs;
    w.r.migration.hop_interval = 500 * MS;
    connect_all();
    rig_run(&w.r, 10 * SEC);
    assert_in_range(w.n_proofs, 40, CHALLENGES);
    memcpy(all[total], w.proofs, w.n_proofs * PROOF);
    total += w.n_proofs;
    finish();
  }
  for (i = 0; i < total; i++) {
    for (k = 0; k < i; k++) {
      assert_memory_not_equal(all[i], all[k], PROOF);
    }
  }
}

static void hide_responses(tamper *t, uint8_t *frames, size_t len) {
  tamper_hide(t, frames, len, RESPONSE);
}

/* The server acknowledges the challenges, and answers none. */
static void an_acknowledgement_validates_nothing(void **state) {
  rig_client *c = start();
  uint16_t port;

  (void)state;
  w.t.edit = hide_responses;
  connect_all();
  port = rig_port(c);
  hop();
  rig_run(&w.r, 5 * SEC);
  assert_true(w.t.edited > 0);
  assert_int_equal(c->results[-QUICMIG_ERR_VALIDATION_FAILED], 1);
  assert_int_equal(c->results[0], 0);
  assert_int_equal(rig_port(c), port);
  finish();
}

/* --- sections 5.1 and 9.5: connection IDs --- */

static void note_retired(tamper *t, bool by_client, const uint8_t *frames,
                         size_t len) {
  size_t n, at = tamper_find(frames, len, RETIRE_ID, &n);

  (void)t;
  for (; by_client && at < len && frames[at] == RETIRE_ID; at += n) {
    if (frames[at + 1] < 64) { /* a number of one byte */
      w.retired |= UINT64_C(1) << frames[at + 1];
    }
  }
}

static uint64_t count_retired(void) {
  uint64_t bits, n = 0;

  for (bits = w.retired; bits; bits &= bits - 1) {
    n++;
  }
  return n;
}

/* One with each hop. */
static void old_ids_are_retired(void **state) {
  uint64_t i;

  (void)state;
  start();
  w.t.watch = note_retired;
  connect_all();
  for (i = 0; i < 5; i++) {
    hop();
    rig_run(&w.r, 5 * SEC);
    assert_int_equal(count_retired(), i + 1);
  }
  finish();
}

/* The next ID that the server gives takes all before it back. */
static void demand(tamper *t, uint8_t *frames, size_t len) {
  size_t n, at = tamper_find(frames, len, NEW_ID, &n);

  if (at != SIZE_MAX && frames[at + 1] < 0x40 && !w.demanded) {
    w.demanded = frames[at + 2] = frames[at + 1];
    t->edited++;
  }
}

static void retire_prior_to_is_obeyed(void **state) {
  (void)state;
  start();
  w.t.watch = note_retired;
  connect_all();
  w.t.edit = demand;
  hop();
  rig_run(&w.r, 10 * SEC);
  assert_true(w.demanded > 1);
  assert_int_equal(w.retired & ((UINT64_C(1) << w.demanded) - 1),
                   (UINT64_C(1) << w.demanded) - 1);
  hop();
  rig_run(&w.r, 2 * SEC);
  assert_int_equal(w.r.clients[0].results[0], 2);
  finish();
}

const ngtcp2_cid *__real_ngtcp2_conn_get_dcid(ngtcp2_conn *conn);
/* ngtcp2's crypto library asks for it too, says the linker. */
__attribute__((visibility("default"))) const ngtcp2_cid *
__wrap_ngtcp2_conn_get_dcid(ngtcp2_conn *conn);

const ngtcp2_cid *__wrap_ngtcp2_conn_get_dcid(ngtcp2_conn *conn) {
  static const ngtcp2_cid none;

  return w.pretends_no_id ? &none : __real_ngtcp2_conn_get_dcid(conn);
}

/* Section 9.5: whoever has no IDs to choose from is not migrated to. */
static void no_migration_to_a_peer_without_ids(void **state) {
  rig_client *c = start();
  size_t opened;

  (void)state;
  w.pretends_no_id = true;
  connect_all();
  opened = w.r.client_host.opened;
  assert_int_equal(quicmig_hop(migrator(), w.r.world.now),
                   QUICMIG_ERR_PEER_FORBIDS);
  rig_run(&w.r, 2 * SEC);
  assert_int_equal(w.r.client_host.opened, opened);
  assert_int_equal(c->results[-QUICMIG_ERR_PEER_FORBIDS], 1);
  w.pretends_no_id = false;
  finish();
}

/* --- section 9.3: what moves a connection --- */

/* The client's data stays on the old path until the new one is proven, and so
 * does the server's: a challenge is a probe. */
static void probes_move_nothing(void **state) {
  rig_client *c = start();
  int i;

  (void)state;
  w.t.edit = hide_responses; /* the proof takes for ever */
  connect_all();
  for (i = 0; i < 5; i++) {
    w.proving = rig_port(c);
    hop();
    rig_run(&w.r, 4 * SEC);
    w.proving = 0;
  }
  assert_int_equal(w.early, 0);
  assert_int_equal(w.r.migrations, 0);
  finish();
}

/* Packets of the old path that are overtaken by those of the new one. */
static void an_older_packet_moves_nothing(void **state) {
  static sim_late late;
  const sim_late_side side = {.late_ppm = 300000, .lo = DELAY, .hi = 6 * DELAY};

  (void)state;
  start();
  sim_late_init(&w.r.world, &late);
  sim_late_set(&late, &side);
  w.r.migration.hop_interval = 500 * MS;
  connect_all();
  rig_run(&w.r, 30 * SEC);
  printf("  %llu hops, %llu told\n",
         (unsigned long long)rig_stats(&w.r.clients[0]).hops,
         (unsigned long long)w.r.migrations);
  assert_true(rig_stats(&w.r.clients[0]).hops > 30);
  assert_in_range(w.r.migrations, rig_stats(&w.r.clients[0]).hops - 1,
                  rig_stats(&w.r.clients[0]).hops);
  finish();
}

/* Section 9: our own refusal of migrations does not end the connection of a
 * client whose address changes all the same. */
static void whoever_may_not_migrate_is_not_reset(void **state) {
  quicmig_server_stats s = {.size = sizeof(s)};
  rig_client *c = start();

  (void)state;
  w.r.server_transport.disable_active_migration = 1;
  w.r.migration.hop_mode = QUICMIG_MODE_REBIND;
  connect_all();
  hop();
  rig_run(&w.r, 5 * SEC);
  quicmig_server_get_stats(w.r.server, &s);
  assert_int_equal(s.resets_sent, 0);
  assert_false(c->is_closed);
  finish();
}

/* --- sections 9.4 and 13.4: what belongs to a path --- */

static void losses_of_the_old_path_spare_the_new_window(void **state) {
  rig_client *c = start();
  quicmig_conn_info info = {.size = sizeof(info)};

  (void)state;
  connect_all();
  w.dead_port = rig_port(c);
  rig_run(&w.r, 30 * MS); /* three datagrams are lost */
  hop();
  rig_run(&w.r, 5 * SEC);
  assert_int_equal(c->results[0], 1);
  quicmig_conn_get_info(quicmig_client_conn(c->c), &info);
  printf("  window %llu, after the hop %llu\n", (unsigned long long)info.cwnd,
         (unsigned long long)c->last.cwnd_after);
  assert_true(info.cwnd >= 10 * 1200); /* RFC 9002 section 7.2 */
  finish();
}

/* Each path begins with marked packets; where the marks are taken away on the
 * way, they are given up, and tried again on the next path. */
static void ecn_is_validated_on_each_path(void **state) {
  rig_client *c = start();
  uint16_t port;
  int i;

  (void)state;
  connect_all();
  assert_true(w.marked[rig_port(c)] > 50);
  w.bleaches = true;
  for (i = 0; i < 3; i++) {
    hop();
    rig_run(&w.r, 2 * SEC);
    port = rig_port(c);
    assert_in_range(w.marked[port], 1, 60);
    assert_true(w.unmarked[port] > 100);
  }
  w.bleaches = false;
  hop();
  rig_run(&w.r, 2 * SEC);
  assert_true(w.marked[rig_port(c)] > 100);
  finish();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(challenges_are_never_the_same),
      cmocka_unit_test(an_acknowledgement_validates_nothing),
      cmocka_unit_test(old_ids_are_retired),
      cmocka_unit_test(retire_prior_to_is_obeyed),
      cmocka_unit_test(no_migration_to_a_peer_without_ids),
      cmocka_unit_test(probes_move_nothing),
      cmocka_unit_test(an_older_packet_moves_nothing),
      cmocka_unit_test(whoever_may_not_migrate_is_not_reset),
      cmocka_unit_test(losses_of_the_old_path_spare_the_new_window),
      cmocka_unit_test(ecn_is_validated_on_each_path)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
