/*
 * A server from the inside: many connections on its sockets, found by
 * connection ID, each with its deadline in one heap.  Nothing here scans the
 * connections but closing them all.  Split over
 *   server.c       creation, the loop, public functions
 *   serverrx.c     a datagram finds its connection
 *   serveraccept.c handshakes begin, wait for their turn, and give way
 *   servertx.c     packets leave in batches, shared by the connections
 *   serverconn.c   the life of one connection
 * beside qm_listener, its sockets, qm_inbox, what they have received, and
 * qm_routes, which of them answers whom.
 */
#ifndef QM_SERVER_H
#define QM_SERVER_H

#include "base/heap.h"
#include "core/pace.h"
#include "endpoint/backlog.h"
#include "endpoint/cidtable.h"
#include "endpoint/conn.h"
#include "endpoint/inbox.h"
#include "endpoint/listener.h"
#include "endpoint/routes.h"
#include "endpoint/standstill.h"
#include "endpoint/tracker.h"
#include "io/rxbuf.h"
#include "io/txlack.h"
#include "io/txq.h"
#include "quic/evidence.h"

/* Routes that may do without GSO at a time; more take the places of others. */
#define QM_SERVER_LACKS 64

/* A connection of a server. */
typedef struct qm_sconn {
  quicmig_conn conn; /* first: the owner finds the rest by it */
  quicmig_server *server;
  qm_heap_node timer;
  qm_list link;            /* in server->conns */
  qm_list half_open;       /* in server->half_open until the handshake ends */
  quicmig_tstamp began_at; /* the handshake */
  qm_cid_set ids;          /* its entries in server->ids */
  qm_list dirty; /* in server->dirty while it wants to be written; after its end
                  * in goodbyes or unheard */
  qm_tracker tracker;
  qm_routes routes;
  const qm_route *route; /* by which the packet at hand came */
  qm_evidence evidence;  /* which packets are genuine and new */
  qm_standstill standstill;
  qm_pace pace;
  uint32_t n_too_large; /* of the server's, that it knows of */
  uint8_t *close_pkt;   /* the CONNECTION_CLOSE, for the peer's stray packets */
  size_t close_len;
  qm_addr close_to;       /* where it goes, as ngtcp2 knows the address */
  uint32_t lost_goodbyes; /* the server's, when close_pkt was queued */
  uint32_t strays;
  bool is_paced; /* it wants to write, and waits for its pace */
} qm_sconn;

struct quicmig_server {
  quicmig_mem mem;
  const qm_net *net;
  quicmig_server_callbacks cb;
  quicmig_conn_callbacks conn_cb;
  void *user_data;
  quicmig_transport_options o;
  qm_tls tls;
  qm_listener listener;
  qm_inbox inbox;   /* of several sockets */
  uint32_t reading; /* number of the socket that the packet at hand came by */
  qm_addr local;    /* of the first one */
  qm_cidtable ids;
  uint64_t routes_key[2];
  qm_heap timers;
  qm_list conns, dirty;
  qm_list half_open;   /* the oldest first; stats.half_open is their number */
  qm_backlog answers;  /* to handshakes that have begun, */
  qm_backlog initials; /* and packets that may begin one */
  qm_clock_guard clock;
  quicmig_tstamp run_at;     /* when the run began, by net->clock */
  quicmig_tstamp write_at;   /* the socket was full: try again then */
  unsigned waits;            /* for it, in a row */
  qm_list goodbyes;          /* whose CONNECTION_CLOSE is in tx, or just was */
  qm_list unheard;           /* whose CONNECTION_CLOSE was perhaps dropped */
  quicmig_tstamp unheard_at; /* they say it again then */
  quicmig_duration unheard_pause;
  uint32_t lost_goodbyes; /* CONNECTION_CLOSEs dropped from tx */
  uint32_t n_too_large;   /* packets that the kernel refused as too large */
  size_t too_large;       /* the last one's bytes */
  quicmig_server_stats stats;
  uint8_t reset_secret[32];
  quicmig_tstamp resets_at; /* start of the second that resets_left is for */
  uint32_t resets_left;
  qm_txlack lacks[QM_SERVER_LACKS];
  quicmig_tstamp lacks_until; /* none of them counts from then on */
  bool is_inside;
  bool is_watched;
  bool is_closing;
  qm_txq tx;
  uint8_t txbuf[QM_TXQ_BYTES];
  uint8_t rxbuf[QM_RX_BYTES];
};

