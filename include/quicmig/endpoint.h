/*
 * libquicmig-endpoint: a QUIC client and server in a few callbacks, on GnuTLS,
 * for any event loop.  The client's connection is moved by a quicmig (see
 * quicmig.h); the server follows many connections on its sockets.
 *
 * The loop, for client and server alike:
 *   watch(fd, on)         tells which descriptors to watch for reading
 *   ..._deadline()        when to call run next, even if nothing is readable
 *   ..._run(x, fd, now)   fd: one that is readable, or -1
 * Functions on connections and streams only queue; what they queued leaves in
 * the next run, and the deadline is then "now".
 *
 * Callbacks run inside ..._run().  They may call every quicmig_conn_ and
 * quicmig_stream_ function, quicmig_server_close() and every getter.  ..._run()
 * returns QUICMIG_ERR_REENTRANT there, as do the functions of quicmig.h that
 * are not marked "callback: yes"; ..._free() asserts.  Pointers they get are
 * valid until they return; a quicmig_conn until its closed callback returns (a
 * client's: until quicmig_client_free), a quicmig_stream until its
 * stream_closed callback returns.
 *
 * Threads: one client or server, one thread at a time.
 */
#ifndef QUICMIG_ENDPOINT_H
#define QUICMIG_ENDPOINT_H

#include <quicmig/quicmig.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A client: one connection and the migrator that moves it. */
typedef struct quicmig_client quicmig_client;
/* A server: its sockets and the connections on them. */
typedef struct quicmig_server quicmig_server;
/* One QUIC connection, of a client or a server. */
typedef struct quicmig_conn quicmig_conn;
/* One stream of a connection. */
typedef struct quicmig_stream quicmig_stream;

/*
 * Who we are and whom we trust.  Strings are copied.  A verified certificate
 * must be for its use: if it names purposes (extended key usage, RFC 5280
 * section 4.2.1.12), a server's must name serverAuth and a client's clientAuth.
 */
typedef struct quicmig_tls_config {
  size_t size; /* set by quicmig_tls_config_default() */
  /* PEM file of our certificate chain; key_file goes with it.  A server without
   * makes itself a self-signed certificate for localhost, valid for 30 days; a
   * client without sends none.  [NULL] */
  const char *cert_file;
  /* PEM file of the private key, if and only if there is a cert_file.  [NULL]
   */
  const char *key_file;
  /* PEM file of the CAs that sign the peer's certificate.  Client, NULL: the
   * system's.  Server, not NULL: every client must show a certificate signed by
   * one of them.  [NULL] */
  const char *ca_file;
  /* Application protocols, best first, separated by commas: at most 8, each
   * of at most 31 characters, 255 in all.  Required: RFC 9001 section 8.1.
   * [NULL] */
  const char *alpn;
  /* Client: the name or address in the server's certificate, at most 255
   * characters, in the forms that quicmig_client_config.host takes; NULL: the
   * host.  What is a host name is sent as SNI too (RFC 6066 section 3), without
   * a dot at its end; addresses and other names are not.  [NULL] */
  const char *server_name;
  /* Client, non-zero: do NOT verify the server's certificate.  [0] */
  uint64_t insecure;
} quicmig_tls_config;

/* Fills *c with the defaults above, size included.  Any thread. */
QUICMIG_EXTERN void quicmig_tls_config_default(quicmig_tls_config *c);

/* Which DATAGRAM gives way in a full queue. */
typedef enum quicmig_drop {
  /* The new one is refused: QUICMIG_ERR_BLOCKED, and writable follows. */
  QUICMIG_DROP_NEWEST = 0,
  /* The oldest ones are dropped for it: for data that ages. */
  QUICMIG_DROP_OLDEST = 1
} quicmig_drop;

