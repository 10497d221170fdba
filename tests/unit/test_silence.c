/* Nothing is acknowledged any more: when that is an alarm, and what becomes of
 * the next one. */
#include "core/silence.h"

#include "table.h"

#define MS QUICMIG_MILLISECOND
#define S QUICMIG_SECOND
#define NEVER QUICMIG_NEVER
#define T0 (1000 * S)
#define PTO (50 * MS)
#define HOUR (3600 * S)
#define FULL 60000

typedef struct wait {
  const char *name;
  uint32_t k;
  uint64_t in_flight;
  uint32_t heard;         /* datagrams before, the last one */
  quicmig_duration since; /* so long ago */
  quicmig_duration want;  /* from the first packet on; NEVER */
} wait;

static const wait waits[] = {
    {"nothing in flight", 2, 0, 1, 10 * S, NEVER},
    {"two PTOs", 2, 1200, 1, 10 * S, 100 * MS},
    {"sixteen", 16, 1200, 1, 10 * S, 800 * MS},
    {"off", 0, 1200, 1, 10 * S, NEVER},
    {"a stream of packets stopped a PTO ago", 2, 30, 9, 50 * MS, 50 * MS},
    {"and less than that", 2, 30, 9, 30 * MS, 70 * MS},
    {"long ago", 2, 30, 9, 10 * S, 100 * MS},
    {"it was no stream", 2, 30, 3, 50 * MS, 100 * MS},
};

static void waits_for_k_ptos(void **state) {
  const wait *r;
  uint32_t i;

  (void)state;
  for (EACH_ROW(r, waits)) {
    quicmig_tstamp at;
    qm_silence s;

    qm_silence_init(&s);
    qm_silence_on_flight(&s, 0, false, PTO, T0 - r->since);
    for (i = 0; i < r->heard; i++) {
      qm_silence_on_rx(&s, T0 - r->since);
    }
    qm_silence_on_flight(&s, r->in_flight, false, PTO, T0);
    at = qm_silence_deadline(&s, r->k);
    row_equal(r, at == NEVER ? NEVER : at - T0, r->want);
  }
}

static void an_acknowledgement_begins_anew(void **state) {
  qm_silence s;

  (void)state;
  qm_silence_init(&s);
  qm_silence_on_rx(&s, T0);
  qm_silence_on_flight(&s, FULL, false, PTO, T0);
  qm_silence_on_flight(&s, FULL, false, PTO, T0 + 80 * MS);
  assert_int_equal(qm_silence_deadline(&s, 2), T0 + 100 * MS);
  qm_silence_on_flight(&s, FULL, true, PTO, T0 + 90 * MS);
  assert_int_equal(qm_silence_deadline(&s, 2), T0 + 190 * MS);
  qm_silence_on_flight(&s, FULL, false, 2 * PTO, T0 + 95 * MS);
  assert_int_equal(qm_silence_deadline(&s, 2), T0 + 290 * MS);
  qm_silence_on_flight(&s, 0, true, PTO, T0 + 100 * MS);
  assert_true(qm_silence_deadline(&s, 2) == NEVER);
}

typedef struct excuse { /* all in ms after the first packet */
  const char *name;
  uint32_t k;
  uint64_t heard, want;  /* want 0: no alarm */
  uint64_t pauses[2][2]; /* from, until */
  bool is_acked;         /* between the two */
  bool is_patient;
} excuse;

