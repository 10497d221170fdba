/* From the sockets to ngtcp2. */
#include "quic/migrator.h"

#include <errno.h>

#include "io/rxbuf.h"
#include "io/rxfault.h"
#include "io/source.h"
#include "io/txplan.h"

/* How long after a switch the old path's packets may matter for the order. */
#define RECENT QUICMIG_SECOND
/* Sockets that are read together. */
#define SOURCES_MAX 3

static int read_one(quicmig *m, qm_path *p, const uint8_t *data, size_t len,
                    uint8_t ecn) {
  const ngtcp2_pkt_info pi = {.ecn = ecn};
  qm_evidence_mark before;
  qm_arrival arrival;
  bool is_accepted;
  const qm_path *as;
  ngtcp2_path path;

  if (len == 0 || m->is_closing) {
    qm_engine_on_rx_discarded(&m->engine);
    return 0;
  }
  as = qm_engine_on_datagram(&m->engine, p, len, &arrival, m->clock.last);
  if (!as) {
    return 0;
  }
  m->is_probed = m->is_probed || as->id != m->engine.active_id;
  qm_migrator_ngtcp2_path(m, as, &path);
  before = qm_evidence_begin(&m->evidence, m->conn);
  m->conn_error = (int16_t)ngtcp2_conn_read_pkt(m->conn, &path, &pi, data, len,
                                                m->clock.last);
  is_accepted = qm_evidence_end(&m->evidence, m->conn, &before);
  qm_migrator_sync(m);
  qm_migrator_run(m);
  if (m->conn_error != 0) {
    return QUICMIG_ERR_CONN;
  }
  if (is_accepted) {
    m->rx_at = m->clock.last;
    qm_engine_on_accepted(&m->engine, &arrival, m->clock.last);
    qm_migrator_run(m);
  }
  return 0;
}

static void on_recv_error(quicmig *m, const qm_path *p, int err) {
  if (err == ECONNREFUSED) {
    qm_engine_on_refused_by_peer(&m->engine);
  } else if (qm_txplan_is_path_down(err)) {
    qm_migrator_on_socket_error(m, p, err);
  }
}

/* Gives a message's datagrams to ngtcp2; what that sets off may close the path.
 */
static int read_msg(quicmig *m, uint32_t id, const qm_msg *msg) {
  size_t i, len, n = qm_msg_count(msg);

  if (msg->is_truncated) {
    qm_engine_on_rx_discarded(&m->engine);
    return 0;
  }
  for (i = 0; i < n; i++) {
    const uint8_t *data = qm_msg_at(msg, i, &len);
    qm_path *p = qm_paths_find(&m->engine.paths, id);
    int rv = p ? read_one(m, p, data, len, msg->ecn) : 0;

    if (rv != 0) {
      return rv;
    }
  }
  return 0;
}

/* Up to n messages of a path.  A pending ICMP error is read on the way, and
 * gone; what it sets off may close the path.  -1: there is another error, or no
 * such path any more. */
static int receive(quicmig *m, uint32_t id, qm_msg *msgs, size_t n) {
  qm_path *p;
  int i;

  for (i = 0; i < 2 && (p = qm_paths_find(&m->engine.paths, id)); i++) {
    int rv = m->net->recv(m->net->ctx, p->handle, msgs, n);

    if (rv >= 0) {
      if (p->rx_faults) {
        qm_listening_on_read(m, p, true);
      }
      return rv;
    }
    on_recv_error(m, p, -rv);
  }
  p = qm_paths_find(&m->engine.paths, id);
  if (p) {
    qm_listening_on_read(m, p, false);
  }
  return -1;
}

/* May p hold packets that were sent before or between those of other paths? */
static bool is_live(const quicmig *m, const qm_path *p) {
  if (qm_listening_is_paused(p)) {
    return false;
  }
  return p->state == QUICMIG_PATH_ACTIVE || p->state == QUICMIG_PATH_PROBING ||
         (p->state == QUICMIG_PATH_DRAINING && !p->is_dry &&
          m->clock.last < qm_time_add(p->draining_at, RECENT));
}

/* The live paths, the newest of them if there are too many; returns how many.
 */
