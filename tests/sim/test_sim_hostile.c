/*
 * Hostile peers: floods of frames, jumping and retired connection IDs, proofs
 * withheld and misplaced, frames that nobody may send, from a server to its
 * client and from a client to a server that has others.  The connection lives
 * or ends with a typed error; memory stays bounded, and the others notice
 * nothing.
 */
#include "scale.h"
#include "tamper.h"

#include "endpoint/client.h"
#include "endpoint/server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))
#define DELAY (10 * MS)
#define TIME (10 * SEC)
#define MEMORY (1u << 20) /* a connection may grow by so much */

static struct world {
  rig r;
  sim_line line;
  tamper t;
  uint8_t proof[8]; /* of a PATH_RESPONSE that was withheld */
  bool has_proof;
} w;

typedef enum fate {
  LIVES,   /* and all is as ever */
  LIMPS,   /* it lives, but does not hop */
  ENDS,    /* with one of our errors */
  ANYTHING /* lives or ends */
} fate;

/* --- frames that are put in the place of data --- */

typedef struct attack {
  const char *name;
  fate of_client, of_server;                /* the side that is attacked */
  size_t (*frames)(uint8_t *f, uint64_t n); /* n-th packet; NULL: edit */
  void (*edit)(tamper *t, uint8_t *frames, size_t len);
  void (*params)(ngtcp2_transport_params *p);
  void (*before_hop)(void);
} attack;

#define ROOM 190

static size_t repeat(uint8_t *f, const void *frame, size_t n) {
  size_t len;

  for (len = 0; len + n <= ROOM; len += n) {
    memcpy(f + len, frame, n);
  }
  return len;
}

static size_t pings(uint8_t *f, uint64_t n) {
  (void)n;
  return repeat(f, "\x01", 1);
}

static size_t challenges(uint8_t *f, uint64_t n) {
  uint8_t one[9] = {0x1a};

  memcpy(one + 1, &n, sizeof(n));
  return repeat(f, one, sizeof(one));
}

static size_t wrong_responses(uint8_t *f, uint64_t n) {
  uint8_t one[9] = {0x1b};

  memcpy(one + 1, &n, sizeof(n));
  return repeat(f, one, sizeof(one));
}

static size_t tokens(uint8_t *f, uint64_t n) {
  (void)n;
  return repeat(f, "\x07\x04same", 6);
}

static size_t dones(uint8_t *f, uint64_t n) {
  (void)n;
  return repeat(f, "\x1e", 1);
}

static size_t small_limits(uint8_t *f, uint64_t n) {
  (void)n;
  return repeat(f, "\x10\x01\x12\x01\x13\x01", 6);
}

static size_t blocked(uint8_t *f, uint64_t n) {
  (void)n;
  return repeat(f, "\x14\x01\x16\x01\x17\x01", 6);
}

static size_t new_id(uint8_t *f, uint64_t seq, uint64_t retire) {
  size_t i;

  f[0] = 0x18;
  f[1] = (uint8_t)(0x40 | seq >> 8);
  f[2] = (uint8_t)seq;
  f[3] = (uint8_t)(0x40 | retire >> 8);
  f[4] = (uint8_t)retire;
  f[5] = 12;
  for (i = 0; i < 12 + 16; i++) {
    f[6 + i] = (uint8_t)(seq * 31 + i);
  }
  return 6 + 12 + 16;
}

static size_t too_many_ids(uint8_t *f, uint64_t n) {
  size_t i, len = 0;

  for (i = 0; i < 5; i++) {
    len += new_id(f + len, 1000 + 5 * n + i, 0);
  }
  return len;
}

static size_t jumping_ids(uint8_t *f, uint64_t n) {
  return new_id(f, 1000 + 10 * n, 1000 + 10 * n);
}

static size_t retire_unissued(uint8_t *f, uint64_t n) {
  (void)n;
  memcpy(f, "\x19\x43\xe8", 3);
  return 3;
}

static size_t retire_all(uint8_t *f, uint64_t n) {
  (void)n;
  memcpy(f, "\x19\x00\x19\x01\x19\x02", 6);
  return 6;
}

static size_t unknown_frame(uint8_t *f, uint64_t n) {
  (void)n;
  *f = 0x3f;
  return 1;
}

static size_t strange_stream(uint8_t *f, uint64_t n) {
  (void)n;
  /* Unidirectional ones of either side: one is not the sender's. */
  memcpy(f, "\x0a\x02\x02hi\x0a\x03\x02hi", 10);
  return 10;
}

static size_t beyond_window(uint8_t *f, uint64_t n) {
  (void)n;
  memcpy(f, "\x0e\x01\xbf\xff\xff\xff\x02hi", 9);
  return 9;
}

static size_t false_ack(uint8_t *f, uint64_t n) {
  (void)n;
  memcpy(f, "\x02\xbf\xff\xff\xff\x00\x00\x00", 8);
  return 8;
}

static size_t crypto_far(uint8_t *f, uint64_t n) {
  (void)n;
  memcpy(f, "\x06\xbf\xff\xff\xf0\x02hi", 8);
  return 8;
}

