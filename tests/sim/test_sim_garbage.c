/* What strangers send: garbage changes nothing, and nobody is answered more
 * than he sent. */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

/* --- copies of real packets, spoilt --- */

typedef enum spoil {
  EMPTY,
  CUT,     /* somewhere */
  FLIP,    /* one bit */
  NOISE,   /* all bytes but the first */
  LONGER,  /* zeroes behind */
  NO_PLAN, /* all bytes */
  SPOILS
} spoil;

typedef struct spoiler {
  sim_node node;
  bool in[2]; /* directions */
  bool is_first;
  uint64_t made;
} spoiler;

static void noise(sim *s, uint8_t *data, size_t len) {
  size_t i;

  for (i = 0; i < len; i++) {
    data[i] = (uint8_t)(qm_rng_next(&s->rng) >> 32);
  }
}

static void spoil_pkt(sim *s, sim_pkt *p, spoil how) {
  size_t bit;

  switch (how) {
  case EMPTY:
    p->len = 0;
    break;
  case CUT:
    p->len = (size_t)qm_rng_range(&s->rng, 0, p->len - 1);
    break;
  case FLIP:
    bit = (size_t)qm_rng_range(&s->rng, 0, 8 * p->len - 1);
    p->data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    break;
  case NOISE:
    noise(s, p->data + 1, p->len - 1);
    break;
  case LONGER:
    memset(p->data + p->len, 0, SIM_MTU - p->len);
    p->len = SIM_MTU;
    p->data[p->len - 1] = 1;
    p->data[0] ^= 4; /* else a coalesced packet would be real */
    break;
  case NO_PLAN:
    noise(s, p->data, p->len);
    break;
  case SPOILS:
    break;
  }
}

static void spoil_pass(sim *s, sim_node *n, sim_pkt *p) {
  spoiler *x = (spoiler *)(void *)n;
  sim_pkt *bad[SPOILS];
  size_t i, k = 0;

  for (i = 0; x->in[p->dir] && i < SPOILS; i++) {
    bad[k] = sim_copy(s, p);
    spoil_pkt(s, bad[k++], (spoil)i);
    x->made++;
  }
  if (!x->is_first) {
    sim_forward(s, n, p);
  }
  for (i = 0; i < k; i++) {
    sim_forward(s, n, bad[i]);
  }
  if (x->is_first) {
    sim_forward(s, n, p);
  }
}

static struct world {
  rig r;
  sim_line line;
  spoiler spoiler;
} w;

static void prepare(void) {
  rig_init(&w.r, 0, false);
  sim_line_init(&w.r.world, &w.line, 10 * MS);
  w.spoiler = (spoiler){.node = {.pass = spoil_pass}};
  sim_append(&w.r.world, &w.spoiler.node);
}

static quicmig_server_stats server_stats(void) {
  quicmig_server_stats s = {.size = sizeof(s)};

  quicmig_server_get_stats(w.r.server, &s);
  return s;
}

/* Six spoilt copies of every packet, before it or after it, from the first one
 * of the handshake on, across hops. */
static void test_spoilt_copies(void **state) {
  static const struct {
    const char *name;
    bool up, down, is_first;
  } rows[] = {{"to the server, after", true, false, false},
              {"to the server, before", true, false, true},
              {"to the client, after", false, true, false},
              {"to the client, before", false, true, true},
              {"both ways, before", true, true, true}};
  size_t i;

  (void)state;
  for (i = 0; i < COUNT_OF(rows); i++) {
    rig_client *c = &w.r.clients[0];

    printf("row: %s\n", rows[i].name);
    prepare();
    c = &w.r.clients[0];
    w.spoiler.in[SIM_UP] = rows[i].up;
    w.spoiler.in[SIM_DOWN] = rows[i].down;
    w.spoiler.is_first = rows[i].is_first;
    w.r.migration.hop_interval = 2 * SEC;
    w.r.stream_bytes = 100000;
    assert_int_equal(rig_start(&w.r, 1), 0);
    rig_run(&w.r, 15 * SEC);
    rig_finish(&w.r, SEC);
    assert_true(w.spoiler.made > 5000);
    assert_true(c->is_connected && !c->is_closed);
    assert_int_equal(rig_lost(&w.r), 0);
    assert_true(c->stream_done && !c->stream_bad);
    assert_in_range(rig_stats(c).hops, 5, 10);
    assert_int_equal(rig_stats(c).hops_failed, 0);
    rig_run(&w.r, 15 * SEC); /* what it may have begun in vain is over */
    assert_int_equal(server_stats().connections, 1);
    rig_reset(&w.r);
  }
}

/* --- a stranger's socket --- */

typedef struct stranger {
  int fd;
  uint64_t packets, bytes, longest;
  uint8_t last[SIM_MTU];
} stranger;

static void open_stranger(stranger *x) {
  const qm_net *net = &w.r.client_host.net;
  qm_addr local = w.r.client_host.addr;
  qm_sock_config c = {.family = AF_INET, .no_offload = QUICMIG_NO_GRO};
  uint32_t no_offload;

  *x = (stranger){.fd = -1};
  qm_addr_set_port(&local, 999);
  assert_int_equal(net->open(net->ctx, &c, &x->fd, &no_offload), 0);
  assert_int_equal(net->bind(net->ctx, x->fd, &local), 0);
}

static void shout(stranger *x, uint8_t *data, size_t len) {
  const qm_net *net = &w.r.client_host.net;
  qm_msg p = {.data = data, .len = len, .remote = w.r.server_host.addr};

  qm_addr_set_port(&p.remote, 4433);
  assert_int_equal(net->send(net->ctx, x->fd, &p, 1), 1);
}

