/* The hop scheduler: when and why, drawn many times. */
#include "core/sched.h"

#include "table.h"

#define MS QUICMIG_MILLISECOND
#define S QUICMIG_SECOND
#define NEVER QUICMIG_NEVER
#define NONE QUICMIG_REASON_INITIAL
#define T0 (1000 * S)

typedef struct fixture {
  quicmig_options o;
  qm_sched s;
} fixture;

static void open_sched(fixture *f, uint64_t seed) {
  quicmig_options_default(&f->o);
  qm_sched_init(&f->s, &f->o, seed);
}

/* Exactly 300 s, no quiet moment: for tests of everything else. */
static void open_exact(fixture *f) {
  open_sched(f, 1);
  f->o.hop_jitter_pct = 0;
  f->o.hop_quiet = 0;
  qm_sched_start(&f->s, T0);
}

struct bounds {
  const char *name;
  quicmig_duration mean;
  uint32_t pct;
  quicmig_duration quiet, lo, hi;
};

static void check_bounds(const struct bounds *r, uint64_t seed) {
  quicmig_duration min = NEVER, max = 0, wide = r->hi - r->lo;
  uint64_t i;

  for (i = 0; i < 1000; i++) {
    quicmig_tstamp earliest;
    fixture f;

    open_sched(&f, seed + i);
    f.o.hop_interval = r->mean;
    f.o.hop_jitter_pct = r->pct;
    f.o.hop_quiet = r->quiet;
    qm_sched_start(&f.s, T0);
    /* Idle since ever: the quiet moment is the earliest, due the latest. */
    earliest = qm_sched_deadline(&f.s);
    row_true(r, earliest >= T0 + r->lo);
    row_true(r, f.s.due <= T0 + r->hi);
    row_true(r, earliest <= f.s.due);
    row_true(r, f.s.due - earliest <= r->quiet);
    row_equal(r, qm_sched_reason(&f.s, earliest - 1), NONE);
    row_equal(r, qm_sched_reason(&f.s, earliest), QUICMIG_REASON_INTERVAL);
    min = qm_time_min(min, earliest - T0);
    max = qm_time_max(max, f.s.due - T0);
  }
  /* The bounds are used, not only respected. */
  row_true(r, min - r->lo <= wide / 50);
  row_true(r, r->hi - max <= wide / 50);
}

static void gaps_stay_inside_the_jitter(void **state) {
  static const struct bounds rows[] = {
      {"the default", 300 * S, 20, 2 * S, 240 * S, 360 * S},
      {"without a quiet window", 300 * S, 20, 0, 240 * S, 360 * S},
      {"a quiet window of an hour", 300 * S, 20, 3600 * S, 240 * S, 360 * S},
      {"90 %", 300 * S, 90, 2 * S, 30 * S, 570 * S},
      {"1 %", 300 * S, 1, 2 * S, 297 * S, 303 * S},
      {"the shortest interval", 10 * MS, 20, 2 * S, 8 * MS, 12 * MS},
      {"one second", S, 50, 100 * MS, 500 * MS, 1500 * MS},
      {"a year", 366 * 86400 * S, 50, 3600 * S, 183 * 86400 * S,
       549 * 86400 * S},
  };
  const struct bounds *r;
  uint64_t seed = test_seed();

  (void)state;
  for (EACH_ROW(r, rows)) {
    check_bounds(r, seed);
  }
}

/* Two hundred connections that start together never hop together. */
static void no_two_share_an_instant(void **state) {
  enum { N = 200, GAPS = 5 };
  static quicmig_tstamp due[N * GAPS];
  uint64_t seed = test_seed();
  size_t i, k, n = 0;

  (void)state;
  for (i = 0; i < N; i++) {
    fixture f;

    open_sched(&f, seed + i);
    qm_sched_start(&f.s, T0);
    for (k = 0; k < GAPS; k++) {
      due[n++] = f.s.due;
      qm_sched_on_start(&f.s, f.s.due);
    }
  }
  for (i = 0; i < n; i++) {
    for (k = 0; k < i; k++) {
      assert_true(due[i] != due[k]);
    }
  }
}

