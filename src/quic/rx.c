/* From the sockets to ngtcp2. */
#include "quic/migrator.h"

#include <errno.h>

#include "io/txplan.h"

/* Batches read in one call: a fast peer must not starve the event loop. */
#define BATCHES_MAX 4
/* How long after a switch the old path's packets are taken first, and in how
 * many batches at most: more than a socket buffer holds. */
#define RECENT QUICMIG_SECOND
#define OLDER_BATCHES_MAX 256

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
  m->rx_at = m->clock.last;
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

/* The next path, in order of age, that may hold packets sent before those of
 * path `id`: an older one that carried the data until a moment ago. */
static const qm_path *next_older(const quicmig *m, uint32_t after,
                                 uint32_t id) {
  const qm_path *p = NULL, *best = NULL;

  while ((p = qm_paths_next(&m->engine.paths, p))) {
    bool is_recent = p->state == QUICMIG_PATH_ACTIVE ||
                     (p->state == QUICMIG_PATH_DRAINING &&
                      m->clock.last < qm_time_add(p->draining_at, RECENT));

    if (is_recent && p->id > after && p->id < id &&
        (!best || p->id < best->id)) {
      best = p;
    }
  }
  return best;
}

static int read_rounds(quicmig *m, int fd, int rounds, bool is_older);

/*
 * Empties the sockets of older paths, while the packets just taken from fd's
 * wait.  Read the other way round, a busy moment's worth of packets of the new
 * path would make the truncated packet numbers of the old one undecodable (RFC
 * 9000 appendix A.3), and ngtcp2 would drop what the kernel has delivered.
 */
static int read_older(quicmig *m, int fd) {
  const qm_path *p = qm_paths_by_handle(&m->engine.paths, fd);
  uint32_t id = p ? p->id : 0, last = 0;
  int rv = 0;

  while (rv >= 0 && (p = next_older(m, last, id))) {
    last = p->id;
    rv = read_rounds(m, p->handle, OLDER_BATCHES_MAX, true);
  }
  return rv < 0 ? rv : 0;
}

/* Reads at most `rounds` batches; returns the number of datagrams or an error.
 * is_older: fd is that of an older path, read on behalf of a newer one. */
static int read_rounds(quicmig *m, int fd, int rounds, bool is_older) {
  uint8_t buf[QM_BATCH][QM_PKT_MAX];
  qm_pkt pkts[QM_BATCH];
  int total = 0, n = QM_BATCH, rv = 0;
  size_t k;

  while (rounds-- > 0 && n == QM_BATCH &&
         qm_paths_by_handle(&m->engine.paths, fd)) {
    for (k = 0; k < QM_BATCH; k++) {
      pkts[k] = (qm_pkt){.data = buf[k], .cap = QM_PKT_MAX};
    }
    n = m->net->recv(m->net->ctx, fd, pkts, QM_BATCH);
    if (n < 0) {
      on_recv_error(m, fd, -n);
      n = n == -ECONNREFUSED ? QM_BATCH : 0; /* read, and gone: go on */
      continue;
    }
    if (n > 0 && !is_older) {
      rv = read_older(m, fd);
    }
    if (rv == 0) {
      rv = read_batch(m, fd, pkts, (size_t)n);
    }
    if (rv != 0) {
      return rv;
    }
    total += n;
  }
  return total;
}

int qm_migrator_read(quicmig *m, int fd) {
  return read_rounds(m, fd, BATCHES_MAX, false);
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
