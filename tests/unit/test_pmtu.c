/* The size of packets: which probes, what proves a size, what a move keeps, and
 * when a size is given up. */
#include "endpoint/pmtu.h"

#include "table.h"

#define MS QUICMIG_MILLISECOND
#define SEC QUICMIG_SECOND
#define START (100 * SEC)
#define PTO (50 * MS)

/* The pairs' smaller halves for the default of 1452. */
enum { BEST = 1450, FIBRE = 1406, TUNNEL = 1342, LEAST = 1232 };
#define BASE QM_PMTU_BASE

static qm_pmtu searching(size_t max) {
  qm_pmtu p;

  qm_pmtu_init(&p, max);
  qm_pmtu_on_search(&p, START);
  return p;
}

/* A connection that found `size` and then moved to another port. */
static qm_pmtu moved(size_t size) {
  qm_pmtu p = searching(1452);

  qm_pmtu_on_written(&p, size + 1, START); /* BASE's is no probe */
  qm_pmtu_on_path(&p, true);
  qm_pmtu_on_search(&p, START);
  return p;
}

static const struct pairs {
  const char *name;
  size_t max;
  uint16_t pairs[5]; /* their smaller halves; 0: no more */
} pairs_rows[] = {
    {"the base", BASE, {0}},
    {"no room for a probe", 1201, {0}},
    {"a probe would be the base", 1202, {0}},
    {"one byte above the base", 1203, {1201}},
    {"the least usual one would be the sentinel", 1235, {1233}},
    {"the least usual one has room", 1236, {1234, LEAST}},
    {"the default", 1452, {BEST, FIBRE, TUNNEL, LEAST}},
    {"Ethernet, IPv4", 1472, {1470, FIBRE, TUNNEL, LEAST}},
    {"the largest", 1500, {1498, FIBRE, TUNNEL, LEAST}},
};

/* How many lengths prove something; all others change nothing. */
static size_t count_proofs(size_t max) {
  const qm_pmtu before = searching(max);
  size_t n, proofs = 0;

  for (n = 0; n <= max; n++) {
    qm_pmtu p = before;

    qm_pmtu_on_written(&p, n, START + SEC);
    proofs += p.size != BASE;
    assert_true(p.size == BASE ? memcmp(&p, &before, sizeof(p)) == 0
                               : p.size == n - 1);
  }
  return proofs;
}

static void probes_come_in_pairs(void **state) {
  const struct pairs *r;

  (void)state;
  for (EACH_ROW(r, pairs_rows)) {
    qm_pmtu p;
    size_t i;

    qm_pmtu_init(&p, r->max);
    for (i = 0; r->pairs[i]; i++) {
      row_equal(r, p.probes[2 * i], r->pairs[i]);
      row_equal(r, p.probes[2 * i + 1], r->pairs[i] + 1);
    }
    row_equal(r, p.n_probes, 2 * i);
    row_equal(r, p.size, BASE);
    row_true(r, p.wake_at == QUICMIG_NEVER && !qm_pmtu_offer(&p, START));
    row_equal(r, count_proofs(r->max), i);
    qm_pmtu_on_search(&p, START);
    row_equal(r, p.wake_at, i ? START : QUICMIG_NEVER);
    row_equal(r, qm_pmtu_offer(&p, START), i > 0);
  }
}

static void keeps_the_size_between_the_same_hosts(void **state) {
  static const struct row {
    const char *name;
    bool is_same_pair;
    size_t doubted; /* the kept size's probe was written, or nothing */
    size_t want;
  } rows[] = {
      {"another port", true, 0, BEST},
      {"another port, and was in doubt", true, BEST, BEST},
      {"another host", false, 0, BASE},
      {"another host, and was in doubt", false, BEST, BASE},
  };
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    qm_pmtu p = moved(BEST);

    qm_pmtu_on_written(&p, r->doubted, START);
    qm_pmtu_on_path(&p, r->is_same_pair);
    row_true(r, !p.is_searching && p.wake_at == QUICMIG_NEVER);
    /* Nothing is found or given up before the new path is probed. */
    qm_pmtu_on_written(&p, FIBRE + 1, START);
    qm_pmtu_check(&p, PTO, START + 60 * SEC);
    row_equal(r, p.size, r->want);
    qm_pmtu_on_search(&p, START);
    qm_pmtu_on_written(&p, LEAST + 1, START);
    row_equal(r, p.size, r->want > LEAST ? r->want : LEAST);
  }
}

