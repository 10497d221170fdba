/* Connection IDs and whose they are: statement 30, every issued ID works until
 * it is retired (RFC 9000 section 5.1.1), and is known as such afterwards. */
#include "endpoint/cidtable.h"

#include "base/rng.h"
#include "table.h"

#define IDS 2000
#define OWNERS 50

static const uint64_t some_seed[2] = {0x1234, 0x5678};

/* Counts allocations; fails the n-th one and all later ones. */
typedef struct counter {
  unsigned calls, fail_from;
  size_t live; /* allocations */
} counter;

static bool fails(counter *c) { return ++c->calls >= c->fail_from; }

static void *count_malloc(size_t n, void *arg) {
  counter *c = arg;
  bool is_failing = fails(c);

  c->live += !is_failing;
  return is_failing ? NULL : malloc(n);
}

static void *count_calloc(size_t n, size_t size, void *arg) {
  counter *c = arg;
  bool is_failing = fails(c);

  c->live += !is_failing;
  return is_failing ? NULL : calloc(n, size);
}

static void count_free(void *p, void *arg) {
  ((counter *)arg)->live -= p != NULL;
  free(p);
}

static quicmig_mem counting(counter *c) {
  return (quicmig_mem){.user_data = c,
                       .malloc = count_malloc,
                       .free = count_free,
                       .calloc = count_calloc};
}

/* A connection, as far as the table knows it. */
typedef struct owner {
  qm_cid_set ids;
} owner;

static void open_owner(owner *o) { qm_cid_set_init(&o->ids); }

static void open_table(qm_cidtable *t) {
  qm_cidtable_init(t, &qm_mem_default, some_seed);
}

static void *owner_of(qm_cidtable *t, const void *id, size_t len) {
  const qm_cid_entry *e = qm_cidtable_find(t, id, len);

  return e && !e->is_retired ? e->owner : NULL;
}

static size_t count(const qm_list *ids) {
  const qm_list *l;
  size_t n = 0;

  for (l = ids->next; l != ids; l = l->next) {
    n++;
  }
  return n;
}

static void tells_ids_apart(void **state) {
  static const struct row {
    const char *name;
    const char *a, *b;
    size_t a_len, b_len;
  } rows[] = {
      {"the last byte", "abcdefgh", "abcdefgi", 8, 8},
      {"the first byte", "abcdefgh", "bbcdefgh", 8, 8},
      {"a prefix", "abcdefgh", "abcdefgh", 8, 7},
      {"zeroes at the end", "a\0\0\0", "a\0\0\0", 4, 3},
      {"the empty ID", "", "\0", 0, 1},
      {"the longest", "01234567890123456789", "0123456789012345678x", 20, 20},
      {"across words", "0123456789abcdefXX", "0123456789abcdefXY", 18, 18},
  };
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    const uint8_t *a = (const uint8_t *)r->a, *b = (const uint8_t *)r->b;
    qm_cidtable t;
    owner x, y;

    open_table(&t);
    open_owner(&x);
    open_owner(&y);
    row_true(r, !qm_cidtable_find(&t, a, r->a_len)); /* in an empty table */
    qm_cidtable_retire(&t, a, r->a_len, &x, &x.ids);
    row_equal(r, qm_cidtable_add(&t, a, r->a_len, &x, &x.ids), 0);
    row_true(r, !qm_cidtable_find(&t, b, r->b_len));
    row_equal(r, qm_cidtable_add(&t, b, r->b_len, &y, &y.ids), 0);
    row_true(r, owner_of(&t, a, r->a_len) == &x);
    row_true(r, owner_of(&t, b, r->b_len) == &y);
    qm_cidtable_retire(&t, b, r->b_len, &y, &y.ids);
    row_true(r, owner_of(&t, a, r->a_len) == &x);
    row_true(r, !owner_of(&t, b, r->b_len));
    qm_cidtable_reset(&t);
  }
}

/* A long header may carry 255 bytes of ID (RFC 8999 section 5.1). */
static void knows_no_id_longer_than_20(void **state) {
  uint8_t id[255] = {0};
  qm_cidtable t;
  owner o;
  size_t len;

  (void)state;
  open_table(&t);
  open_owner(&o);
  assert_int_equal(qm_cidtable_add(&t, id, 20, &o, &o.ids), 0);
  for (len = 21; len <= sizeof(id); len++) {
    assert_null(qm_cidtable_find(&t, id, len));
    qm_cidtable_retire(&t, id, len, &o, &o.ids);
  }
  assert_int_equal(t.len, 1);
  qm_cidtable_reset(&t);
}