/* Limits and timers of each connection. */
typedef struct quicmig_transport_options {
  size_t size; /* set by quicmig_transport_options_default() */
  /* Close after this long without a packet from the peer; the smaller of both
   * sides' counts.  0: never; else 100 ms - 24 h.  [30 s] */
  quicmig_duration idle_timeout;
  /* Send a PING after this long without traffic; 0: off; at most 24 h.  [0] */
  quicmig_duration keep_alive;
  /* Give up a handshake that takes longer, 100 ms - 10 min.  [10 s] */
  quicmig_duration handshake_timeout;
  /* RTT assumed before the first sample (RFC 9002 section 6.2.2), 1 ms - 10 s;
   * a server takes at least 100 ms.  [333 ms] */
  quicmig_duration initial_rtt;
  /* A DATAGRAM that has waited this long is dropped instead of sent; 0: no
   * limit; else 1 ms - 1 h.  After a hop over a full queue the client waits for
   * up to 100 ms.  [5 s] */
  quicmig_duration datagram_max_age;
  /* Bytes of DATAGRAMs queued for sending, their bookkeeping included, 4 KiB -
   * 64 MiB.  [256 KiB] */
  uint32_t datagram_queue;
  /* A quicmig_drop: what gives way when that is full.  [QUICMIG_DROP_NEWEST] */
  uint32_t datagram_drop;
  /* Bytes a stream keeps until they are acknowledged, 4 KiB - 64 MiB; taken
   * from the allocator with the stream's first write.  [256 KiB] */
  uint32_t stream_buffer;
  /* Bytes the peer may send on a stream before they are consumed, 4 KiB -
   * 64 MiB.  [256 KiB] */
  uint32_t stream_window;
  /* The same over all streams of a connection, 4 KiB - 1 GiB.  [1 MiB] */
  uint32_t connection_window;
  /* Bidirectional streams the peer may have open, 0 - 65535.  [100] */
  uint32_t max_streams_bidi;
  /* Unidirectional streams the peer may have open, 0 - 65535.  [100] */
  uint32_t max_streams_uni;
  /* Connection IDs the peer may give us (active_connection_id_limit, RFC 9000
   * section 18.2), 2 - 8.  A client needs spare ones to hop.  A server
   * advertises at most 7, and keeps one place for a client that hops while its
   * last move is being validated.  [8] */
  uint32_t cid_limit;
  /* Largest UDP payload sent, 1200 - 1500.  Path MTU discovery (RFC 8899)
   * works up to it; data uses up to two bytes less.  [1452] */
  uint32_t max_udp_payload;
  /* Server, non-zero: tell clients not to migrate (disable_active_migration).
   * [0] */
  uint32_t disable_active_migration;
  /* Server: connections at once, those that still answer stray packets after
   * their end included, 1 - 1,000,000.  [10,000] */
  uint32_t max_connections;
  /* Server: handshakes under way at once, 1 - 1,000,000; 0: the default.  They
   * count among max_connections too.  When there are so many, the oldest makes
   * room for a newcomer once its client has had a second to answer; before that
   * the newcomer is dropped, and its client sends again.  [1,024] */
  uint32_t max_half_open;
} quicmig_transport_options;

/* Fills *o with the defaults above, size included.  Any thread. */
QUICMIG_EXTERN void
quicmig_transport_options_default(quicmig_transport_options *o);

/* NULL when every field is in range, else a static sentence that names one and
 * its range.  Any thread. */
QUICMIG_EXTERN const char *
quicmig_transport_options_check(const quicmig_transport_options *o);

/* Why and how a connection ended. */
typedef struct quicmig_close_info {
  size_t size;     /* sizeof(quicmig_close_info), set by the library */
  int32_t err;     /* quicmig_err; 0: closed by quicmig_conn_close() */
  int32_t by_peer; /* non-zero: the peer said so */
  int32_t is_app;  /* code is the application's, not QUIC's */
  int32_t liberr;  /* ngtcp2's error, 0 if none */
  uint64_t code;   /* error code of the CONNECTION_CLOSE */
  /* The text beside it, cut at 255 bytes; never NULL, may be "".  A peer's is
   * as the peer sent it: not checked to be UTF-8 or printable. */
  const char *reason;
} quicmig_close_info;