static const excuse excuses[] = {
    {"soon", 2, 0, 100, {{20, 50}}, false, false},
    {"soon, and late", 2, 0, 140, {{20, 50}, {60, 90}}, false, false},
    {"when it was due", 2, 0, 150, {{60, 100}}, false, false},
    {"a hiccup", 2, 0, 112, {{98, 101}}, false, false},
    {"long", 2, 0, 750, {{10, 700}}, false, false},
    {"beyond 16 bits", 2, 0, 65635, {{90, 90000}}, false, false},
    {"too late", 2, 0, 100, {{100, 200}}, false, false},
    {"off", 0, 0, 0, {{60, 200}}, false, false},
    {"the longest counts", 2, 0, 190, {{60, 63}, {80, 140}}, false, false},
    {"if it is first", 2, 0, 150, {{60, 100}, {120, 123}}, false, false},
    {"each silence", 2, 0, 350, {{40, 110}, {140, 300}}, true, false},
    {"patient", 2, 0, 1250, {{900, 1200}}, false, true},
    {"patient, it speaks", 2, 800, 1800, {{900, 1200}}, false, true},
    {"patient, only speaks", 2, 2900, 3040, {{2990, 3000}}, false, true},
};

static void a_pause_is_no_silence(void **state) {
  const excuse *r;

  (void)state;
  for (EACH_ROW(r, excuses)) {
    quicmig_tstamp at, begun = T0;
    qm_silence s;
    size_t i;

    qm_silence_init(&s);
    if (r->is_patient) {
      qm_silence_on_doubt(&s, 2, T0 - S);
    }
    qm_silence_on_rx(&s, T0);
    qm_silence_on_flight(&s, FULL, true, PTO, T0);
    qm_silence_on_rx(&s, T0 + r->heard * MS);
    for (i = 0; i < 2; i++) {
      if (i && r->is_acked) {
        begun = T0 + r->pauses[0][1] * MS;
        qm_silence_on_flight(&s, FULL, true, PTO, begun);
      }
      qm_silence_on_pause(&s, r->k, T0 + r->pauses[i][0] * MS,
                          T0 + r->pauses[i][1] * MS);
    }
    row_equal(r, s.since, begun);
    at = qm_silence_deadline(&s, r->k);
    row_equal(r, at == NEVER ? 0 : (at - T0) / MS, r->want);
  }
}

typedef struct alarm {
  const char *name;
  uint64_t in_flight;
  size_t sent;
  bool is_heard;         /* during the silence */
  quicmig_duration took; /* until the new path answered; NEVER */
  bool lives;            /* the old path is heard again */
  qm_silence_verdict verdict;
  quicmig_duration next; /* patience afterwards */
} alarm;

static const alarm alarms[] = {
    {"a dead path, much in flight", FULL, 2, false, 40 * MS, false,
     QM_SILENCE_RIGHT, 100 * MS},
    {"a dead path, many sent", 2000, 10, false, 40 * MS, false,
     QM_SILENCE_RIGHT, 100 * MS},
    {"few packets", 1200, 3, false, 40 * MS, false, QM_SILENCE_LIKELY, 2 * PTO},
    {"the path spoke all the time", FULL, 10, true, 40 * MS, false,
     QM_SILENCE_OPEN, S},
    {"the new one was as slow", FULL, 10, false, 300 * MS, false,
     QM_SILENCE_OPEN, S},
    {"the new one never answered", FULL, 10, false, NEVER, false,
     QM_SILENCE_OPEN, S},
    {"the old one lives", FULL, 10, false, 40 * MS, true, QM_SILENCE_OPEN, S},
    {"both wait, both live", FULL, 10, false, NEVER, true, QM_SILENCE_OPEN, S},
};

/* An alarm after two PTOs, and all that follows. */
static qm_silence_verdict alarm_of(qm_silence *s, const alarm *r,
                                   quicmig_tstamp at) {
  qm_silence_verdict v;

  qm_silence_on_rx(s, at);
  qm_silence_on_flight(s, r->in_flight, true, PTO, at);
  qm_silence_on_tx(s, r->sent, at);
  at = qm_silence_deadline(s, 2);
  if (r->is_heard) {
    qm_silence_on_rx(s, at - 10 * MS);
  }
  qm_silence_on_alarm(s, 1, 2, at);
  qm_silence_on_move(s);
  if (r->lives) {
    qm_silence_on_life(s, 1, at + 20 * MS);
  }
  if (r->took != NEVER) {
    at += r->took;
    qm_silence_on_proof(s, r->took, at);
  }
  v = qm_silence_on_time(s, false, at + 99 * MS);
  assert_int_equal(v, QM_SILENCE_OPEN); /* not yet */
  v = qm_silence_on_time(s, false, at + 100 * MS);
  assert_false(qm_silence_on_time(s, true, at + 200 * MS)); /* told once */
  return v;
}

