#include "codel.h"

/* Has the wait been over the target for a whole interval? */
static bool is_long(codel *c, quicmig_tstamp now, quicmig_tstamp since,
                    bool is_last) {
  if (is_last || now - since < CODEL_TARGET) {
    c->above_at = 0;
    return false;
  }
  if (c->above_at == 0) {
    c->above_at = now + CODEL_INTERVAL;
  }
  return now >= c->above_at;
}

/* interval / sqrt(count). */
static quicmig_duration gap(uint32_t count) {
  quicmig_duration lo = 1, hi = CODEL_INTERVAL;

  while (lo < hi) {
    quicmig_duration middle = lo + (hi - lo + 1) / 2;

    if (middle * middle <= CODEL_INTERVAL * CODEL_INTERVAL / count) {
      lo = middle;
    } else {
      hi = middle - 1;
    }
  }
  return lo;
}

bool codel_drops(codel *c, quicmig_tstamp now, quicmig_tstamp since,
                 bool is_last) {
  if (!is_long(c, now, since, is_last)) {
    c->is_dropping = false;
    return false;
  }
  if (!c->is_dropping) {
    /* Soon after the last run: go on near the rate that it had come to. */
    bool is_again = c->next && now < c->next + 8 * CODEL_INTERVAL;

    c->is_dropping = true;
    c->count = is_again && c->count > 2 ? c->count - 2 : 1;
    c->next = now + gap(c->count);
    return true;
  }
  if (now < c->next) {
    return false;
  }
  c->count++;
  c->next += gap(c->count);
  return true;
}