/* Turns are wanted for offers at the same times, taken or not. */
static void offers_are_spaced_and_end(void **state) {
  static const quicmig_duration after[] = {0,  1,   3,   7,   15, 31,
                                           63, 127, 191, 255, 319};
  const quicmig_tstamp end = START + 15 * SEC;
  size_t i, taken;

  (void)state;
  for (taken = 0; taken < 2; taken++) {
    qm_pmtu p = searching(1452);

    for (i = 0; i < COUNT_OF(after); i++) {
      quicmig_tstamp at = START + after[i] * MS;

      assert_int_equal(p.wake_at, at);
      assert_int_equal(qm_pmtu_offer(&p, at - 1), i && !taken);
      assert_true(qm_pmtu_offer(&p, at));
      assert_true(qm_pmtu_offer(&p, at)); /* not taken yet */
      if (taken) {
        qm_pmtu_on_taken(&p);
        assert_false(qm_pmtu_offer(&p, at));
      }
    }
    /* Asked late: the pause counts from then on. */
    assert_true(qm_pmtu_offer(&p, START + SEC));
    assert_int_equal(p.wake_at, START + SEC + 64 * MS);
    /* Taken between two turns: there is another one in the next. */
    qm_pmtu_on_taken(&p);
    assert_false(qm_pmtu_offer(&p, START + SEC + 64 * MS - 1));
    assert_true(qm_pmtu_offer(&p, START + SEC + 64 * MS));
    assert_true(qm_pmtu_offer(&p, end - 1));
    assert_false(qm_pmtu_offer(&p, end));
    assert_true(!p.is_searching && p.wake_at == QUICMIG_NEVER);
    /* A new search begins close together again. */
    qm_pmtu_on_search(&p, end);
    assert_true(qm_pmtu_offer(&p, end));
    assert_int_equal(p.wake_at, end + 1 * MS);
  }
}

static const struct search {
  const char *name;
  size_t had;
  size_t written[4]; /* lengths; 0: no more */
  unsigned at[4];    /* PTOs */
  unsigned until;    /* PTOs: it is given up, or by the end; 0: never */
  size_t want;
} search_rows[] = {
    {"the first half only asks", BASE, {BEST}, {0}, 0, BASE},
    {"the best", BASE, {BEST, BEST + 1}, {0, 1}, 0, BEST},
    {"another", BASE, {BEST, FIBRE, FIBRE + 1}, {0, 5, 6}, 0, FIBRE},
    {"the least", BASE, {TUNNEL, LEAST, LEAST + 1}, {0, 5, 6}, 0, LEAST},
    {"small first", BASE, {LEAST + 1, TUNNEL + 1}, {0, 1}, 0, TUNNEL},
    {"no probe at all", BEST, {0}, {0}, 0, BEST},
    {"its own probe", BEST, {BEST}, {2}, 6, BASE},
    {"the first of three", BEST, {BEST, BEST, BEST}, {2, 3, 4}, 6, BASE},
    {"larger", FIBRE, {BEST, BEST, BEST}, {0, 1, 2}, 0, FIBRE},
    {"larger, then its own", FIBRE, {BEST, FIBRE}, {0, 5}, 9, BASE},
    {"its own, then larger", FIBRE, {FIBRE, BEST}, {1, 2}, 0, FIBRE},
    {"larger, amidst", FIBRE, {FIBRE, BEST, FIBRE}, {1, 2, 3}, 7, BASE},
    {"smaller", BEST, {TUNNEL}, {2}, 0, BEST},
    {"proven", BEST, {BEST, BEST + 1}, {2, 5}, 0, BEST},
    {"the least is proven", LEAST, {LEAST, LEAST + 1}, {2, 5}, 0, LEAST},
    {"proven, then its own", FIBRE, {FIBRE + 1, FIBRE}, {1, 2}, 0, FIBRE},
    {"a larger one is proven", LEAST, {LEAST, FIBRE + 1}, {1, 2}, 0, FIBRE},
    {"a smaller one is proven", BEST, {BEST, TUNNEL + 1}, {2, 5}, 6, TUNNEL},
    {"a smaller one alone", BEST, {TUNNEL, TUNNEL + 1}, {1, 2}, 0, BEST},
};

static qm_pmtu run(const struct search *r) {
  qm_pmtu p = moved(r->had);
  size_t i;

  qm_pmtu_check(&p, PTO, START);
  for (i = 0; i < COUNT_OF(r->written) && r->written[i]; i++) {
    qm_pmtu_on_written(&p, r->written[i], START + r->at[i] * PTO);
  }
  return p;
}

static void unanswered_sizes_are_given_up(void **state) {
  const struct search *r;

  (void)state;
  for (EACH_ROW(r, search_rows)) {
    quicmig_tstamp until = START + (r->until ? r->until : 100) * PTO;
    qm_pmtu p = run(r);
    size_t before = p.size;

    row_equal(r, before, r->want > r->had ? r->want : r->had);
    qm_pmtu_check(&p, PTO, until - 1);
    row_equal(r, p.size, before);
    qm_pmtu_check(&p, PTO, until);
    row_equal(r, p.size, r->want);
    row_equal(r, qm_pmtu_offer(&p, until), p.proven < BEST);
    /* The search goes on, and what it finds counts. */
    qm_pmtu_on_written(&p, BEST + 1, until);
    row_equal(r, p.size, BEST);
    /* A search may end before: with a doubt is with a no. */
    p = run(r);
    row_true(r, !qm_pmtu_offer(&p, START + 15 * SEC));
    row_equal(r, p.size, r->want);
  }
}