static void alarms_are_judged(void **state) {
  const alarm *r;

  (void)state;
  for (EACH_ROW(r, alarms)) {
    qm_silence s;

    qm_silence_init(&s);
    row_equal(r, alarm_of(&s, r, T0), r->verdict);
    qm_silence_on_rx(&s, T0 + S);
    qm_silence_on_flight(&s, 1200, false, PTO, T0 + 2 * S);
    row_equal(r, qm_silence_patience(&s, 2), r->next);
    row_true(r, qm_silence_judge_at(&s) == NEVER);
    qm_silence_on_flight(&s, 1200, false, PTO, T0 + HOUR + S);
    row_equal(r, qm_silence_patience(&s, 2), 2 * PTO); /* forgotten */
  }
}

/* Path 1, well in use, goes silent: an alarm after two PTOs. */
static void raise_alarm(qm_silence *s) {
  qm_silence_init(s);
  qm_silence_on_rx(s, T0);
  qm_silence_on_flight(s, FULL, true, PTO, T0);
  qm_silence_on_alarm(s, 1, 2, T0 + 100 * MS);
  qm_silence_on_move(s);
}

/* Nobody can tell then, and patience stays as it was. */
static void a_pause_during_the_judging(void **state) {
  qm_silence s;

  (void)state;
  raise_alarm(&s);
  qm_silence_on_pause(&s, 2, T0 + 110 * MS, T0 + 150 * MS); /* too short */
  qm_silence_on_rx(&s, T0 + 150 * MS);
  assert_int_equal(qm_silence_patience(&s, 2), S);
  qm_silence_on_pause(&s, 2, T0 + 150 * MS, T0 + 200 * MS);
  assert_int_equal(qm_silence_patience(&s, 2), 2 * PTO);
  qm_silence_on_proof(&s, 40 * MS, T0 + 210 * MS);
  assert_true(qm_silence_judge_at(&s) == NEVER);
  qm_silence_on_doubt(&s, 2, T0 + S);
  qm_silence_on_flight(&s, FULL, true, PTO, T0 + 2 * S);
  qm_silence_on_alarm(&s, 2, 2, T0 + 3 * S);
  qm_silence_on_pause(&s, 2, T0 + 3 * S, T0 + 4 * S);
  assert_int_equal(qm_silence_patience(&s, 2), S); /* of the doubt */
}

/* The next hop ends the judging: what is known by then counts. */
static void a_hop_ends_the_judging(void **state) {
  qm_silence s;

  (void)state;
  raise_alarm(&s);
  assert_false(qm_silence_on_time(&s, true, T0 + 120 * MS)); /* no proof */
  qm_silence_on_proof(&s, 40 * MS, T0 + 140 * MS);
  assert_true(qm_silence_judge_at(&s) == NEVER);
  qm_silence_on_rx(&s, T0 + 4 * S);
  qm_silence_on_flight(&s, FULL, true, PTO, T0 + 4 * S);
  qm_silence_on_alarm(&s, 2, 2, T0 + 5 * S);
  qm_silence_on_proof(&s, 40 * MS, T0 + 5040 * MS);
  assert_int_equal(qm_silence_on_time(&s, true, T0 + 5041 * MS),
                   QM_SILENCE_RIGHT);
  /* Patience remains from the first one. */
  qm_silence_on_rx(&s, T0 + 6 * S);
  assert_int_equal(qm_silence_patience(&s, 2), S);
}