/* Lets d pass and takes in what came back. */
static void listen_for(stranger *x, quicmig_duration d) {
  const qm_net *net = &w.r.client_host.net;
  qm_msg p = {.data = x->last, .cap = sizeof(x->last)};

  rig_run(&w.r, d);
  while (net->recv(net->ctx, x->fd, &p, 1) == 1) {
    x->packets++;
    x->bytes += p.len;
    x->longest = p.len > x->longest ? p.len : x->longest;
  }
}

/* Statement 31, RFC 9000 section 10.3.3: a stateless reset is smaller than what
 * it answers, and there are at most 100 a second. */
static void test_resets(void **state) {
  static const struct {
    const char *name;
    size_t len;
    quicmig_duration every;
    uint64_t sent, lo, hi; /* answers */
  } rows[] = {{"one byte", 1, 20 * MS, 50, 0, 0},
              {"too short to be told from a packet", 21, 20 * MS, 50, 0, 0},
              {"short", 40, 20 * MS, 50, 50, 50},
              {"full", 1200, 20 * MS, 50, 50, 50},
              {"a flood", 60, 100 * QUICMIG_MICROSECOND, 30000, 300, 400}};
  uint8_t data[1200];
  size_t i, k;

  (void)state;
  for (i = 0; i < COUNT_OF(rows); i++) {
    stranger x;

    printf("row: %s\n", rows[i].name);
    prepare();
    assert_int_equal(rig_start(&w.r, 1), 0);
    open_stranger(&x);
    for (k = 0; k < rows[i].sent; k++) {
      noise(&w.r.world, data, rows[i].len);
      data[0] = (uint8_t)((data[0] & 0x3f) | 0x40); /* a short header */
      shout(&x, data, rows[i].len);
      listen_for(&x, rows[i].every);
    }
    listen_for(&x, SEC);
    rig_finish(&w.r, SEC);
    printf("  %llu answers\n", (unsigned long long)x.packets);
    assert_in_range(x.packets, rows[i].lo, rows[i].hi);
    assert_int_equal(server_stats().resets_sent, x.packets);
    assert_true(x.longest < rows[i].len || x.packets == 0);
    assert_true(x.packets == 0 || x.longest >= 21); /* section 10.3 */
    assert_int_equal(rig_lost(&w.r), 0);
    assert_int_equal(server_stats().connections, 1);
    rig_reset(&w.r);
  }
}

/* RFC 9000 sections 6.1 and 14.1: an unknown version is answered with the one
 * we speak, if it comes in a full datagram. */
static void test_unknown_version(void **state) {
  static const size_t lens[] = {1200, 1199, 300, 7, 6, 5};
  uint8_t data[1200];
  size_t i;

  (void)state;
  for (i = 0; i < COUNT_OF(lens); i++) {
    stranger x;

    printf("row: %zu bytes\n", lens[i]);
    prepare();
    assert_int_equal(rig_start(&w.r, 1), 0);
    open_stranger(&x);
    memset(data, 0, sizeof(data));
    memcpy(data,
           "\xc0\x1a\x2a\x3a\x4a\x08"
           "dest-id!"
           "\x05"
           "src-i",
           20);
    shout(&x, data, lens[i]);
    listen_for(&x, SEC);
    assert_int_equal(x.packets, lens[i] == 1200);
    if (x.packets) { /* version 0, their IDs turned round, version 1 */
      assert_int_equal(x.longest, 24);
      assert_true(x.last[0] & 0x80);
      assert_memory_equal(x.last + 1,
                          "\0\0\0\0\x05"
                          "src-i"
                          "\x08"
                          "dest-id!"
                          "\0\0\0\1",
                          23);
    }
    rig_reset(&w.r);
  }
}

/* Initial packets that nobody can decrypt: none is a connection, none costs
 * memory for long, and real ones still get through. */
static void test_false_initials(void **state) {
  uint8_t data[1200];
  size_t live, i;
  stranger x;

  (void)state;
  prepare();
  assert_int_equal(rig_start(&w.r, 1), 0);
  open_stranger(&x);
  rig_run(&w.r, 5 * SEC);
  live = w.r.server_mem.live;
  for (i = 0; i < 500; i++) {
    noise(&w.r.world, data, sizeof(data));
    memcpy(data, "\xc3\0\0\0\1\x08", 6);
    data[14] = 0;    /* no source ID */
    data[15] = 0;    /* no token */
    data[16] = 0x44; /* length 1182, two bytes */
    data[17] = 0x9e;
    shout(&x, data, sizeof(data));
    listen_for(&x, 2 * MS);
  }
  printf("%llu connections begun, %zu bytes more\n",
         (unsigned long long)server_stats().accepted,
         w.r.server_mem.live - live);
  assert_true(server_stats().accepted > 100); /* they do look real */
  assert_int_equal(server_stats().connections, 1);
  assert_in_range(w.r.server_mem.live, 0, live + 65536);
  assert_int_equal(x.packets, 0);
  assert_int_equal(rig_start_client(&w.r), 0);
  rig_run(&w.r, SEC);
  assert_true(w.r.clients[1].is_connected);
  rig_finish(&w.r, SEC);
  assert_int_equal(rig_lost(&w.r), 0);
  rig_reset(&w.r);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_spoilt_copies),
                                     cmocka_unit_test(test_resets),
                                     cmocka_unit_test(test_unknown_version),
                                     cmocka_unit_test(test_false_initials)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
