#include "endpoint/server.h"

#include <errno.h>

#include "io/txplan.h"

/* Times that a full socket among several is waited for, a millisecond each. */
#define WAITS_MAX 4

uint8_t *qm_server_room(quicmig_server *s) {
  uint8_t *room = qm_txq_room(&s->tx);

  if (!room && qm_server_flush(s)) {
    room = qm_txq_room(&s->tx);
  }
  return room;
}

void qm_server_add(quicmig_server *s, const qm_route *route, uint8_t ecn,
                   size_t len) {
  const qm_msg like = {.family = qm_addr_family(&route->remote),
                       .ecn = ecn,
                       .local = route->local,
                       .remote = route->remote};

  qm_txq_add(&s->tx, route->socket, &like, len,
             !(s->listener.no_offload & QUICMIG_NO_GSO));
}

void qm_server_answer(quicmig_server *s, const qm_msg *pkt, size_t len) {
  const qm_route route = {
      .remote = pkt->remote, .local = pkt->local, .socket = s->reading};

  qm_server_add(s, &route, 0, len);
}

/* The kernel did not take the front message.  False: it wants time. */
static bool deal_with(quicmig_server *s, int err) {
  size_t n;

  switch (qm_txplan_on_error(err, qm_txq_front(&s->tx, &n))) {
  case QM_TX_WAIT:
    /* One socket of many must not stop the others for long. */
    if (s->listener.n > 1 && ++s->waits > WAITS_MAX) {
      s->stats.tx_dropped += qm_txq_drop(&s->tx);
      return true;
    }
    s->write_at = qm_time_add(s->clock.last, QM_TX_RETRY_AFTER);
    return false;
  case QM_TX_NO_GSO:
    s->listener.no_offload |= QUICMIG_NO_GSO;
    qm_txq_split(&s->tx);
    return true;
  case QM_TX_SPLIT:
    qm_txq_split(&s->tx);
    return true;
  case QM_TX_UNMARK:
    qm_txq_unmark(&s->tx);
    return true;
  case QM_TX_SKIP:
    if (err == EMSGSIZE) {
      s->n_too_large++;
      s->too_large = qm_txq_front(&s->tx, &n)->len;
    }
    s->stats.tx_dropped += qm_txq_drop(&s->tx);
    return true;
  case QM_TX_AGAIN:     /* an unconnected socket hears of no ICMP error */
  case QM_TX_PATH_DOWN: /* nor has it a path of its own that could be down */
    s->stats.tx_dropped += qm_txq_drop(&s->tx);
    return true;
  }
  return true;
}

static void on_sent(quicmig_server *s, const qm_msg *msgs, size_t n) {
  size_t i;

  for (i = 0; i < n; i++) {
    s->stats.tx_packets += qm_msg_count(&msgs[i]);
  }
  qm_txq_on_sent(&s->tx, n);
  s->waits = 0;
}

bool qm_server_flush(quicmig_server *s) {
  const qm_msg *msgs;
  size_t n;

  while (!qm_txq_is_empty(&s->tx)) {
    int rv;

    msgs = qm_txq_front(&s->tx, &n);
    rv = s->net->send(s->net->ctx, s->listener.sockets[qm_txq_tag(&s->tx)].fd,
                      msgs, n);
    if (rv > 0) {
      on_sent(s, msgs, (size_t)rv);
    } else if (!deal_with(s, -rv)) {
      return false;
    }
  }
  s->write_at = QUICMIG_NEVER;
  return true;
}
