/* Where a client is, as its server knows it: statement 34, only validated
 * addresses are told (RFC 9000 section 9.3). */
#include "endpoint/tracker.h"

#include <arpa/inet.h>

#include "table.h"

#define PORT QUICMIG_MIGRATION_PORT
#define IP QUICMIG_MIGRATION_IP
#define SAME_ID QUICMIG_MIGRATION_SAME_ID

/* "a1": host 10.0.0.'a', port 1000 + 1.  'A'-'Z': the same hosts in IPv6. */
static qm_addr addr_of(const char *name) {
  qm_addr a;

  if (name[0] >= 'a') {
    qm_addr_any(&a, AF_INET);
    a.u.in.sin_addr.s_addr = htonl(0x0a000000u + (unsigned char)name[0]);
  } else {
    qm_addr_any(&a, AF_INET6);
    a.u.in6.sin6_addr.s6_addr[15] = (uint8_t)name[0];
  }
  qm_addr_set_port(&a, (uint16_t)(1000 + name[1] - '0'));
  return a;
}

/* Runs steps of four characters: "a1+7" a packet from a1 to ID 7, "a1! " a1 is
 * validated.  Returns how many moves were told; *m is the last one. */
static unsigned play(qm_tracker *t, const char *steps, quicmig_migration *m) {
  unsigned moves = 0;

  for (; *steps; steps += strlen(steps) > 4 ? 5 : 4) {
    qm_addr a = addr_of(steps);

    if (steps[2] == '+') {
      qm_tracker_on_packet(t, &a, (uint64_t)steps[3]);
    } else {
      moves += qm_tracker_on_validated(t, &a, 42, m);
    }
  }
  return moves;
}

static bool is_at(const struct sockaddr_storage *ss, const char *name) {
  qm_addr want = addr_of(name), a;

  return qm_addr_set(&a, (const struct sockaddr *)ss, sizeof(*ss)) == 0 &&
         qm_addr_is_equal(&a, &want);
}

typedef struct moves_row {
  const char *name, *steps;
  unsigned moves;
  const char *from, *to; /* of the last move */
  uint64_t flags;
} moves_row;

static const moves_row moves_rows[] = {
    {"the first address is no move", "a1+1 a1! ", 0, "", "", 0},
    {"nor is it again", "a1+1 a1!  a1+2 a1! ", 0, "", "", 0},
    {"an address that was only seen", "a1+1 a1!  b1+1", 0, "", "", 0},
    {"a hop", "a1+1 a1!  a2+2 a2! ", 1, "a1", "a2", PORT},
    {"a NAT rebinding", "a1+1 a1!  a2+1 a2! ", 1, "a1", "a2", PORT | SAME_ID},
    {"another network", "a1+1 a1!  b1+2 b1! ", 1, "a1", "b1", IP},
    {"both", "a1+1 a1!  b2+2 b2! ", 1, "a1", "b2", IP | PORT},
    {"another family", "a1+1 a1!  A1+2 A1! ", 1, "a1", "A1", IP},
    {"its ID changed in place first", "a1+1 a1!  a1+2 a2+2 a2! ", 1, "a1", "a2",
     PORT | SAME_ID},
    {"its ID changed in place first, then at the hop",
     "a1+1 a1!  a1+2 a2+3 a2! ", 1, "a1", "a2", PORT},
    {"old packets do not hide the hop", "a1+1 a1!  a2+2 a1+1 a1+1 a2! ", 1,
     "a1", "a2", PORT},
    {"two hops", "a1+1 a1!  a2+2 a2!  a3+3 a3! ", 2, "a2", "a3", PORT},
    {"there and back", "a1+1 a1!  a2+2 a2!  a1+3 a1! ", 2, "a2", "a1", PORT},
    {"back with its old ID", "a1+1 a1!  a2+2 a2!  a1+1 a1! ", 2, "a2", "a1",
     PORT},
    {"the last of two seen", "a1+1 a1!  a2+2 a3+3 a3! ", 1, "a1", "a3", PORT},
    {"the first of two seen", "a1+1 a1!  a2+2 a3+1 a2! ", 1, "a1", "a2", PORT},
    {"four strangers in between", "a1+1 a1!  a2+1 v1+9 w1+9 x1+9 a2! ", 1, "a1",
     "a2", PORT | SAME_ID},
    {"a flood costs the flag only",
     "a1+1 a1!  a2+1 v1+9 w1+9 x1+9 y1+9 z1+9 a2! ", 1, "a1", "a2", PORT},
    {"a packet of a flood is no proof",
     "a1+1 a1!  v1+1 w1+1 x1+1 y1+1 z1+1 v1+1 w1+1 x1+1", 0, "", "", 0},
};

static void tells_moves(void **state) {
  const moves_row *r;

  (void)state;
  for (EACH_ROW(r, moves_rows)) {
    qm_tracker t = {.count = 0};
    quicmig_migration m = {.size = 0};

    row_equal(r, play(&t, r->steps, &m), r->moves);
    if (r->moves == 0) {
      row_equal(r, m.size, 0);
      continue;
    }
    row_equal(r, m.size, sizeof(m));
    row_equal(r, m.count, r->moves);
    row_equal(r, m.at, 42);
    row_equal(r, m.flags, r->flags);
    row_true(r, is_at(&m.old_remote, r->from));
    row_true(r, is_at(&m.new_remote, r->to));
  }
}

/* ngtcp2 goes back to an address that it has validated before without a word:
 * the four last ones are known. */
static void remembers_where_it_was(void **state) {
  static const struct row {
    const char *name, *steps, *where;
    bool is_known;
  } rows[] = {
      {"never seen", "a1+1 a1! ", "a2", false},
      {"where it is", "a1+1 a1! ", "a1", false},
      {"seen, not validated", "a1+1 a1!  a2+2", "a2", false},
      {"one move ago", "a1+1 a1!  a2+2 a2! ", "a1", true},
      {"four moves ago", "a1+1 a1!  a2!  a3!  a4!  a5! ", "a1", true},
      {"five moves ago", "a1+1 a1!  a2!  a3!  a4!  a5!  a6! ", "a1", false},
      {"another port there", "a1+1 a1!  a2+2 a2! ", "a9", false},
  };
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    qm_tracker t = {.count = 0};
    qm_addr where = addr_of(r->where);
    quicmig_migration m;

    (void)play(&t, r->steps, &m);
    row_equal(r, qm_tracker_is_known(&t, &where), r->is_known);
  }
}

/* What a hop left behind must not colour the next one. */
static void a_thousand_hops(void **state) {
  qm_tracker t = {.count = 0};
  quicmig_migration m;
  char step[] = "a0+0 a0! ";
  unsigned i;

  (void)state;
  assert_int_equal(play(&t, "a1+1 a1! ", &m), 0);
  for (i = 0; i < 1000; i++) {
    step[1] = step[6] = (char)('2' + i % 60);
    step[3] = (char)('2' + i % 90);
    assert_int_equal(play(&t, step, &m), 1);
    assert_int_equal(m.count, i + 1);
    assert_int_equal(m.flags, PORT);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tells_moves),
      cmocka_unit_test(remembers_where_it_was),
      cmocka_unit_test(a_thousand_hops),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
