#include "core/engine.h"

#include <assert.h>
#include <string.h>

/* A datagram with a PATH_CHALLENGE has at least this size (RFC 9000 section
 * 8.2.1). */
#define CHALLENGE_SIZE 1200
/* Large late packets count as data that was under way for this long after the
 * switch; later ones may be the peer's second look at the old path, which comes
 * no sooner than an Initial packet would be repeated (section 8.2.1). */
#define IN_FLIGHT_MAX QUICMIG_SECOND
/* The PTO of a path that was never heard: so many of the path before, at least
 * this. */
#define FRESH_PTOS 4
#define FRESH_PTO_MIN (150 * QUICMIG_MILLISECOND)

void qm_engine_init(qm_engine *e, const quicmig_options *o, qm_path *slots,
                    uint64_t seed) {
  *e = (qm_engine){.o = *o};
  qm_outbox_init(&e->out);
  qm_sched_init(&e->sched, &e->o, seed);
  qm_ledger_init(&e->ledger);
  qm_silence_init(&e->silence);
  qm_paths_init(&e->paths, slots, o->max_sockets, &e->out);
  e->hop.give_up = QUICMIG_NEVER;
  e->srtt_low = (uint32_t)QUICMIG_SECOND;
  e->stats.peer_budget = QM_LEDGER_NO_BUDGET;
}

void qm_engine_on_policy(qm_engine *e, qm_policy *policy, quicmig_tstamp now) {
  e->policy = policy;
  e->news_told = 0;
  qm_policy_on_flow(policy, 0, now);
}

void qm_engine_on_options(qm_engine *e, const quicmig_options *o,
                          quicmig_tstamp now) {
  quicmig_options kept = e->o;

  e->o = *o;
  e->o.max_sockets = kept.max_sockets;
  e->o.local_port_lo = kept.local_port_lo;
  e->o.local_port_hi = kept.local_port_hi;
  e->o.rcvbuf = kept.rcvbuf;
  e->o.sndbuf = kept.sndbuf;
  e->o.fwmark = kept.fwmark;
  e->o.no_offload = kept.no_offload;
  e->o.remote_port_lo = kept.remote_port_lo;
  e->o.remote_port_hi = kept.remote_port_hi;
  e->o.watch_network = kept.watch_network;
  memcpy(e->o.interface_name, kept.interface_name, sizeof(kept.interface_name));
  memcpy(e->o.interfaces, kept.interfaces, sizeof(kept.interfaces));
  if (e->is_confirmed) {
    qm_sched_start(&e->sched, now);
  }
  if (e->is_forbidden && e->o.hop_mode == QUICMIG_MODE_MIGRATE) {
    qm_sched_stop(&e->sched);
  }
}

void qm_engine_on_first_path(qm_engine *e, const qm_addr *local,
                             uint16_t remote_port, int handle,
                             quicmig_tstamp now) {
  qm_path *p = qm_paths_add(&e->paths, local, remote_port, handle, now);

  assert(p && e->active_id == 0);
  e->active_id = e->tx_id = p->id;
  qm_paths_move(&e->paths, p, QUICMIG_PATH_PROBING, now);
}

void qm_engine_on_confirmed(qm_engine *e, bool forbids, uint64_t cid_limit,
                            quicmig_tstamp now) {
  qm_path *p = qm_engine_active(e);

  if (e->is_confirmed) {
    return;
  }
  e->is_confirmed = true;
  e->is_forbidden = forbids;
  qm_ledger_on_peer(&e->ledger, cid_limit);
  qm_paths_move(&e->paths, p, QUICMIG_PATH_ACTIVE, now);
  qm_policy_on_flow(e->policy, 0, now);
  qm_sched_start(&e->sched, now);
}

void qm_engine_on_socket(qm_engine *e) {
  e->stats.sockets_opened++;
  e->stats.sockets_open++;
  if (e->stats.sockets_open > e->stats.sockets_peak) {
    e->stats.sockets_peak = e->stats.sockets_open;
  }
}

void qm_engine_on_socket_closed(qm_engine *e) {
  e->stats.sockets_open--;
  if (!qm_paths_find(&e->paths, e->silence.left)) {
    e->silence.left = 0;
  }
}

void qm_engine_on_tx(qm_engine *e, qm_path *p, size_t datagrams, size_t n,
                     quicmig_tstamp now) {
  e->stats.tx_packets += datagrams;
  e->stats.tx_bytes += n;
  qm_meter_on_tx(&p->meter, datagrams, n);
  if (p->id == e->tx_id) {
    qm_sched_on_traffic(&e->sched, datagrams, n, now);
    qm_policy_on_tx(e->policy, n, now);
    qm_silence_on_tx(&e->silence, datagrams, now);
  }
  qm_hop_on_tx(e, p, now);
}

/* Could n bytes that came on the old path hold a PATH_CHALLENGE?  While ngtcp2
 * holds the old path's ID it reads data there too, so that all large packets
 * may go there. */
static bool may_challenge(const qm_path *p, size_t n, quicmig_tstamp now) {
  return n == CHALLENGE_SIZE ||
         (n > CHALLENGE_SIZE &&
          (!p->is_retired ||
           now >= qm_time_add(p->draining_at, IN_FLIGHT_MAX)));
}