/* Only the way up is blocked: the peer's probes still come, ever less often.
 * That a path spoke once more is no life then. */
static void a_path_that_only_speaks(void **state) {
  quicmig_tstamp at = T0 + 5 * S;
  qm_silence s;

  (void)state;
  qm_silence_init(&s);
  qm_silence_on_doubt(&s, 2, T0);
  qm_silence_on_rx(&s, T0 + S);
  qm_silence_on_flight(&s, FULL, true, PTO, at);
  qm_silence_on_rx(&s, at + 300 * MS);
  assert_int_equal(qm_silence_deadline(&s, 2), at + 1300 * MS);
  qm_silence_on_rx(&s, at + 1200 * MS);
  qm_silence_on_rx(&s, at + 2100 * MS);
  assert_int_equal(qm_silence_deadline(&s, 2), at + 3 * S); /* and no later */
  qm_silence_on_alarm(&s, 1, 2, at + 3 * S);
  qm_silence_on_life(&s, 1, at + 3050 * MS);
  qm_silence_on_rx(&s, at + 3050 * MS);
  assert_int_equal(qm_silence_patience(&s, 2), S); /* no longer than before */
}

typedef struct mute {
  const char *name;
  bool has_others;
  quicmig_duration idle_timeout;
  quicmig_duration want[7];
} mute;

static const mute mutes[] = {
    {"one way",
     false,
     0,
     {2 * S, 4 * S, 8 * S, 16 * S, 32 * S, 32 * S, 32 * S}},
    {"others", true, 0, {S, 2 * S, 4 * S, 8 * S, 16 * S, 32 * S, 32 * S}},
    {"one way, idle after 15 s",
     false,
     15 * S,
     {2 * S, 4 * S, 5 * S, 5 * S, 5 * S, 5 * S, 5 * S}},
};

/* Paths that never said a word: twice as long each time, up to a limit. */
static void mute_paths(void **state) {
  const mute *r;
  size_t i;

  (void)state;
  for (EACH_ROW(r, mutes)) {
    quicmig_tstamp now = T0;
    qm_silence s;

    qm_silence_init(&s);
    s.has_others = r->has_others;
    qm_silence_on_idle_timeout(&s, r->idle_timeout);
    qm_silence_on_rx(&s, now);
    qm_silence_on_flight(&s, FULL, true, PTO, now);
    for (i = 0; i < COUNT_OF(r->want); i++) {
      now = qm_silence_deadline(&s, 2);
      qm_silence_on_alarm(&s, (uint32_t)i + 1, 2, now);
      qm_silence_on_move(&s);
      qm_silence_on_flight(&s, FULL, false, PTO, now);
      row_equal(r, qm_silence_patience(&s, 2), r->want[i]);
    }
  }
}

typedef struct dark {
  const char *name;
  quicmig_duration idle_timeout;
  quicmig_duration until;  /* nothing is heard, on no path */
  uint32_t alarms;         /* until then */
  quicmig_duration took;   /* the last path's proof */
  quicmig_duration next;   /* patience afterwards, */
  quicmig_duration rested; /* and 50 min later, after the same without alarms */
} dark;

static const dark darks[] = {
    {"dead, the new path lives", 0, 140 * MS, 1, 40 * MS, 100 * MS, 100 * MS},
    {"a pause of 4 s", 0, 4 * S, 2, 1900 * MS, 8 * S, 8 * S},
    {"that ends just after an alarm", 0, 2140 * MS, 2, 40 * MS, S, 4280 * MS},
    {"an outage of 20 s", 0, 20 * S, 4, 5900 * MS, 20 * S, 20 * S},
    {"and idle after 30 s", 30 * S, 20 * S, 4, 5900 * MS, 10 * S, 10 * S},
};

