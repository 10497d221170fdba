/*
 * libquicmig: scheduled connection migration for an ngtcp2 client.
 *
 * A `quicmig` owns the UDP sockets of one client ngtcp2_conn, which the program
 * owns.  Every hop_interval it opens a fresh socket on a random port, proves
 * the new path with PATH_CHALLENGE while all data stays on the old one, lets
 * ngtcp2 switch, keeps reading the old socket while it drains, and closes it.
 *
 * Life of a handle:
 *
 *   quicmig_new > quicmig_get_path > ngtcp2_conn_client_new > quicmig_attach
 *   then, until the connection ends, from the program's event loop:
 *     a socket is readable          quicmig_read(m, fd, now)
 *     quicmig_deadline() has come   quicmig_on_time(m, now)
 *     after either, or new data     quicmig_write(m, write_pkt, now)
 *   and from the program's ngtcp2 callbacks:
 *     handshake_confirmed, path_validation, dcid_status, decrypt
 *                                   quicmig_on_...
 *   at last quicmig_free, before or after ngtcp2_conn_del.
 *
 * Threads: one handle, one thread at a time; handles share nothing.
 */
#ifndef QUICMIG_QUICMIG_H
#define QUICMIG_QUICMIG_H

#include <sys/socket.h>

#include <ngtcp2/ngtcp2.h>

#include <quicmig/model.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The migrator of one client connection. */
typedef struct quicmig quicmig;

/*
 * Callbacks run inside the quicmig call that caused them, after quicmig's own
 * state is up to date.  They may call the functions of this header marked
 * "callback: yes"; the others return QUICMIG_ERR_REENTRANT there and change
 * nothing, whatever their arguments, and quicmig_free() asserts.  Pointers are
 * valid until the callback returns.
 */
typedef struct quicmig_callbacks {
  size_t size; /* sizeof(quicmig_callbacks) */
  /* Required.  Watch fd for reading (on=1) or stop (on=0).  quicmig owns fd.
   * It closes it right after on=0; or, when reads of it failed three times in a
   * row, it reads it by itself for a while, as quicmig_deadline() says, and
   * on=1 follows when that works.  With watch_network one of them is a netlink
   * socket; quicmig_read() takes it like the others. */
  void (*watch)(quicmig *m, int fd, int on, void *user_data);
  /* Optional.  A socket was made, bound to *local and not connected; nothing
   * has been sent on it: set SO_MARK, protect() it, bind it to a device.  Also
   * for sockets that only ask the kernel for the route, after a network change.
   * Non-zero refuses the socket: the hop ends with QUICMIG_ERR_APP_REFUSED. */
  int (*socket)(quicmig *m, int fd, const struct sockaddr *local,
                void *user_data);
  /* Optional.  A hop attempt ended, well or not. */
  void (*hop)(quicmig *m, const quicmig_hop_record *r, void *user_data);
  /* Optional.  A path changed its state, or something was learned: see
   * quicmig_event_type. */
  void (*event)(quicmig *m, const quicmig_event *e, void *user_data);
} quicmig_callbacks;

/*
 * Makes a handle and opens its first socket towards remote (AF_INET or
 * AF_INET6), which becomes the active path when the handshake is confirmed.
 * Everything is copied; o and mem may be NULL for the defaults.  user_data is
 * the last argument of every callback.  The caller ends it with quicmig_free().
 * Calls back: watch, socket, event; *pm is set before.
 * Errors: QUICMIG_ERR_INVALID_ARGUMENT, _NOMEM, _SYSTEM and _PORTS_REFUSED
 * (errno is set), _PORTS_EXHAUSTED, _APP_REFUSED, _RANDOM; *pm is no handle
 * then.
 */
QUICMIG_EXTERN int
quicmig_new(quicmig **pm, const quicmig_options *o, const quicmig_callbacks *cb,
            const quicmig_mem *mem, const struct sockaddr *remote,
            socklen_t remotelen, quicmig_tstamp now, void *user_data);

/* Closes every socket (watch off first) and frees m.  NULL is fine.  Never
 * touches the ngtcp2_conn.  Calls back: watch.  callback: no, it asserts. */