/* The client's port changed when it moved. */
#define QUICMIG_MIGRATION_PORT 0x1u
/* The client's IP address changed. */
#define QUICMIG_MIGRATION_IP 0x2u
/* The client kept the connection ID: a NAT rebinding or a REBIND hop. */
#define QUICMIG_MIGRATION_SAME_ID 0x4u

/* Server: a client's new address was validated (RFC 9000 section 9.3). */
typedef struct quicmig_migration {
  size_t size;    /* sizeof(quicmig_migration), set by the library */
  uint64_t count; /* migrations of this connection so far, this one included */
  uint64_t flags; /* QUICMIG_MIGRATION_... */
  quicmig_tstamp at;                  /* when the new address was validated */
  struct sockaddr_storage old_remote; /* the client's address before */
  struct sockaddr_storage new_remote; /* and now; validated */
} quicmig_migration;

/* What a connection tells; all optional. */
typedef struct quicmig_conn_callbacks {
  size_t size; /* sizeof(quicmig_conn_callbacks) */
  /* The handshake is complete; streams and datagrams may be sent. */
  void (*connected)(quicmig_conn *c, void *user_data);
  /* The last callback of c.  Streams are gone already.  Not called for a
   * connection that the accept callback refused. */
  void (*closed)(quicmig_conn *c, const quicmig_close_info *info,
                 void *user_data);
  /* A DATAGRAM arrived (RFC 9221): unordered, unreliable. */
  void (*datagram)(quicmig_conn *c, const uint8_t *data, size_t len,
                   void *user_data);
  /* The datagram queue is at most half full again after QUICMIG_ERR_BLOCKED. */
  void (*writable)(quicmig_conn *c, void *user_data);
  /* The peer opened a stream. */
  void (*stream_open)(quicmig_conn *c, quicmig_stream *s, void *user_data);
  /* len bytes arrived in order; fin: the last.  They count against the window
   * until quicmig_stream_consume(). */
  void (*stream_data)(quicmig_conn *c, quicmig_stream *s, const uint8_t *data,
                      size_t len, int fin, void *user_data);
  /* The peer acknowledged `acked` more bytes: the buffer has room for them. */
  void (*stream_writable)(quicmig_conn *c, quicmig_stream *s, size_t acked,
                          void *user_data);
  /* The stream has ended both ways, or with an application error code
   * (QUICMIG_NEVER: without one, or with its connection).  s is freed on
   * return. */
  void (*stream_closed)(quicmig_conn *c, quicmig_stream *s, uint64_t code,
                        void *user_data);
  /* Client: keep these bytes for quicmig_client_config.session. */
  void (*session)(quicmig_conn *c, const uint8_t *data, size_t len,
                  void *user_data);
  /* Server: the client moved, and its new address is validated. */
  void (*migrated)(quicmig_conn *c, const quicmig_migration *m,
                   void *user_data);
  /* quicmig_conn_max_datagram() is `max` now: when connected, and each time
   * path MTU discovery or a move changes it. */
  void (*max_datagram)(quicmig_conn *c, size_t max, void *user_data);
  /* With datagram_pop: the application's own queue of DATAGRAMs, from which
   * packets are filled when those of quicmig_conn_send_datagram() are gone.
   * Nothing is copied and nothing waits in the library: a VPN's packets stay
   * where they were read.  Points *data to the oldest one and returns its
   * length, SIZE_MAX when there is none; asked again, it answers the same until
   * datagram_pop.  Called while a packet is written: of the connection it may
   * call getters only.  See quicmig_conn_wake(). */
  size_t (*datagram_head)(quicmig_conn *c, const uint8_t **data,
                          void *user_data);
  /* With datagram_head, and called like it: the oldest one is in a packet
   * (sent), or dropped, because it is larger than quicmig_conn_max_datagram().
   */
  void (*datagram_pop)(quicmig_conn *c, int sent, void *user_data);
} quicmig_conn_callbacks;