/* A network that is silent altogether: how long it was is remembered. */
static void the_network_pauses(void **state) {
  const dark *r;

  (void)state;
  for (EACH_ROW(r, darks)) {
    quicmig_tstamp now = T0 + r->until;
    uint32_t n = 0;
    qm_silence s;

    qm_silence_init(&s);
    qm_silence_on_idle_timeout(&s, r->idle_timeout);
    qm_silence_on_rx(&s, T0);
    qm_silence_on_flight(&s, FULL, true, PTO, T0);
    while (qm_silence_deadline(&s, 2) < now) {
      quicmig_tstamp at = qm_silence_deadline(&s, 2);

      assert_int_equal(qm_silence_on_time(&s, true, at), QM_SILENCE_OPEN);
      qm_silence_on_alarm(&s, ++n, 2, at);
      qm_silence_on_move(&s);
      qm_silence_on_flight(&s, FULL, false, PTO, at);
    }
    row_equal(r, n, r->alarms);
    qm_silence_on_rx(&s, now);
    qm_silence_on_proof(&s, r->took, now);
    row_equal(r, qm_silence_on_time(&s, false, now + 200 * MS),
              n == 1 ? QM_SILENCE_RIGHT : QM_SILENCE_OPEN);
    row_equal(r, qm_silence_patience(&s, 2), r->next);

    /* Once more, without an alarm: it is no longer than the patience. */
    qm_silence_on_flight(&s, 0, true, PTO, now);
    now += HOUR * 5 / 6;
    qm_silence_on_flight(&s, FULL, false, PTO, now);
    now += qm_time_min(r->until, r->rested - MS);
    qm_silence_on_rx(&s, now);
    qm_silence_on_flight(&s, 0, true, PTO, now);
    qm_silence_on_flight(&s, FULL, false, PTO, now + HOUR * 5 / 6);
    row_equal(r, qm_silence_patience(&s, 2), r->rested);
  }
}

/* The old path is heard again, the new one is not: back after k PTOs since the
 * first packet that could have been answered. */
static void way_back(void **state) {
  qm_silence s;

  (void)state;
  raise_alarm(&s);
  qm_silence_on_tx(&s, 1, T0 + 110 * MS);
  qm_silence_on_flight(&s, 1200, false, 3 * PTO, T0 + 110 * MS);
  assert_int_equal(qm_silence_way_back(&s), 0);
  qm_silence_on_life(&s, 2, T0 + 120 * MS); /* another one */
  qm_silence_on_life(&s, 1, T0 + 200 * MS);
  assert_int_equal(qm_silence_way_back(&s), 0);
  assert_int_equal(qm_silence_deadline(&s, 2), T0 + 2110 * MS);
  qm_silence_on_pause(&s, 2, T0 + 210 * MS, T0 + 240 * MS); /* not near */
  assert_int_equal(qm_silence_deadline(&s, 2), T0 + 2110 * MS);
  qm_silence_on_tx(&s, 1, T0 + 250 * MS);
  qm_silence_on_tx(&s, 1, T0 + 300 * MS);
  s.has_others = true; /* and yet */
  assert_int_equal(qm_silence_way_back(&s), 1);
  s.has_others = false;
  assert_int_equal(qm_silence_deadline(&s, 2), T0 + 550 * MS);
  qm_silence_on_pause(&s, 2, T0 + 500 * MS, T0 + 600 * MS);
  assert_int_equal(qm_silence_deadline(&s, 2), T0 + 750 * MS);
  qm_silence_on_move(&s); /* for another reason: once more from the start */
  assert_int_equal(qm_silence_way_back(&s), 0);
  qm_silence_on_flight(&s, 1200, false, 3 * PTO, T0 + 500 * MS);
  assert_int_equal(qm_silence_deadline(&s, 2), T0 + 2500 * MS);
  qm_silence_on_life(&s, 1, T0 + 510 * MS);
  qm_silence_on_tx(&s, 1, T0 + 520 * MS);
  assert_int_equal(qm_silence_way_back(&s), 1);
  qm_silence_on_rx(&s, T0 + 530 * MS); /* the new path speaks */
  assert_int_equal(qm_silence_way_back(&s), 0);
}

