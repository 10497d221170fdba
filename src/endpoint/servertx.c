#include "endpoint/server.h"

#include <errno.h>
#include <string.h>

#include "base/siphash.h"
#include "io/txplan.h"

/* Times that a full socket is waited for, a millisecond each: alone, and among
 * several, where it must not stop the others for long.  What a socket of 1 MiB
 * or more has no room for by then is lost. */
#define WAITS_MAX 100
#define WAITS_MAX_AMONG 4
/* In a message's tag, beside the number of its socket: a goodbye. */
#define LAST 0x80000000u
/* How soon goodbyes that were dropped are said again, and how many at once. */
#define AGAIN_FIRST QUICMIG_MILLISECOND
#define AGAIN_MAX (32 * QUICMIG_MILLISECOND)
#define AGAIN_AT_ONCE 256

uint8_t *qm_server_room(quicmig_server *s) {
  uint8_t *room = qm_txq_room(&s->tx);

  if (!room && qm_server_flush(s)) {
    room = qm_txq_room(&s->tx);
  }
  return room;
}

/* The entry for what goes from local, by that socket, to remote; *path: its
 * name for it.  The connection may be gone before its message leaves. */
static qm_txlack *lack_of(quicmig_server *s, const qm_addr *remote,
                          const qm_addr *local, uint32_t socket,
                          uint16_t *path) {
  uint8_t input[sizeof(socket) + 2 * sizeof(remote->u)];
  size_t n = sizeof(socket);
  uint64_t h;

  memcpy(input, &socket, n);
  memcpy(input + n, &remote->u, remote->len);
  n += remote->len;
  memcpy(input + n, &local->u, local->len);
  h = qm_siphash(s->routes_key, input, n + local->len);
  *path = (uint16_t)(h >> 16);
  return &s->lacks[h % QM_SERVER_LACKS];
}

static bool is_any_lacking(const quicmig_server *s) {
  return s->clock.last < s->lacks_until;
}

static bool may_group(quicmig_server *s, const qm_route *route) {
  const qm_txlack *l;
  uint16_t path;

  if (s->listener.no_offload & QUICMIG_NO_GSO) {
    return false;
  }
  if (!is_any_lacking(s)) {
    return true;
  }
  l = lack_of(s, &route->remote, &route->local, route->socket, &path);
  return !qm_txlack_is_on(l, path, s->clock.last);
}

static uint32_t front_socket(const quicmig_server *s) {
  return qm_txq_tag(&s->tx) & ~LAST;
}

static void drop(quicmig_server *s) {
  s->lost_goodbyes += (qm_txq_tag(&s->tx) & LAST) != 0;
  s->stats.tx_dropped += qm_txq_drop(&s->tx);
}

/* A message of several was refused; those to others still leave as they are. */
static void on_no_gso(quicmig_server *s, const qm_msg *m) {
  uint16_t path;
  qm_txlack *l = lack_of(s, &m->remote, &m->local, front_socket(s), &path);

  if (!is_any_lacking(s)) {
    memset(s->lacks, 0, sizeof(s->lacks));
  }
  qm_txlack_on_refused(l, path, s->clock.last);
  s->lacks_until = qm_time_add(s->clock.last, QM_TXLACK_MAX + QM_TXLACK_MEMORY);
}

void qm_server_add(quicmig_server *s, const qm_route *route, uint8_t ecn,
                   size_t len) {
  const qm_msg like = {.family = qm_addr_family(&route->remote),
                       .ecn = ecn,
                       .local = route->local,
                       .remote = route->remote};

  qm_txq_add(&s->tx, route->socket, &like, len, may_group(s, route));
}

void qm_server_add_goodbye(qm_sconn *c, const qm_route *route) {
  quicmig_server *s = c->server;
  const qm_msg like = {.family = qm_addr_family(&route->remote),
                       .local = route->local,
                       .remote = route->remote};

  qm_txq_add(&s->tx, route->socket | LAST, &like, c->close_len, false);
  c->lost_goodbyes = s->lost_goodbyes;
  qm_list_remove(&c->dirty);
  qm_list_push(&s->goodbyes, &c->dirty);
}

void qm_server_answer(quicmig_server *s, const qm_msg *pkt, size_t len) {
  const qm_route route = {
      .remote = pkt->remote, .local = pkt->local, .socket = s->reading};

  qm_server_add(s, &route, 0, len);
}