/* What is known of a connection.  Times and congestion window belong to the
 * current path: ngtcp2 begins anew with them when a client moves. */
typedef struct quicmig_conn_info {
  size_t size;           /* set by the caller */
  uint64_t is_open;      /* the handshake is complete, the end not reported */
  uint64_t is_resumed;   /* a TLS session was resumed */
  quicmig_duration srtt, /* smoothed round-trip time */
      min_rtt,           /* the least seen on this path; 0: none yet */
      latest_rtt;        /* the last one measured */
  uint64_t cwnd,         /* congestion window, bytes */
      bytes_in_flight;   /* sent and neither acknowledged nor given up */
  uint64_t datagrams_queued;   /* DATAGRAMs that wait now */
  uint64_t datagrams_sent;     /* put into packets */
  uint64_t datagrams_received; /* handed to the datagram callback */
  /* Taken and never sent: gave way in a full queue, grew too old, or did not
   * fit any more when the path's MTU fell. */
  uint64_t datagrams_dropped;
  uint64_t migrations; /* server: validated moves of the client */
  /* The peer's validated address (ss_family AF_UNSPEC before there is one).  On
   * a client the one that was connected to first; quicmig_paths() has that of
   * each path, which another port or address family may have. */
  struct sockaddr_storage remote;
  char alpn[64]; /* as negotiated, cut at 63 bytes; "" before that */
} quicmig_conn_info;

/* Fills the first i->size bytes of *i; the caller sets size. */
QUICMIG_EXTERN void quicmig_conn_get_info(const quicmig_conn *c,
                                          quicmig_conn_info *i);

/*
 * The name in the peer's certificate: the common name of its subject, else the
 * first DNS name.  Writes at most len bytes, the final zero included, and
 * returns the name's length as snprintf does; 0: the peer showed no
 * certificate. Trustworthy only where it was verified: on a client without
 * insecure, on a server with ca_file.  From connected on.
 */
QUICMIG_EXTERN size_t quicmig_conn_peer_name(const quicmig_conn *c, char *dest,
                                             size_t len);

/*
 * The largest DATAGRAM payload that quicmig_conn_send_datagram() takes now, in
 * bytes: 0 before the handshake is complete or when the peer takes none.  It
 * begins with what fits 1200 bytes of UDP payload, grows with path MTU
 * discovery, and stays over a hop, because the MTU belongs to the pair of IP
 * addresses (RFC 9000 section 14.2); another local or remote address begins
 * anew.
 */
QUICMIG_EXTERN size_t quicmig_conn_max_datagram(const quicmig_conn *c);

/*
 * Queues one DATAGRAM; data is copied.  Small ones share packets.
 * Errors: QUICMIG_ERR_TOO_LARGE (quicmig_conn_max_datagram() fits),
 * QUICMIG_ERR_BLOCKED (the writable callback follows),
 * QUICMIG_ERR_NO_DATAGRAMS, _INVALID_STATE (not connected yet), _CLOSED,
 * _NOMEM.
 */
QUICMIG_EXTERN int quicmig_conn_send_datagram(quicmig_conn *c,
                                              const uint8_t *data, size_t len);

/* datagram_head has one again, after it had none: it is asked in the next run.
 */
QUICMIG_EXTERN void quicmig_conn_wake(quicmig_conn *c);

/*
 * Opens a stream; is_bidi 0: unidirectional.  *s is freed by the library after
 * its stream_closed callback.
 * Errors: QUICMIG_ERR_LIMIT (the peer allows no more now), _INVALID_STATE,
 * _CLOSED, _NOMEM.
 */
QUICMIG_EXTERN int quicmig_conn_open_stream(quicmig_conn *c, int is_bidi,
                                            quicmig_stream **s);

