#include "core/budget.h"

/* Ends are alike up to this ratio, 7 to 5. */
#define ALIKE_NUM 7
#define ALIKE_DEN 5
/* A budget below this would mean a storm of hops: it is not learned. */
#define BYTES_MIN (256u * 1024)
#define AGE_MIN (2 * QUICMIG_SECOND)
/* Percent of a budget that are used, and below which an end says that it is
 * the wrong one. */
#define USED_PCT 85
#define WITHIN_PCT 80
#define EASE_AFTER (3600 * QUICMIG_SECOND)
#define EASED_MAX 8

static uint64_t percent(uint64_t v, unsigned pct) { return v / 100 * pct; }

static bool is_alike(uint64_t a, uint64_t b) {
  return a && b && a / ALIKE_NUM <= b / ALIKE_DEN &&
         b / ALIKE_NUM <= a / ALIKE_DEN;
}

void qm_budget_init(qm_budget *b) {
  *b = (qm_budget){.ease_at = QUICMIG_NEVER};
}

bool qm_budget_fits(const qm_budget *b, const qm_flow *f) {
  return is_alike(b->seen.bytes, f->bytes) || is_alike(b->seen.age, f->age);
}

/* Did f end although it was well within the budget? */
static bool is_refuted(const qm_budget *b, const qm_flow *f) {
  return (b->most.bytes && f->bytes < percent(b->most.bytes, WITHIN_PCT)) ||
         (b->most.age && f->age < percent(b->most.age, WITHIN_PCT));
}

static quicmig_verdict learn_bytes(qm_budget *b, const qm_flow *last,
                                   const qm_flow *f) {
  b->most = (qm_flow){.bytes = qm_time_min(last->bytes, f->bytes)};
  return QUICMIG_VERDICT_BYTES_LEARNED;
}

static quicmig_verdict learn_age(qm_budget *b, const qm_flow *last,
                                 const qm_flow *f) {
  b->most = (qm_flow){.age = qm_time_min(last->age, f->age)};
  return QUICMIG_VERDICT_AGE_LEARNED;
}

quicmig_verdict qm_budget_on_end(qm_budget *b, const qm_flow *f,
                                 quicmig_tstamp now) {
  qm_flow last = b->seen;
  bool is_bytes = is_alike(last.bytes, f->bytes) && f->bytes >= BYTES_MIN &&
                  last.bytes >= BYTES_MIN;
  bool is_age =
      is_alike(last.age, f->age) && f->age >= AGE_MIN && last.age >= AGE_MIN;

  b->seen = *f;
  b->eased = 0;
  b->ease_at = qm_time_add(now, EASE_AFTER);
  if (is_refuted(b, f)) {
    is_bytes = is_bytes && !(b->most.bytes && is_age);
    b->most = (qm_flow){.bytes = 0};
  }
  if (is_bytes) {
    return learn_bytes(b, &last, f);
  }
  return is_age ? learn_age(b, &last, f) : QUICMIG_VERDICT_NONE;
}

void qm_budget_on_mistake(qm_budget *b) { b->seen = (qm_flow){.bytes = 0}; }

quicmig_verdict qm_budget_on_time(qm_budget *b, quicmig_tstamp now) {
  if (!qm_time_is_due(b->ease_at, now)) {
    return QUICMIG_VERDICT_NONE;
  }
  b->eased++;
  b->ease_at = qm_time_add(now, EASE_AFTER);
  b->most.bytes += b->most.bytes / 4;
  b->most.age += b->most.age / 4;
  if (b->eased > EASED_MAX || (!b->most.bytes && !b->most.age)) {
    qm_budget_init(b);
  }
  return QUICMIG_VERDICT_RELAXED;
}

/* No reserve takes more than half of what may be used. */
static uint64_t less(uint64_t most, uint64_t reserve) {
  uint64_t usable = percent(most, USED_PCT);

  return usable - qm_time_min(reserve, usable / 2);
}

qm_flow qm_budget_limit(const qm_budget *b, uint64_t rate,
                        quicmig_duration lead) {
  double reserve = (double)rate * (double)lead / (double)QUICMIG_SECOND;

  return (qm_flow){.bytes = less(b->most.bytes, (uint64_t)reserve),
                   .age = less(b->most.age, lead)};
}
