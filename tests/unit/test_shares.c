/* udp_forward: who may have one more place of a table that parties share. */
#include "../../examples/udp_forward/shares.c"

#include "table.h"

#define PARTIES 4
#define ROOM 8
#define SECOND UINT64_C(1000000000)

typedef struct rig {
  shares s;
  share parties[PARTIES];
  share_place places[PARTIES][ROOM];
} rig;

static void set_up(rig *r, uint32_t limit) {
  *r = (rig){.s = {0}};
  assert_true(shares_init(&r->s, ROOM, limit));
}

/* A place of party i that is not held. */
static share_place *free_place(rig *r, size_t i) {
  size_t n = 0;

  while (r->places[i][n].of) {
    n++;
  }
  return &r->places[i][n];
}

/* One more for party i; false: refused. */
static bool ask(rig *r, size_t i, uint64_t now) {
  share_place *victim;

  if (!shares_may_add(&r->s, &r->parties[i], now, &victim)) {
    assert_null(victim);
    return false;
  }
  if (victim) {
    shares_remove(&r->s, victim);
  }
  shares_add(&r->s, &r->parties[i], free_place(r, i), now);
  return true;
}

/* Each party holds so many places at 0, 1, 2... s.  At `at` party `asks` asks:
 * whose place goes, the oldest of it? */
static void one_more(void **state) {
  enum { FREE = -1, REFUSED = -2 };
  static const struct {
    const char *name;
    uint32_t limit;
    uint32_t held[PARTIES];
    size_t asks;
    uint64_t at; /* s */
    int from;    /* a party */
  } rows[] = {{"empty", 8, {0}, 0, 10, FREE},
              {"room for all", 8, {5, 2}, 0, 10, FREE},
              {"its limit, with room", 5, {5, 1}, 0, 9, REFUSED},
              {"its limit, its oldest has rested", 5, {5, 1}, 0, 10, 0},
              {"a newcomer takes from the greedy", 8, {8}, 1, 8, 0},
              {"the largest pays, not the oldest", 8, {2, 5, 1}, 3, 8, 1},
              {"up to an equal part", 8, {5, 3}, 1, 8, 0},
              {"no further", 8, {4, 4}, 1, 8, REFUSED},
              {"no further, but its own that rested", 8, {4, 4}, 1, 14, 1},
              {"a difference of one is none", 8, {3, 3, 2}, 2, 9, REFUSED},
              {"the greedy asks again", 8, {7, 1}, 0, 9, REFUSED},
              {"the greedy asks again, later", 8, {7, 1}, 0, 10, 0},
              {"its limit comes first", 2, {2, 2, 2, 2}, 1, 11, REFUSED},
              {"time stands before the last use", 1, {1}, 0, 0, REFUSED}};
  size_t i, n, k;
  rig r;

  (void)state;
  for (i = 0; i < COUNT_OF(rows); i++) {
    share_place *victim, *oldest = NULL;
    uint64_t at = 0;
    bool may;

    set_up(&r, ROOM);
    for (n = 0; n < PARTIES; n++) {
      for (k = 0; k < rows[i].held[n]; k++) {
        assert_true(ask(&r, n, at++ * SECOND));
      }
    }
    r.s.limit = rows[i].limit;
    may = shares_may_add(&r.s, &r.parties[rows[i].asks], rows[i].at * SECOND,
                         &victim);
    if (rows[i].from >= 0) {
      oldest = r.parties[rows[i].from].oldest;
      row_true(&rows[i], oldest == &r.places[rows[i].from][0]);
    }
    row_equal(&rows[i], may, rows[i].from != REFUSED);
    row_true(&rows[i], victim == oldest);
    shares_reset(&r.s);
  }
}