static void without_jitter_it_is_exact(void **state) {
  fixture f;
  int i;

  (void)state;
  open_sched(&f, test_seed());
  f.o.hop_jitter_pct = 0; /* a quiet window would leave the bounds */
  qm_sched_start(&f.s, T0);
  for (i = 1; i <= 100; i++) {
    quicmig_tstamp at = T0 + (quicmig_duration)i * 300 * S;

    assert_int_equal(qm_sched_deadline(&f.s), at);
    assert_int_equal(qm_sched_reason(&f.s, at - 1), NONE);
    assert_int_equal(qm_sched_reason(&f.s, at), QUICMIG_REASON_INTERVAL);
    qm_sched_on_start(&f.s, at);
    qm_sched_on_success(&f.s);
  }
}

static void interval_zero_means_never(void **state) {
  fixture f;

  (void)state;
  open_sched(&f, 1);
  f.o.hop_interval = 0;
  assert_true(qm_sched_deadline(&f.s) == NEVER);
  qm_sched_start(&f.s, T0);
  assert_true(qm_sched_deadline(&f.s) == NEVER);
  assert_int_equal(qm_sched_reason(&f.s, NEVER), NONE);
  qm_sched_on_start(&f.s, T0); /* by hand */
  qm_sched_on_success(&f.s);
  assert_true(qm_sched_deadline(&f.s) == NEVER);
  assert_int_equal(qm_sched_reason(&f.s, NEVER), NONE);
}

static void nothing_is_due_before_the_start(void **state) {
  fixture f;

  (void)state;
  open_sched(&f, 1);
  f.o.hop_packets = 100;
  qm_sched_on_traffic(&f.s, 1, 1 << 30, T0);
  assert_true(qm_sched_deadline(&f.s) == NEVER);
  assert_int_equal(qm_sched_reason(&f.s, T0 + 3600 * S), NONE);
}

/* What was sent since the hop at T0, and what is due at T0 + 100 ms. */
static void traffic_triggers(void **state) {
  static const struct row {
    const char *name;
    uint64_t hop_bytes, hop_packets;
    int packets; /* of 1000 bytes */
    quicmig_reason want;
  } rows[] = {
      {"off", 0, 0, 100000, NONE},
      {"a byte short", 100001, 0, 100, NONE},
      {"exactly the bytes", 100000, 0, 100, QUICMIG_REASON_BYTES},
      {"a packet short", 0, 100, 99, NONE},
      {"exactly the packets", 0, 100, 100, QUICMIG_REASON_PACKETS},
      {"bytes before packets", 100000, 101, 100, QUICMIG_REASON_BYTES},
      {"packets before bytes", 100001, 100, 100, QUICMIG_REASON_PACKETS},
      {"both: bytes", 100000, 100, 100, QUICMIG_REASON_BYTES},
  };
  const struct row *r;
  int i;

  (void)state;
  for (EACH_ROW(r, rows)) {
    fixture f;

    open_exact(&f);
    f.o.hop_bytes = r->hop_bytes;
    f.o.hop_packets = r->hop_packets;
    qm_sched_on_start(&f.s, T0);
    qm_sched_on_success(&f.s);
    for (i = 0; i < r->packets; i++) {
      qm_sched_on_traffic(&f.s, 1, 1000, T0 + MS);
    }
    row_equal(r, qm_sched_deadline(&f.s),
              r->want == NONE ? T0 + 300 * S : T0 + 100 * MS);
    row_equal(r, qm_sched_reason(&f.s, T0 + 100 * MS), r->want);
    /* The minimum gap holds, whatever asks. */
    row_equal(r, qm_sched_reason(&f.s, T0 + 100 * MS - 1), NONE);
    qm_sched_on_start(&f.s, T0 + 100 * MS);
    qm_sched_on_success(&f.s);
    row_equal(r, qm_sched_reason(&f.s, T0 + 10 * S), NONE);
  }
}

static void triggers_need_no_interval(void **state) {
  fixture f;

  (void)state;
  open_exact(&f);
  f.o.hop_interval = 0;
  f.o.hop_bytes = 65536;
  qm_sched_start(&f.s, T0);
  qm_sched_on_traffic(&f.s, 1, 65535, T0);
  assert_true(qm_sched_deadline(&f.s) == NEVER);
  qm_sched_on_traffic(&f.s, 1, 1, T0 + S);
  assert_true(qm_sched_deadline(&f.s) <= T0 + S);
  assert_int_equal(qm_sched_reason(&f.s, T0 + S), QUICMIG_REASON_BYTES);
}

