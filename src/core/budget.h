/*
 * What a flow may carry, as far as flows have taught it: each that was cut or
 * slowed leaves its bytes and its age.  Two that ended alike make a budget: in
 * bytes or in age, whichever was alike.  If both were, bytes are guessed, until
 * a flow ends well within that.  Both budgets may hold at once.
 *
 * Forgets slowly: an hour without an end raises the budgets by a quarter, nine
 * such hours end them.
 */
#ifndef QM_BUDGET_H
#define QM_BUDGET_H

#include <stdbool.h>

#include "base/time.h"
#include <quicmig/model.h>

#define QM_BUDGET_ENDS 4

/* How far a flow was, both directions together. */
typedef struct qm_flow {
  uint64_t bytes; /* 0: none */
  quicmig_duration age;
} qm_flow;

typedef struct qm_budget {
  qm_flow ends[QM_BUDGET_ENDS]; /* the last ones, a ring */
  uint32_t n_ends;
  bool is_guess; /* most.bytes is: the ends were alike in age, too */
  qm_flow most;  /* the budgets; fields 0: none */
  quicmig_tstamp ease_at;
  uint32_t eased; /* times in a row */
} qm_budget;

static inline uint64_t qm_percent(uint64_t v, unsigned pct) {
  return v / 100 * pct;
}

void qm_budget_init(qm_budget *b);

/* Was a flow seen to end like this one? */
bool qm_budget_fits(const qm_budget *b, const qm_flow *f);

/* A flow was cut or slowed there.  Returns what that taught, or
 * QUICMIG_VERDICT_NONE. */
quicmig_verdict qm_budget_on_end(qm_budget *b, const qm_flow *f,
                                 quicmig_tstamp now);

/* A flow that ended like those seen was none of them: only budgets stay. */
void qm_budget_on_mistake(qm_budget *b);

/* QUICMIG_VERDICT_RELAXED when it has been raised or given up, else _NONE. */
quicmig_verdict qm_budget_on_time(qm_budget *b, quicmig_tstamp now);

/* How far a flow may go that moves `rate` bytes a second, if a hop takes
 * `lead`; fields 0: no limit. */
qm_flow qm_budget_limit(const qm_budget *b, uint64_t rate,
                        quicmig_duration lead);

#endif
