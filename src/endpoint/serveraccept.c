#include "endpoint/server.h"

/* A half-open connection may give way to a newcomer once its client has had
 * this long to answer: several round trips of most paths. */
#define GRACE QUICMIG_SECOND

/* --- waiting --- */

/* Before it takes up room: may it begin a connection, or belong to one that
 * waits to begin, as 0-RTT packets do? */
static bool is_welcome(quicmig_server *s, const qm_msg *pkt, uint64_t id) {
  ngtcp2_pkt_hd hd;

  if (ngtcp2_accept(&hd, pkt->data, pkt->len) != 0 &&
      !qm_backlog_has(&s->initials, id)) {
    s->stats.rx_discarded++;
    return false;
  }
  if (s->is_closing) {
    s->stats.refused++;
    return false;
  }
  return true;
}

void qm_server_defer(quicmig_server *s, const qm_msg *pkt,
                     const qm_cid_entry *e, const ngtcp2_version_cid *vc) {
  uint64_t id = e ? e->hash : qm_cidtable_hash(&s->ids, vc->dcid, vc->dcidlen);
  qm_backlog *b = e ? &s->answers : &s->initials;

  /* No peer was told that it may send more (max_udp_payload_size). */
  if (pkt->len <= QM_PKT_MAX && (e || is_welcome(s, pkt, id))) {
    (void)qm_backlog_add(b, pkt, id, s->reading, s->clock.last);
  }
}

/* --- beginning --- */

static bool has_place(const quicmig_server *s) {
  return s->stats.connections < s->o.max_connections &&
         s->stats.half_open < s->o.max_half_open;
}

/* Is there room for one more connection?  The oldest half-open one makes room,
 * once it has had its time: a flood holds each place for a second, not for the
 * whole handshake_timeout. */
static bool make_room(quicmig_server *s) {
  qm_sconn *oldest;

  if (has_place(s)) {
    return true;
  }
  if (qm_list_is_empty(&s->half_open)) {
    return false;
  }
  oldest = qm_list_entry(s->half_open.next, qm_sconn, half_open);
  if (qm_time_since(s->clock.last, oldest->began_at) < GRACE) {
    s->stats.half_open_refused += s->stats.half_open >= s->o.max_half_open;
    return false;
  }
  s->stats.half_open_evicted++;
  qm_sconn_give_up(oldest);
  return has_place(s);
}

static qm_sconn *begin(quicmig_server *s, const qm_msg *pkt,
                       const ngtcp2_pkt_hd *hd) {
  const ngtcp2_path path = {
      .local = {.addr = (ngtcp2_sockaddr *)(uintptr_t)&pkt->local.u,
                .addrlen = pkt->local.len},
      .remote = {.addr = (ngtcp2_sockaddr *)(uintptr_t)&pkt->remote.u,
                 .addrlen = pkt->remote.len}};
  qm_sconn *c = NULL;

  /* Whoever makes room is told, and may close the server. */
  if (!s->is_closing && make_room(s) && !s->is_closing) {
    c = qm_sconn_new(s, hd, &path);
  }
  if (c) {
    s->stats.accepted++;
  } else {
    s->stats.refused++;
  }
  return c;
}

static void accept_one(quicmig_server *s, const qm_msg *pkt) {
  const qm_cid_entry *e;
  ngtcp2_pkt_hd hd;
  qm_sconn *c;

  if (ngtcp2_accept(&hd, pkt->data, pkt->len) != 0) {
    s->stats.rx_discarded++;
    return;
  }
  c = begin(s, pkt, &hd);
  if (c) {
    e = qm_cidtable_find(&s->ids, hd.dcid.data, hd.dcid.datalen);
    qm_sconn_on_address(c, pkt, e ? e->hash : 0);
    qm_sconn_on_packet(c, pkt);
  }
}

/* --- its turn --- */

/* Much may have happened while it waited: its connection has begun, or ended.
 */
static void serve(quicmig_server *s, const qm_waiting *w) {
  const qm_cid_entry *e;
  ngtcp2_version_cid vc;
  int rv = ngtcp2_pkt_decode_version_cid(&vc, w->pkt.data, w->pkt.len,
                                         QM_CID_LEN_SERVER);

  e = rv == 0 ? qm_cidtable_find(&s->ids, vc.dcid, vc.dcidlen) : NULL;
  s->reading = w->socket;
  if (!e) {
    accept_one(s, &w->pkt);
  } else if (e->is_retired) {
    s->stats.rx_discarded++;
  } else {
    qm_sconn_on_address(e->owner, &w->pkt, e->hash);
    qm_sconn_on_packet(e->owner, &w->pkt);
  }
}

/* until: as qm_server_worked() counts. */
static void work_off(quicmig_server *s, qm_backlog *b, quicmig_duration until) {
  qm_waiting *w;

  do {
    w = qm_backlog_take(b, s->clock.last);
    if (w) {
      serve(s, w);
      qm_backlog_free(b, w);
    }
  } while (w && qm_server_worked(s) < until);
}

/* Answers first: with them places get free, and who answered is there. */
void qm_server_work_off(quicmig_server *s, quicmig_duration most) {
  quicmig_duration until = qm_time_add(qm_server_worked(s), most);

  work_off(s, &s->answers, until);
  work_off(s, &s->initials, until);
}
