/* Programs may write with several functions in turn: a pause of the pacer that
 * one of them has met ends for all. */
#include "load.h"

#include "quic/migrator.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static ngtcp2_ssize nothing(quicmig *m, ngtcp2_path *path, ngtcp2_pkt_info *pi,
                            uint8_t *dest, size_t len, quicmig_tstamp now,
                            void *arg) {
  (void)m;
  (void)path;
  (void)pi;
  (void)dest;
  (void)len;
  (void)now;
  (void)arg;
  return 0;
}

/* Few acknowledgements come, each for much. */
static bool drops(void *arg, const sim_pkt *p) {
  static unsigned n;

  return *(const bool *)arg && p->dir == SIM_DOWN && ++n % 10 != 0;
}

static void test_two_writers(void **state) {
  static load l;
  static sim_line line;
  static sim_filter filter;
  static bool is_connected;
  unsigned pauses = 0, i;
  quicmig *m;

  (void)state;
  load_init(&l, LOAD_STREAM_UP, 1);
  sim_line_init(&l.r.world, &line, 100 * MS);
  line.side[SIM_UP].rate = 100000000;
  line.side[SIM_UP].queue = 1000;
  sim_filter_init(&l.r.world, &filter, drops, &is_connected);
  load_start(&l);
  is_connected = true;
  rig_run(&l.r, 2 * SEC);
  m = quicmig_client_migrator(l.r.clients[0].c);
  for (i = 0; i < 2000; i++) {
    rig_run(&l.r, MS);
    if (!qm_pace_is_open(&m->pace, l.r.world.now)) {
      assert_true(quicmig_write(m, nothing, l.r.world.now, NULL) >= 0);
      assert_true(quicmig_deadline(m) <= m->pace.at);
      assert_true(m->pace.at <= l.r.world.now + QM_PACE_MOST);
      pauses++;
    }
  }
  printf("%u pauses, %llu kB\n", pauses,
         (unsigned long long)(l.delivered / 1000));
  assert_true(pauses > 100);
  assert_false(l.r.clients[0].is_closed);
  load_reset(&l);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_two_writers)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
