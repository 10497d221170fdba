/*
 * From ngtcp2 to the sockets.  Packets are gathered in a qm_txq; what the
 * kernel does not take waits in a qm_hold, which exists only while something
 * waits, and goes out before anything new.  If the kernel takes nothing of it
 * for three PTOs, it is lost.
 */
#include "quic/migrator.h"

#include <errno.h>

#include "io/txplan.h"
#include "io/txq.h"
#include "quic/pacing.h"

/* A pending ICMP error is read once by a send; no more than this often. */
#define AGAIN_MAX 2
/* Send quanta (64 KiB) of one call: reading must have its turn. */
#define QUANTA_MAX 4
/* The paths that lack GSO share one clock. */
#define LACK 0
/* PTOs without progress after which a hold is lost.  By then ngtcp2 has sent
 * the data of its packets again, on another path perhaps, for which the hold
 * must make room; and a closing connection has waited as long as RFC 9000
 * section 10.2 asks. */
#define HOLD_PTOS 3

struct qm_hold {
  quicmig_tstamp until; /* it is lost then */
  qm_txq q;
  size_t size; /* of buf */
  uint8_t buf[];
};

void qm_hold_free(quicmig *m) {
  qm_free(&m->mem, m->hold);
  m->hold = NULL;
}

size_t qm_hold_memory(const quicmig *m) {
  return m->hold ? sizeof(*m->hold) + m->hold->size : 0;
}

/* ngtcp2 (1.11, 1.24) does not say so of a connection that is closed with an
 * application's code during the handshake. */
bool qm_migrator_is_closing(const quicmig *m) {
  return m->is_closing || ngtcp2_conn_in_closing_period(m->conn) != 0;
}

static void drop_front(quicmig *m, qm_txq *q) {
  qm_engine_on_tx_dropped(&m->engine, qm_txq_drop(q));
}

/* The kernel does not let it out on p.  EMSGSIZE says nothing about the path
 * but its MTU. */
static void refuse(quicmig *m, qm_txq *q, qm_path *p, int err) {
  size_t n, len = qm_txq_front(q, &n)->len;

  drop_front(m, q);
  if (err == EMSGSIZE) {
    m->too_large = p->id == m->engine.tx_id ? (uint16_t)len : m->too_large;
  } else {
    qm_engine_on_tx_refused(&m->engine, p, err, m->clock.last);
    qm_migrator_run(m);
  }
}

/* The kernel has taken something of the hold, or the hold is new. */
static void keep_on(quicmig *m) {
  m->hold->until =
      qm_time_add(m->clock.last, HOLD_PTOS * ngtcp2_conn_get_pto(m->conn));
}

/* Keeps what is left in q; without memory it is lost, as the network may lose
 * it. */
static void hold(quicmig *m, qm_txq *q) {
  size_t size = qm_txq_rest(q);

  m->hold = qm_malloc(&m->mem, sizeof(*m->hold) + size);
  if (!m->hold) {
    while (!qm_txq_is_empty(q)) {
      drop_front(m, q);
    }
    return;
  }
  m->hold->size = size;
  keep_on(m);
  qm_txq_init(&m->hold->q, m->hold->buf, size);
  qm_txq_move(q, &m->hold->q);
}

static bool may_group(const quicmig *m, const qm_path *p) {
  return !(p->no_offload & QUICMIG_NO_GSO) &&
         !(p->lacks_gso && qm_txlack_is_on(&m->lack, LACK, m->clock.last));
}

static void on_sent(quicmig *m, qm_path *p, const qm_msg *msgs, size_t n) {
  size_t i;

  for (i = 0; i < n; i++) {
    size_t count = qm_msg_count(&msgs[i]);

    qm_engine_on_tx(&m->engine, p, count, msgs[i].len, m->clock.last);
    if (count > 1 && p->lacks_gso && may_group(m, p)) {
      p->lacks_gso = false;
      qm_txlack_on_taken(&m->lack, LACK, m->clock.last);
    }
  }
}

/* What is refused for any reason but its size may be taken a little later (a
 * full conntrack table, a route that comes back).  Data is sent again anyhow; a
 * CONNECTION_CLOSE is not, so it waits. */
static qm_tx_verdict decide(const quicmig *m, int err, const qm_msg *msg) {
  qm_tx_verdict v = qm_txplan_on_error(err, msg);

  return (v == QM_TX_SKIP || v == QM_TX_PATH_DOWN) && err != EMSGSIZE &&
                 qm_migrator_is_closing(m)
             ? QM_TX_WAIT
             : v;
}

