/* The peer's word before our own step: a server that sends HANDSHAKE_DONE
 * before the client has sent its Finished (RFC 9001 section 4.1.2).  ngtcp2
 * then writes into a packet number space that is gone; the client fails the
 * connection instead, as the protocol violation it is. */
#include "insider.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))
#define HANDSHAKE_DONE 0x1e
#define FRAMES 40
#define LONG_HEADER 0x80

typedef enum place { BEFORE_EACH, AFTER_EACH, COALESCED } place;

static struct world {
  rig r;
  sim_line line;
  sim_node node;
  insider i;
  place where;
  uint64_t forged;
} w;

/* The client's connection ID, from a long header of the server's. */
static void forge(sim_pkt *q, const sim_pkt *p) {
  const uint8_t frames[FRAMES] = {HANDSHAKE_DONE};

  insider_seal(&w.i, q, p->data + 6, p->data[5], frames, FRAMES);
  w.forged++;
}

static void pass(sim *s, sim_node *n, sim_pkt *p) {
  sim_pkt *q;

  if (p->dir == SIM_UP || !(p->data[0] & LONG_HEADER) || !w.i.secret_len) {
    sim_forward(s, n, p);
    return;
  }
  q = sim_copy(s, p);
  forge(q, p);
  if (w.where == COALESCED && p->len + q->len <= SIM_MTU) {
    memcpy(p->data + p->len, q->data, q->len);
    p->len += q->len;
  }
  /* At one instant: the client reads both before it writes. */
  sim_forward(s, n, w.where == BEFORE_EACH ? q : p);
  sim_forward(s, n, w.where == BEFORE_EACH ? p : q);
}

static void row(place where) {
  rig_client *c;

  memset(&w, 0, sizeof(w));
  rig_init(&w.r, 1, false);
  w.node.pass = pass;
  sim_append(&w.r.world, &w.node); /* beside the client */
  sim_line_init(&w.r.world, &w.line, 10 * MS);
  insider_init(&w.i, &w.r);
  w.where = where;
  assert_int_equal(rig_start(&w.r, 1), 0);
  rig_run(&w.r, SEC);
  c = &w.r.clients[0];
  assert_true(w.forged > 0);
  if (where == AFTER_EACH) { /* ngtcp2 reads it only after the next write */
    assert_false(c->is_closed);
  } else {
    assert_true(c->is_closed);
    assert_int_equal(c->close.err, QUICMIG_ERR_PROTOCOL);
    assert_string_equal(c->reason, "HANDSHAKE_DONE before Finished");
  }
  rig_reset(&w.r);
}

static void fails_the_connection(void **state) {
  place p;

  (void)state;
  for (p = BEFORE_EACH; p <= COALESCED; p++) {
    row(p);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(fails_the_connection),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