/*
 * Closes with an application error code and a reason (NULL: none; cut at 255
 * bytes).  Data that has not been acknowledged may be lost: wait for it first.
 * The closed callback follows in a run: in the next one as a rule; on a client
 * when the kernel has taken the CONNECTION_CLOSE, or has refused it for three
 * PTOs (RFC 9000 section 10.2); on a server before, as it keeps offering it
 * after that.  Harmless when closed already.
 */
QUICMIG_EXTERN void quicmig_conn_close(quicmig_conn *c, uint64_t code,
                                       const char *reason);

/* The last argument of c's callbacks from now on, instead of the one that the
 * client's or server's configuration gave. */
QUICMIG_EXTERN void quicmig_conn_set_user_data(quicmig_conn *c,
                                               void *user_data);
/* The last argument of c's callbacks. */
QUICMIG_EXTERN void *quicmig_conn_get_user_data(const quicmig_conn *c);

/* Copies up to len bytes into the stream's buffer; returns how many, 0 when it
 * is full: stream_writable follows.
 * Errors: QUICMIG_ERR_INVALID_STATE (finished, reset or receive-only; lent
 * before), _CLOSED, _NOMEM. */
QUICMIG_EXTERN int64_t quicmig_stream_write(quicmig_stream *s,
                                            const uint8_t *data, size_t len);

/*
 * Lends up to len bytes instead of copying them: they must stay as they are
 * until stream_writable has acknowledged them, in order, or stream_closed was
 * called.  A stream is written either this way or the other.  Returns how many
 * were taken, 0 when stream_buffer bytes, or 64 pieces, wait for
 * acknowledgement: stream_writable follows.
 * Errors: QUICMIG_ERR_INVALID_STATE (as above, or copied before), _CLOSED,
 * _NOMEM.
 */
QUICMIG_EXTERN int64_t quicmig_stream_lend(quicmig_stream *s,
                                           const uint8_t *data, size_t len);

/* No more data will be written; what is buffered is still sent.
 * Errors: QUICMIG_ERR_INVALID_STATE (finished, reset or receive-only). */
QUICMIG_EXTERN int quicmig_stream_finish(quicmig_stream *s);

/* Gives both directions up with an application error code: RESET_STREAM and
 * STOP_SENDING (RFC 9000 section 3.5).  stream_closed follows. */
QUICMIG_EXTERN void quicmig_stream_reset(quicmig_stream *s, uint64_t code);

/* len received bytes are dealt with: the peer may send as many more.  More than
 * were received count as all of them. */
QUICMIG_EXTERN void quicmig_stream_consume(quicmig_stream *s, size_t len);

/* Room in the send buffer, in bytes. */
QUICMIG_EXTERN size_t quicmig_stream_room(const quicmig_stream *s);
/* The QUIC stream ID. */
QUICMIG_EXTERN int64_t quicmig_stream_id(const quicmig_stream *s);
/* Keeps a pointer of the program's with s; no callback gets it. */
QUICMIG_EXTERN void quicmig_stream_set_user_data(quicmig_stream *s,
                                                 void *user_data);
/* The pointer kept with s; NULL at first. */
QUICMIG_EXTERN void *quicmig_stream_get_user_data(const quicmig_stream *s);