/* The kernel did not take the front message.  False: it wants time. */
static bool deal_with(quicmig *m, qm_txq *q, qm_path *p, int err,
                      unsigned *again) {
  size_t n;

  switch (decide(m, err, qm_txq_front(q, &n))) {
  case QM_TX_WAIT:
    if (m->hold && m->clock.last >= m->hold->until) {
      drop_front(m, q);
      return true;
    }
    return false;
  case QM_TX_AGAIN:
    qm_engine_on_refused_by_peer(&m->engine);
    if (++*again > AGAIN_MAX) {
      *again = 0;
      drop_front(m, q);
    }
    return true;
  case QM_TX_NO_GSO:
    p->lacks_gso = true;
    qm_txlack_on_refused(&m->lack, LACK, m->clock.last);
    qm_txq_split(q);
    return true;
  case QM_TX_SPLIT:
    qm_txq_split(q);
    return true;
  case QM_TX_UNMARK:
    qm_txq_unmark(q);
    return true;
  case QM_TX_SKIP:
    refuse(m, q, p, err);
    return true;
  case QM_TX_PATH_DOWN:
    refuse(m, q, p, err);
    qm_migrator_on_socket_error(m, p, err);
    return true;
  }
  return true;
}

/* Sends all of q, one path's messages after another's.  False when the kernel
 * wants time: the rest stays. */
static bool send_queue(quicmig *m, qm_txq *q) {
  unsigned again = 0;

  while (!qm_txq_is_empty(q)) {
    qm_path *p = qm_paths_find(&m->engine.paths, qm_txq_tag(q));
    const qm_msg *msgs;
    size_t n;
    int rv;

    if (!p || p->state == QUICMIG_PATH_FAILED) {
      drop_front(m, q);
      continue;
    }
    msgs = qm_txq_front(q, &n);
    rv = m->net->send(m->net->ctx, p->handle, msgs, n);
    if (rv > 0) {
      on_sent(m, p, msgs, (size_t)rv);
      qm_txq_on_sent(q, (size_t)rv);
      again = 0;
      if (m->hold) {
        keep_on(m);
      }
    } else if (!deal_with(m, q, p, -rv, &again)) {
      m->write_at = qm_time_add(m->clock.last, QM_TX_RETRY_AFTER);
      return false;
    }
  }
  return true;
}

bool qm_migrator_flush(quicmig *m) {
  if (m->hold && !send_queue(m, &m->hold->q)) {
    return false;
  }
  qm_hold_free(m);
  return true;
}

void qm_migrator_release(quicmig *m) {
  m->is_closing = true;
  m->pace.at = 0;
  qm_engine_release(&m->engine);
  while (m->hold && !qm_txq_is_empty(&m->hold->q)) {
    drop_front(m, &m->hold->q);
  }
  qm_hold_free(m);
}

/* Sends all of q, or holds it.  False when the kernel wants time. */
static bool flush(quicmig *m, qm_txq *q) {
  if (send_queue(m, q)) {
    return true;
  }
  hold(m, q);
  return false;
}

/* Queues the packet that was just written into q's room.  *last: the path of
 * the packet before, which is most likely this one's too; NULL: none. */
static void add(quicmig *m, qm_txq *q, size_t len, const ngtcp2_path *path,
                qm_msg *like, const qm_path **last) {
  const qm_path *p = *last;

  if (!p || !qm_migrator_is_shown_as(p, &path->local)) {
    p = *last = qm_migrator_find_tx(m, &path->local);
  }
  if (p) {
    like->family = qm_addr_family(&p->local);
    qm_txq_add(q, p->id, like, len, may_group(m, p));
  } else {
    qm_engine_on_tx_dropped(&m->engine, 1);
  }
}

/* Fills and empties q until nothing is left to write, or another packet of the
 * same size would exceed the quantum, of which *left is left.  Returns the last
 * packet's length, 0, or ngtcp2's error; *is_open: the kernel wants no time. */