static void the_longest_unused_goes_first(void **state) {
  static const struct {
    const char *name;
    size_t touched[6]; /* places of party 0, plus 1, in this order */
    size_t removed;    /* then, plus 1 */
    size_t goes;
  } rows[] = {{"as they came", {0}, 0, 0},
              {"the first is used", {1}, 0, 1},
              {"used twice", {1, 1}, 0, 1},
              {"the newest is used", {8}, 0, 0},
              {"one amid is used", {3, 1, 2}, 0, 3},
              {"all but one", {1, 2, 3, 4, 6, 7}, 0, 4},
              {"the oldest is gone", {1}, 2, 2},
              {"one amid is gone", {0}, 4, 0}};
  size_t i, k;
  rig r;

  (void)state;
  for (i = 0; i < COUNT_OF(rows); i++) {
    share_place *victim;

    set_up(&r, ROOM);
    for (k = 0; k < ROOM; k++) {
      assert_true(ask(&r, 0, 0));
    }
    for (k = 0; k < COUNT_OF(rows[i].touched) && rows[i].touched[k]; k++) {
      shares_touch(&r.places[0][rows[i].touched[k] - 1], k + 1);
    }
    if (rows[i].removed) {
      shares_remove(&r.s, &r.places[0][rows[i].removed - 1]);
      assert_true(ask(&r, 1, 0));
    }
    assert_true(shares_may_add(&r.s, &r.parties[1], 0, &victim));
    row_true(&rows[i], victim == &r.places[0][rows[i].goes]);
    shares_reset(&r.s);
  }
}

/* One party asks without end, another one for three places. */
static void a_greedy_party_leaves_the_others_their_part(void **state) {
  uint64_t now, refused = 0;
  size_t i;
  rig r;

  (void)state;
  set_up(&r, ROOM);
  for (now = 0; now < 1000; now++) {
    refused += !ask(&r, 0, now);
  }
  assert_int_equal(r.parties[0].count, ROOM);
  assert_int_equal(refused, 1000 - ROOM);
  for (i = 0; i < 3; i++) {
    assert_true(ask(&r, 1, now));
  }
  for (; now < 2000; now++) {
    assert_false(ask(&r, 0, now)); /* and nobody loses a place by it */
  }
  assert_int_equal(r.parties[0].count, 5);
  assert_int_equal(r.parties[1].count, 3);
  shares_reset(&r.s);
}

/* The invariants of the header, against the places themselves. */
static void check_invariants(const rig *r) {
  uint32_t held[PARTIES] = {0}, most = 0, count = 0;
  size_t i, n;

  for (i = 0; i < PARTIES; i++) {
    const share_place *p = r->parties[i].oldest;

    for (n = 0; n < ROOM; n++) {
      held[i] += r->places[i][n].of == &r->parties[i];
    }
    for (n = 0; n < held[i]; n++, p = p->newer) {
      assert_ptr_equal(p->of, &r->parties[i]);
      assert_true(!p->older || p->older->used_at <= p->used_at);
    }
    assert_true(held[i] == 0 || !p);
    assert_int_equal(r->parties[i].count, held[i]);
    most = held[i] > most ? held[i] : most;
    count += held[i];
  }
  assert_int_equal(r->s.most, most);
  assert_int_equal(r->s.count, count);
  assert_true(most == 0 || r->s.by_count[most]);
}

static void keeps_its_invariants_at_random(void **state) {
  uint64_t now;
  rig r;

  (void)state;
  srand((unsigned)test_seed());
  set_up(&r, 6);
  for (now = 0; now < 50000; now++) {
    size_t i = (size_t)rand() % PARTIES, n = (size_t)rand() % ROOM;
    share_place *p = &r.places[i][n];

    if (!p->of) {
      (void)ask(&r, i, now * SECOND / 2);
    } else if (rand() % 2 == 0) {
      shares_touch(p, now * SECOND / 2);
    } else {
      shares_remove(&r.s, p);
    }
    check_invariants(&r);
  }
  shares_reset(&r.s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_more),
      cmocka_unit_test(the_longest_unused_goes_first),
      cmocka_unit_test(a_greedy_party_leaves_the_others_their_part),
      cmocka_unit_test(keeps_its_invariants_at_random),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