static void an_id_belongs_to_one(void **state) {
  const uint8_t id[8] = "the one";
  qm_cidtable t;
  owner a, b;

  (void)state;
  open_table(&t);
  open_owner(&a);
  open_owner(&b);
  assert_int_equal(qm_cidtable_add(&t, id, 8, &a, &a.ids), 0);
  assert_int_equal(qm_cidtable_add(&t, id, 8, &b, &b.ids),
                   QUICMIG_ERR_INVALID_ARGUMENT);
  assert_int_equal(qm_cidtable_add(&t, id, 8, &a, &a.ids),
                   QUICMIG_ERR_INVALID_ARGUMENT);
  assert_int_equal(count(&a.ids.used), 1);
  assert_int_equal(count(&b.ids.used), 0);
  qm_cidtable_retire(&t, id, 8, &b, &b.ids); /* not b's */
  assert_ptr_equal(owner_of(&t, id, 8), &a);
  qm_cidtable_retire(&t, id, 8, &a, &a.ids);
  qm_cidtable_retire(&t, id, 8, &a, &a.ids); /* twice */
  assert_true(qm_cidtable_find(&t, id, 8)->is_retired);
  assert_int_equal(t.len, 1);
  assert_int_equal(count(&a.ids.used), 0);
  assert_int_equal(a.ids.n_retired, 1);
  assert_int_equal(qm_cidtable_add(&t, id, 8, &b, &b.ids),
                   QUICMIG_ERR_INVALID_ARGUMENT);
  qm_cidtable_forget(&t, &a.ids);
  assert_null(qm_cidtable_find(&t, id, 8));
  assert_int_equal(t.len, 0);
  qm_cidtable_reset(&t);
}

typedef struct model {
  uint8_t ids[IDS][12];
  int owner[IDS]; /* -1: not in the table */
  owner owners[OWNERS];
  size_t len;
} model;

static void draw(model *m, size_t i, qm_rng *rng) {
  size_t k;

  for (k = 0; k < sizeof(m->ids[i]); k++) {
    m->ids[i][k] = (uint8_t)qm_rng_range(rng, 0, 255);
  }
  m->owner[i] = -1;
}

static void change(qm_cidtable *t, model *m, qm_rng *rng) {
  size_t i = (size_t)qm_rng_range(rng, 0, IDS - 1), k;
  int o = (int)qm_rng_range(rng, 0, OWNERS - 1);
  owner *own = &m->owners[o];

  if (qm_rng_range(rng, 0, 199) == 0) { /* a connection ends */
    qm_cidtable_forget(t, &own->ids);
    for (k = 0; k < IDS; k++) {
      if (m->owner[k] == o) {
        m->owner[k] = -1;
        m->len--;
      }
    }
  } else if (m->owner[i] < 0) {
    assert_int_equal(qm_cidtable_add(t, m->ids[i], 12, own, &own->ids), 0);
    m->owner[i] = o;
    m->len++;
  } else {
    owner *of = &m->owners[m->owner[i]];

    qm_cidtable_retire(t, m->ids[i], 12, of, &of->ids);
    assert_true(qm_cidtable_find(t, m->ids[i], 12)->is_retired);
    draw(m, i, rng); /* an ID is never used again */
    m->len--;
  }
}

static void check(qm_cidtable *t, const model *m) {
  size_t i, retired = 0;

  for (i = 0; i < OWNERS; i++) {
    assert_int_equal(count(&m->owners[i].ids.retired),
                     m->owners[i].ids.n_retired);
    assert_true(m->owners[i].ids.n_retired <= QM_CID_TOMBSTONES);
    retired += m->owners[i].ids.n_retired;
  }
  assert_int_equal(t->len, m->len + retired);
  for (i = 0; i < IDS; i++) {
    assert_ptr_equal(owner_of(t, m->ids[i], 12),
                     m->owner[i] < 0 ? NULL : &m->owners[m->owner[i]]);
  }
}

static void agrees_with_a_model(void **state) {
  static model m;
  qm_cidtable t;
  qm_rng rng;
  size_t i;

  (void)state;
  qm_rng_init(&rng, test_seed());
  open_table(&t);
  for (i = 0; i < IDS; i++) {
    draw(&m, i, &rng);
  }
  for (i = 0; i < OWNERS; i++) {
    open_owner(&m.owners[i]);
  }
  for (i = 0; i < 20000; i++) {
    change(&t, &m, &rng);
    if (i % 500 == 0) {
      check(&t, &m);
    }
  }
  check(&t, &m);
  qm_cidtable_reset(&t);
}

