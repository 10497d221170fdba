/* The adaptive policy against worlds that slow flows down, and worlds that do
 * not: what it learns, what it costs, and how often it is wrong. */
#include "core/policy.h"

#include "table.h"

#define MS QUICMIG_MILLISECOND
#define S QUICMIG_SECOND
#define HOUR (3600 * S)
#define T0 (1000 * S)
#define KB 1000ull
#define MB 1000000ull
#define TICK (20 * MS)
#define LEAD (100 * MS)

typedef struct world world;
struct world {
  const char *name;
  uint64_t rate;  /* bytes a second that the line and the application allow */
  uint64_t bytes; /* a flow is slowed to a tenth after that; 0: not */
  quicmig_duration age;     /* or that */
  quicmig_duration on, off; /* of the application, or of others; off 0: on */
  unsigned low;             /* percent of rate while off */
  bool is_random;           /* on and off are means */
  quicmig_duration lasts;
  /* What must come of it. */
  qm_flow budget;   /* learned, within 10 %; fields 0: none */
  unsigned goodput; /* percent of the free one, at least */
  unsigned hours;   /* so many needless hops at most */
};

typedef struct run {
  const world *w;
  qm_policy p;
  quicmig_tstamp now, flow_at, turn_at;
  uint64_t flow, moved, free_moved, x;
  uint32_t hops, verdicts[8];
  qm_flow learned;
  bool is_on;
} run;

static uint64_t draw(run *r, uint64_t mean) {
  r->x = r->x * 6364136223846793005ull + 1442695040888963407ull;
  return r->w->is_random ? mean / 4 + (r->x >> 33) % (mean * 3 / 2) : mean;
}

/* A fresh window opens: twice the rate each 50 ms from 1 % on. */
static uint64_t ramp(uint64_t rate, quicmig_duration age) {
  unsigned shift = age < 350 * MS ? (unsigned)(age / (50 * MS)) : 7;

  return qm_time_min(rate, (rate / 100) << shift);
}

static void move(run *r) {
  const world *w = r->w;
  quicmig_duration age = r->now - r->flow_at;
  uint64_t rate;

  if (w->off && r->now >= r->turn_at) {
    r->is_on = !r->is_on;
    r->turn_at = r->now + draw(r, r->is_on ? w->on : w->off);
  }
  rate = r->is_on ? w->rate : w->rate / 100 * w->low;
  r->free_moved += rate * (TICK / MS) / 1000;
  if ((w->bytes && r->flow > w->bytes) || (w->age && age > w->age)) {
    rate = qm_time_min(rate, w->rate / 10);
  }
  rate = ramp(rate, age) * (TICK / MS) / 1000;
  r->flow += rate;
  r->moved += rate;
  if (rate) {
    qm_policy_on_rx(&r->p, rate, r->now);
  }
}

static void note(run *r) {
  qm_news n;

  while (qm_policy_next(&r->p, &n)) {
    r->verdicts[n.verdict]++;
    if (n.verdict == QUICMIG_VERDICT_BYTES_LEARNED) {
      r->learned.bytes = n.flow.bytes;
    }
    if (n.verdict == QUICMIG_VERDICT_AGE_LEARNED) {
      r->learned.age = n.flow.age;
    }
  }
}

static void go(run *r, const world *w, uint64_t seed) {
  *r = (run){.w = w, .x = seed, .now = T0, .flow_at = T0, .is_on = true};
  r->turn_at = T0 + draw(r, w->on);
  qm_policy_init(&r->p);
  qm_policy_on_flow(&r->p, 50 * MS, T0);
  for (; r->now < T0 + w->lasts; r->now += TICK) {
    move(r);
    qm_policy_on_time(&r->p, r->now);
    if (qm_policy_wants_hop(&r->p, LEAD, r->now)) {
      r->hops++;
      r->flow = 0;
      r->flow_at = r->now;
      qm_policy_on_flow(&r->p, 50 * MS, r->now);
    }
    note(r);
  }
}

