/* From the sockets to ngtcp2. */
#include "quic/migrator.h"

#include <errno.h>

#include "io/txplan.h"

/* Batches read in one call: a fast peer must not starve the event loop. */
#define BATCHES_MAX 4

static int read_one(quicmig *m, qm_path *p, const qm_pkt *pkt) {
  const ngtcp2_pkt_info pi = {.ecn = pkt->ecn};
  const qm_path *as;
  ngtcp2_path path;

  if (pkt->len == 0 || pkt->is_truncated) {
    qm_engine_on_rx_discarded(&m->engine);
    return 0;
  }
  as = qm_engine_on_rx(&m->engine, p, pkt->len, m->clock.last);
  if (!as) {
    return 0;
  }
  qm_migrator_ngtcp2_path(m, as, &path);
  m->conn_error = ngtcp2_conn_read_pkt(m->conn, &path, &pi, pkt->data, pkt->len,
                                       m->clock.last);
  return m->conn_error ? QUICMIG_ERR_CONN : 0;
}

static void on_recv_error(quicmig *m, int fd, int err) {
  const qm_path *p = qm_paths_by_handle(&m->engine.paths, fd);

  if (err == ECONNREFUSED) {
    m->engine.stats.refused++;
  } else if (p && qm_txplan_on_error(err) == QM_TX_PATH_DOWN) {
    qm_migrator_on_socket_error(m, p, err);
  }
}

/* Gives n packets to ngtcp2; what that sets off may close fd's path. */
static int read_batch(quicmig *m, int fd, const qm_pkt *pkts, size_t n) {
  size_t i;

  for (i = 0; i < n; i++) {
    qm_path *p = qm_paths_by_handle(&m->engine.paths, fd);
    int rv = p ? read_one(m, p, &pkts[i]) : 0;

    qm_migrator_sync(m);
    qm_migrator_run(m);
    if (rv != 0) {
      return rv;
    }
  }
  return 0;
}

int qm_migrator_read(quicmig *m, int fd) {
  uint8_t buf[QM_BATCH][QM_PKT_MAX];
  qm_pkt pkts[QM_BATCH];
  int total = 0, n = QM_BATCH, i, rv;

  for (i = 0; i < BATCHES_MAX && n == QM_BATCH; i++) {
    size_t k;

    if (!qm_paths_by_handle(&m->engine.paths, fd)) {
      break;
    }
    for (k = 0; k < QM_BATCH; k++) {
      pkts[k] = (qm_pkt){.data = buf[k], .cap = QM_PKT_MAX};
    }
    n = m->net->recv(m->net->ctx, fd, pkts, QM_BATCH);
    if (n < 0) {
      on_recv_error(m, fd, -n);
      break;
    }
    rv = read_batch(m, fd, pkts, (size_t)n);
    if (rv != 0) {
      return rv;
    }
    total += n;
  }
  return total;
}

int quicmig_read(quicmig *m, int fd, quicmig_tstamp now) {
  int rv = qm_migrator_enter(m, now);

  if (rv != 0) {
    return rv;
  }
  rv = qm_migrator_read(m, fd);
  m->is_inside = false;
  return rv;
}