/* The socket of the front message is full, and perhaps for ever: alone, one
 * message a millisecond is lost then; among several, what is for that socket.
 * False: it is waited for. */
static bool wait(quicmig_server *s) {
  bool is_among = s->listener.n > 1;

  if (++s->waits > (is_among ? WAITS_MAX_AMONG : WAITS_MAX)) {
    drop(s);
    if (is_among) {
      return true;
    }
  }
  s->write_at = qm_time_add(s->clock.last, QM_TX_RETRY_AFTER);
  return false;
}

/* The kernel did not take the front message.  False: it wants time. */
static bool deal_with(quicmig_server *s, int err) {
  size_t n;
  const qm_msg *m = qm_txq_front(&s->tx, &n);

  switch (qm_txplan_on_error(err, m)) {
  case QM_TX_WAIT:
    return wait(s);
  case QM_TX_NO_GSO:
    on_no_gso(s, m);
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
    drop(s);
    return true;
  case QM_TX_AGAIN:     /* an unconnected socket hears of no ICMP error */
  case QM_TX_PATH_DOWN: /* nor has it a path of its own that could be down */
    drop(s);
    return true;
  }
  return true;
}

static void on_sent(quicmig_server *s, const qm_msg *msgs, size_t n) {
  size_t i;

  for (i = 0; i < n; i++) {
    size_t count = qm_msg_count(&msgs[i]);

    s->stats.tx_packets += count;
    if (count > 1 && is_any_lacking(s)) {
      uint16_t path;
      qm_txlack *l =
          lack_of(s, &msgs[i].remote, &msgs[i].local, front_socket(s), &path);

      qm_txlack_on_taken(l, path, s->clock.last);
    }
  }
  qm_txq_on_sent(&s->tx, n);
  s->waits = 0;
}

/* All of tx was taken or dropped.  A goodbye is known to have been taken if
 * none was dropped since; else it is said again, by its connection, which is
 * there for three PTOs (RFC 9000 section 10.2), twice to some. */
static void sort_goodbyes(quicmig_server *s) {
  bool is_any_lost = false;

  if (qm_list_is_empty(&s->goodbyes)) {
    return;
  }
  while (!qm_list_is_empty(&s->goodbyes)) {
    qm_sconn *c = qm_list_entry(s->goodbyes.next, qm_sconn, dirty);

    qm_list_remove(&c->dirty);
    if (c->lost_goodbyes != s->lost_goodbyes) {
      qm_list_push(&s->unheard, &c->dirty);
      is_any_lost = true;
    }
  }
  if (is_any_lost) {
    s->unheard_pause =
        qm_time_clamp(2 * s->unheard_pause, AGAIN_FIRST, AGAIN_MAX);
    s->unheard_at = qm_time_add(s->clock.last, s->unheard_pause);
  } else {
    s->unheard_pause = 0;
  }
}

quicmig_tstamp qm_server_goodbyes_at(const quicmig_server *s) {
  return qm_list_is_empty(&s->unheard) ? QUICMIG_NEVER : s->unheard_at;
}

void qm_server_repeat_goodbyes(quicmig_server *s) {
  uint8_t *room;
  int i;

  if (!qm_time_is_due(qm_server_goodbyes_at(s), s->clock.last)) {
    return;
  }
  s->unheard_at = qm_time_add(s->clock.last, AGAIN_FIRST);
  for (i = 0; i < AGAIN_AT_ONCE && !qm_list_is_empty(&s->unheard) &&
              (room = qm_server_room(s));
       i++) {
    qm_sconn *c = qm_list_entry(s->unheard.next, qm_sconn, dirty);

    qm_list_remove(&c->dirty);
    qm_sconn_say_goodbye(c, room);
  }
}

bool qm_server_flush(quicmig_server *s) {
  const qm_msg *msgs;
  size_t n;

  if (s->write_at != QUICMIG_NEVER && s->clock.last < s->write_at) {
    return false;
  }
  while (!qm_txq_is_empty(&s->tx)) {
    int rv;

    msgs = qm_txq_front(&s->tx, &n);
    rv = s->net->send(s->net->ctx, s->listener.sockets[front_socket(s)].fd,
                      msgs, n);
    if (rv > 0) {
      on_sent(s, msgs, (size_t)rv);
    } else if (!deal_with(s, -rv)) {
      return false;
    }
  }
  s->write_at = QUICMIG_NEVER;
  sort_goodbyes(s);
  return true;
}