static const world slow_worlds[] = {
    {"after 10 MB, 20 Mbit/s",
     2500 * KB,
     10 * MB,
     0,
     0,
     0,
     0,
     false,
     120 * S,
     {10 * MB, 0},
     80,
     0},
    {"after 10 MB, 100 Mbit/s",
     12500 * KB,
     10 * MB,
     0,
     0,
     0,
     0,
     false,
     120 * S,
     {10 * MB, 0},
     65,
     0},
    {"after 10 GB, 4 Gbit/s",
     500 * MB,
     10000 * MB,
     0,
     0,
     0,
     0,
     false,
     600 * S,
     {10000 * MB, 0},
     80,
     0},
    {"after 1 MB, 256 kbit/s",
     32 * KB,
     1 * MB,
     0,
     0,
     0,
     0,
     false,
     600 * S,
     {1 * MB, 0},
     80,
     0},
    {"after a minute",
     2500 * KB,
     0,
     60 * S,
     0,
     0,
     0,
     false,
     1200 * S,
     {0, 0},
     90,
     0},
    {"after a minute, bursts",
     2500 * KB,
     0,
     60 * S,
     7 * S,
     2 * S,
     50,
     true,
     3600 * S,
     {0, 0},
     80,
     0},
    {"after ten minutes",
     2500 * KB,
     0,
     600 * S,
     0,
     0,
     0,
     false,
     7200 * S,
     {0, 0},
     90,
     0},
};

static bool is_near(uint64_t got, uint64_t want) {
  return want == 0 || (got >= want - want / 10 && got <= want + want / 10);
}

static void learns_and_hops_before(void **state) {
  const world *r;
  static run g;

  (void)state;
  for (EACH_ROW(r, slow_worlds)) {
    go(&g, r, 1);
    print_message("  %-25s %3.0f %%, %u hops, learned %.3f MB %.1f s\n",
                  r->name, 100.0 * (double)g.moved / (double)g.free_moved,
                  g.hops, (double)g.learned.bytes / 1e6,
                  (double)g.learned.age / 1e9);
    row_true(r, g.learned.bytes || g.learned.age);
    row_true(r, is_near(g.learned.bytes, r->budget.bytes));
    row_true(r, g.moved >= g.free_moved / 100 * r->goodput);
    row_true(r, g.verdicts[QUICMIG_VERDICT_THROTTLED] >= 2);
    row_equal(r, g.verdicts[QUICMIG_VERDICT_CONGESTED], 0);
  }
}

static const world calm_worlds[] = {
    {"steady", 2500 * KB, 0, 0, 0, 0, 0, false, 3 * HOUR, {0, 0}, 99, 0},
    {"idle", 200, 0, 0, 0, 0, 0, false, 3 * HOUR, {0, 0}, 0, 0},
    {"others, 20 s",
     2500 * KB,
     0,
     0,
     20 * S,
     20 * S,
     5,
     true,
     3 * HOUR,
     {0, 0},
     0,
     3},
    {"others, 2 minutes",
     2500 * KB,
     0,
     0,
     120 * S,
     120 * S,
     5,
     true,
     3 * HOUR,
     {0, 0},
     0,
     3},
    {"others for good",
     2500 * KB,
     0,
     0,
     30 * S,
     24 * HOUR,
     5,
     false,
     3 * HOUR,
     {0, 0},
     0,
     3},
    {"video: 1 s of 3",
     2500 * KB,
     0,
     0,
     1 * S,
     2 * S,
     2,
     false,
     3 * HOUR,
     {0, 0},
     0,
     3},
    {"video: 2 s of 6",
     2500 * KB,
     0,
     0,
     2 * S,
     4 * S,
     2,
     false,
     3 * HOUR,
     {0, 0},
     0,
     3},
    {"video: 5 s of 8",
     2500 * KB,
     0,
     0,
     5 * S,
     3 * S,
     2,
     false,
     3 * HOUR,
     {0, 0},
     0,
     3},
    {"video: 10 s of 17",
     2500 * KB,
     0,
     0,
     10 * S,
     7 * S,
     2,
     false,
     3 * HOUR,
     {0, 0},
     0,
     3},
    {"web", 2500 * KB, 0, 0, 3 * S, 20 * S, 0, true, 3 * HOUR, {0, 0}, 0, 3},
    {"web with a trickle",
     2500 * KB,
     0,
     0,
     3 * S,
     20 * S,
     1,
     true,
     3 * HOUR,
     {0, 0},
     0,
     3},
};

static void needless_hops(void **state) {
  const world *r;
  static run g;
  uint64_t seed = test_seed(), i;

  (void)state;
  for (EACH_ROW(r, calm_worlds)) {
    for (i = 0; i < 4; i++) {
      go(&g, r, seed + i * 1000);
      print_message("  %-20s %u hops, %u throttled, %u congested\n", r->name,
                    g.hops, g.verdicts[QUICMIG_VERDICT_THROTTLED],
                    g.verdicts[QUICMIG_VERDICT_CONGESTED]);
      row_true(r, g.hops <= r->hours);
      row_equal(r, g.learned.bytes + g.learned.age, 0);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(learns_and_hops_before),
      cmocka_unit_test(needless_hops),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
