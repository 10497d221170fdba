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
/* Between two ticks, more than the interval and this is a suspend or a jump. */
#define JUMP_MIN (10 * QUICMIG_SECOND)

void qm_engine_init(qm_engine *e, const quicmig_options *o, qm_path *slots,
                    uint64_t seed) {
  *e = (qm_engine){.o = *o};
  qm_outbox_init(&e->out);
  qm_sched_init(&e->sched, &e->o, seed);
  qm_ledger_init(&e->ledger);
  qm_paths_init(&e->paths, slots, o->max_sockets, &e->out);
  e->hop.give_up = QUICMIG_NEVER;
  e->srtt_low = QUICMIG_SECOND;
  e->stats.peer_budget = QM_LEDGER_NO_BUDGET;
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
  memcpy(e->o.interface_name, kept.interface_name, sizeof(kept.interface_name));
  if (e->is_confirmed) {
    qm_sched_start(&e->sched, now);
  }
  if (e->is_forbidden && e->o.hop_mode == QUICMIG_MODE_MIGRATE) {
    qm_sched_stop(&e->sched);
  }
}

void qm_engine_on_first_path(qm_engine *e, const qm_addr *local, int handle,
                             quicmig_tstamp now) {
  qm_path *p = qm_paths_add(&e->paths, local, handle, now);

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
  qm_sched_start(&e->sched, now);
}

void qm_engine_on_socket(qm_engine *e) {
  e->stats.sockets_opened++;
  e->stats.sockets_open++;
  if (e->stats.sockets_open > e->stats.sockets_peak) {
    e->stats.sockets_peak = e->stats.sockets_open;
  }
}

void qm_engine_on_socket_closed(qm_engine *e) { e->stats.sockets_open--; }

void qm_engine_on_tx(qm_engine *e, qm_path *p, size_t datagrams, size_t n,
                     quicmig_tstamp now) {
  e->stats.tx_packets += datagrams;
  e->stats.tx_bytes += n;
  qm_meter_on_tx(&p->meter, datagrams, n);
  if (p->id == e->tx_id) {
    qm_sched_on_traffic(&e->sched, datagrams, n, now);
  }
  qm_hop_on_tx(e, p, now);
}

/* Could n bytes that came on the old path hold a PATH_CHALLENGE? */
static bool may_challenge(const qm_path *p, size_t n, quicmig_tstamp now) {
  return n == CHALLENGE_SIZE ||
         (n > CHALLENGE_SIZE &&
          now >= qm_time_add(p->draining_at, IN_FLIGHT_MAX));
}

static qm_path *receive_late(qm_engine *e, qm_path *p, size_t n,
                             quicmig_tstamp now) {
  qm_path *active = qm_engine_active(e);
  bool is_read = !p->is_retired || qm_addr_is_equal(&p->shown, &active->shown);

  p->meter.late++;
  e->stats.late_packets++;
  if (!is_read && may_challenge(p, n, now)) {
    return p;
  }
  p->meter.rescued++;
  e->stats.late_rescued++;
  return is_read ? p : active;
}

/* A path that failed is read no more; but a REBIND that was taken back may
 * still get what the peer has sent there. */
static qm_path *receive_failed(qm_engine *e, qm_path *p) {
  if (qm_addr_is_equal(&p->shown, &qm_engine_active(e)->shown)) {
    p->meter.late++;
    p->meter.rescued++;
    e->stats.late_packets++;
    e->stats.late_rescued++;
    return p;
  }
  e->stats.rx_discarded++;
  return NULL;
}

qm_path *qm_engine_on_rx(qm_engine *e, qm_path *p, size_t n,
                         quicmig_tstamp now) {
  e->stats.rx_packets++;
  e->stats.rx_bytes += n;
  qm_meter_on_rx(&p->meter, n);
  if (p->state == QUICMIG_PATH_SPARE) {
    e->stats.rx_discarded++;
    return NULL;
  }
  if (p->state == QUICMIG_PATH_FAILED) {
    return receive_failed(e, p);
  }
  if (p->id == e->tx_id) {
    qm_sched_on_traffic(&e->sched, 1, n, now);
  }
  qm_hop_on_rx(e, p, now);
  return p->state == QUICMIG_PATH_DRAINING ? receive_late(e, p, n, now) : p;
}