QUICMIG_EXTERN void quicmig_free(quicmig *m);

/* Copies to *ps the path to give to ngtcp2_conn_client_new(): the active path
 * as ngtcp2 knows it.  Empty after quicmig_detach().  callback: yes. */
QUICMIG_EXTERN void quicmig_get_path(const quicmig *m, ngtcp2_path_storage *ps);

/*
 * Joins m to a client connection made with quicmig_get_path().  conn stays the
 * caller's and must live until quicmig_free() or quicmig_detach().
 * callback: no.
 * Errors: QUICMIG_ERR_INVALID_STATE (attached already, or detached),
 * QUICMIG_ERR_INVALID_ARGUMENT (a server, or made with another path),
 * QUICMIG_ERR_REENTRANT.
 */
QUICMIG_EXTERN int quicmig_attach(quicmig *m, ngtcp2_conn *conn);

/* The connection is over: reports a hop that had switched and waited for its
 * first packet, closes every socket (watch off first) and forgets the
 * ngtcp2_conn.  Counters can still be read; nothing else is possible.  Harmless
 * when not attached.  Calls back: watch, hop, event.  callback: no.
 * Errors: QUICMIG_ERR_REENTRANT: m is still attached, detach it after the call
 * that is under way. */
QUICMIG_EXTERN int quicmig_detach(quicmig *m);

/*
 * To be called from the ngtcp2 callback handshake_confirmed.  This and the next
 * two only take note: whatever follows happens in the quicmig_on_time(),
 * _read() or _write() that is under way, because ngtcp2 must not be called back
 * from its callbacks.  Call nothing back.
 *
 * Errors: QUICMIG_ERR_PROTOCOL (the peer confirms a handshake before our last
 * message of it was written: return NGTCP2_ERR_CALLBACK_FAILURE then; ngtcp2
 * crashes in the next write otherwise), QUICMIG_ERR_INVALID_STATE (not
 * attached).
 */
QUICMIG_EXTERN int quicmig_on_handshake_confirmed(quicmig *m);

/* The same for ngtcp2's path_validation: path and res are its arguments. */
QUICMIG_EXTERN void
quicmig_on_path_validation(quicmig *m, const ngtcp2_path *path,
                           ngtcp2_path_validation_result res);

/* The same for ngtcp2's dcid_status: type and seq are its arguments. */
QUICMIG_EXTERN void
quicmig_on_dcid_status(quicmig *m, ngtcp2_connection_id_status_type type,
                       uint64_t seq);

/*
 * To be called from the program's decrypt callback, after each decryption that
 * succeeded; header and len are its arguments aad and aadlen.  ngtcp2 does not
 * tell that callback which connection it is for, so neither does this function
 * ask: it takes note for the quicmig_read() or _on_time() that is under way on
 * this thread, and does nothing outside of one.
 *
 * So quicmig knows which datagrams are genuine and new.  A program that leaves
 * it out is told by ngtcp2's own counters from version 1.16 on; before, paths
 * are proven, and silences end, with acknowledgements and the like alone.
 */
QUICMIG_EXTERN void quicmig_on_decrypted(const uint8_t *header, size_t len);

/* Datagrams after which quicmig_read() comes back. */
#define QUICMIG_READ_MAX 256

/*
 * Reads what fd holds and gives it to ngtcp2; around a hop the sockets of both
 * paths are read together, in the order in which the kernel received
 * (SO_TIMESTAMPNS).  fd is one that watch named; another is ignored.  Uses
 * about 220 KiB of stack: with UDP_GRO one message takes 64 KiB.  Calls back:
 * all.  callback: no.  Returns the number of datagrams; when it is
 * QUICMIG_READ_MAX or more (a message has up to 64), call again or wait for a
 * level-triggered wake-up.  Follow with quicmig_write(). Errors:
 * QUICMIG_ERR_CONN (quicmig_conn_error() has ngtcp2's code),
 * QUICMIG_ERR_INVALID_STATE (not attached), QUICMIG_ERR_REENTRANT.
 */
QUICMIG_EXTERN int quicmig_read(quicmig *m, int fd, quicmig_tstamp now);

