/*
 * Packets on their way to the kernel.  The rows spell packets as letters and
 * what happens to them as a script; what left the queue is spelled in the same
 * letters, "." after each message and " " after each call of the kernel.
 */
#include "io/txq.h"

#include <stdio.h>

#include "table.h"

static const struct kind {
  char letter;
  uint32_t tag;
  size_t len;
  uint8_t ecn;
  uint16_t remote, local; /* ports */
  bool is_alone;          /* may_group false */
} kinds[] = {
    {'A', 1, 1200, 0, 1, 1, false}, {'a', 1, 700, 0, 1, 1, false},
    {'B', 2, 1200, 0, 1, 1, false}, {'b', 2, 700, 0, 1, 1, false},
    {'G', 1, 1400, 0, 1, 1, false}, /* grown */
    {'M', 1, 1200, 2, 1, 1, false}, /* marked */
    {'m', 1, 700, 2, 1, 1, false},  {'C', 1, 1200, 3, 1, 1, false},
    {'R', 1, 1200, 0, 2, 1, false}, /* another remote address */
    {'L', 1, 1200, 0, 1, 2, false}, /* another local address */
    {'X', 1, 1200, 0, 1, 1, true},  {'0', 1, 0, 0, 1, 1, false},
    {'t', 1, 100, 0, 1, 1, false}, /* tiny */
    {'o', 1, 1, 0, 1, 1, false},
};

typedef struct fixture {
  qm_txq queues[2], *q; /* q: the one in use */
  uint8_t *bufs[2];
  const char *name, *packets; /* of the row */
  size_t taken;               /* of them */
  char log[512];
  size_t len; /* of log */
} fixture;

static const struct kind *kind_of(char letter) {
  const struct kind *k;

  for (EACH_ROW(k, kinds)) {
    if (k->letter == letter) {
      return k;
    }
  }
  fail_msg("no packet '%c'", letter);
  return NULL;
}

static void set_buf(fixture *f, size_t i, size_t cap) {
  free(f->bufs[i]);
  f->bufs[i] = malloc(cap ? cap : 1); /* a sanitizer sees one byte more */
  assert_non_null(f->bufs[i]);
  qm_txq_init(&f->queues[i], f->bufs[i], cap);
}

/* A packet's bytes follow from its number. */
static uint8_t byte_at(size_t number, size_t i) {
  return (uint8_t)(number * 37 + i * 3 + 1);
}

static void add(qm_txq *q, size_t number, const struct kind *k) {
  qm_msg like = {.family = AF_INET, .ecn = k->ecn};
  uint8_t *room = qm_txq_room(q);
  size_t i;

  assert_non_null(room);
  qm_addr_any(&like.remote, AF_INET);
  qm_addr_any(&like.local, AF_INET);
  qm_addr_set_port(&like.remote, k->remote);
  qm_addr_set_port(&like.local, k->local);
  memset(room, 0xee, QUICMIG_MAX_PKTLEN); /* all of it is ours */
  for (i = 0; i < k->len; i++) {
    room[i] = byte_at(number, i);
  }
  qm_txq_add(q, k->tag, &like, k->len, !k->is_alone);
}

/* A message as it would be sent: the next packets, whole. */
static void check_msg(const fixture *f, const qm_msg *m) {
  size_t n = qm_msg_count(m), i, j, len;

  assert_true(n <= QM_SEGMENTS_MAX && m->len <= QM_GSO_BYTES);
  for (i = 0; i < n; i++) {
    const struct kind *k = kind_of(f->packets[f->taken + i]);
    const uint8_t *data = qm_msg_at(m, i, &len);

    assert_int_equal(len, k->len);
    assert_int_equal(qm_txq_tag(f->q), k->tag);
    assert_true(m->ecn == k->ecn || m->ecn == 0);
    assert_int_equal(qm_addr_port(&m->remote), k->remote);
    assert_int_equal(qm_addr_port(&m->local), k->local);
    assert_int_equal(m->family, AF_INET);
    for (j = 0; j < len; j++) {
      assert_int_equal(data[j], byte_at(f->taken + i, j));
    }
  }
}

static void say(fixture *f, const char *text, size_t len) {
  f->len += (size_t)snprintf(f->log + f->len, sizeof(f->log) - f->len, "%.*s",
                             (int)len, text);
  assert_true(f->len < sizeof(f->log));
}

/* The kernel takes n of the messages; 0: all that are shown. */
static void take(fixture *f, size_t n) {
  size_t shown, i;
  const qm_msg *m = qm_txq_front(f->q, &shown);

  assert_true(shown >= 1 && n <= shown);
  n = n ? n : shown;
  for (i = 0; i < n; i++, m++) {
    const char *from = f->packets + f->taken;

    check_msg(f, m);
    say(f, "~", m->ecn == 0 && kind_of(*from)->ecn);
    say(f, from, qm_msg_count(m));
    say(f, ".", 1);
    f->taken += qm_msg_count(m);
  }
  say(f, " ", 1);
  qm_txq_on_sent(f->q, n);
}