static size_t find_live(const quicmig *m, qm_source *sources) {
  const qm_path *p = NULL;
  size_t n = 0, i;

  while ((p = qm_paths_next(&m->engine.paths, p))) {
    qm_source *dest = &sources[n];

    if (!is_live(m, p)) {
      continue;
    }
    if (n == SOURCES_MAX) {
      for (dest = sources, i = 1; i < n; i++) {
        dest = sources[i].id < dest->id ? &sources[i] : dest;
      }
      if (dest->id > p->id) {
        continue;
      }
    } else {
      n++;
    }
    dest->id = p->id;
  }
  return n;
}

/* Takes the next message of s into buf, of QM_GRO_MAX bytes. */
static void refill(quicmig *m, qm_source *s, uint8_t *buf) {
  int got;

  s->msg = (qm_msg){.data = buf, .cap = QM_GRO_MAX};
  got = receive(m, s->id, &s->msg, 1);
  s->has_msg = got == 1;
  if (got == 0) {
    qm_engine_on_empty(&m->engine, s->id, m->clock.last);
  }
}

/* Reads several sockets in the order in which the kernel received. */
static int read_in_order(quicmig *m, qm_source *sources, size_t n) {
  uint8_t bufs[SOURCES_MAX][QM_GRO_MAX];
  int total = 0, rv = 0;
  qm_source *s;
  size_t i;

  for (i = 0; i < n; i++) {
    refill(m, &sources[i], bufs[i]);
  }
  while (rv == 0 && (s = qm_source_earliest(sources, n))) {
    total += (int)qm_msg_count(&s->msg);
    s->has_msg = false;
    rv = read_msg(m, s->id, &s->msg);
    if (rv == 0 && total < QUICMIG_READ_MAX) {
      refill(m, s, bufs[s - sources]);
    }
  }
  return rv == 0 ? total : rv;
}

int qm_migrator_read_path(quicmig *m, uint32_t id) {
  uint8_t buf[QM_RX_BYTES];
  qm_msg msgs[QM_RX_MSGS];
  const qm_path *p;
  int total = 0, rv = 0, want = 0, n = 0, i;

  while (n == want && total < QUICMIG_READ_MAX &&
         (p = qm_paths_find(&m->engine.paths, id))) {
    want = (int)qm_rxbuf_carve(msgs, buf, sizeof(buf), p->no_offload);
    n = receive(m, id, msgs, (size_t)want);
    for (i = 0; rv == 0 && i < n; i++) {
      total += (int)qm_msg_count(&msgs[i]);
      rv = read_msg(m, id, &msgs[i]);
    }
    if (rv != 0) {
      return rv;
    }
  }
  if (n >= 0 && n < want) {
    qm_engine_on_empty(&m->engine, id, m->clock.last);
  }
  return total;
}

static bool is_among(const qm_source *sources, size_t n, uint32_t id) {
  size_t i;

  for (i = 0; i < n && sources[i].id != id; i++) {
  }
  return i < n;
}

int qm_migrator_read(quicmig *m, int fd) {
  const qm_path *p = qm_paths_by_handle(&m->engine.paths, fd);
  qm_source sources[SOURCES_MAX];
  size_t n;

  if (!p || qm_listening_is_paused(p)) {
    return 0;
  }
  n = is_live(m, p) ? find_live(m, sources) : 0;
  return n > 1 && is_among(sources, n, p->id) ? read_in_order(m, sources, n)
                                              : qm_migrator_read_path(m, p->id);
}

int quicmig_read(quicmig *m, int fd, quicmig_tstamp now) {
  uint64_t before;
  int rv = qm_migrator_enter(m, now);

  if (rv != QUICMIG_ERR_REENTRANT && fd >= 0 && fd == m->homes.watch_fd &&
      !qm_rxfault_is_paused(m->homes.watch_faults)) {
    qm_homes_on_readable(m); /* also before there is a connection */
  }
  if (rv != 0) {
    return rv;
  }
  before = qm_migrator_in_flight(m);
  rv = qm_migrator_read(m, fd);
  qm_migrator_on_flight(m, before);
  m->is_inside = false;
  return rv;
}