static void hop(qm_cidtable *t, owner *o, uint64_t *oldest, uint64_t *id) {
  qm_cidtable_retire(t, (const uint8_t *)oldest, sizeof(*oldest), o, &o->ids);
  assert_int_equal(
      qm_cidtable_add(t, (const uint8_t *)id, sizeof(*id), o, &o->ids), 0);
  (*oldest)++;
  (*id)++;
}

/* Each hop brings a new ID and retires an old one.  Once there are as many
 * tombstones as may be, nothing is allocated for it, and the oldest goes. */
static void hops_allocate_nothing(void **state) {
  counter c = {.fail_from = UINT32_MAX};
  quicmig_mem mem = counting(&c);
  uint64_t id = 0, oldest = 0;
  unsigned before;
  qm_cidtable t;
  owner o;

  (void)state;
  open_owner(&o);
  qm_cidtable_init(&t, &mem, some_seed);
  for (; id < 8; id++) {
    assert_int_equal(
        qm_cidtable_add(&t, (const uint8_t *)&id, sizeof(id), &o, &o.ids), 0);
  }
  while (oldest <= QM_CID_TOMBSTONES) {
    hop(&t, &o, &oldest, &id);
  }
  before = c.calls;
  while (id < 10000) {
    hop(&t, &o, &oldest, &id);
  }
  assert_int_equal(c.calls, before);
  assert_int_equal(count(&o.ids.used), 8);
  assert_int_equal(t.len, 8 + QM_CID_TOMBSTONES);
  oldest -= QM_CID_TOMBSTONES;
  assert_true(qm_cidtable_find(&t, (uint8_t *)&oldest, 8)->is_retired);
  oldest--;
  assert_null(qm_cidtable_find(&t, (uint8_t *)&oldest, 8));
  qm_cidtable_reset(&t);
}

/* What a crowd took is given back when it has gone. */
static void a_crowd_leaves_nothing(void **state) {
  enum { CROWD = 20000 };
  counter c = {.fail_from = UINT32_MAX};
  quicmig_mem mem = counting(&c);
  uint64_t id;
  qm_cidtable t;
  owner few, crowd[8];
  size_t i;

  (void)state;
  qm_cidtable_init(&t, &mem, some_seed);
  open_owner(&few);
  for (i = 0; i < COUNT_OF(crowd); i++) {
    open_owner(&crowd[i]);
  }
  for (id = 0; id < CROWD; id++) {
    owner *o = id % 1000 ? &crowd[id % COUNT_OF(crowd)] : &few;

    assert_int_equal(
        qm_cidtable_add(&t, (const uint8_t *)&id, sizeof(id), o, &o->ids), 0);
  }
  assert_true(c.live > CROWD);
  for (i = 0; i < COUNT_OF(crowd); i++) {
    qm_cidtable_forget(&t, &crowd[i].ids);
  }
  assert_int_equal(t.len, CROWD / 1000);
  assert_true(c.live < 100);
  assert_true(t.cap <= 2048); /* it shrinks as they go */
  for (id = 0; id < CROWD; id += 1000) {
    assert_ptr_equal(owner_of(&t, &id, sizeof(id)), &few);
  }
  qm_cidtable_reset(&t);
  assert_int_equal(c.live, 0);
}

/* Without memory an ID is refused, or the chains get longer; what is in stays
 * findable. */
static void survives_want_of_memory(void **state) {
  unsigned fail_from;

  (void)state;
  for (fail_from = 1; fail_from < 400; fail_from++) {
    counter c = {.fail_from = fail_from};
    quicmig_mem mem = counting(&c);
    uint64_t id, i, added = 0;
    qm_cidtable t;
    owner o;
    int rv;

    open_owner(&o);
    qm_cidtable_init(&t, &mem, some_seed);
    for (id = 0; id < 300; id++) {
      rv = qm_cidtable_add(&t, (const uint8_t *)&id, sizeof(id), &o, &o.ids);
      assert_true(rv == 0 || rv == QUICMIG_ERR_NOMEM);
      assert_true(rv != 0 || added == id); /* no room comes back */
      added += rv == 0;
      assert_int_equal(rv == 0, owner_of(&t, (uint8_t *)&id, 8) == &o);
    }
    assert_int_equal(t.len, added);
    assert_int_equal(count(&o.ids.used), added);
    for (i = 0; i < added; i++) {
      assert_ptr_equal(owner_of(&t, (uint8_t *)&i, 8), &o);
    }
    qm_cidtable_reset(&t);
  }
}

/* Clients choose the ID of their first packet: without the seeds they cannot
 * tell which ones collide. */