static void drop(fixture *f) {
  size_t n = qm_txq_drop(f->q);
  char text[16];

  (void)snprintf(text, sizeof(text), "-%zu ", n);
  say(f, text, strlen(text));
  f->taken += n;
}

/* Into a queue with just the room that it needs. */
static void move(fixture *f) {
  size_t other = f->q == &f->queues[0], want = 0, i;
  qm_txq *to = &f->queues[other];

  for (i = f->taken; f->packets[i]; i++) {
    want += kind_of(f->packets[i])->len;
  }
  row_equal(f, qm_txq_rest(f->q), want);
  set_buf(f, other, want);
  qm_txq_move(f->q, to);
  row_true(f, qm_txq_is_empty(f->q));
  row_equal(f, qm_txq_is_empty(to), f->packets[f->taken] == '\0');
  f->q = to;
}

static void perform(fixture *f, char step) {
  switch (step) {
  case 's':
    take(f, 0);
    break;
  case 'x':
    qm_txq_split(f->q);
    break;
  case 'u':
    qm_txq_unmark(f->q);
    break;
  case 'd':
    drop(f);
    break;
  case 'm':
    move(f);
    break;
  default:
    take(f, (size_t)(step - '0'));
  }
}

struct row {
  const char *name, *packets;
  /* 1-9: so many messages are taken; s: all shown; x: split; u: unmark; d:
   * drop; m: move.  What is left then is taken. */
  const char *script;
  const char *want;
};

static void check(const struct row *r) {
  fixture f = {.name = r->name, .packets = r->packets};
  const char *p;
  size_t i;

  f.q = &f.queues[0];
  set_buf(&f, 0, QM_TXQ_BYTES + 100000); /* more than one message takes */
  row_true(r, qm_txq_is_empty(f.q) && qm_txq_rest(f.q) == 0);
  for (i = 0; r->packets[i]; i++) {
    add(f.q, i, kind_of(r->packets[i]));
  }
  for (p = r->script; *p; p++) {
    perform(&f, *p);
  }
  while (!qm_txq_is_empty(f.q)) {
    take(&f, 0);
  }
  row_string(r, f.log, r->want);
  row_equal(r, f.taken, strlen(r->packets));
  row_equal(r, qm_txq_rest(f.q), 0);
  row_true(r, f.q->cap < QUICMIG_MAX_PKTLEN || qm_txq_room(f.q) == f.q->buf);
  free(f.bufs[0]);
  free(f.bufs[1]);
}

#define T8 "tttttttt"
#define T64 T8 T8 T8 T8 T8 T8 T8 T8
#define G10 "GGGGGGGGGG"

static void groups_what_is_alike(void **state) {
  static const struct row rows[] = {
      {"nothing", "", "", ""},
      {"of a size", "AAAA", "", "AAAA. "},
      {"a shorter one is the last", "AAa", "", "AAa. "},
      {"and closes the message", "AaA", "", "A.a.A. "},
      {"also to its like", "Aaaa", "", "A.aaa. "},
      {"a longer one begins another", "AGGA", "", "A.GGA. "},
      {"longer each time", "aAG", "", "a.A.G. "},
      {"shorter each time", "GAat", "", "G.A.a.t. "},
      {"another tag", "AABBA", "", "AA. BB. A. "},
      {"another ECN mark", "AAMM", "", "AA.MM. "},
      {"ECT and CE", "MMCC", "", "MM.CC. "},
      {"another remote address", "ARRA", "", "A.RR.A. "},
      {"another local address", "ALLA", "", "A.LL.A. "},
      {"the socket does no GSO", "XX", "", "X.X. "},
      {"no more from now on", "AAX", "", "AA.X. "},
      {"nothing in it", "0", "", "0. "},
      {"nothing in it, between", "A0A", "", "A.0.A. "},
      {"nothing in it, twice", "00", "", "0.0. "},
      {"one byte is something", "Aoo", "", "A.oo. "},
      {"64", T64, "", T64 ". "},
      {"65", T64 "t", "", T64 ".t. "},
      {"64, the last is shorter", T64 "o", "", T64 ".o. "},
      {"63 and a shorter one", T8 T8 T8 T8 T8 T8 T8 "tttttttoo", "",
       T8 T8 T8 T8 T8 T8 T8 "ttttttto.o. "},
      {"65487 bytes hold 46 of 1400", G10 G10 G10 G10 "GGGGGGG", "",
       G10 G10 G10 G10 "GGGGGG.G. "},
      {"and a short one", G10 G10 G10 G10 "GGGGGGaa", "",
       G10 G10 G10 G10 "GGGGGGa.a. "},
      {"and the tiny one that fits", G10 G10 G10 G10 "GGGGGGtA", "",
       G10 G10 G10 G10 "GGGGGGt.A. "},
  };
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    check(r);
  }
}