static void count_late(qm_engine *e, qm_path *p, bool is_rescued) {
  p->meter.late++;
  p->meter.rescued += is_rescued;
  e->stats.late_packets++;
  e->stats.late_rescued += is_rescued;
}

static qm_path *receive_late(qm_engine *e, qm_path *p, size_t n,
                             quicmig_tstamp now) {
  qm_path *active = qm_engine_active(e);
  bool is_same = qm_addr_is_equal(&p->shown, &active->shown);
  bool is_own = !is_same && may_challenge(p, n, now);

  count_late(e, p, !is_own || !p->is_retired);
  return is_own || is_same ? p : active;
}

/* A path that failed is read no more; but a REBIND that was taken back may
 * still get what the peer has sent there. */
static qm_path *receive_failed(qm_engine *e, qm_path *p) {
  if (qm_addr_is_equal(&p->shown, &qm_engine_active(e)->shown)) {
    count_late(e, p, true);
    return p;
  }
  e->stats.rx_discarded++;
  return NULL;
}

qm_path *qm_engine_on_datagram(qm_engine *e, qm_path *p, size_t n,
                               qm_arrival *a, quicmig_tstamp now) {
  *a = (qm_arrival){.path = p->id,
                    .bytes = (uint32_t)n,
                    .phase = (uint8_t)e->hop.phase,
                    .is_in_use = p->id == e->tx_id};
  e->stats.rx_packets++;
  e->stats.rx_bytes += n;
  qm_meter_on_rx(&p->meter, n);
  switch ((quicmig_path_state)p->state) {
  case QUICMIG_PATH_SPARE:
  case QUICMIG_PATH_CLOSED:
    e->stats.rx_discarded++;
    return NULL;
  case QUICMIG_PATH_FAILED:
    return receive_failed(e, p);
  case QUICMIG_PATH_DRAINING:
    return receive_late(e, p, n, now);
  case QUICMIG_PATH_PROBING:
  case QUICMIG_PATH_ACTIVE:
    break;
  }
  return p;
}

void qm_engine_on_accepted(qm_engine *e, const qm_arrival *a,
                           quicmig_tstamp now) {
  qm_path *p = qm_paths_find(&e->paths, a->path);

  if (!p || p->state == QUICMIG_PATH_FAILED) {
    return;
  }
  if (a->is_in_use && p->id == e->tx_id) {
    qm_sched_on_traffic(&e->sched, 1, a->bytes, now);
    qm_policy_on_rx(e->policy, a->bytes, now);
    qm_silence_on_rx(&e->silence, now);
  }
  p->is_heard = true;
  qm_silence_on_life(&e->silence, p->id, now);
  qm_hop_on_accepted(e, p, a->phase == e->hop.phase, now);
}

void qm_engine_on_empty(qm_engine *e, uint32_t id, quicmig_tstamp now) {
  qm_path *p = qm_paths_find(&e->paths, id);

  if (p && p->state == QUICMIG_PATH_DRAINING &&
      now >= qm_time_add(p->draining_at, qm_attempt_pto(&e->hop))) {
    p->is_dry = true;
  }
}

void qm_engine_on_flight(qm_engine *e, uint64_t in_flight, bool is_acked,
                         quicmig_duration pto, quicmig_tstamp now) {
  const qm_path *active = qm_engine_active(e);

  /* A path that was never heard has no RTT yet; what the one before had is a
   * better guess than ngtcp2's third of a second. */
  if (e->hop.pto_us && active && !active->is_heard) {
    pto = qm_time_min(
        pto, qm_time_max(FRESH_PTOS * qm_attempt_pto(&e->hop), FRESH_PTO_MIN));
  }
  qm_silence_on_flight(&e->silence, in_flight, is_acked, pto, now);
}

void qm_engine_on_window(qm_engine *e, bool is_full) { e->is_full = is_full; }

void qm_engine_on_tx_dropped(qm_engine *e, size_t datagrams) {
  e->stats.tx_dropped += datagrams;
}

void qm_engine_on_rx_discarded(qm_engine *e) { e->stats.rx_discarded++; }

void qm_engine_on_refused_by_peer(qm_engine *e) { e->stats.refused++; }

void qm_engine_on_id_used(qm_engine *e, uint64_t seq) {
  qm_path *p = e->hop.phase == QM_PHASE_STARTING
                   ? qm_paths_find(&e->paths, e->hop.record.to_id)
                   : qm_engine_active(e);

  if (p) {
    p->dcid_seq = (uint16_t)seq;
  }
}

void qm_engine_on_id_retired(qm_engine *e, uint64_t seq) {
  qm_path *p = NULL;

  while ((p = qm_paths_next(&e->paths, p))) {
    if (p->dcid_seq == (uint16_t)seq && p->state == QUICMIG_PATH_DRAINING) {
      p->is_retired = true;
    }
  }
}

bool qm_engine_next(qm_engine *e, qm_action *a) {
  return qm_outbox_pop(&e->out, a);
}

qm_path *qm_engine_active(const qm_engine *e) {
  return qm_paths_find(&e->paths, e->active_id);
}

qm_path *qm_engine_tx(const qm_engine *e) {
  return qm_paths_find(&e->paths, e->tx_id);
}
