#include "core/sched.h"

static bool is_triggered(const qm_sched *s) {
  return (s->o->hop_bytes && s->bytes >= s->o->hop_bytes) ||
         (s->o->hop_packets && s->packets >= s->o->hop_packets);
}

static void draw(qm_sched *s, quicmig_tstamp now) {
  quicmig_duration mean = s->o->hop_interval;
  quicmig_duration swing = mean / 100 * s->o->hop_jitter_pct;
  quicmig_duration quiet = s->o->hop_quiet;
  quicmig_duration gap;

  s->is_retry = false;
  s->due = s->quiet_from = QUICMIG_NEVER;
  if (mean == 0) {
    return;
  }
  if (quiet > swing / 2) {
    quiet = swing / 2;
  }
  gap = qm_rng_range(&s->rng, mean - swing + quiet, mean + swing);
  s->due = qm_time_add(now, gap);
  s->quiet_from = qm_time_add(now, gap - quiet);
}

void qm_sched_init(qm_sched *s, const quicmig_options *o, uint64_t seed) {
  *s = (qm_sched){.o = o, .due = QUICMIG_NEVER, .quiet_from = QUICMIG_NEVER};
  qm_rng_init(&s->rng, seed);
}

void qm_sched_start(qm_sched *s, quicmig_tstamp now) {
  s->is_running = true;
  s->failures = 0;
  draw(s, now);
}

void qm_sched_stop(qm_sched *s) {
  s->is_running = false;
  s->due = s->quiet_from = QUICMIG_NEVER;
}

void qm_sched_on_traffic(qm_sched *s, size_t datagrams, size_t n,
                         quicmig_tstamp now) {
  s->bytes += n;
  s->packets += datagrams;
  s->last_traffic = now;
}

void qm_sched_on_start(qm_sched *s, quicmig_tstamp now) {
  s->last_start = now;
  s->not_before = qm_time_add(now, qm_time_max(s->gap, s->o->hop_min_gap));
  draw(s, now);
}

void qm_sched_on_success(qm_sched *s) {
  s->failures = 0;
  s->bytes = s->packets = 0;
}

void qm_sched_on_return(qm_sched *s, uint64_t packets, uint64_t bytes) {
  s->packets = packets;
  s->bytes = bytes;
}

/* Doubling with up to a quarter on top, so that connections that failed
 * together do not come back together. */
void qm_sched_on_failure(qm_sched *s, quicmig_tstamp now) {
  quicmig_duration wait = s->o->hop_backoff;
  uint32_t i;

  for (i = 0; i < s->failures && wait < s->o->hop_backoff_max; i++) {
    wait *= 2;
  }
  if (wait > s->o->hop_backoff_max) {
    wait = s->o->hop_backoff_max;
  }
  wait += qm_rng_range(&s->rng, 0, wait / 4);
  s->failures++;
  s->not_before = qm_time_max(s->not_before, qm_time_add(now, wait));
  if (s->is_running) {
    s->due = s->quiet_from = s->not_before;
    s->is_retry = true;
  }
}

void qm_sched_hurry(qm_sched *s, quicmig_tstamp at) {
  if (s->is_retry && at < s->not_before) {
    s->due = s->quiet_from = s->not_before = at;
  }
}

void qm_sched_on_too_soon(qm_sched *s, quicmig_duration gap,
                          quicmig_tstamp now) {
  s->gap = gap;
  s->not_before = qm_time_max(s->not_before, qm_time_add(s->last_start, gap));
  s->not_before = qm_time_max(s->not_before, now);
}

bool qm_sched_is_too_soon(const qm_sched *s, quicmig_duration gap,
                          quicmig_tstamp now) {
  return s->last_start != 0 && now < qm_time_add(s->last_start, gap);
}

static bool is_quiet(const qm_sched *s, quicmig_tstamp now) {
  return now >= s->quiet_from &&
         now >= qm_time_add(s->last_traffic, QM_SCHED_QUIET);
}

quicmig_reason qm_sched_reason(const qm_sched *s, quicmig_tstamp now) {
  if (!s->is_running || now < s->not_before) {
    return QUICMIG_REASON_INITIAL;
  }
  if (s->is_retry) {
    return now >= s->due ? QUICMIG_REASON_RETRY : QUICMIG_REASON_INITIAL;
  }
  if (is_triggered(s)) {
    return s->o->hop_bytes && s->bytes >= s->o->hop_bytes
               ? QUICMIG_REASON_BYTES
               : QUICMIG_REASON_PACKETS;
  }
  if (qm_time_is_due(s->due, now) ||
      (s->due != QUICMIG_NEVER && is_quiet(s, now))) {
    return QUICMIG_REASON_INTERVAL;
  }
  return QUICMIG_REASON_INITIAL;
}

quicmig_tstamp qm_sched_deadline(const qm_sched *s) {
  quicmig_tstamp at = s->due;

  if (!s->is_running) {
    return QUICMIG_NEVER;
  }
  if (!s->is_retry && is_triggered(s)) {
    return s->not_before;
  }
  if (at == QUICMIG_NEVER) {
    return QUICMIG_NEVER;
  }
  if (!s->is_retry) {
    quicmig_tstamp quiet = qm_time_max(
        s->quiet_from, qm_time_add(s->last_traffic, QM_SCHED_QUIET));
    at = qm_time_min(at, quiet);
  }
  return qm_time_max(at, s->not_before);
}