static void follows_the_kernel(void **state) {
  static const struct row rows[] = {
      {"one of three", "aAG", "1", "a. A.G. "},
      {"two of three", "aAG", "2", "a.A. G. "},
      {"one by one", "aAG", "111", "a. A. G. "},
      {"all of a tag", "aABb", "s", "a.A. B.b. "},
      {"split", "AAa", "x", "A. A. a. "},
      {"split, the next is whole", "AAGG", "x", "A. A. GG. "},
      {"split, another tag follows", "AaBB", "x", "A. a. BB. "},
      {"split one", "AG", "x", "A. G. "},
      {"split nothing", "0A", "x", "0. A. "},
      {"split twice", "AAA", "x1x", "A. A. A. "},
      {"split the second", "aAAA", "1x", "a. A. A. A. "},
      {"split both", "AAGG", "x11x", "A. A. G. G. "},
      {"unmark", "MMm", "u", "~MMm. "},
      {"unmark the first alone", "MmMm", "u", "~M.m.M.m. "},
      {"unmark and split", "MMM", "ux", "~M. ~M. ~M. "},
      {"split and unmark", "MMMCC", "xu", "~M. ~M. ~M. CC. "},
      {"unmark the rest", "MMM", "x1u", "M. ~M. ~M. "},
      {"unmark the last", "MMC", "x1u", "M. ~M. C. "},
      {"drop one", "AG", "d", "-1 G. "},
      {"drop several", "AAAaB", "d", "-4 B. "},
      {"drop the last", "AABBB", "sd", "AA. -3 "},
      {"drop of a split one, first", "AAA", "xd", "-1 A. A. "},
      {"drop of a split one, middle", "AAA", "x1d", "A. -1 A. "},
      {"drop of a split one, last", "AaB", "x1d", "A. -1 B. "},
      {"drop all of a split one", "AAG", "xdd", "-1 -1 G. "},
      {"drop after a partial send", "aAAG", "1d", "a. -2 G. "},
      {"unmark, drop, the next is marked", "MMC", "ud", "-2 C. "},
      {"drop of a split, unmarked one", "MMM", "xud", "-1 ~M. ~M. "},
  };
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    check(r);
  }
}

static void moves_in_every_state(void **state) {
  static const struct row rows[] = {
      {"an empty one", "", "m", ""},
      {"an emptied one", "A", "sm", "A. "},
      {"a full one", "AAGBb", "m", "AA.G. B.b. "},
      {"twice", "AAGBb", "m1m", "AA. G. B.b. "},
      {"after a partial send", "aAGB", "1m", "a. A.G. B. "},
      {"after a drop", "aAGB", "dm", "-1 A.G. B. "},
      {"split", "AAaG", "xm", "A. A. a. G. "},
      {"split, begun", "AAaG", "x1m", "A. A. a. G. "},
      {"split, one left", "AAaG", "x11m", "A. A. a. G. "},
      {"split, done", "AAaGG", "x111m", "A. A. a. GG. "},
      {"split, nothing after it", "AAa", "x1m", "A. A. a. "},
      {"split, the second", "aAAB", "1xm", "a. A. A. B. "},
      {"split, begun, one dropped", "AAaG", "x1dm", "A. -1 a. G. "},
      {"split, twice", "AAAA", "x1m1m", "A. A. A. A. "},
      {"unmarked", "MMC", "um", "~MM.C. "},
      {"split, unmarked", "MMM", "xum", "~M. ~M. ~M. "},
      {"split, unmarked, begun", "MMM", "xu1m", "~M. ~M. ~M. "},
      {"split, begun, unmarked", "MMMC", "x1um", "M. ~M. ~M. C. "},
      {"then dropped", "AAG", "md", "-2 G. "},
      {"then unmarked", "MMC", "mu", "~MM.C. "},
  };
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    check(r);
  }
}

static void moves_what_has_no_bytes(void **state) {
  static const struct row rows[] = {
      {"nothing in the first", "0A", "m", "0.A. "},
      {"nothing in the last", "A0", "m", "A.0. "},
      {"nothing in the only one", "0", "m", "0. "},
      {"nothing in the one that is left", "A0", "1m", "A. 0. "},
  };
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    check(r);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(groups_what_is_alike),
      cmocka_unit_test(follows_the_kernel),
      cmocka_unit_test(moves_in_every_state),
      cmocka_unit_test(moves_what_has_no_bytes),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
