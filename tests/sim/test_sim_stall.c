/*
 * The client's process stands still for a moment in the middle of a hop, then
 * finds many packets in both sockets and is told of the new one first.  Taken
 * in that order the old path's truncated packet numbers could not be decoded
 * any more (RFC 9000 appendix A.3): nothing may be lost all the same.
 */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define RATE_GAP (250 * QUICMIG_MICROSECOND)

typedef struct row {
  const char *name;
  uint32_t mode;
  quicmig_path_state when; /* the new path enters this state */
  quicmig_duration stall;
} row;

static const row rows[] = {
    {"migrate, probing", QUICMIG_MODE_MIGRATE, QUICMIG_PATH_PROBING, 60 * MS},
    {"migrate, switched", QUICMIG_MODE_MIGRATE, QUICMIG_PATH_ACTIVE, 60 * MS},
    {"migrate, long", QUICMIG_MODE_MIGRATE, QUICMIG_PATH_ACTIVE, 200 * MS},
    {"rebind, swapped", QUICMIG_MODE_REBIND, QUICMIG_PATH_PROBING, 60 * MS},
    {"rebind, long", QUICMIG_MODE_REBIND, QUICMIG_PATH_PROBING, 150 * MS},
    {"rebind, confirmed", QUICMIG_MODE_REBIND, QUICMIG_PATH_ACTIVE, 60 * MS},
};

static void stall(rig_client *c, const quicmig_event *e) {
  const row *w = c->r->test;

  if (e->type == QUICMIG_EVENT_PATH_STATE && e->path > 1 && e->to == w->when) {
    c->r->client_host.busy_until = c->r->world.now + w->stall;
  }
}

static void stall_row(const row *w) {
  row test = *w;
  sim_line line;
  quicmig_stats s;
  rig r;

  rig_init(&r, 0, false);
  sim_line_init(&r.world, &line, 1 * MS);
  r.migration.hop_interval = SEC;
  r.migration.hop_quiet = 0;
  r.migration.hop_mode = w->mode;
  r.send_every = RATE_GAP;
  r.client_transport.datagram_queue = 4 << 20;
  r.server_transport.datagram_queue = 4 << 20;
  r.client_transport.datagram_max_age = 0;
  r.server_transport.datagram_max_age = 0;
  r.client_host.reads_newest_first = true;
  r.test = &test;
  r.on_event = stall;
  assert_int_equal(rig_start(&r, 1), 0);
  rig_run(&r, 10 * SEC);
  rig_finish(&r, 30 * SEC); /* after a stall the queue empties slowly */
  s = rig_stats(&r.clients[0]);
  printf("  %llu hops, %llu failed, %llu of %llu lost\n",
         (unsigned long long)s.hops, (unsigned long long)s.hops_failed,
         (unsigned long long)rig_lost(&r),
         (unsigned long long)r.clients[0].sent);
  assert_true(s.hops >= 7);
  assert_int_equal(s.hops_failed, 0);
  assert_int_equal(rig_lost(&r), 0);
  rig_reset(&r);
}

static void test_rows(void **state) {
  size_t i;

  (void)state;
  for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    printf("row: %s\n", rows[i].name);
    stall_row(&rows[i]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