/*
 * Writes one packet: calls ngtcp2_conn_writev_stream() or one of its kin with
 * path, pi, dest, destlen and now, and returns what it returned: > 0 the
 * packet's length, 0 nothing more to send now, < 0 an ngtcp2 error.  user_data
 * is quicmig_write()'s write_user_data.  Of m only what is marked
 * "callback: yes" may be called.
 */
typedef ngtcp2_ssize (*quicmig_write_pkt)(quicmig *m, ngtcp2_path *path,
                                          ngtcp2_pkt_info *pi, uint8_t *dest,
                                          size_t destlen, quicmig_tstamp now,
                                          void *user_data);

/*
 * Calls write_pkt until it has nothing more, the pacer wants a pause, or four
 * send quanta (64 KiB each) are written, and sends every packet on the
 * socket of the path that ngtcp2 named: packets of the same path, ECN mark and
 * size leave as one message (UDP_SEGMENT), messages in batches.  What the
 * kernel does not take now is kept, at most a send quantum of 64 KiB, and sent
 * first next time; when the kernel has taken nothing for three PTOs it is lost,
 * as the network may lose it.  While the pacer pauses (RFC 9002 section 7.7; 25
 * ms at most, what ngtcp2 has to acknowledge or to probe waits too), and after
 * a hop over a full queue until that has drained (100 ms at most), write_pkt is
 * not called; another function than in the call before is called all the same,
 * so that a CONNECTION_CLOSE leaves at once.  ngtcp2 paces by itself where its
 * congestion controller has a rate (BBR).  A program that wrote one calls
 * quicmig_write() again, when quicmig_deadline() says, until it returns 0: then
 * the kernel has taken it, or has refused it for three PTOs, for any reason but
 * its size. Uses about 95 KiB of stack.  Calls back: all.  callback: no.
 * Returns 0 when all was sent, 1 when more waits: quicmig_deadline() says when
 * to call again. Errors: QUICMIG_ERR_CONN (write_pkt's error, in
 * quicmig_conn_error()), QUICMIG_ERR_INVALID_STATE, QUICMIG_ERR_REENTRANT.
 */
QUICMIG_EXTERN int quicmig_write(quicmig *m, quicmig_write_pkt write_pkt,
                                 quicmig_tstamp now, void *write_user_data);

/* When quicmig_on_time() and then quicmig_write() must be called next: the
 * earliest of the schedule, the drains, packets that wait for the kernel, and
 * ngtcp2's own expiry.  May be in the past: at once.  QUICMIG_NEVER: not at
 * all, or not attached.  A call that is more than 2 ms later than that, and
 * than the call before, is taken for a pause of the machine: degrade_ptos waits
 * longer then, by four times the pause, but no more than a PTO after it.
 * callback: yes. */
QUICMIG_EXTERN quicmig_tstamp quicmig_deadline(const quicmig *m);

/*
 * Time has passed: reads the sockets that time is about to judge, runs
 * ngtcp2_conn_handle_expiry, starts the hop that is due and closes what has
 * drained.  Early or repeated calls are harmless.  Follow
 * with quicmig_write().  Uses about 220 KiB of stack.  Calls back: all.
 * callback: no. Errors: QUICMIG_ERR_CONN, QUICMIG_ERR_INVALID_STATE,
 * QUICMIG_ERR_REENTRANT.
 */
QUICMIG_EXTERN int quicmig_on_time(quicmig *m, quicmig_tstamp now);

/* ngtcp2's code behind the last QUICMIG_ERR_CONN, else 0; valid until the next
 * quicmig_read(), _write() or _on_time().  callback: yes. */
QUICMIG_EXTERN int quicmig_conn_error(const quicmig *m);

/*
 * ngtcp2_conn_set_keep_alive_timeout() through quicmig: a PING is sent when
 * nothing was for so long; 0 or QUICMIG_NEVER: none.  A program that hops in
 * QUICMIG_MODE_REBIND calls this, once at least, and no more ngtcp2's own: on
 * an idle connection quicmig makes the timeout short for a moment, so that a
 * PING proves the new socket, and must know what to set it back to.  Without,
 * such a hop ends with QUICMIG_ERR_TIMEOUT after a second.  Before or after
 * quicmig_attach().  callback: yes.
 */