static void the_seeds_decide_the_hash(void **state) {
  uint64_t id, same[2] = {0, 0};
  qm_cidtable t[3];
  owner o[3];
  size_t k;

  (void)state;
  qm_cidtable_init(&t[0], &qm_mem_default, (const uint64_t[2]){1, 2});
  qm_cidtable_init(&t[1], &qm_mem_default, (const uint64_t[2]){3, 2});
  qm_cidtable_init(&t[2], &qm_mem_default, (const uint64_t[2]){1, 3});
  for (k = 0; k < 3; k++) {
    open_owner(&o[k]);
    for (id = 0; id < 1000; id++) {
      assert_int_equal(
          qm_cidtable_add(&t[k], (const uint8_t *)&id, 8, &o[k], &o[k].ids), 0);
    }
  }
  for (id = 0; id < 1000; id++) {
    uint64_t h = qm_cidtable_find(&t[0], (uint8_t *)&id, 8)->hash & 1023;

    same[0] += h == (qm_cidtable_find(&t[1], (uint8_t *)&id, 8)->hash & 1023);
    same[1] += h == (qm_cidtable_find(&t[2], (uint8_t *)&id, 8)->hash & 1023);
  }
  assert_true(same[0] < 20 && same[1] < 20);
  for (k = 0; k < 3; k++) {
    qm_cidtable_reset(&t[k]);
  }
}

/* IDs that a stranger makes without knowing the seeds, as many as he likes. */
#define CHOSEN 4096

/* With a product and a shift as the hash, the topmost bits of the first word
 * turn known bits of the state, which the second word turns back. */
static size_t cancel_bits(uint8_t id[20], uint64_t i) {
  uint64_t words[2] = {(i & 63) << 58, (i >> 6) << 58 | (i >> 6) << 29};

  memcpy(id, words, sizeof(words));
  return sizeof(words);
}

/* With the length in the first word, and zeroes behind the end, an ID of 9 to
 * 16 bytes is eight IDs. */
static size_t pad_with_zeroes(uint8_t id[20], uint64_t i) {
  size_t len = 9 + (i & 7);
  uint64_t word = (i >> 3) << 8 | len;

  memset(id, 0, 20);
  memcpy(id, &word, sizeof(word));
  return len;
}

static size_t count_up(uint8_t id[20], uint64_t i) {
  memset(id, 0, 12);
  memcpy(id, &i, sizeof(i));
  return 12;
}

static size_t longest_chain(const qm_cidtable *t) {
  size_t i, longest = 0;

  for (i = 0; i < t->cap; i++) {
    const qm_cid_entry *e = t->buckets[i];
    size_t n = 0;

    for (; e; e = e->next) {
      n++;
    }
    longest = n > longest ? n : longest;
  }
  return longest;
}

/* A table of 4,096 in as many buckets has a chain of about seven.  With a hash
 * by multiplication the first row made chains of 64, and the second one of 16,
 * whatever the seeds. */
static void strangers_cannot_make_ids_collide(void **state) {
  static const struct row {
    const char *name;
    size_t (*make)(uint8_t id[20], uint64_t i);
  } rows[] = {
      {"another length with zeroes at the end", pad_with_zeroes},
      {"topmost bits that the next word cancels", cancel_bits},
      {"a counter", count_up},
  };
  const struct row *r;
  qm_rng rng;

  (void)state;
  qm_rng_init(&rng, test_seed());
  for (EACH_ROW(r, rows)) {
    int round;

    for (round = 0; round < 5; round++) {
      uint64_t seed[2] = {qm_rng_next(&rng), qm_rng_next(&rng)}, i;
      qm_cidtable t;
      owner o;

      open_owner(&o);
      qm_cidtable_init(&t, &qm_mem_default, seed);
      for (i = 0; i < CHOSEN; i++) {
        uint8_t id[20];
        size_t len = r->make(id, i);

        row_equal(r, qm_cidtable_add(&t, id, len, &o, &o.ids), 0);
      }
      row_true(r, longest_chain(&t) <= 12);
      qm_cidtable_reset(&t);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tells_ids_apart),
      cmocka_unit_test(knows_no_id_longer_than_20),
      cmocka_unit_test(an_id_belongs_to_one),
      cmocka_unit_test(agrees_with_a_model),
      cmocka_unit_test(hops_allocate_nothing),
      cmocka_unit_test(a_crowd_leaves_nothing),
      cmocka_unit_test(survives_want_of_memory),
      cmocka_unit_test(the_seeds_decide_the_hash),
      cmocka_unit_test(strangers_cannot_make_ids_collide),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
