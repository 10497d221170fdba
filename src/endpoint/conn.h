/*
 * One QUIC connection of a client or a server: ngtcp2, its TLS session, the
 * streams and the datagram queue.  It neither owns a socket nor reads a clock;
 * its owner (client or server) feeds packets and time in and takes packets out.
 *
 *   HANDSHAKE > OPEN > ENDED
 *
 * ENDED: the closed callback has been called; a server keeps the connection a
 * while longer to answer the peer's stray packets.
 * Split over
 *   conn.c       creation, public functions
 *   end.c        how it ends
 *   callbacks.c  ngtcp2's callback table
 *   write.c      what goes into the next packet, and how large it may be
 *   datagram.c   the queue of datagrams
 *   stream.c     streams
 */
#ifndef QM_CONN_H
#define QM_CONN_H

#include <ngtcp2/ngtcp2_crypto.h>

#include "base/addr.h"
#include "base/list.h"
#include "endpoint/blackhole.h"
#include "endpoint/dgqueue.h"
#include "endpoint/pmtu.h"
#include "endpoint/tls.h"
#include "io/net.h"
#include <quicmig/endpoint.h>

#define QM_CONN_REASON_MAX 255

typedef enum qm_conn_state {
  QM_CONN_HANDSHAKE, /* keys are being agreed on */
  QM_CONN_OPEN,      /* data flows */
  QM_CONN_ENDED      /* nothing more is sent or reported */
} qm_conn_state;

/* What only the owner can do.  May be called inside ngtcp2 callbacks. */
typedef struct qm_conn_owner {
  /* 0, or why that cannot be. */
  int (*confirmed)(quicmig_conn *c);
  void (*path_validated)(quicmig_conn *c, const ngtcp2_path *path,
                         ngtcp2_path_validation_result res);
  void (*id_status)(quicmig_conn *c, ngtcp2_connection_id_status_type type,
                    uint64_t seq);
  /* A new ID of ours: make it findable.  0 or QUICMIG_ERR_NOMEM. */
  int (*id_added)(quicmig_conn *c, const ngtcp2_cid *id);
  void (*id_removed)(quicmig_conn *c, const ngtcp2_cid *id);
  /* Something was queued: run me. */
  void (*wants_run)(quicmig_conn *c);
  /* The time of the run that is under way; NEVER: there is none. */
  quicmig_tstamp (*now)(const quicmig_conn *c);
} qm_conn_owner;

struct quicmig_conn {
  const quicmig_mem *mem; /* the owner's */
  const qm_net *net;
  const qm_conn_owner *owner;
  const qm_tls *tls;
  const quicmig_transport_options *o; /* the owner's */
  quicmig_conn_callbacks cb;
  void *user_data;
  ngtcp2_mem nmem;
  ngtcp2_conn *conn;
  gnutls_session_t session;
  ngtcp2_crypto_conn_ref ref;
  qm_dgqueue datagrams;
  qm_list streams;
  qm_list sendq;  /* streams with something to send */
  qm_addr remote; /* the peer's validated address; len 0: none yet */
  const uint8_t *reset_secret; /* 32 bytes for stateless resets, server */
  uint64_t datagrams_sent, datagrams_received, datagrams_dropped;
  uint64_t migrations;
  qm_pmtu pmtu;
  qm_blackhole hole;               /* of packets above QM_PMTU_BASE */
  qm_addr path_local, path_remote; /* that pmtu is about */
  size_t room;                     /* for a datagram in a packet of pmtu.size */
  size_t max_datagram;             /* that, or less if the peer takes less */
  size_t told_max;                 /* the application knows */
  qm_conn_state state;
  ngtcp2_cid probed_id; /* of the peer, that ngtcp2 began it with last */
  bool is_probing;      /* ngtcp2 begins path MTU discovery */
  bool is_validating;   /* ngtcp2 may have a path to validate */
  bool is_own_first;    /* the turn begins with what ngtcp2 has to say */
  bool may_probe;       /* its probe may be this turn's next packet */
  bool is_blocked;      /* a datagram was refused: writable is owed */
  bool wants_close;     /* ccerr is to be sent */
  bool is_close_sent;
  bool is_resumed;
  int32_t close_err, liberr;
  int32_t refusal; /* why a callback of ours failed; 0: out of memory */
  ngtcp2_ccerr ccerr;
  char reason[QM_CONN_REASON_MAX + 1];
};