void qm_engine_on_empty(qm_engine *e, uint32_t id, quicmig_tstamp now) {
  qm_path *p = qm_paths_find(&e->paths, id);

  if (p && p->state == QUICMIG_PATH_DRAINING &&
      now >= qm_time_add(p->draining_at, e->hop.pto)) {
    p->is_dry = true;
  }
}

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
    p->dcid_seq = seq;
  }
}

void qm_engine_on_id_retired(qm_engine *e, uint64_t seq) {
  qm_path *p = NULL;

  while ((p = qm_paths_next(&e->paths, p))) {
    if (p->dcid_seq == seq && p->state == QUICMIG_PATH_DRAINING) {
      p->is_retired = true;
    }
  }
}

void qm_engine_on_path_error(qm_engine *e, const qm_path *p, int sys_errno,
                             const qm_cc *cc, quicmig_tstamp now) {
  if (sys_errno != e->path_errno ||
      now >= qm_time_add(e->path_errno_at, QUICMIG_SECOND)) {
    e->path_errno = sys_errno;
    e->path_errno_at = now;
    qm_outbox_push_event(&e->out, QUICMIG_EVENT_SOCKET_ERROR,
                         (uint64_t)sys_errno);
  }
  if (e->is_forbidden && e->o.hop_mode == QUICMIG_MODE_MIGRATE) {
    return;
  }
  if (e->is_confirmed && p->id == e->tx_id && e->hop.phase == QM_PHASE_IDLE &&
      now >= e->sched.not_before) {
    (void)qm_engine_hop(e, QUICMIG_REASON_PATH_ERROR, cc, now);
  }
}

/* A hop that is later than a whole interval: the machine slept or the clock
 * jumped.  It is made once; the next gap counts from now. */
static void note_jump(qm_engine *e, quicmig_reason reason, quicmig_tstamp now) {
  quicmig_duration late = qm_time_since(now, qm_sched_deadline(&e->sched));
  bool is_timed =
      reason == QUICMIG_REASON_INTERVAL || reason == QUICMIG_REASON_RETRY;

  if (is_timed && late > qm_time_max(e->o.hop_interval, JUMP_MIN)) {
    qm_outbox_push_event(&e->out, QUICMIG_EVENT_CLOCK_JUMP, late);
  }
}

/* A scheduled hop for which there is no socket yet waits until the oldest one
 * has drained enough: that is no failure.  True: it waits. */
static bool is_postponed(qm_engine *e, const qm_cc *cc, quicmig_tstamp now) {
  quicmig_tstamp at = qm_engine_room_at(e, cc);

  if (at <= now || at == QUICMIG_NEVER) {
    return false;
  }
  e->sched.not_before = qm_time_max(e->sched.not_before, at);
  return true;
}

void qm_engine_on_time(qm_engine *e, const qm_cc *cc, quicmig_tstamp now) {
  quicmig_reason reason;

  qm_hop_on_time(e, now);
  qm_drain_on_time(&e->paths, now);
  if (!e->is_confirmed || e->hop.phase != QM_PHASE_IDLE) {
    return;
  }
  reason = qm_sched_reason(&e->sched, now);
  if (reason != QUICMIG_REASON_INITIAL && !is_postponed(e, cc, now)) {
    note_jump(e, reason, now);
    (void)qm_engine_hop(e, reason, cc, now);
  }
}

quicmig_tstamp qm_engine_deadline(const qm_engine *e) {
  quicmig_tstamp at = qm_drain_deadline(&e->paths);

  at = qm_time_min(at, qm_hop_deadline(e));
  if (e->hop.phase == QM_PHASE_IDLE) {
    at = qm_time_min(at, qm_sched_deadline(&e->sched));
  }
  return at;
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
