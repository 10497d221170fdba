/* What a handle holds: little, and the adaptive policy only while it is wanted.
 */
#include "rig.h"

#include "quic/migrator.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HANDLE_MAX 2048

static rig r;
static sim_line line;

static quicmig *start(bool is_adaptive) {
  quicmig *m;

  rig_init(&r, 1, false);
  sim_line_init(&r.world, &line, 10 * MS);
  quicmig_options_default(&r.migration);
  r.migration.adaptive = is_adaptive;
  assert_int_equal(rig_start(&r, 1), 0);
  rig_run(&r, SEC);
  m = quicmig_client_migrator(r.clients[0].c);
  assert_non_null(m);
  return m;
}

static void finish(void) {
  rig_finish(&r, SEC);
  assert_false(r.clients[0].is_closed);
  quicmig_client_free(r.clients[0].c);
  r.n_clients = 0;
  assert_int_equal(r.clients[0].mem.live, 0);
  rig_reset(&r);
}

static int want(quicmig *m, bool is_adaptive) {
  quicmig_options o = r.migration;

  o.adaptive = is_adaptive;
  o.hop_interval = 77 * SEC;
  return quicmig_reschedule(m, &o, r.world.now);
}

static void test_sizes(void **state) {
  quicmig *m = start(false);
  size_t without = quicmig_memory(m), live, with;

  (void)state;
  assert_in_range(without, 1, HANDLE_MAX);
  live = r.clients[0].mem.live;
  assert_int_equal(want(m, true), 0);
  with = quicmig_memory(m);
  printf("%zu bytes, adaptive %zu\n", without, with);
  assert_true(with > without);
  assert_int_equal(r.clients[0].mem.live - live, with - without);
  assert_int_equal(want(m, true), 0);
  assert_int_equal(quicmig_memory(m), with);
  assert_int_equal(want(m, false), 0);
  assert_int_equal(quicmig_memory(m), without);
  assert_int_equal(r.clients[0].mem.live, live);
  finish();

  m = start(true);
  assert_int_equal(quicmig_memory(m), with);
  assert_int_equal(want(m, false), 0);
  assert_int_equal(quicmig_memory(m), without);
  finish();
}

/* Every allocation fails in turn: nothing has changed then. */
static void test_no_memory(void **state) {
  quicmig *m = start(false);
  rig_mem *mem = &r.clients[0].mem;
  quicmig_options before = m->engine.o;
  quicmig_tstamp next = quicmig_next_hop(m);
  size_t live = mem->live, size = quicmig_memory(m);
  uint64_t first = mem->calls, i;
  int rv = QUICMIG_ERR_NOMEM;

  (void)state;
  for (i = 0; rv != 0 && i < 100; i++) {
    first = mem->calls;
    mem->fail_at = first + i;
    rv = want(m, true);
    if (rv != 0) {
      assert_int_equal(rv, QUICMIG_ERR_NOMEM);
      assert_memory_equal(&m->engine.o, &before, sizeof(before));
      assert_int_equal(quicmig_next_hop(m), next);
      assert_int_equal(quicmig_memory(m), size);
      assert_int_equal(mem->live, live);
    }
  }
  mem->fail_at = UINT64_MAX;
  assert_int_equal(rv, 0);
  assert_in_range(i, 2, 99); /* one failed at least */
  assert_int_equal(mem->calls - first, i - 1);
  assert_true(quicmig_next_hop(m) < next);
  finish();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_sizes),
      cmocka_unit_test(test_no_memory),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