static void the_minimum_gap_postpones_the_interval(void **state) {
  fixture f;

  (void)state;
  open_exact(&f);
  f.o.hop_interval = 100 * MS;
  f.o.hop_min_gap = 5 * S;
  qm_sched_on_start(&f.s, T0);
  assert_int_equal(qm_sched_deadline(&f.s), T0 + 5 * S);
  assert_int_equal(qm_sched_reason(&f.s, T0 + 5 * S - 1), NONE);
  assert_int_equal(qm_sched_reason(&f.s, T0 + 5 * S), QUICMIG_REASON_INTERVAL);
}

/* Packets at these times; the hop comes 20 ms after the last one before the
 * window's first silence, or when it is due. */
static void a_quiet_moment_is_taken(void **state) {
  static const struct row {
    const char *name;
    quicmig_duration every, until; /* before due; packets, and their end */
    quicmig_duration want;         /* before due */
  } rows[] = {
      {"idle for long", S, 100 * S, 2 * S},
      {"idle exactly since", S, 2 * S + 20 * MS, 2 * S},
      {"a packet just before the window", S, 2 * S + 5 * MS, 2 * S - 15 * MS},
      {"busy until its middle", 10 * MS, S, S - 20 * MS},
      {"busy until 20 ms before", 10 * MS, 20 * MS, 0},
      {"busy throughout", 10 * MS, 0, 0},
      {"a packet every 20 ms is quiet", 20 * MS, 0, 2 * S},
      {"a packet every 19 ms is not", 19 * MS, 0, 0},
  };
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    quicmig_tstamp at, end;
    fixture f;

    open_sched(&f, 3);
    qm_sched_start(&f.s, T0);
    assert_int_equal(f.s.due - f.s.quiet_from, 2 * S);
    end = f.s.due - r->until;
    /* Counted back from the end, beginning before the window. */
    at = end - (r->until < 3 * S ? (3 * S - r->until) / r->every * r->every
                                 : 10 * r->every);
    for (; at <= end && at < qm_sched_deadline(&f.s); at += r->every) {
      qm_sched_on_traffic(&f.s, 1, 1, at);
    }
    row_equal(r, f.s.due - qm_sched_deadline(&f.s), r->want);
    at = qm_sched_deadline(&f.s);
    row_equal(r, qm_sched_reason(&f.s, at - 1), NONE);
    row_equal(r, qm_sched_reason(&f.s, at), QUICMIG_REASON_INTERVAL);
  }
}

static void stopped_is_stopped(void **state) {
  fixture f;

  (void)state;
  open_exact(&f);
  f.o.hop_packets = 100;
  qm_sched_stop(&f.s);
  assert_true(qm_sched_deadline(&f.s) == NEVER);
  f.s.packets = 1000;
  assert_true(qm_sched_deadline(&f.s) == NEVER);
  assert_int_equal(qm_sched_reason(&f.s, T0 + 3600 * S), NONE);
  qm_sched_on_failure(&f.s, T0);
  assert_true(qm_sched_deadline(&f.s) == NEVER);
  assert_int_equal(qm_sched_reason(&f.s, T0 + 3600 * S), NONE);
  f.s.packets = 0;
  qm_sched_start(&f.s, T0 + 3600 * S);
  assert_int_equal(qm_sched_deadline(&f.s), T0 + 3900 * S);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gaps_stay_inside_the_jitter),
      cmocka_unit_test(no_two_share_an_instant),
      cmocka_unit_test(without_jitter_it_is_exact),
      cmocka_unit_test(interval_zero_means_never),
      cmocka_unit_test(nothing_is_due_before_the_start),
      cmocka_unit_test(traffic_triggers),
      cmocka_unit_test(triggers_need_no_interval),
      cmocka_unit_test(the_minimum_gap_postpones_the_interval),
      cmocka_unit_test(a_quiet_moment_is_taken),
      cmocka_unit_test(stopped_is_stopped),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