QUICMIG_EXTERN void quicmig_set_keep_alive(quicmig *m,
                                           quicmig_duration timeout);

/* The errno behind the last QUICMIG_ERR_SYSTEM or _PORTS_REFUSED, else 0; valid
 * until the next socket is opened.  callback: yes. */
QUICMIG_EXTERN int quicmig_sys_error(const quicmig *m);

/*
 * Hops now, apart from the schedule, whose next hop is then a full interval
 * away.  Returns 0 when the attempt has started; the hop callback tells its
 * end.  A refusal by any of the errors down to _SYSTEM is also reported by a
 * record; it is not retried.  _BUSY: another attempt has not given its record
 * yet, which then reports nothing of this one.  Follow with quicmig_write().
 * Calls back: all.  callback: no.
 * Errors: QUICMIG_ERR_NOT_CONFIRMED, _PEER_FORBIDS, _NO_SPARE_ID, _TOO_SOON,
 * _NAT_BUDGET, _SOCKETS_EXHAUSTED, _PORTS_EXHAUSTED, _PORTS_REFUSED,
 * _APP_REFUSED, _NOMEM, _RANDOM, _SYSTEM, _BUSY, _INVALID_STATE, _REENTRANT.
 */
QUICMIG_EXTERN int quicmig_hop(quicmig *m, quicmig_tstamp now);

/*
 * Takes the hop_... fields, drain, degrade_ptos and adaptive of o from now on
 * (max_sockets, ports, buffers, fwmark, interfaces, watch_network and
 * no_offload stay); the next hop is drawn anew.  An adaptive policy that is
 * switched off forgets.  callback: no. Errors: QUICMIG_ERR_INVALID_ARGUMENT,
 * QUICMIG_ERR_NOMEM, QUICMIG_ERR_REENTRANT.
 */
QUICMIG_EXTERN int quicmig_reschedule(quicmig *m, const quicmig_options *o,
                                      quicmig_tstamp now);

/*
 * Another address of the same server, in the other address family: it is used
 * when the first one cannot be reached, and left when that can again.  The
 * server must listen on both (quicmig_server_config.local2).  At most one.
 * callback: no. Errors: QUICMIG_ERR_INVALID_ARGUMENT (same family as the first,
 * or neither IPv4 nor IPv6), QUICMIG_ERR_INVALID_STATE (there is one),
 * QUICMIG_ERR_REENTRANT.
 */
QUICMIG_EXTERN int quicmig_add_remote(quicmig *m, const struct sockaddr *remote,
                                      socklen_t remotelen);

/*
 * Links, addresses or routes have changed, says the program: for those that
 * watch the network themselves (Android, a daemon with a watcher of its own).
 * Moves at once if the way to the server is another one now and hops are
 * scheduled at all; quicmig_hop() moves in any case, as after a sleep.
 * watch_network does the same by itself.  Follow with quicmig_write().
 * Calls back: all.  callback: no.
 * Errors: QUICMIG_ERR_INVALID_STATE (not attached), QUICMIG_ERR_REENTRANT.
 */
QUICMIG_EXTERN int quicmig_network_changed(quicmig *m, quicmig_tstamp now);

/*
 * The budget of NAT mappings, shared by all handles of the process: each hop
 * leaves a mapping in every NAT on the way, which lives for `lifetime` after
 * its last packet, and the table is finite: mappings = hop rate x lifetime.
 * Hops that would exceed it are postponed (QUICMIG_EVENT_NAT_BUDGET), or
 * refused with QUICMIG_ERR_NAT_BUDGET if made by hand; the way out of a dead
 * path is always free, and counted.  Half of it may be used at once, the other
 * half within one lifetime.  mappings 0: no limit, else 2 or more; lifetime
 * 1 s - 1 h; or QUICMIG_ERR_INVALID_ARGUMENT.  [4,096 mappings, 180 s: a drain
 * of 60 s and the 120 s that Linux keeps a UDP stream]  Any thread.
 */