/* Everything a client starts with.  Nothing is kept by reference. */
typedef struct quicmig_client_config {
  size_t size; /* set by quicmig_client_config_default() */
  /* Name or address of the server; resolved with getaddrinfo, which may block,
   * unless remote is given.  All addresses found are tried.  Also the name to
   * verify.  Everything that getaddrinfo takes will do: a dot at the end,
   * underscores, IPv6 with a scope (fe80::1%eth0), IPv4 with fewer parts; and
   * brackets around IPv6.  Letters beyond ASCII are UTF-8 and mapped as IDNA
   * 2008 says, if GnuTLS can.  At most 255 characters.  [NULL] */
  const char *host;
  /* UDP port of the server, 1 - 65535, host byte order; ignored when remote is
   * given.  [0] */
  uint64_t port;
  /* Where the server is; NULL: resolve host.  [NULL] */
  const struct sockaddr *remote;
  uint64_t remotelen;                           /* bytes at remote */
  const quicmig_tls_config *tls;                /* required */
  const quicmig_options *migration;             /* NULL: defaults */
  const quicmig_transport_options *transport;   /* NULL: defaults */
  const quicmig_callbacks *callbacks;           /* required: watch */
  const quicmig_conn_callbacks *conn_callbacks; /* required */
  const quicmig_mem *mem;                       /* NULL: malloc */
  /* From an earlier connection's session callback; NULL: none.  A session that
   * the server does not take only costs the resumption. */
  const uint8_t *session;
  uint64_t session_len; /* bytes at session */
  void *user_data;      /* of all callbacks */
  /* The same server in the other address family: tried second, and kept for
   * when the one in use cannot be reached any more (quicmig_add_remote());
   * NULL: with host, its first address of that family, if it has one; with
   * remote, none.  [NULL] */
  const struct sockaddr *remote2;
  uint64_t remote2len; /* bytes at remote2 */
  /* Where the server is, the best first, with ports, instead of remote and
   * remote2: what quicmig_resolve() gave earlier, or elsewhere.  [NULL] */
  const struct sockaddr_storage *remotes;
  uint64_t n_remotes; /* how many; those after the 8th are not used */
} quicmig_client_config;

/* Sets size; everything else is 0 or NULL.  Any thread. */
QUICMIG_EXTERN void quicmig_client_config_default(quicmig_client_config *c);

/*
 * Looks host up (see quicmig_client_config) with getaddrinfo, which may block,
 * and writes its addresses, at most max, to dest: in the resolver's order, but
 * with the families by turns (RFC 8305 section 4).  Any thread.  Returns how
 * many.
 * Errors, with their text in quicmig_last_error_text():
 * QUICMIG_ERR_INVALID_ARGUMENT, QUICMIG_ERR_RESOLVE.
 */
QUICMIG_EXTERN int quicmig_resolve(const char *host, uint64_t port,
                                   struct sockaddr_storage *dest, size_t max);

/*
 * Starts to connect: the first packet leaves in the first run.  Several
 * attempts may run at once, each over a socket and a quicmig of its own, and
 * the first to complete its handshake becomes the connection: the next address
 * is tried 250 ms after the one before, or at once when that failed (RFC 8305),
 * and an address that has not answered for a second, then two, then four more,
 * is tried again from a fresh socket.  All of it takes handshake_timeout at
 * most.  watch, socket and event tell of every attempt, the callbacks of the
 * connection only of what came of it.  Calls back:
 * watch, socket, event.  The caller ends *pc with quicmig_client_free().
 * Errors: QUICMIG_ERR_INVALID_ARGUMENT (quicmig_last_error_text() names it),
 * _RESOLVE, _CERT_FILE, _TLS, _NOMEM, _SYSTEM and
 * _PORTS_REFUSED (errno is set), _PORTS_EXHAUSTED, _APP_REFUSED, _RANDOM.
 */
QUICMIG_EXTERN int quicmig_client_new(quicmig_client **pc,
                                      const quicmig_client_config *cfg,
                                      quicmig_tstamp now);

/* Closes without a word to the peer unless quicmig_conn_close() and runs until
 * QUICMIG_ERR_CLOSED came before.  After fewer runs, what the kernel did not
 * take yet is offered to it a last time.  No conn callback follows.  NULL is
 * fine.  Asserts that no callback of c's is under way. */
QUICMIG_EXTERN void quicmig_client_free(quicmig_client *c);

/* The connection, the same one from the start; lives as long as the client. */
QUICMIG_EXTERN quicmig_conn *quicmig_client_conn(quicmig_client *c);