/* Nothing is heard anywhere: back at every other alarm, but rather to another
 * interface or address. */
static void way_back_in_the_dark(void **state) {
  quicmig_tstamp now = T0;
  qm_silence s;
  uint32_t i;

  (void)state;
  qm_silence_init(&s);
  qm_silence_on_rx(&s, now);
  for (i = 0; i < 8; i++) {
    assert_int_equal(qm_silence_way_back(&s), i > 0 && i % 2 == 0);
    s.has_others = true;
    assert_int_equal(qm_silence_way_back(&s), 0);
    s.has_others = false;
    qm_silence_on_flight(&s, FULL, false, PTO, now);
    now = qm_silence_deadline(&s, 2);
    qm_silence_on_alarm(&s, i + 1, 2, now);
    qm_silence_on_move(&s);
  }
  qm_silence_on_proof(&s, S, now); /* a path answers: it is the last heard */
  assert_int_equal(qm_silence_way_back(&s), 0);
}

/* The network pauses from *now on.  Returns the alarms in that, 0 or 1. */
static uint32_t pause_once(qm_silence *s, quicmig_duration pause,
                           quicmig_tstamp *now) {
  uint32_t n = 0;

  qm_silence_on_rx(s, *now);
  qm_silence_on_flight(s, FULL, true, PTO, *now);
  if (qm_silence_deadline(s, 2) < *now + pause) {
    n = 1;
    qm_silence_on_alarm(s, 1, 2, qm_silence_deadline(s, 2));
    qm_silence_on_move(s);
    qm_silence_on_life(s, 1, *now + pause);
    qm_silence_on_proof(s, pause, *now + pause);
  }
  *now += pause;
  qm_silence_on_time(s, false, *now);
  return n;
}

/* A network that pauses now and then, at random, for less than a second: one
 * false alarm, whatever else is the case. */
static void pauses(void **state) {
  uint64_t seed = test_seed(), x = seed;
  quicmig_tstamp now = T0;
  uint32_t n = 0, hours = 100;
  qm_silence s;

  (void)state;
  qm_silence_init(&s);
  while (now < T0 + hours * HOUR) {
    x = x * 6364136223846793005ull + 1442695040888963407ull;
    n += pause_once(&s, (x >> 33) % 990 * MS, &now);
    now += (x >> 40) % 5000 * MS;
  }
  print_message("%u alarms in %u h\n", n, hours);
  assert_int_equal(n, 1);
}

/* One long pause, and then short ones, each of which would be an alarm for
 * whoever is not patient: patience goes on for as long as they come. */
static void a_long_pause_and_short_ones(void **state) {
  quicmig_tstamp now = T0;
  uint32_t i, n;
  qm_silence s;

  (void)state;
  qm_silence_init(&s);
  n = pause_once(&s, 3 * S, &now);
  qm_silence_on_flight(&s, 0, true, PTO, now);
  for (i = 0; i < 50; i++) {
    now += HOUR / 2;
    n += pause_once(&s, S, &now);
    qm_silence_on_flight(&s, 0, true, PTO, now);
  }
  assert_int_equal(n, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(waits_for_k_ptos),
      cmocka_unit_test(an_acknowledgement_begins_anew),
      cmocka_unit_test(a_pause_is_no_silence),
      cmocka_unit_test(alarms_are_judged),
      cmocka_unit_test(a_pause_during_the_judging),
      cmocka_unit_test(a_hop_ends_the_judging),
      cmocka_unit_test(a_path_that_only_speaks),
      cmocka_unit_test(mute_paths),
      cmocka_unit_test(the_network_pauses),
      cmocka_unit_test(way_back),
      cmocka_unit_test(way_back_in_the_dark),
      cmocka_unit_test(pauses),
      cmocka_unit_test(a_long_pause_and_short_ones),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