static size_t crypto_holes(uint8_t *f, uint64_t n) {
  uint64_t at = 100 + 2 * (n % 8000);

  f[0] = 0x06;
  f[1] = (uint8_t)(0x40 | at >> 8);
  f[2] = (uint8_t)at;
  f[3] = 1;
  f[4] = 0;
  return 5;
}

static size_t short_frame(uint8_t *f, uint64_t n) {
  (void)n;
  memset(f, 0xff, ROOM);
  f[0] = 0x06;
  return ROOM;
}

static size_t long_reason(uint8_t *f, uint64_t n) {
  (void)n;
  memset(f, 0x1b, ROOM); /* ESC */
  memcpy(f, "\x1c\x0a\x00\x40\x80", 5);
  return ROOM;
}

/* --- frames that are changed --- */

static void hide_responses(tamper *t, uint8_t *f, size_t len) {
  tamper_hide(t, f, len, 0x1b);
}

static void hide_new_ids(tamper *t, uint8_t *f, size_t len) {
  tamper_hide(t, f, len, 0x18);
}

/* The proof leaves with data, on the path in use (RFC 9000 section 8.2.3). */
static void misplace(tamper *t, uint8_t *f, size_t len) {
  size_t n, at = tamper_find(f, len, 0x1b, &n);
  uint8_t frame[9] = {0x1b};

  if (at != SIZE_MAX && n == sizeof(frame)) {
    memcpy(w.proof, f + at + 1, sizeof(w.proof));
    w.has_proof = true;
    tamper_hide(t, f, len, 0x1b);
  } else if (w.has_proof) {
    memcpy(frame + 1, w.proof, sizeof(w.proof));
    w.has_proof = !tamper_put(t, f, len, frame, sizeof(frame));
  }
}

/* Each new ID retires all before it, those in use too. */
static void retire_in_use(tamper *t, uint8_t *f, size_t len) {
  size_t n, at = tamper_find(f, len, 0x18, &n);

  if (at != SIZE_MAX && f[at + 1] < 0x40) {
    f[at + 2] = f[at + 1];
    t->edited++;
  }
}

/* --- parameters, and what is done at hops --- */

static void limit_2(ngtcp2_transport_params *p) {
  p->active_connection_id_limit = 2;
  w.t.edited++;
}

static void prefer(ngtcp2_transport_params *p) {
  p->preferred_addr_present = 1;
  memset(&p->preferred_addr, 0, sizeof(p->preferred_addr));
  p->preferred_addr.ipv4_present = 1;
  p->preferred_addr.ipv4.sin_family = AF_INET;
  p->preferred_addr.ipv4.sin_port = htons(4433);
  p->preferred_addr.ipv4.sin_addr.s_addr = htonl(0x0a090002);
  p->preferred_addr.cid.datalen = 12;
  memset(p->preferred_addr.cid.data, 0x77, 12);
  w.t.edited++;
}

static void update_keys(void) {
  quicmig_conn *c =
      w.t.is_client ? quicmig_client_conn(w.r.clients[0].c) : w.r.server_conn;

  w.t.edited += c && c->conn &&
                ngtcp2_conn_initiate_key_update(c->conn, w.r.world.now) == 0;
}

static const attack attacks[] = {
    {"pings", LIVES, LIVES, pings, NULL, NULL, NULL},
    {"challenges", LIVES, LIVES, challenges, NULL, NULL, NULL},
    {"wrong responses", LIVES, LIVES, wrong_responses, NULL, NULL, NULL},
    {"tokens", LIVES, ENDS, tokens, NULL, NULL, NULL},
    {"handshake done", LIVES, ENDS, dones, NULL, NULL, NULL},
    {"small limits", LIVES, LIVES, small_limits, NULL, NULL, NULL},
    {"blocked", LIVES, LIVES, blocked, NULL, NULL, NULL},
    {"too many IDs", ENDS, ENDS, too_many_ids, NULL, NULL, NULL},
    {"jumping IDs", ANYTHING, ANYTHING, jumping_ids, NULL, NULL, NULL},
    {"retires unissued IDs", ENDS, ENDS, retire_unissued, NULL, NULL, NULL},
    {"retires all IDs", ANYTHING, ANYTHING, retire_all, NULL, NULL, NULL},
    {"unknown frame", ENDS, ENDS, unknown_frame, NULL, NULL, NULL},
    {"strange stream", ENDS, ENDS, strange_stream, NULL, NULL, NULL},
    {"beyond the window", ENDS, ENDS, beyond_window, NULL, NULL, NULL},
    {"false acknowledgement", ENDS, ENDS, false_ack, NULL, NULL, NULL},
    {"crypto data far ahead", ENDS, ENDS, crypto_far, NULL, NULL, NULL},
    {"crypto data with holes", ANYTHING, ANYTHING, crypto_holes, NULL, NULL,
     NULL},
    {"short frame", ENDS, ENDS, short_frame, NULL, NULL, NULL},
    {"long reason", ENDS, ENDS, long_reason, NULL, NULL, NULL},
    {"response withheld", LIMPS, LIVES, NULL, hide_responses, NULL, NULL},
    {"response misplaced", LIVES, LIVES, NULL, misplace, NULL, NULL},
    {"no new IDs", LIMPS, LIMPS, NULL, hide_new_ids, NULL, NULL},
    {"IDs in use retired", LIVES, LIVES, NULL, retire_in_use, NULL, NULL},
    {"limit of 2 IDs", LIMPS, LIMPS, NULL, NULL, limit_2, NULL},
    {"preferred address", LIVES, LIVES, NULL, NULL, prefer, NULL},
    {"key updates", LIVES, LIVES, NULL, NULL, NULL, update_keys},
};