/* quicmig_server_new() over another network. */
int qm_server_new(quicmig_server **ps, const quicmig_server_config *cfg,
                  const qm_net *net, quicmig_tstamp now);

/* How long this run has taken so far; the connections' clock follows. */
quicmig_duration qm_server_worked(quicmig_server *s);

/* serverconn.c */

static inline qm_sconn *qm_sconn_of(quicmig_conn *c) {
  return (qm_sconn *)(void *)c;
}

/* A connection for the Initial packet hd that came on path.  NULL when out of
 * memory or refused by the application. */
qm_sconn *qm_sconn_new(quicmig_server *s, const ngtcp2_pkt_hd *hd,
                       const ngtcp2_path *path);

/* Without callbacks; forgets its IDs. */
void qm_sconn_free(qm_sconn *c);

/* Ends a handshake that takes too long, without a word to the peer. */
void qm_sconn_give_up(qm_sconn *c);

/* Packets come from pkt's address, to the ID with this hash. */
void qm_sconn_on_address(qm_sconn *c, const qm_msg *pkt, uint64_t id);

/* One of them, a message of one datagram. */
void qm_sconn_on_packet(qm_sconn *c, const qm_msg *pkt);

void qm_sconn_on_time(qm_sconn *c);

/* Lets it write what fits now.  False: the socket is full. */
bool qm_sconn_write(qm_sconn *c);

/* Writes its CONNECTION_CLOSE again, into qm_server_room(). */
void qm_sconn_say_goodbye(qm_sconn *c, uint8_t *room);

/* servertx.c */

/* QUICMIG_MAX_PKTLEN bytes for the next packet, NULL when the socket is full.
 */
uint8_t *qm_server_room(quicmig_server *s);

/* A packet was written into qm_server_room(): it leaves with the others. */
void qm_server_add(quicmig_server *s, const qm_route *route, uint8_t ecn,
                   size_t len);

/* The same for c's CONNECTION_CLOSE, whose end is reported.  It is kept until
 * the kernel has taken it, as long as c is there. */
void qm_server_add_goodbye(qm_sconn *c, const qm_route *route);

/* The same, as an answer to pkt, which is at hand. */
void qm_server_answer(quicmig_server *s, const qm_msg *pkt, size_t len);

/* Sends them.  False when the socket is full: what is left leaves first next
 * time. */
bool qm_server_flush(quicmig_server *s);

/* Queues those goodbyes again that the kernel did not take.  When that is due;
 * NEVER: there are none. */
void qm_server_repeat_goodbyes(quicmig_server *s);
quicmig_tstamp qm_server_goodbyes_at(const quicmig_server *s);

/* serverrx.c */

/* Reads its sockets, within a budget. */
void qm_server_read(quicmig_server *s);

/* Those whose reads failed, if it is time. */
void qm_server_read_again(quicmig_server *s);

/* serveraccept.c */

/* A datagram of a handshake has come, for the ID of e; or e is NULL and vc
 * names an unknown one.  It will have its turn, or it is dropped and counted.
 */
void qm_server_defer(quicmig_server *s, const qm_msg *pkt,
                     const qm_cid_entry *e, const ngtcp2_version_cid *vc);

/* Do any wait? */
static inline bool qm_server_has_deferred(const quicmig_server *s) {
  return !qm_backlog_is_empty(&s->answers) ||
         !qm_backlog_is_empty(&s->initials);
}

/* Works them off for about `most` of time, but at least one of each backlog. */
void qm_server_work_off(quicmig_server *s, quicmig_duration most);

#endif