/* The longest PTO since the search began counts, of this search alone. */
static void patience_follows_the_longest_pto(void **state) {
  qm_pmtu p = moved(BEST);

  (void)state;
  qm_pmtu_check(&p, SEC, START);
  qm_pmtu_on_search(&p, START);
  qm_pmtu_check(&p, 100 * MS, START);
  qm_pmtu_on_written(&p, BEST, START);
  qm_pmtu_check(&p, 20 * MS, START + 400 * MS - 1); /* it was longer */
  qm_pmtu_check(&p, 200 * MS, START + 400 * MS);    /* it becomes longer */
  qm_pmtu_check(&p, 20 * MS, START + 800 * MS - 1);
  assert_int_equal(p.size, BEST);
  qm_pmtu_check(&p, 20 * MS, START + 800 * MS);
  assert_int_equal(p.size, BASE);
}

/* ngtcp2_pmtud.c of ngtcp2 1.11, over a path that carries `mtu` bytes and loses
 * the first probes of each size. */
typedef struct prober {
  quicmig_duration pto;
  size_t mtu, lost, max, fail, i, sent, low; /* of data packets' sizes */
  quicmig_tstamp expiry, answer;
} prober;

static void next_probe(prober *g, const qm_pmtu *p) {
  do {
    g->i++;
  } while (g->i < p->n_probes &&
           (p->probes[g->i] <= g->max || p->probes[g->i] >= g->fail));
  g->sent = 0;
  g->expiry = g->answer = QUICMIG_NEVER;
}

static void turn(prober *g, qm_pmtu *p, quicmig_tstamp now) {
  size_t n, room;

  if (now >= g->answer) {
    g->max = p->probes[g->i];
    next_probe(g, p);
  } else if (now >= g->expiry && g->sent == 3) {
    g->fail = p->probes[g->i];
    next_probe(g, p);
  } else if (now >= g->expiry) {
    g->expiry = QUICMIG_NEVER;
  }
  qm_pmtu_check(p, g->pto, now);
  room = qm_pmtu_offer(p, now) ? p->max : p->size;
  g->low = p->size < g->low ? p->size : g->low;
  n = g->i < p->n_probes ? p->probes[g->i] : SIZE_MAX;
  if (g->expiry != QUICMIG_NEVER || n > room) {
    return; /* nothing to say, or no room for it */
  }
  qm_pmtu_on_taken(p); /* changes nothing if there was no offer */
  qm_pmtu_on_written(p, n, now);
  g->expiry = now + (++g->sent < 3 ? g->pto : 3 * g->pto);
  if (n <= g->mtu && g->sent > g->lost) {
    g->answer = now + g->pto / 3;
  }
}

/* One search after a hop; ngtcp2 takes `known` for granted. */
static qm_pmtu search(size_t had, size_t known, prober *g) {
  qm_pmtu p = moved(had);
  quicmig_tstamp now;

  g->max = known;
  g->low = g->fail = g->i = SIZE_MAX;
  next_probe(g, &p); /* the first one */
  for (now = START; p.is_searching;
       now = qm_time_min(p.wake_at, qm_time_min(g->expiry, g->answer))) {
    turn(g, &p, now);
  }
  return p;
}

static const size_t sizes[] = {BEST, FIBRE, TUNNEL, LEAST, BASE};
static const unsigned ptos[] = {2, 27, 300, 1024, 2000}; /* ms */

/* How many searches go wrong. */
static size_t count_bad(size_t had, size_t want, bool is_rebind) {
  size_t k, bad = 0;

  for (k = 0; k < COUNT_OF(ptos) * 6; k++) {
    prober g = {.pto = ptos[k / 6] * MS, .mtu = want + k % 2, .lost = k % 3};
    qm_pmtu p = search(had, is_rebind ? had + 1 : BASE, &g);

    if (p.size > want || (g.pto <= 300 * MS && p.size < want) ||
        /* ngtcp2's PTO is never below max_ack_delay, 25 ms */
        (had <= want && g.pto > 25 * MS && !g.lost && g.low < had)) {
      print_error("PTO %u ms, %zu lost, %zu to %zu%s: %u, once %zu\n",
                  ptos[k / 6], g.lost, had, g.mtu, is_rebind ? ", REBIND" : "",
                  p.size, g.low);
      bad++;
    }
  }
  return bad;
}

/* And what it carries is not given up meanwhile.  A peer's REBIND leaves
 * ngtcp2 with the size that it knew: it probes larger ones, if any. */
static void ends_with_what_the_path_carries(void **state) {
  size_t k, n = COUNT_OF(sizes), bad = 0;

  (void)state;
  for (k = 0; k < n * n; k++) {
    size_t had = sizes[k / n], carries = sizes[k % n];

    bad += count_bad(had, carries, false);
    bad += had <= carries ? count_bad(had, carries, true) : 0;
  }
  assert_int_equal(bad, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(probes_come_in_pairs),
      cmocka_unit_test(keeps_the_size_between_the_same_hosts),
      cmocka_unit_test(offers_are_spaced_and_end),
      cmocka_unit_test(unanswered_sizes_are_given_up),
      cmocka_unit_test(patience_follows_the_longest_pto),
      cmocka_unit_test(ends_with_what_the_path_carries),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
