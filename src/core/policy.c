#include "core/policy.h"

#include <string.h>

/* The flow is in use at all: more than a keep-alive now and then. */
#define USED_MIN 2
/* Traffic went on in a dip: so many slots in all, and one in so many. */
#define DIP_BUSY_MIN 8
#define DIP_BUSY_EVERY 5
/* Percent of the flow's best rate: still good, and collapsed. */
#define GOOD_PCT 60
#define COLLAPSED_PCT 40
/* A best rate below this, in bytes a second, says nothing. */
#define RATE_MIN 8192
/* The rate has recovered: percent of the best before, and of the collapsed. */
#define RECOVERED_PCT 50
#define GAIN_PCT 200
/* How long a dip lasts before it is suspect: the first of its kind, the one
 * that would confirm it, those that are known; at most. */
#define WAIT_FIRST QUICMIG_SECOND
#define WAIT_SECOND (5 * QUICMIG_SECOND)
#define WAIT_MOST (60 * QUICMIG_SECOND)
/* A trial lasts so long, and in RTTs: a fresh window has to open; and as long
 * again and more if there is no traffic. */
#define TRIAL_LEAST (3 * QUICMIG_SECOND)
#define TRIAL_RTTS 16
#define TRIAL_MOST (30 * QUICMIG_SECOND)
#define QUIET_AFTER (3600 * QUICMIG_SECOND)

static uint64_t percent(uint64_t v, unsigned pct) { return v / 100 * pct; }

void qm_policy_init(qm_policy *p, bool is_wanted) {
  *p = (qm_policy){.state = is_wanted ? QM_POLICY_CALM : QM_POLICY_OFF,
                   .dip = {.at = QUICMIG_NEVER}};
  qm_budget_init(&p->budget);
  qm_rate_start(&p->rate, 0, 0);
}

static void tell(qm_policy *p, quicmig_verdict verdict, const qm_flow *flow,
                 uint64_t before, uint64_t after) {
  if (verdict != QUICMIG_VERDICT_NONE && p->n_news < QM_POLICY_NEWS) {
    p->news[p->n_news++] = (qm_news){.verdict = verdict,
                                     .flow = *flow,
                                     .rate_before = before,
                                     .rate_after = after};
  }
}

bool qm_policy_next(qm_policy *p, qm_news *news) {
  if (p->n_news == 0) {
    return false;
  }
  *news = p->news[0];
  p->n_news--;
  memmove(&p->news[0], &p->news[1], p->n_news * sizeof(p->news[0]));
  return true;
}

static qm_flow here(const qm_policy *p, quicmig_tstamp now) {
  return (qm_flow){.bytes = p->bytes, .age = qm_time_since(now, p->begun_at)};
}

void qm_policy_on_flow(qm_policy *p, quicmig_duration rtt, quicmig_tstamp now) {
  if (p->state == QM_POLICY_OFF) {
    return;
  }
  /* A suspicion is put to the test, whatever made the connection move. */
  if (p->state == QM_POLICY_SUSPECTING) {
    p->state = QM_POLICY_TRIAL;
    p->trial_end = qm_time_add(now, TRIAL_MOST);
  }
  p->trial_at = p->begun_at = now;
  p->rtt = rtt;
  p->last_alive = p->alive;
  p->last_best = p->best;
  p->bytes = p->best = 0;
  p->good = p->alive = (qm_flow){.bytes = 0};
  p->dip.at = QUICMIG_NEVER;
  qm_rate_start(&p->rate, rtt, now);
}

/* A flow ended at `flow`: cut, or throttled. */
static void learn(qm_policy *p, quicmig_verdict verdict, const qm_flow *flow,
                  uint64_t before, uint64_t after, quicmig_tstamp now) {
  tell(p, verdict, flow, before, after);
  verdict = qm_budget_on_end(&p->budget, flow, now);
  tell(p, verdict, &p->budget.most, before, after);
}

void qm_policy_on_cut(qm_policy *p, quicmig_tstamp now) {
  if (p->state == QM_POLICY_OFF || p->last_alive.bytes == 0) {
    return;
  }
  p->state = QM_POLICY_CALM;
  learn(p, QUICMIG_VERDICT_CUT, &p->last_alive, p->last_best, 0, now);
}

/* Did traffic go on in a dip of that length? */
static bool was_busy(const qm_policy *p, quicmig_duration lasted) {
  return p->dip.busy >= DIP_BUSY_MIN &&
         p->dip.busy >= lasted / p->rate.slot / DIP_BUSY_EVERY;
}

/* The rate is back, and nothing was done for it. */
static void end_dip(qm_policy *p, quicmig_tstamp now) {
  qm_dip *d = &p->dip;
  quicmig_duration lasted = qm_time_since(now, d->at);

  if (d->at != QUICMIG_NEVER && was_busy(p, lasted)) {
    d->known = qm_time_max(d->known, qm_time_min(lasted, WAIT_MOST / 2));
    d->known_until = qm_time_add(now, QUIET_AFTER);
  }
  d->at = QUICMIG_NEVER;
  if (p->state == QM_POLICY_SUSPECTING) {
    p->state = QM_POLICY_CALM;
  }
}