/* The migrator, which may be another one until the connection is open: ask for
 * it when it is needed, and after connected keep it.  Options and addresses
 * that it is given before (quicmig_reschedule(), quicmig_add_remote()) hold for
 * the one that stays.  quicmig_hop(), quicmig_paths(), quicmig_get_stats() and
 * kin may be called on it; quicmig_read(), _write(), _on_time(), _attach(),
 * _detach(), _free() and the quicmig_on_... functions are the client's own. */
QUICMIG_EXTERN quicmig *quicmig_client_migrator(quicmig_client *c);

/* When to run next; may be in the past: at once.  QUICMIG_NEVER when closed. */
QUICMIG_EXTERN quicmig_tstamp quicmig_client_deadline(const quicmig_client *c);

/*
 * Reads fd (-1: nothing), lets time pass and writes what is to be written.
 * Calls back: all.  Returns 0, or QUICMIG_ERR_CLOSED once the connection has
 * ended (the closed callback has told why), QUICMIG_ERR_REENTRANT from inside a
 * callback.  While the kernel does not take a CONNECTION_CLOSE it returns 0,
 * and quicmig_client_deadline() says when to try again.
 */
QUICMIG_EXTERN int quicmig_client_run(quicmig_client *c, int fd,
                                      quicmig_tstamp now);

/* What a server tells beside its connections. */
typedef struct quicmig_server_callbacks {
  size_t size; /* sizeof(quicmig_server_callbacks) */
  /* Required.  Watch fd for reading (on=1) or stop (on=0).  It is the socket,
   * or where there are several one epoll descriptor for all of them, always the
   * same one.  Watch it level-triggered: a run reads a part and comes back. The
   * server owns fd.  It closes it right after on=0; or, when reads of it failed
   * three times in a row, it reads it by itself for a while, as
   * quicmig_server_deadline() says, and on=1 follows when that works. */
  void (*watch)(quicmig_server *s, int fd, int on, void *user_data);
  /* Optional.  A handshake begins; its address is not validated and not shown.
   * Set the connection's user data here.  Non-zero refuses it: c is gone, the
   * client hears nothing and may try again. */
  int (*accept)(quicmig_server *s, quicmig_conn *c, void *user_data);
} quicmig_server_callbacks;

/* Everything a server starts with.  Nothing is kept by reference. */
typedef struct quicmig_server_config {
  size_t size; /* set by quicmig_server_config_default() */
  /* Where to listen, IPv4 or IPv6; port 0: any.  Required. */
  const struct sockaddr *local;
  uint64_t locallen;                            /* bytes at local */
  const quicmig_tls_config *tls;                /* required */
  const quicmig_transport_options *transport;   /* NULL: defaults */
  const quicmig_server_callbacks *callbacks;    /* required */
  const quicmig_conn_callbacks *conn_callbacks; /* required */
  const quicmig_mem *mem;                       /* NULL: malloc */
  void *user_data; /* of the server callbacks, and of each connection's until
                      quicmig_conn_set_user_data() */
  /* QUICMIG_NO_GSO, QUICMIG_NO_GRO or both: offloads of the kernel to do
   * without.  [0] */
  uint64_t no_offload;
  /* Listen also here, an address of the other family: clients may move between
   * the two.  Port 0: as local's.  NULL: one address only.  [NULL] */
  const struct sockaddr *local2;
  uint64_t locallen2; /* bytes at local2 */
  /* Listen on every port from local's, which is not 0 then, up to this one:
   * clients with remote_port_lo and _hi draw from them.  One socket each, so
   * that neither root nor a firewall is needed; mind RLIMIT_NOFILE.  Packets to
   * a client leave from the port it addressed.  At most 4,096 ports.  0: one
   * port.  [0] */
  uint64_t port_hi;
  /* SO_MARK for every socket, needs CAP_NET_ADMIN; 0: none.  [0] */
  uint64_t fwmark;
} quicmig_server_config;