QUICMIG_EXTERN int quicmig_nat_budget(uint32_t mappings,
                                      quicmig_duration lifetime);

/* How many mappings of the half that may be used at once are in use at `now`; 0
 * without a limit.  Any thread. */
QUICMIG_EXTERN uint32_t quicmig_nat_mappings(quicmig_tstamp now);

/* Where a path added by hand starts from. */
typedef struct quicmig_path_config {
  size_t size; /* sizeof(quicmig_path_config), set by the caller */
  /* Local address of the remote's family; port 0: a random one within
   * local_port_lo - local_port_hi; NULL: the routed address.  Not kept. */
  const struct sockaddr *local;
  socklen_t locallen; /* bytes at local; 0 with NULL */
  uint32_t reserved;  /* 0 */
  /* Bind the socket to this interface, at most 15 characters; NULL: as in the
   * options.  Not kept. */
  const char *interface_name;
} quicmig_path_config;

/*
 * Opens a socket for a path beside the active one, in state SPARE; nothing is
 * sent on it.  *id is set.  cfg may be NULL.  It is open until
 * quicmig_path_close() or a switch.  Calls back: watch, socket, event.
 * callback: no.
 * Errors: QUICMIG_ERR_INVALID_ARGUMENT, _SOCKETS_EXHAUSTED, _PORTS_EXHAUSTED,
 * _PORTS_REFUSED, _APP_REFUSED, _RANDOM, _SYSTEM, _INVALID_STATE, _REENTRANT.
 */
QUICMIG_EXTERN int quicmig_path_add(quicmig *m, const quicmig_path_config *cfg,
                                    uint32_t *id, quicmig_tstamp now);

/*
 * Probes a SPARE path and switches to it when it is proven; ngtcp2 knows no
 * probe without a switch.  Gives up after timeout, or when ngtcp2 does if that
 * is earlier or timeout is 0: after three PTOs (RFC 9000 section 8.2.4).  Data
 * stays on the old path until the proof.  The hop callback tells the end.
 * Always MIGRATE.  A refused path stays SPARE, a failed one is closed.  Follow
 * with quicmig_write().  Calls back: all.  callback: no.
 * Errors: as quicmig_hop(); QUICMIG_ERR_NO_PATH, QUICMIG_ERR_INVALID_STATE (the
 * path is not SPARE).
 */
QUICMIG_EXTERN int quicmig_path_switch(quicmig *m, uint32_t id,
                                       quicmig_duration timeout,
                                       quicmig_tstamp now);

/*
 * Closes a SPARE, DRAINING or FAILED path.  Calls back: watch, event.
 * callback: no.
 * Errors: QUICMIG_ERR_NO_PATH, QUICMIG_ERR_INVALID_STATE (active or probing),
 * QUICMIG_ERR_BUSY (failed, and ngtcp2 may still switch to it when an answer
 * comes after all: the path is closed without this call when ngtcp2 has given
 * it up, or a while later), QUICMIG_ERR_REENTRANT.
 */
QUICMIG_EXTERN int quicmig_path_close(quicmig *m, uint32_t id,
                                      quicmig_tstamp now);

/* Copies up to n open paths to out, whose size fields are set to
 * sizeof(quicmig_path_info) by this function; returns how many are open, which
 * may be more than n.  callback: yes. */
QUICMIG_EXTERN size_t quicmig_paths(const quicmig *m, quicmig_path_info *out,
                                    size_t n);

/* Fills the first s->size bytes of *s; the caller sets size.  callback: yes. */
QUICMIG_EXTERN void quicmig_get_stats(const quicmig *m, quicmig_stats *s);

/* When the next scheduled hop is due, QUICMIG_NEVER if none.  callback: yes. */
QUICMIG_EXTERN quicmig_tstamp quicmig_next_hop(const quicmig *m);

/* Bytes this handle holds from its allocator, packets that wait for the kernel
 * included; ngtcp2's and the kernel's own are not.  callback: yes. */
QUICMIG_EXTERN size_t quicmig_memory(const quicmig *m);

#ifdef __cplusplus
}
#endif

#endif