/* --- a play: the first client or the server is attacked --- */

static const attack *now_played;

static void put_frames(tamper *t, uint8_t *frames, size_t len) {
  uint8_t f[ROOM + 64];
  size_t n = now_played->frames(f, t->edited);

  (void)tamper_put(t, frames, len, f, n);
}

static void begin(const attack *a, uint32_t mode, bool by_client) {
  memset(&w, 0, sizeof(w));
  now_played = a;
  rig_init(&w.r, 21, false);
  sim_line_init(&w.r.world, &w.line, DELAY);
  w.r.migration.hop_interval = 3600 * SEC;
  w.r.migration.hop_mode = mode;
  w.r.client_transport.idle_timeout = w.r.server_transport.idle_timeout =
      5 * SEC;
  w.t = (tamper){.r = &w.r, .is_client = by_client, .params = a->params};
  tamper_set(&w.t);
  assert_int_equal(rig_start(&w.r, by_client ? 2 : 1), 0);
  assert_true(w.r.clients[0].is_connected);
  w.t.edit = a->frames ? put_frames : a->edit;
}

static bool is_typed(const quicmig_close_info *i) {
  return i->err == QUICMIG_ERR_PROTOCOL ||
         i->err == QUICMIG_ERR_CLOSED_BY_PEER || i->err == QUICMIG_ERR_IDLE;
}

static bool is_as(fate f, const rig_client *c, uint64_t echoed, uint32_t mode) {
  uint64_t hops = rig_stats(c).hops;

  switch (f) {
  case LIVES:
    return !c->is_closed && hops >= TIME / SEC - 2;
  case LIMPS:
    return !c->is_closed && echoed >= 90 &&
           (hops <= 7 || mode == QUICMIG_MODE_REBIND);
  case ENDS:
    return c->is_closed && is_typed(&c->close);
  case ANYTHING:
    return !c->is_closed || is_typed(&c->close);
  }
  return false;
}

static bool play(const attack *a, uint32_t mode, bool by_client) {
  size_t live[2], i;
  uint64_t echoed = 0;
  rig_client *c;
  bool is_good;

  begin(a, mode, by_client);
  c = &w.r.clients[0];
  live[0] = c->mem.live;
  live[1] = w.r.server_mem.live;
  for (i = 0; i < TIME / SEC; i++) {
    echoed = c->echoed;
    if (a->before_hop && !c->is_closed) {
      a->before_hop();
    }
    (void)quicmig_hop(quicmig_client_migrator(c->c), w.r.world.now);
    rig_run(&w.r, SEC);
  }
  echoed = c->echoed - echoed;
  w.t.edit = NULL;
  rig_finish(&w.r, SEC);
  is_good = is_as(by_client ? a->of_server : a->of_client, c, echoed, mode) &&
            (w.t.edited > 0 || a->edit) && c->mem.live < live[0] + MEMORY &&
            w.r.server_mem.live < live[1] + MEMORY &&
            (!by_client || (!w.r.clients[1].is_closed &&
                            w.r.clients[1].sent == w.r.clients[1].echoed));
  if (!is_good) {
    printf("  %s, by the %s, %s: %llu edited, %s (%s), %llu hops, %llu failed, "
           "%llu in the last second, last result %s, memory %+zd %+zd\n",
           a->name, by_client ? "client" : "server",
           mode == QUICMIG_MODE_REBIND ? "rebind" : "migrate",
           (unsigned long long)w.t.edited,
           c->is_closed ? quicmig_err_name(c->close.err) : "alive",
           c->is_closed ? c->reason : "", (unsigned long long)rig_stats(c).hops,
           (unsigned long long)rig_stats(c).hops_failed,
           (unsigned long long)echoed, quicmig_err_name(c->last.result),
           (ssize_t)(c->mem.live - live[0]),
           (ssize_t)(w.r.server_mem.live - live[1]));
  }
  tamper_set(NULL);
  rig_reset(&w.r);
  return is_good;
}

static void play_all(bool by_client) {
  unsigned bad = 0;
  size_t i;

  for (i = 0; i < COUNT_OF(attacks); i++) {
    bad += !play(&attacks[i], QUICMIG_MODE_MIGRATE, by_client);
    bad += !play(&attacks[i], QUICMIG_MODE_REBIND, by_client);
  }
  assert_int_equal(bad, 0);
}

static void test_servers(void **state) {
  (void)state;
  play_all(false);
}

static void test_clients(void **state) {
  (void)state;
  play_all(true);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_servers),
                                     cmocka_unit_test(test_clients)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
