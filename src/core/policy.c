#include "core/policy.h"

#include <string.h>

/* The flow is in use at all: more than a keep-alive now and then. */
#define USED_MIN 2
/* Traffic went on in a dip: so many slots in all, and one in so many. */
#define DIP_BUSY_MIN 8
#define DIP_BUSY_EVERY 5
/* Percent of the flow's usual rate: still good, and collapsed. */
#define GOOD_PCT 60
#define COLLAPSED_PCT 40
/* A usual rate below this, in bytes a second, says nothing. */
#define RATE_MIN 8192
/* The rate has recovered: percent of the usual one, and of the collapsed. */
#define RECOVERED_PCT 50
#define GAIN_PCT 200
/* For so long, or for half of the old flow's age or bytes. */
#define RECOVERED_FOR (2 * QUICMIG_SECOND)
/* A flow that was good for less than this has no rate that could collapse. */
#define FLOW_MIN 65536
/* A flow fits the one of an alarm up to this part of it. */
#define HINT_PART 20
/* How long a dip lasts before it is suspect: the first of its kind; and so many
 * times what is known, which is at most so much. */
#define WAIT_FIRST QUICMIG_SECOND
/* The second one, if the first was no dip but a silence. */
#define WAIT_SECOND (8 * QUICMIG_SECOND)
#define WAIT_FACTOR 2
#define KNOWN_MOST (30 * QUICMIG_SECOND)
/* A trial lasts so long, and in RTTs: a fresh window has to open; with hops of
 * others in between no longer than the most. */
#define TRIAL_LEAST (5 * QUICMIG_SECOND)
#define TRIAL_RTTS 16
#define TRIAL_MOST (30 * QUICMIG_SECOND)
#define QUIET_AFTER (3600 * QUICMIG_SECOND)
/* A flow that was slowed at that age teaches nothing. */
#define TEACHES_MAX (2400 * QUICMIG_SECOND)

void qm_policy_init(qm_policy *p) {
  *p = (qm_policy){.dip = {.at = QUICMIG_NEVER}, .well_since = QUICMIG_NEVER};
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
  if (!p || p->n_news == 0) {
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
  if (!p) {
    return;
  }
  /* A suspicion is put to the test, whatever made the connection move. */
  if (p->state == QM_POLICY_SUSPECTING) {
    p->state = QM_POLICY_TRIAL;
    p->trial_end = qm_time_add(now, TRIAL_MOST);
  }
  p->trial_at = p->begun_at = now;
  p->well_since = QUICMIG_NEVER;
  p->rtt = rtt;
  p->last_alive = p->alive;
  p->last_usual = p->usual;
  p->bytes = p->usual = p->usual_bytes = p->usual_slots = 0;
  p->good = p->alive = (qm_flow){.bytes = 0};
  p->dip.at = QUICMIG_NEVER;
  qm_rate_start(&p->rate, rtt, now);
}

void qm_policy_on_return(qm_policy *p, uint64_t bytes,
                         quicmig_tstamp begun_at) {
  if (!p) {
    return;
  }
  p->bytes = bytes;
  p->begun_at = begun_at;
  p->state = QM_POLICY_CALM; /* this is no fresh flow to put anything to test */
}

/* A flow ended at `flow`: cut, or throttled. */
static void learn(qm_policy *p, quicmig_verdict verdict, const qm_flow *flow,
                  uint64_t before, uint64_t after, quicmig_tstamp now) {
  tell(p, verdict, flow, before, after);
  verdict = qm_budget_on_end(&p->budget, flow, now);
  tell(p, verdict, &p->budget.most, before, after);
}

void qm_policy_on_silence(qm_policy *p, quicmig_tstamp now) {
  if (!p) {
    return;
  }
  p->hint = p->good;
  p->quiet_before = p->quiet_until;
  p->quiet_until = qm_time_add(now, QUIET_AFTER);
}

void qm_policy_on_silence_end(qm_policy *p) {
  if (p) {
    p->quiet_until = p->quiet_before;
  }
}

void qm_policy_on_cut(qm_policy *p, quicmig_tstamp now) {
  if (!p || p->last_alive.bytes == 0) {
    return;
  }
  p->state = QM_POLICY_CALM;
  p->hint.bytes = 0;
  learn(p, QUICMIG_VERDICT_CUT, &p->last_alive, p->last_usual, 0, now);
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
    d->known = qm_time_max(d->known, qm_time_min(lasted, KNOWN_MOST));
    d->known_until = qm_time_add(now, QUIET_AFTER);
  }
  d->at = QUICMIG_NEVER;
  if (p->state == QM_POLICY_SUSPECTING) {
    p->state = QM_POLICY_CALM;
  }
}

/* Did the flow do well as long as the one before the last alarm?  Whoever slows
 * flows lets little pass at first, which looks like silence. */
static bool fits_hint(const qm_policy *p) {
  uint64_t bytes = p->hint.bytes, age = p->hint.age;

  return bytes >= FLOW_MIN && ((p->good.bytes >= bytes - bytes / HINT_PART &&
                                p->good.bytes <= bytes + bytes / HINT_PART) ||
                               (p->good.age >= age - age / HINT_PART &&
                                p->good.age <= age + age / HINT_PART));
}