static ngtcp2_ssize write_quantum(quicmig *m, qm_txq *q,
                                  quicmig_write_pkt write_pkt, void *arg,
                                  size_t *left, bool *is_open) {
  qm_msg like = {.len = 0};
  const qm_path *last = NULL;
  uint8_t *room = qm_txq_room(q);
  ngtcp2_path_storage ps;
  ngtcp2_pkt_info pi;
  ngtcp2_ssize n = 0;

  *is_open = true;
  ngtcp2_path_storage_zero(&ps);
  while (*is_open && (size_t)n <= *left) {
    n = write_pkt(m, &ps.path, &pi, room, QUICMIG_MAX_PKTLEN, m->clock.last,
                  arg);
    if (n <= 0) {
      break;
    }
    m->has_finished =
        m->has_finished || ngtcp2_conn_get_handshake_completed(m->conn) != 0;
    *left -= (size_t)n < *left ? (size_t)n : *left;
    like.ecn = (uint8_t)pi.ecn;
    add(m, q, (size_t)n, &ps.path, &like, &last);
    room = qm_txq_room(q);
    if (!room) {
      *is_open = flush(m, q);
      last = NULL;
      room = qm_txq_room(q);
    }
  }
  *is_open = *is_open && flush(m, q);
  return n;
}

/* Until when nothing is written: for a moment after a hop, or because the last
 * burst has to leave first. */
static quicmig_tstamp held_until(const quicmig *m) {
  quicmig_tstamp at = qm_engine_held_until(&m->engine);

  return qm_pace_is_open(&m->pace, m->clock.last) ? at
                                                  : qm_time_max(at, m->pace.at);
}

/* But another function than before has something special to write. */
static bool is_held(quicmig *m, quicmig_write_pkt write_pkt) {
  quicmig_tstamp at = held_until(m);

  if (!m->writer) {
    m->is_paced_by_cc = !m->is_paced_here && qm_pacing_is_ngtcp2s(m->conn);
  }
  if (m->clock.last >= at || write_pkt != m->writer) {
    m->writer = write_pkt;
    return false;
  }
  m->write_at = at;
  return true;
}

static size_t quantum(const quicmig *m) {
  return m->is_paced_by_cc ? ngtcp2_conn_get_send_quantum(m->conn)
                           : qm_pacing_quantum(m->conn);
}

static void pace(quicmig *m, size_t written) {
  if (m->is_paced_by_cc) {
    ngtcp2_conn_update_pkt_tx_time(m->conn, m->clock.last);
  } else {
    qm_pacing_on_written(m->conn, &m->pace, written, m->clock.last);
  }
}

static int write_packets(quicmig *m, quicmig_write_pkt write_pkt, void *arg) {
  uint8_t buf[QM_TXQ_BYTES];
  size_t most = quantum(m), left = most;
  ngtcp2_ssize n;
  bool is_open;
  qm_txq q;

  qm_txq_init(&q, buf, sizeof(buf));
  n = write_quantum(m, &q, write_pkt, arg, &left, &is_open);
  if (n < 0) {
    m->conn_error = (int16_t)n;
    return QUICMIG_ERR_CONN;
  }
  pace(m, most - left);
  if (is_open && n > 0) {
    m->write_at =
        qm_pace_is_open(&m->pace, m->clock.last) ? m->clock.last : m->pace.at;
  }
  return m->write_at != QUICMIG_NEVER;
}

/* Quantum after quantum, as the pacer lets them go: writing takes time too, and
 * what it takes is added to the caller's `now`. */
static int write_quanta(quicmig *m, quicmig_write_pkt write_pkt, void *arg) {
  quicmig_tstamp begin = m->net->clock(m->net->ctx);
  int i, rv = 0;

  for (i = 0; i < QUANTA_MAX; i++) {
    m->write_at = QUICMIG_NEVER;
    rv = write_packets(m, write_pkt, arg);
    if (rv < 0 || m->write_at != m->clock.last) {
      break;
    }
    qm_clock_guard_work(&m->clock,
                        qm_time_since(m->net->clock(m->net->ctx), begin));
  }
  return rv;
}

/* Another function may have more to write than this one had. */
static void wait_for_pace(quicmig *m) {
  if (!qm_pace_is_open(&m->pace, m->clock.last)) {
    m->write_at = qm_time_min(m->write_at, m->pace.at);
  }
}

int quicmig_write(quicmig *m, quicmig_write_pkt write_pkt, quicmig_tstamp now,
                  void *write_user_data) {
  int rv = qm_migrator_enter(m, now);

  if (rv != 0) {
    return rv;
  }
  rv = 1;
  m->write_at = QUICMIG_NEVER;
  if (qm_migrator_flush(m) && !is_held(m, write_pkt)) {
    qm_migrator_ping(m);
    rv = write_quanta(m, write_pkt, write_user_data);
    wait_for_pace(m);
    qm_migrator_run(m);
    qm_migrator_on_flight(m, UINT64_MAX);
    qm_migrator_ping(m);
  }
  m->is_inside = false;
  return rv;
}