/* What a connection starts with. */
typedef struct qm_conn_start {
  const quicmig_mem *mem;
  const qm_net *net;
  const qm_conn_owner *owner;
  const qm_tls *tls;
  const quicmig_transport_options *o;
  const quicmig_conn_callbacks *cb;
  void *user_data;
  const ngtcp2_path *path;      /* server */
  const ngtcp2_pkt_hd *initial; /* server: the first packet's header */
  const uint8_t *reset_secret;  /* server */
  quicmig_tstamp now;           /* server */
} qm_conn_start;

/* What a client's attempt to connect starts with. */
typedef struct qm_conn_dial_start {
  const ngtcp2_path *path;
  const gnutls_datum_t *resume; /* NULL: none */
  quicmig_duration timeout;     /* of the handshake */
  quicmig_tstamp now;
} qm_conn_dial_start;

/* Length of a client's connection IDs. */
#define QM_CID_LEN_CLIENT 8

/*
 * Fills *c, which the owner allocated.  A server's own first ID has been given
 * to owner->id_added then.  A client's has neither conn nor session yet.
 * Errors: QUICMIG_ERR_NOMEM, QUICMIG_ERR_RANDOM; c needs no reset.
 */
int qm_conn_init(quicmig_conn *c, const qm_conn_start *s);

/*
 * Gives a client's connection that has none a conn and a session.  Until the
 * handshake is complete the owner may put others in their place and back: it is
 * c that they know, whatever is in it.
 * Errors: QUICMIG_ERR_NOMEM, QUICMIG_ERR_RANDOM; there is none then.
 */
int qm_conn_dial(quicmig_conn *c, const qm_conn_dial_start *s);

/* Frees what c holds, without callbacks. */
void qm_conn_reset(quicmig_conn *c);

/*
 * A server, once its transport parameters are sent: tolerates one ID more than
 * it advertised.  When a client hops while its path is being validated, ngtcp2
 * (1.11 and 1.24) retires the ID of the path before and yet still counts it, so
 * that the client's replacement would be one too many and end the connection.
 */
void qm_conn_allow_one_more_id(quicmig_conn *c);

/* A packet or the timer made ngtcp2 fail with liberr: decides how the
 * connection ends.  True: it is over now and qm_conn_end() is to be called;
 * false: a CONNECTION_CLOSE is to be sent first. */
bool qm_conn_on_error(quicmig_conn *c, int liberr);

/* Reports the end; frees the streams.  Once. */
void qm_conn_end(quicmig_conn *c);

/* The kernel refused a packet of n bytes because of its size.  is_ours: it was
 * one of this connection's, on the path in use. */
void qm_conn_on_too_large(quicmig_conn *c, size_t n, bool is_ours);

/* Before the packets of a turn: follows ngtcp2 to another path. */
void qm_conn_begin_write(quicmig_conn *c, quicmig_tstamp now);

/* Fills dest, of QUICMIG_MAX_PKTLEN bytes, with the next packet, as
 * quicmig_write_pkt. */
ngtcp2_ssize qm_conn_write_pkt(quicmig_conn *c, ngtcp2_path *path,
                               ngtcp2_pkt_info *pi, uint8_t *dest,
                               quicmig_tstamp now);

/* When the connection itself, apart from ngtcp2, wants to be run. */
quicmig_tstamp qm_conn_deadline(const quicmig_conn *c);

/* Calls writable and max_datagram if they are owed.  Outside ngtcp2. */
void qm_conn_after_write(quicmig_conn *c);

/* datagram.c */

/* The size of packets, or what is known of the peer, has changed. */
void qm_conn_update_room(quicmig_conn *c);

/* The oldest datagram that may still be sent; drops those before it that are
 * too old or fit no more.  False: there is none. */
#define QM_DATAGRAM_FRAME 3 /* bytes of a frame beside its data, at most */
bool qm_conn_next_datagram(quicmig_conn *c, quicmig_tstamp now, qm_dgram *d);

/* It is in a packet, or dropped. */
void qm_conn_pop_datagram(quicmig_conn *c, const qm_dgram *d, bool is_sent);

/* When the oldest one is too old. */
quicmig_tstamp qm_conn_datagram_deadline(const quicmig_conn *c);

/* callbacks.c */
extern const ngtcp2_callbacks qm_conn_client_callbacks;
extern const ngtcp2_callbacks qm_conn_server_callbacks;

/* Copies *o, or the defaults when it is NULL, to *dest.
 * Errors: QUICMIG_ERR_INVALID_ARGUMENT with its text. */
int qm_conn_check(quicmig_transport_options *dest,
                  const quicmig_transport_options *o,
                  const quicmig_conn_callbacks *cb);

#endif
