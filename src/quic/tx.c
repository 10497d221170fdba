/*
 * From ngtcp2 to the sockets.  Packets are gathered into batches that share a
 * path; what the kernel does not take waits in a qm_hold, which exists only
 * while something waits, and goes out before anything new.
 */
#include "quic/migrator.h"

#include <assert.h>
#include <string.h>

#include "io/txplan.h"

typedef struct qm_held {
  uint32_t path;
  uint16_t len;
  uint8_t ecn;
  uint8_t data[QUICMIG_MAX_PKTLEN];
} qm_held;

struct qm_hold {
  size_t len, next;
  qm_held items[QM_BATCH];
};

typedef struct qm_txbatch {
  size_t len;
  uint32_t paths[QM_BATCH]; /* ids */
  qm_pkt pkts[QM_BATCH];
  uint8_t buf[QM_BATCH][QUICMIG_MAX_PKTLEN];
} qm_txbatch;

void qm_hold_free(quicmig *m) {
  qm_free(&m->mem, m->hold);
  m->hold = NULL;
}

size_t qm_hold_memory(const quicmig *m) {
  return m->hold ? sizeof(*m->hold) : 0;
}

/* Keeps the packets from `from` on; without memory they are lost, as the
 * network may lose them. */
static void hold(quicmig *m, const qm_txbatch *b, size_t from) {
  size_t i;

  assert(!m->hold);
  m->hold = qm_malloc(&m->mem, sizeof(*m->hold));
  if (!m->hold) {
    for (i = from; i < b->len; i++) {
      qm_engine_on_tx_dropped(&m->engine);
    }
    return;
  }
  m->hold->len = m->hold->next = 0;
  for (i = from; i < b->len; i++) {
    qm_held *h = &m->hold->items[m->hold->len++];

    h->path = b->paths[i];
    h->len = (uint16_t)b->pkts[i].len;
    h->ecn = b->pkts[i].ecn;
    memcpy(h->data, b->pkts[i].data, b->pkts[i].len);
  }
}

/*
 * Sends pkts on the path with this id.  Returns how many are done with, sent or
 * lost; fewer than n when the kernel wants time.
 */
static size_t send_all(quicmig *m, uint32_t id, const qm_pkt *pkts, size_t n) {
  size_t done = 0, k;
  unsigned again = 0;

  while (done < n) {
    qm_path *p = qm_paths_find(&m->engine.paths, id);
    int rv;

    if (!p || p->state == QUICMIG_PATH_FAILED) {
      qm_engine_on_tx_dropped(&m->engine);
      done++;
      continue;
    }
    rv = m->net->send(m->net->ctx, p->handle, &pkts[done], n - done);
    for (k = 0; rv > 0 && k < (size_t)rv; k++) {
      qm_engine_on_tx(&m->engine, p, pkts[done + k].len, m->clock.last);
    }
    if (rv > 0) {
      done += (size_t)rv;
      continue;
    }
    switch (rv < 0 ? qm_txplan_on_error(-rv) : QM_TX_WAIT) {
    case QM_TX_WAIT:
      return done;
    case QM_TX_AGAIN:
      m->engine.stats.refused++;
      if (++again > 2) { /* not for ever */
        again = 0;
        qm_engine_on_tx_dropped(&m->engine);
        done++;
      }
      break;
    case QM_TX_SKIP:
      qm_engine_on_tx_dropped(&m->engine);
      done++;
      break;
    case QM_TX_PATH_DOWN:
      qm_engine_on_tx_dropped(&m->engine);
      qm_migrator_on_socket_error(m, p, -rv);
      done++;
      break;
    }
  }
  return done;
}

/* Sends the batch, one run of packets of the same path after another.  False
 * when the kernel wants time. */
static bool flush(quicmig *m, qm_txbatch *b) {
  size_t i = 0;

  while (i < b->len && !m->hold) {
    size_t end = i + 1, done;

    while (end < b->len && b->paths[end] == b->paths[i]) {
      end++;
    }
    done = send_all(m, b->paths[i], &b->pkts[i], end - i);
    i += done;
    if (i < end) {
      hold(m, b, i);
      m->write_at = qm_time_add(m->clock.last, QM_TX_RETRY_AFTER);
      break;
    }
  }
  b->len = 0;
  return !m->hold;
}

static bool flush_hold(quicmig *m) {
  while (m->hold && m->hold->next < m->hold->len) {
    qm_held *h = &m->hold->items[m->hold->next];
    qm_pkt pkt = {.data = h->data,
                  .len = h->len,
                  .ecn = h->ecn,
                  .family = qm_addr_family(&m->remote)};

    if (send_all(m, h->path, &pkt, 1) == 0) {
      m->write_at = qm_time_add(m->clock.last, QM_TX_RETRY_AFTER);
      return false;
    }
    m->hold->next++;
  }
  qm_hold_free(m);
  return true;
}

/* Adds the packet that was just written into the batch's next buffer.  False
 * when the kernel wants time. */
static bool add(quicmig *m, qm_txbatch *b, size_t len, const ngtcp2_path *path,
                const ngtcp2_pkt_info *pi) {
  const qm_path *p = qm_migrator_find_tx(m, &path->local);

  if (!p) {
    qm_engine_on_tx_dropped(&m->engine);
    return true;
  }
  b->paths[b->len] = p->id;
  b->pkts[b->len] = (qm_pkt){.data = b->buf[b->len],
                             .len = len,
                             .ecn = (uint8_t)pi->ecn,
                             .family = qm_addr_family(&m->remote)};
  b->len++;
  return b->len < QM_BATCH || flush(m, b);
}

static int write_packets(quicmig *m, quicmig_write_pkt write_pkt, void *arg) {
  size_t quantum = ngtcp2_conn_get_send_quantum(m->conn), total = 0;
  qm_txbatch b;
  ngtcp2_path_storage ps;
  ngtcp2_pkt_info pi;
  ngtcp2_ssize n = 0;
  bool is_open = true;

  b.len = 0;
  while (is_open && total < quantum) {
    ngtcp2_path_storage_zero(&ps);
    n = write_pkt(m, &ps.path, &pi, b.buf[b.len], QUICMIG_MAX_PKTLEN,
                  m->clock.last, arg);
    if (n <= 0) {
      break;
    }
    total += (size_t)n;
    is_open = add(m, &b, (size_t)n, &ps.path, &pi);
  }
  if (b.len) {
    is_open = flush(m, &b);
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
