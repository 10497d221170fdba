/* From the sockets to ngtcp2. */
#include "quic/migrator.h"

#include <errno.h>

#include "io/rxbuf.h"
#include "io/txplan.h"

/* How long after a switch the old path's packets are taken first, and how many
 * at most: more than a socket buffer holds. */
#define RECENT QUICMIG_SECOND
#define OLDER_MAX 16384

static int read_one(quicmig *m, qm_path *p, const uint8_t *data, size_t len,
                    uint8_t ecn) {
  const ngtcp2_pkt_info pi = {.ecn = ecn};
  const qm_path *as;
  ngtcp2_path path;

  if (len == 0) {
    qm_engine_on_rx_discarded(&m->engine);
    return 0;
  }
  as = qm_engine_on_rx(&m->engine, p, len, m->clock.last);
  if (!as) {
    return 0;
  }
  m->rx_at = m->clock.last;
  qm_migrator_ngtcp2_path(m, as, &path);
  m->conn_error =
      ngtcp2_conn_read_pkt(m->conn, &path, &pi, data, len, m->clock.last);
  return m->conn_error ? QUICMIG_ERR_CONN : 0;
}

static void on_recv_error(quicmig *m, int fd, int err) {
  const qm_path *p = qm_paths_by_handle(&m->engine.paths, fd);

  if (err == ECONNREFUSED) {
    qm_engine_on_refused_by_peer(&m->engine);
  } else if (p && qm_txplan_is_path_down(err)) {
    qm_migrator_on_socket_error(m, p, err);
  }
}

/* Gives a message's datagrams to ngtcp2; what that sets off may close fd's
 * path. */
static int read_msg(quicmig *m, int fd, const qm_msg *msg) {
  size_t i, len, n = qm_msg_count(msg);

  if (msg->is_truncated) {
    qm_engine_on_rx_discarded(&m->engine);
    return 0;
  }
  for (i = 0; i < n; i++) {
    const uint8_t *data = qm_msg_at(msg, i, &len);
    qm_path *p = qm_paths_by_handle(&m->engine.paths, fd);
    int rv = p ? read_one(m, p, data, len, msg->ecn) : 0;

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
                     (p->state == QUICMIG_PATH_DRAINING && !p->is_dry &&
                      m->clock.last < qm_time_add(p->draining_at, RECENT));

    if (is_recent && p->id > after && p->id < id &&
        (!best || p->id < best->id)) {
      best = p;
    }
  }
  return best;
}

/* Reads until nothing is left or `budget` datagrams have come; returns how many
 * or an error.  buf, of size bytes, holds what one call gives.  is_older: fd is
 * that of an older path, read on behalf of a newer one. */
static int read_socket(quicmig *m, int fd, uint8_t *buf, size_t size,
                       int budget, bool is_older);

/*
 * Empties the sockets of older paths, while the packets just taken from fd's
 * wait.  Read the other way round, a busy moment's worth of packets of the new
 * path would make the truncated packet numbers of the old one undecodable (RFC
 * 9000 appendix A.3), and ngtcp2 would drop what the kernel has delivered.
 */
static int read_older(quicmig *m, int fd) {
  const qm_path *p = qm_paths_by_handle(&m->engine.paths, fd);
  uint32_t id = p ? p->id : 0, last = 0;
  uint8_t buf[QM_GRO_MAX];
  int rv = 0;

  while (rv >= 0 && (p = next_older(m, last, id))) {
    last = p->id;
    rv = read_socket(m, p->handle, buf, sizeof(buf), OLDER_MAX, true);
    if (rv >= 0 && rv < OLDER_MAX) {
      qm_engine_on_empty(&m->engine, last, m->clock.last);
    }
  }
  return rv < 0 ? rv : 0;
}

static bool has_older(const quicmig *m, int fd) {
  const qm_path *p = qm_paths_by_handle(&m->engine.paths, fd);

  return p && next_older(m, 0, p->id);
}

/* n messages from fd; returns how many datagrams they were, or an error. */
static int read_msgs(quicmig *m, int fd, const qm_msg *msgs, int n,
                     bool is_older) {
  int total = 0, rv = !is_older && has_older(m, fd) ? read_older(m, fd) : 0, i;

  for (i = 0; rv == 0 && i < n; i++) {
    total += (int)qm_msg_count(&msgs[i]);
    rv = read_msg(m, fd, &msgs[i]);
  }
  return rv == 0 ? total : rv;
}

static int read_socket(quicmig *m, int fd, uint8_t *buf, size_t size,
                       int budget, bool is_older) {
  qm_msg msgs[QM_RX_MSGS];
  bool may_have_more = true;
  const qm_path *p;
  int total = 0;

  while (may_have_more && total < budget &&
         (p = qm_paths_by_handle(&m->engine.paths, fd))) {
    size_t want = qm_rxbuf_carve(msgs, buf, size, p->no_offload);
    int n = m->net->recv(m->net->ctx, fd, msgs, want);

    if (n < 0) {
      on_recv_error(m, fd, -n);
      may_have_more = n == -ECONNREFUSED; /* read, and gone: go on */
      total++;
      continue;
    }
    may_have_more = (size_t)n == want;
    n = read_msgs(m, fd, msgs, n, is_older);
    if (n < 0) {
      return n;
    }
    total += n;
  }
  return total;
}

int qm_migrator_read(quicmig *m, int fd) {
  uint8_t buf[QM_RX_BYTES];

  return read_socket(m, fd, buf, sizeof(buf), QUICMIG_READ_MAX, false);
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