/* How long a dip has to last before it is suspect; NEVER: not now. */
static quicmig_duration patience(const qm_policy *p, quicmig_tstamp now) {
  quicmig_duration wait = now < p->dip.known_until ? 2 * p->dip.known : 0;
  bool is_known = p->budget.most.bytes || p->budget.most.age;

  if (now >= p->quiet_until || is_known) {
    wait = qm_time_max(wait, WAIT_FIRST);
  } else {
    wait = qm_time_max(wait, WAIT_SECOND);
  }
  return now < p->quiet_until && !qm_budget_fits(&p->budget, &p->good)
             ? QUICMIG_NEVER
             : qm_time_max(wait, QM_RATE_LONG * p->rate.slot);
}

static void suspect(qm_policy *p, uint64_t rate, quicmig_tstamp now) {
  p->state = QM_POLICY_SUSPECTING;
  p->suspect = p->good;
  p->suspect_best = p->best;
  p->suspect_rate = rate;
  p->quiet_until = qm_time_add(now, QUIET_AFTER);
  tell(p, QUICMIG_VERDICT_SUSPECTED, &p->suspect, p->best, rate);
}

static void look_at_flow(qm_policy *p, quicmig_tstamp now) {
  uint64_t rate = qm_rate_of(&p->rate, QM_RATE_SHORT);
  quicmig_duration lasted;

  p->best = qm_time_max(p->best, rate);
  if (rate >= percent(p->best, GOOD_PCT)) {
    p->good = here(p, now);
    end_dip(p, now);
    return;
  }
  if (p->dip.at == QUICMIG_NEVER) {
    if (p->best >= RATE_MIN && rate < percent(p->best, COLLAPSED_PCT)) {
      p->dip.at = now;
      p->dip.busy = 0;
    }
    return;
  }
  lasted = qm_time_since(now, p->dip.at);
  if (p->state == QM_POLICY_CALM && was_busy(p, lasted) &&
      rate < percent(p->best, COLLAPSED_PCT) && lasted >= patience(p, now)) {
    suspect(p, rate, now);
  }
}

static void look_at_trial(qm_policy *p, quicmig_tstamp now) {
  uint64_t rate = qm_rate_of(&p->rate, QM_RATE_SHORT);
  quicmig_duration age = qm_time_since(now, p->trial_at);

  if (rate >= percent(p->suspect_best, RECOVERED_PCT) &&
      rate >= percent(p->suspect_rate, GAIN_PCT)) {
    p->state = QM_POLICY_CALM;
    learn(p, QUICMIG_VERDICT_THROTTLED, &p->suspect, p->suspect_best, rate,
          now);
  } else if (now >= p->trial_end) {
    p->state = QM_POLICY_CALM; /* nobody wants anything: it stays open */
  } else if (age >= qm_time_max(TRIAL_LEAST, TRIAL_RTTS * p->rtt) &&
             qm_rate_busy(&p->rate) >= QM_RATE_LONG / DIP_BUSY_EVERY) {
    p->state = QM_POLICY_CALM;
    qm_budget_on_mistake(&p->budget);
    tell(p, QUICMIG_VERDICT_CONGESTED, &p->suspect, p->suspect_best, rate);
  }
}

void qm_policy_on_time(qm_policy *p, quicmig_tstamp now) {
  quicmig_verdict verdict;

  if (p->state == QM_POLICY_OFF) {
    return;
  }
  verdict = qm_budget_on_time(&p->budget, now);
  tell(p, verdict, &p->budget.most, 0, 0);
  if (qm_rate_on_time(&p->rate, now)) {
    look_at_flow(p, now);
    if (p->state == QM_POLICY_TRIAL) {
      look_at_trial(p, now);
    }
  }
}

void qm_policy_on_tx(qm_policy *p, size_t n, quicmig_tstamp now) {
  if (p->state != QM_POLICY_OFF) {
    qm_policy_on_time(p, now);
    p->dip.busy += qm_rate_on_bytes(&p->rate, n);
    p->bytes += n;
  }
}

void qm_policy_on_rx(qm_policy *p, size_t n, quicmig_tstamp now) {
  qm_policy_on_tx(p, n, now);
  p->alive = here(p, now);
}

/* When the budget is used up; 0: it is. */
static quicmig_tstamp limit_at(const qm_policy *p, quicmig_duration lead) {
  qm_flow limit =
      qm_budget_limit(&p->budget, qm_rate_of(&p->rate, QM_RATE_SHORT), lead);

  if (limit.bytes && p->bytes >= limit.bytes) {
    return 0;
  }
  /* A flow that nobody uses may be as old as it likes. */
  return limit.age && qm_rate_busy(&p->rate) >= USED_MIN
             ? qm_time_add(p->begun_at, limit.age)
             : QUICMIG_NEVER;
}

quicmig_tstamp qm_policy_deadline(const qm_policy *p, quicmig_duration lead) {
  quicmig_tstamp at;

  if (p->state == QM_POLICY_OFF) {
    return QUICMIG_NEVER;
  }
  if (p->state == QM_POLICY_SUSPECTING) {
    return 0;
  }
  at = qm_time_min(limit_at(p, lead), p->budget.ease_at);
  /* Rates change by traffic, which brings time along; but a trial ends. */
  return p->state == QM_POLICY_TRIAL
             ? qm_time_min(at, qm_time_add(p->rate.at, p->rate.slot))
             : at;
}

bool qm_policy_wants_hop(const qm_policy *p, quicmig_duration lead,
                         quicmig_tstamp now) {
  return p->state == QM_POLICY_SUSPECTING ||
         (p->state != QM_POLICY_OFF && limit_at(p, lead) <= now);
}
