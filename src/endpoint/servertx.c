#include "endpoint/server.h"
#include "io/txplan.h"

#include <string.h>

qm_pkt *qm_server_next_pkt(quicmig_server *s) {
  qm_pkt *p;

  if (s->tx.len == QM_BATCH && !qm_server_flush(s)) {
    return NULL;
  }
  p = &s->tx.pkts[s->tx.len];
  *p = (qm_pkt){.data = s->tx.buf[s->tx.len],
                .cap = QUICMIG_MAX_PKTLEN,
                .family = qm_addr_family(&s->local)};
  return p;
}

void qm_server_add_pkt(quicmig_server *s, const ngtcp2_path *path,
                       const ngtcp2_pkt_info *pi, size_t len) {
  qm_pkt *p = &s->tx.pkts[s->tx.len];

  p->len = len;
  p->ecn = (uint8_t)pi->ecn;
  (void)qm_addr_set(&p->local, (const struct sockaddr *)path->local.addr,
                    path->local.addrlen);
  (void)qm_addr_set(&p->remote, (const struct sockaddr *)path->remote.addr,
                    path->remote.addrlen);
  s->tx.len++;
}

/* Deals with what stopped the batch.  False: time is wanted. */
static bool skip_one(quicmig_server *s, int err) {
  if (qm_txplan_on_error(err) == QM_TX_WAIT) {
    s->write_at = qm_time_add(s->clock.last, QM_TX_RETRY_AFTER);
    return false;
  }
  /* Lost, as the network may lose it: an unconnected socket has no path of its
   * own that could be down. */
  s->stats.tx_dropped++;
  s->tx.next++;
  return true;
}

bool qm_server_flush(quicmig_server *s) {
  while (s->tx.next < s->tx.len) {
    int rv = s->net->send(s->net->ctx, s->fd, &s->tx.pkts[s->tx.next],
                          s->tx.len - s->tx.next);

    if (rv > 0) {
      s->tx.next += (size_t)rv;
      s->stats.tx_packets += (uint64_t)rv;
    } else if (!skip_one(s, -rv)) {
      return false;
    }
  }
  s->tx.len = s->tx.next = 0;
  s->write_at = QUICMIG_NEVER;
  return true;
}
