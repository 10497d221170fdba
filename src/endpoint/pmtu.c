#include "endpoint/pmtu.h"

/* Offers begin close together, for short round trips, and end when even the
 * smallest size has had its probes. */
#define PAUSE_MIN QUICMIG_MILLISECOND
#define PAUSE_MAX (64 * QUICMIG_MILLISECOND)
#define SEARCH_MAX (15 * QUICMIG_SECOND)
/* Of each size: three probes and the silence after them take five; and an
 * answer. */
#define SEARCH_PTOS (5 * QM_PMTU_PROBES / 2 + 1)
/* A probe may be lost twice; the third one's answer takes a round trip. */
#define DOUBT_PTOS 4

/* Below the largest: an optic fibre service, tunnels, IPv6's least; less the
 * headers of IPv6 and UDP. */
static const uint16_t usual[] = {1454 - 48, 1390 - 48, 1280 - 48};

static void add_pair(qm_pmtu *p, size_t size) {
  p->probes[p->n_probes++] = (uint16_t)size;
  p->probes[p->n_probes++] = (uint16_t)(size + 1);
}

/* The largest is not probed: a packet that just fills its room would look like
 * a probe. */
void qm_pmtu_init(qm_pmtu *p, size_t max) {
  size_t i, top = max - 2;

  *p = (qm_pmtu){.max = (uint16_t)max,
                 .size = QM_PMTU_BASE,
                 .proven = QM_PMTU_BASE,
                 .offer_at = QUICMIG_NEVER,
                 .wake_at = QUICMIG_NEVER,
                 .doubt_from = QUICMIG_NEVER};
  if (top <= QM_PMTU_BASE) {
    return;
  }
  add_pair(p, top);
  for (i = 0; i < sizeof(usual) / sizeof(usual[0]); i++) {
    if (usual[i] + 1u < top) {
      add_pair(p, usual[i]);
    }
  }
}

static void stop(qm_pmtu *p) {
  p->is_searching = false;
  p->offer_at = p->wake_at = p->doubt_from = QUICMIG_NEVER;
}

void qm_pmtu_on_search(qm_pmtu *p, quicmig_tstamp now) {
  if (p->n_probes) {
    p->is_searching = true;
    p->since = p->offer_at = p->wake_at = now;
    p->doubt_from = QUICMIG_NEVER;
    p->pause = PAUSE_MIN;
    p->pto = 0;
    p->proven = QM_PMTU_BASE;
  }
}

void qm_pmtu_on_path(qm_pmtu *p, bool is_same_pair) {
  p->proven = QM_PMTU_BASE;
  if (!is_same_pair) {
    p->size = QM_PMTU_BASE;
  }
  stop(p);
}

static void give_up(qm_pmtu *p) {
  if (p->doubt_from != QUICMIG_NEVER && p->size > p->proven) {
    p->size = p->proven;
  }
  p->doubt_from = QUICMIG_NEVER;
}

bool qm_pmtu_offer(qm_pmtu *p, quicmig_tstamp now) {
  if (now < p->offer_at) {
    return false;
  }
  if (now >=
      qm_time_add(p->since, qm_time_max(SEARCH_MAX, SEARCH_PTOS * p->pto))) {
    give_up(p);
    stop(p);
    return false;
  }
  if (now >= p->wake_at) {
    p->wake_at = qm_time_add(now, p->pause);
    p->pause = 2 * p->pause < PAUSE_MAX ? 2 * p->pause : PAUSE_MAX;
  }
  return true;
}

void qm_pmtu_on_taken(qm_pmtu *p) { p->offer_at = p->wake_at; }

void qm_pmtu_on_written(qm_pmtu *p, size_t n, quicmig_tstamp now) {
  size_t i;

  for (i = 0; i < p->n_probes && n != p->probes[i]; i++) {
  }
  if (i == p->n_probes || !p->is_searching) {
    return;
  }
  if (n > p->size + 1u) {
    p->doubt_from = QUICMIG_NEVER; /* larger ones have their turn first */
  } else if (n == p->size && p->size > p->proven &&
             p->doubt_from == QUICMIG_NEVER) {
    p->doubt_from = now;
  }
  if (i % 2 == 1) {
    p->proven = p->probes[i - 1];
    p->size = p->proven > p->size ? p->proven : p->size;
    p->doubt_from = p->size > p->proven ? p->doubt_from : QUICMIG_NEVER;
  }
  if (i == 1) {
    stop(p); /* nothing larger is left */
  }
}

void qm_pmtu_on_blackhole(qm_pmtu *p) {
  p->size = p->proven = QM_PMTU_BASE;
  p->doubt_from = QUICMIG_NEVER;
}

bool qm_pmtu_is_probe(const qm_pmtu *p, size_t n) {
  size_t i;

  for (i = 0; i < p->n_probes && n != p->probes[i]; i++) {
  }
  return p->is_searching && i < p->n_probes;
}

void qm_pmtu_check(qm_pmtu *p, quicmig_duration pto, quicmig_tstamp now) {
  p->pto = qm_time_max(p->pto, pto);
  if (now >= qm_time_add(p->doubt_from, DOUBT_PTOS * p->pto)) {
    give_up(p);
  }
}
