#include "endpoint/server.h"

#include <string.h>

#include <ngtcp2/ngtcp2_crypto.h>

/* Datagrams after which a run comes back to its timers. */
#define READ_MAX 1024
#define RESETS_PER_SECOND 100
/* A stateless reset looks like a short packet and is smaller than what caused
 * it, so that two servers cannot reset each other for ever (RFC 9000 section
 * 10.3.3). */
#define RESET_MAX 43
#define RESET_MIN (NGTCP2_MIN_STATELESS_RESET_RANDLEN + 16)

static void send_version_negotiation(quicmig_server *s, const qm_msg *pkt,
                                     const ngtcp2_version_cid *vc) {
  const uint32_t versions[] = {NGTCP2_PROTO_VER_V1};
  uint8_t *room = qm_server_room(s), unused_random = 0;
  ngtcp2_ssize n;

  if (!room || s->net->random(s->net->ctx, &unused_random, 1) != 0) {
    return;
  }
  n = ngtcp2_pkt_write_version_negotiation(room, QUICMIG_MAX_PKTLEN,
                                           unused_random, vc->scid, vc->scidlen,
                                           vc->dcid, vc->dcidlen, versions, 1);
  if (n > 0) {
    qm_server_answer(s, pkt, (size_t)n);
  }
}

/* At most RESETS_PER_SECOND (RFC 9000 section 10.3.3). */
static bool may_reset(quicmig_server *s) {
  if (s->clock.last >= qm_time_add(s->resets_at, QUICMIG_SECOND)) {
    s->resets_at = s->clock.last;
    s->resets_left = RESETS_PER_SECOND;
  }
  return s->resets_left != 0;
}

static void send_stateless_reset(quicmig_server *s, const qm_msg *pkt,
                                 const ngtcp2_version_cid *vc) {
  size_t len = pkt->len - 1 < RESET_MAX ? pkt->len - 1 : RESET_MAX;
  uint8_t token[NGTCP2_STATELESS_RESET_TOKENLEN], noise[RESET_MAX];
  ngtcp2_cid id;
  ngtcp2_ssize n;
  uint8_t *room;

  if (len < RESET_MIN || !may_reset(s) || !(room = qm_server_room(s))) {
    return;
  }
  ngtcp2_cid_init(&id, vc->dcid, vc->dcidlen);
  if (ngtcp2_crypto_generate_stateless_reset_token(
          token, s->reset_secret, sizeof(s->reset_secret), &id) != 0 ||
      s->net->random(s->net->ctx, noise, len - sizeof(token)) != 0) {
    return;
  }
  n = ngtcp2_pkt_write_stateless_reset(room, QUICMIG_MAX_PKTLEN, token, noise,
                                       len - sizeof(token));
  if (n > 0) {
    s->resets_left--;
    s->stats.resets_sent++;
    qm_server_answer(s, pkt, (size_t)n);
  }
}

static bool is_long_header(const qm_msg *pkt) {
  return (pkt->data[0] & 0x80) != 0;
}

/* A datagram that is not of the same train as the one before. */
static const qm_cid_entry *find(quicmig_server *s, const qm_msg *pkt) {
  const qm_cid_entry *e = NULL;
  ngtcp2_version_cid vc;
  int rv = ngtcp2_pkt_decode_version_cid(&vc, pkt->data, pkt->len,
                                         QM_CID_LEN_SERVER);

  if (rv == NGTCP2_ERR_VERSION_NEGOTIATION) {
    send_version_negotiation(s, pkt, &vc);
  } else if (rv != 0) {
    s->stats.rx_discarded++;
  } else if (!(e = qm_cidtable_find(&s->ids, vc.dcid, vc.dcidlen))) {
    if (is_long_header(pkt)) {
      qm_server_defer(s, pkt, NULL, &vc);
    } else {
      s->stats.rx_discarded++;
      send_stateless_reset(s, pkt, &vc);
    }
  }
  return e;
}

/* *last: the ID of the datagram before, of the same message; NULL: it is the
 * first.  A short header has nothing but one byte before the ID (RFC 8999
 * section 5.2). */
static void receive(quicmig_server *s, const qm_msg *pkt,
                    const qm_cid_entry **last) {
  const qm_cid_entry *e = NULL;

  if (pkt->len == 0) {
    s->stats.rx_discarded++;
    return;
  }
  if (!is_long_header(pkt) && pkt->len > QM_CID_LEN_SERVER) {
    e = qm_cidtable_again(&s->ids, pkt->data + 1);
  }
  if (!e) {
    e = find(s, pkt);
  }
  if (!e) {
    return;
  }
  if (e->is_retired) { /* late or replayed: ngtcp2 would drop it too */
    s->stats.rx_discarded++;
    return;
  }
  if (((qm_sconn *)e->owner)->conn.state == QM_CONN_HANDSHAKE) {
    qm_server_defer(s, pkt, e, NULL);
    return;
  }
  if (e != *last) { /* the train comes from one address */
    qm_sconn_on_address(e->owner, pkt, e->hash);
    *last = e;
  }
  qm_sconn_on_packet(e->owner, pkt);
}

/* Each datagram of a message of that socket; returns how many there were. */
static size_t receive_msg(quicmig_server *s, uint32_t number,
                          const qm_msg *msg) {
  size_t i, n = qm_msg_count(msg);
  const qm_cid_entry *last = NULL;
  qm_msg pkt = *msg;

  s->reading = number;
  s->stats.rx_packets += n;
  if (msg->is_truncated) {
    s->stats.rx_discarded++;
    return n;
  }
  pkt.segment = 0;
  for (i = 0; i < n; i++) {
    pkt.data = qm_msg_at(msg, i, &pkt.len);
    receive(s, &pkt, &last);
  }
  return n;
}

static void read_alone(quicmig_server *s, uint32_t number) {
  qm_msg msgs[QM_RX_MSGS];
  size_t want, n, i, total = 0;

  do {
    want = qm_rxbuf_carve(msgs, s->rxbuf, sizeof(s->rxbuf),
                          s->listener.no_offload);
    n = qm_listener_take(&s->listener, number, msgs, want, s->clock.last);
    for (i = 0; i < n; i++) {
      total += receive_msg(s, number, &msgs[i]);
    }
  } while (n == want && total < READ_MAX);
}

void qm_server_read_again(quicmig_server *s) {
  qm_listener *l = &s->listener;
  size_t i;

  if (!qm_time_is_due(qm_listener_deadline(l), s->clock.last)) {
    return;
  }
  qm_listener_on_retry(l);
  for (i = 0; (i = qm_listener_next_paused(l, i)) < l->n; i++) {
    read_alone(s, (uint32_t)i);
  }
  if (l->n > 1) {
    qm_inbox_look(&s->inbox, s->clock.last);
  }
}

void qm_server_read(quicmig_server *s) {
  const qm_msg *msg;
  uint32_t number = 0;
  size_t total = 0;

  if (!qm_listener_is_watched(&s->listener)) {
    return;
  }
  if (s->listener.n > 1) {
    qm_inbox_look(&s->inbox, s->clock.last);
  }
  if (s->listener.n == 1 || qm_inbox_is_one(&s->inbox, &number)) {
    read_alone(s, number);
    return;
  }
  while (total < READ_MAX &&
         (msg = qm_inbox_next(&s->inbox, s->clock.last, &number))) {
    total += receive_msg(s, number, msg);
  }
}
