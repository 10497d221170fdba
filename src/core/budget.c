#include "core/budget.h"

/* Ends are alike up to this ratio, 5 to 4. */
#define ALIKE_NUM 5
#define ALIKE_DEN 4
/* A budget below this would mean a storm of hops: it is not learned. */
#define BYTES_MIN (256u * 1024)
#define AGE_MIN (5 * QUICMIG_SECOND)
/* Percent of a budget that are used, and below which an end says that it is
 * the wrong one. */
#define USED_PCT 85
#define WITHIN_PCT 80
#define EASE_AFTER (3600 * QUICMIG_SECOND)
#define EASED_MAX 8

static bool is_alike(uint64_t a, uint64_t b) {
  return a && b && a / ALIKE_NUM <= b / ALIKE_DEN &&
         b / ALIKE_NUM <= a / ALIKE_DEN;
}

void qm_budget_init(qm_budget *b) {
  *b = (qm_budget){.ease_at = QUICMIG_NEVER};
}

bool qm_budget_fits(const qm_budget *b, const qm_flow *f) {
  int i;

  for (i = 0; i < QM_BUDGET_ENDS; i++) {
    if (is_alike(b->ends[i].bytes, f->bytes) ||
        is_alike(b->ends[i].age, f->age)) {
      return true;
    }
  }
  return false;
}

/* What the last ends have in common with f; fields 0: nothing. */
static qm_flow in_common(const qm_budget *b, const qm_flow *f) {
  qm_flow common = {.bytes = 0};
  int i;

  for (i = 0; i < QM_BUDGET_ENDS; i++) {
    const qm_flow *e = &b->ends[i];
    uint64_t bytes = qm_time_min(e->bytes, f->bytes);
    quicmig_duration age = qm_time_min(e->age, f->age);

    if (is_alike(e->bytes, f->bytes) && bytes >= BYTES_MIN) {
      common.bytes = common.bytes ? qm_time_min(common.bytes, bytes) : bytes;
    }
    if (is_alike(e->age, f->age) && age >= AGE_MIN) {
      common.age = common.age ? qm_time_min(common.age, age) : age;
    }
  }
  return common;
}

/* Which of the two it was. */
static qm_flow decide(qm_budget *b, const qm_flow *f, qm_flow common) {
  if (b->is_guess && f->bytes < qm_percent(b->most.bytes, WITHIN_PCT)) {
    b->most.bytes = 0;
    b->is_guess = false;
    common.bytes = common.age ? 0 : common.bytes;
  }
  if (!common.bytes || !common.age) {
    b->is_guess = b->is_guess && !common.bytes;
    return common;
  }
  if (b->most.age && !b->most.bytes) {
    common.bytes = 0;
  } else {
    b->is_guess = b->is_guess || !b->most.bytes;
    common.age = 0;
  }
  return common;
}

quicmig_verdict qm_budget_on_end(qm_budget *b, const qm_flow *f,
                                 quicmig_tstamp now) {
  qm_flow learned = decide(b, f, in_common(b, f));

  b->ends[b->n_ends++ % QM_BUDGET_ENDS] = *f;
  b->eased = 0;
  b->ease_at = qm_time_add(now, EASE_AFTER);
  if (learned.bytes) {
    b->most.bytes = learned.bytes;
    return QUICMIG_VERDICT_BYTES_LEARNED;
  }
  if (learned.age) {
    b->most.age = learned.age;
    return QUICMIG_VERDICT_AGE_LEARNED;
  }
  return QUICMIG_VERDICT_NONE;
}

void qm_budget_on_mistake(qm_budget *b) {
  int i;

  for (i = 0; i < QM_BUDGET_ENDS; i++) {
    b->ends[i] = (qm_flow){.bytes = 0};
  }
}

quicmig_verdict qm_budget_on_time(qm_budget *b, quicmig_tstamp now) {
  bool is_any = b->most.bytes || b->most.age;

  if (!qm_time_is_due(b->ease_at, now)) {
    return QUICMIG_VERDICT_NONE;
  }
  b->eased++;
  b->ease_at = qm_time_add(now, EASE_AFTER);
  b->most.bytes += b->most.bytes / 4;
  b->most.age += b->most.age / 4;
  if (b->eased > EASED_MAX || !is_any) {
    qm_budget_init(b);
  }
  return is_any ? QUICMIG_VERDICT_RELAXED : QUICMIG_VERDICT_NONE;
}

/* No reserve takes more than half of what may be used. */
static uint64_t less(uint64_t most, uint64_t reserve) {
  uint64_t usable = qm_percent(most, USED_PCT);

  return usable - qm_time_min(reserve, usable / 2);
}

qm_flow qm_budget_limit(const qm_budget *b, uint64_t rate,
                        quicmig_duration lead) {
  double reserve = (double)rate * (double)lead / (double)QUICMIG_SECOND;

  return (qm_flow){.bytes = less(b->most.bytes, (uint64_t)reserve),
                   .age = less(b->most.age, lead)};
}
