/*
 * From ngtcp2 to the sockets.  Packets are gathered in a qm_txq; what the
 * kernel does not take waits in a qm_hold, which exists only while something
 * waits, and goes out before anything new.
 */
#include "quic/migrator.h"

#include "io/txplan.h"
#include "io/txq.h"

/* A pending ICMP error is read once by a send; no more than this often. */
#define AGAIN_MAX 2

struct qm_hold {
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

static void drop_front(quicmig *m, qm_txq *q) {
  qm_engine_on_tx_dropped(&m->engine, qm_txq_drop(q));
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
  qm_txq_init(&m->hold->q, m->hold->buf, size);
  qm_txq_move(q, &m->hold->q);
}

static void on_sent(quicmig *m, qm_path *p, const qm_msg *msgs, size_t n) {
  size_t i;

  for (i = 0; i < n; i++) {
    qm_engine_on_tx(&m->engine, p, qm_msg_count(&msgs[i]), msgs[i].len,
                    m->clock.last);
  }
}

/* The kernel did not take the front message.  False: it wants time. */
static bool deal_with(quicmig *m, qm_txq *q, qm_path *p, int err,
                      unsigned *again) {
  size_t n;

  switch (qm_txplan_on_error(err, qm_txq_front(q, &n))) {
  case QM_TX_WAIT:
    return false;
  case QM_TX_AGAIN:
    qm_engine_on_refused_by_peer(&m->engine);
    if (++*again > AGAIN_MAX) {
      *again = 0;
      drop_front(m, q);
    }
    return true;
  case QM_TX_SPLIT:
    p->no_offload |= QUICMIG_NO_GSO;
    qm_txq_split(q);
    return true;
  case QM_TX_UNMARK:
    qm_txq_unmark(q);
    return true;
  case QM_TX_SKIP:
    drop_front(m, q);
    return true;
  case QM_TX_PATH_DOWN:
    drop_front(m, q);
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
    } else if (!deal_with(m, q, p, -rv, &again)) {
      m->write_at = qm_time_add(m->clock.last, QM_TX_RETRY_AFTER);
      return false;
    }
  }
  return true;
}

static bool flush_hold(quicmig *m) {
  if (m->hold && !send_queue(m, &m->hold->q)) {
    return false;
  }
  qm_hold_free(m);
  return true;
}

/* Sends all of q, or holds it.  False when the kernel wants time. */
static bool flush(quicmig *m, qm_txq *q) {
  if (send_queue(m, q)) {
    return true;
  }
  hold(m, q);
  return false;
}

/* Queues the packet that was just written into q's room. */
static void add(quicmig *m, qm_txq *q, size_t len, const ngtcp2_path *path,
                const ngtcp2_pkt_info *pi) {
  const qm_path *p = qm_migrator_find_tx(m, &path->local);
  qm_msg like = {.ecn = (uint8_t)pi->ecn, .family = qm_addr_family(&m->remote)};

  if (p) {
    qm_txq_add(q, p->id, &like, len, !(p->no_offload & QUICMIG_NO_GSO));
  } else {
    qm_engine_on_tx_dropped(&m->engine, 1);
  }
}

static int write_packets(quicmig *m, quicmig_write_pkt write_pkt, void *arg) {
  size_t quantum = ngtcp2_conn_get_send_quantum(m->conn), total = 0;
  uint8_t buf[QM_TXQ_BYTES], *room = buf;
  ngtcp2_path_storage ps;
  ngtcp2_pkt_info pi;
  ngtcp2_ssize n = 0;
  bool is_open = true;
  qm_txq q;

  qm_txq_init(&q, buf, sizeof(buf));
  ngtcp2_path_storage_zero(&ps);
  while (is_open && total < quantum) {
    n = write_pkt(m, &ps.path, &pi, room, QUICMIG_MAX_PKTLEN, m->clock.last,
                  arg);
    if (n <= 0) {
      break;
    }
    total += (size_t)n;
    add(m, &q, (size_t)n, &ps.path, &pi);
    room = qm_txq_room(&q);
    if (!room) {
      is_open = flush(m, &q);
      room = qm_txq_room(&q);
    }
  }
  if (is_open) {
    is_open = flush(m, &q);
  }
  if (n < 0) {
    m->conn_error = (int)n;
    return QUICMIG_ERR_CONN;
  }
  ngtcp2_conn_update_pkt_tx_time(m->conn, m->clock.last);
  if (is_open && total >= quantum) {
    m->write_at = m->clock.last;
  }
  return m->write_at != QUICMIG_NEVER;
}

int quicmig_write(quicmig *m, quicmig_write_pkt write_pkt, quicmig_tstamp now,
                  void *write_user_data) {
  int rv = qm_migrator_enter(m, now);

  if (rv != 0) {
    return rv;
  }
  rv = 1;
  m->write_at = QUICMIG_NEVER;
  if (flush_hold(m)) {
    rv = write_packets(m, write_pkt, write_user_data);
    qm_migrator_run(m);
    qm_stall_on_write(m);
  }
  m->is_inside = false;
  return rv;
}