/* How long a dip has to last before it is suspect; NEVER: not now. */
static quicmig_duration patience(const qm_policy *p, quicmig_tstamp now) {
  quicmig_duration wait =
      now < p->dip.known_until ? WAIT_FACTOR * p->dip.known : 0;
  bool is_known = p->budget.most.bytes || p->budget.most.age;
  bool is_quiet = now < p->quiet_until;

  if (p->good.bytes < FLOW_MIN ||
      (is_quiet && !qm_budget_fits(&p->budget, &p->good) && !fits_hint(p))) {
    return QUICMIG_NEVER;
  }
  if (is_quiet && !is_known) {
    wait = qm_time_max(wait, p->suspect_lasted ? WAIT_FACTOR * p->suspect_lasted
                                               : WAIT_SECOND);
  }
  wait = qm_time_max(wait, WAIT_FIRST);
  return qm_time_max(wait, QM_RATE_LONG * p->rate.slot);
}

static void suspect(qm_policy *p, uint64_t rate, quicmig_tstamp now) {
  p->state = QM_POLICY_SUSPECTING;
  p->suspect = p->good;
  p->suspect_usual = p->usual;
  p->suspect_rate = rate;
  p->suspect_dip = p->dip.at;
  /* One that came within an hour of the last is none in the next. */
  p->quiet_until = qm_time_add(qm_budget_fits(&p->budget, &p->good)
                                   ? now
                                   : qm_time_max(now, p->quiet_until),
                               QUIET_AFTER);
  tell(p, QUICMIG_VERDICT_SUSPECTED, &p->suspect, p->usual, rate);
}

/* So many slots have ended, the last of which says enough about the others. */
static void note_usual(qm_policy *p, uint64_t rate) {
  if (rate && p->dip.at == QUICMIG_NEVER) {
    p->usual_bytes += qm_rate_last(&p->rate);
    p->usual_slots++;
    p->usual = (uint64_t)((double)p->usual_bytes * (double)QUICMIG_SECOND /
                          ((double)p->usual_slots * (double)p->rate.slot));
  }
}

static void look_at_flow(qm_policy *p, quicmig_tstamp now) {
  uint64_t rate = qm_rate_of(&p->rate, QM_RATE_SHORT);
  quicmig_duration lasted;

  note_usual(p, rate);
  if (rate >= qm_percent(p->usual, GOOD_PCT)) {
    p->good = here(p, now);
    end_dip(p, now);
    return;
  }
  if (p->dip.at == QUICMIG_NEVER) {
    if (p->usual >= RATE_MIN && rate < qm_percent(p->usual, COLLAPSED_PCT)) {
      p->dip.at = now;
      p->dip.busy = 0;
    }
    return;
  }
  lasted = qm_time_since(now, p->dip.at);
  if (p->state == QM_POLICY_CALM && was_busy(p, lasted) &&
      rate < qm_percent(p->usual, COLLAPSED_PCT) &&
      lasted >= patience(p, now)) {
    suspect(p, rate, now);
  }
}

/* The fresh flow does well, and not only in the burst that it begins with. */
static bool is_recovered(qm_policy *p, uint64_t rate, quicmig_tstamp now) {
  quicmig_duration wanted = qm_time_min(RECOVERED_FOR, p->suspect.age / 2);

  if (rate < qm_percent(p->suspect_usual, RECOVERED_PCT) ||
      rate < qm_percent(p->suspect_rate, GAIN_PCT)) {
    p->well_since = QUICMIG_NEVER;
    return false;
  }
  if (p->well_since == QUICMIG_NEVER) {
    p->well_since = now;
    p->well_bytes = p->bytes;
  }
  return qm_time_since(now, p->well_since) >= wanted ||
         p->bytes - p->well_bytes >= p->suspect.bytes / 2;
}

/* One suspicion an hour makes flows of about that age, which are all alike. */
static void conclude(qm_policy *p, uint64_t rate, quicmig_tstamp now) {
  if (p->suspect.age < TEACHES_MAX) {
    learn(p, QUICMIG_VERDICT_THROTTLED, &p->suspect, p->suspect_usual, rate,
          now);
  } else {
    tell(p, QUICMIG_VERDICT_THROTTLED, &p->suspect, p->suspect_usual, rate);
  }
}

static void look_at_trial(qm_policy *p, quicmig_tstamp now) {
  uint64_t rate = qm_rate_of(&p->rate, QM_RATE_SHORT);
  quicmig_duration age = qm_time_since(now, p->trial_at);

  if (is_recovered(p, rate, now)) {
    p->state = QM_POLICY_CALM;
    if (p->hint.bytes) {
      (void)qm_budget_on_end(&p->budget, &p->hint, now);
    }
    p->hint.bytes = 0;
    p->suspect_lasted = qm_time_since(p->well_since, p->suspect_dip);
    conclude(p, rate, now);
    return;
  }
  if (now < p->trial_end &&
      (age < qm_time_max(TRIAL_LEAST, TRIAL_RTTS * p->rtt) ||
       p->well_since != QUICMIG_NEVER)) {
    return;
  }
  p->state = QM_POLICY_CALM;
  p->suspect_lasted = 0;
  qm_budget_on_mistake(&p->budget);
  p->hint.bytes = 0;
  if (qm_rate_busy(&p->rate) >= USED_MIN) {
    tell(p, QUICMIG_VERDICT_CONGESTED, &p->suspect, p->suspect_usual, rate);
  } /* else nobody wants anything: it stays open */
}

void qm_policy_on_time(qm_policy *p, quicmig_tstamp now) {
  quicmig_verdict verdict;

  if (!p) {
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
  if (p) {
    qm_policy_on_time(p, now);
    p->dip.busy += qm_rate_on_bytes(&p->rate, n);
    p->bytes += n;
  }
}

void qm_policy_on_rx(qm_policy *p, size_t n, quicmig_tstamp now) {
  if (p) {
    qm_policy_on_tx(p, n, now);
    p->alive = here(p, now);
  }
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

  if (!p) {
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
  return p && (p->state == QM_POLICY_SUSPECTING || limit_at(p, lead) <= now);
}