/* Sets size; everything else is 0 or NULL.  Any thread. */
QUICMIG_EXTERN void quicmig_server_config_default(quicmig_server_config *c);

/* Counters of one server, from its creation on. */
typedef struct quicmig_server_stats {
  size_t size;          /* set by the caller */
  uint64_t connections; /* now; closed ones that still linger included */
  uint64_t accepted;    /* handshakes begun */
  /* Over max_connections or max_half_open, while closing, out of memory, or by
   * accept. */
  uint64_t refused;
  uint64_t migrations;   /* moves of clients to a validated address */
  uint64_t rx_packets,   /* UDP datagrams received */
      tx_packets;        /* UDP datagrams sent */
  uint64_t rx_discarded; /* for no connection, empty, truncated, malformed */
  /* Not taken by the kernel for good, or for a path that was forgotten. */
  uint64_t tx_dropped;
  uint64_t resets_sent; /* stateless resets; at most 100 a second */
  uint64_t half_open;   /* now; of the connections, those in the handshake */
  uint64_t half_open_refused; /* of refused: over max_half_open */
  uint64_t half_open_evicted; /* that made room for another one */
  /* Datagrams of handshakes that were dropped unread: 512 others waited for
   * their turn, or 10 of the same connection ID, or it had waited for 3 s. */
  uint64_t handshakes_dropped;
  /* CONNECTION_CLOSEs that the kernel has not taken, now: each is offered to it
   * for three PTOs (RFC 9000 section 10.2), whatever it says. */
  uint64_t closes_waiting;
} quicmig_server_stats;

/*
 * Opens the sockets, all of them or none.  The caller ends *ps with
 * quicmig_server_free().  Calls back: watch; *ps is set before. Errors:
 * QUICMIG_ERR_INVALID_ARGUMENT (quicmig_last_error_text() names it),
 * _CERT_FILE, _TLS, _NOMEM, _SYSTEM (errno is set), _RANDOM.
 */
QUICMIG_EXTERN int quicmig_server_new(quicmig_server **ps,
                                      const quicmig_server_config *cfg,
                                      quicmig_tstamp now);

/* Ends every connection without a word to the peer (quicmig_server_close() and
 * a run say it), with its closed callback, and closes the socket.  What the
 * kernel did not take yet is offered to it a last time.  NULL is fine.  Asserts
 * that no callback of s's is under way.
 * Calls back: stream_closed, closed, watch. */
QUICMIG_EXTERN void quicmig_server_free(quicmig_server *s);

/* quicmig_conn_close() with code and reason on every connection; new ones are
 * refused from now on.  As a rule one run says it to all; while the kernel's
 * buffers are full closes_waiting of quicmig_server_stats is not 0 after it.
 * callback: yes. */
QUICMIG_EXTERN void quicmig_server_close(quicmig_server *s, uint64_t code,
                                         const char *reason);

/* Copies the bound address to *local: tells the port if it was 0. */
QUICMIG_EXTERN void quicmig_server_address(const quicmig_server *s,
                                           struct sockaddr_storage *local);

/* Fills the first stats->size bytes of *stats; the caller sets size. */
QUICMIG_EXTERN void quicmig_server_get_stats(const quicmig_server *s,
                                             quicmig_server_stats *stats);

/* When to run next; may be in the past: at once.  QUICMIG_NEVER: nothing is
 * planned. */
QUICMIG_EXTERN quicmig_tstamp quicmig_server_deadline(const quicmig_server *s);

/* As quicmig_client_run(); returns 0 or QUICMIG_ERR_REENTRANT. */
QUICMIG_EXTERN int quicmig_server_run(quicmig_server *s, int fd,
                                      quicmig_tstamp now);

/* More about the last error of a ..._new() in this thread: which field or file,
 * and what the TLS library said.  Never NULL; valid until the next ..._new().
 */
QUICMIG_EXTERN const char *quicmig_last_error_text(void);

#ifdef __cplusplus
}
#endif

#endif
