/*
 * The plain types of libquicmig: options, path states, hop records, events and
 * counters.  Needs neither ngtcp2 nor a socket.
 */
#ifndef QUICMIG_MODEL_H
#define QUICMIG_MODEL_H

#include <sys/socket.h>

#include <quicmig/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What asked for a hop; enum values travel as uint32_t in structs. */
typedef enum quicmig_reason {
  QUICMIG_REASON_INITIAL = 0,    /* the first path; never in a hop record */
  QUICMIG_REASON_INTERVAL = 1,   /* the gap drawn from hop_interval passed */
  QUICMIG_REASON_BYTES = 2,      /* hop_bytes went over the path */
  QUICMIG_REASON_PACKETS = 3,    /* hop_packets went over the path */
  QUICMIG_REASON_MANUAL = 4,     /* quicmig_hop() */
  QUICMIG_REASON_EXPLICIT = 5,   /* quicmig_path_switch() */
  QUICMIG_REASON_PATH_ERROR = 6, /* the kernel lost the route or address */
  QUICMIG_REASON_RETRY = 7,      /* the backoff after a failed hop passed */
  /* The congestion window was full and nothing came back for three PTOs: moved
   * at once, validated afterwards (RFC 9000 section 9.2).  In REBIND mode too,
   * after 5 s at least.
   * Only while hops are scheduled and the peer allows migration. */
  QUICMIG_REASON_STALL = 8,
  /* Data in flight, and no acknowledgement for degrade_ptos PTOs. */
  QUICMIG_REASON_DEGRADED = 9,
  /* The source address or the route is another one now, a better interface came
   * up, or the machine slept: watch_network, quicmig_network_changed(). */
  QUICMIG_REASON_NETWORK = 10,
  /* The adaptive policy: goodput collapsed, or the learned budget of a flow is
   * nearly used up. */
  QUICMIG_REASON_ADAPTIVE = 11
} quicmig_reason;

/* A lower-case word for a quicmig_reason, such as "interval"; "unknown" for any
 * other number.  Static.  Any thread. */
QUICMIG_EXTERN const char *quicmig_reason_name(int reason);

/* How the connection moves to a new socket. */
typedef enum quicmig_mode {
  /* Validated migration with fresh connection IDs, RFC 9000 section 9. */
  QUICMIG_MODE_MIGRATE = 0,
  /* The socket is swapped beneath ngtcp2 as if a NAT had rebound.  Keeps the
   * congestion window and works where the peer forbids migration, but one
   * connection ID is seen from two ports: an observer can link them (RFC 9000
   * section 9.5), and packets sent into a dead new port are lost until it
   * reverts. */
  QUICMIG_MODE_REBIND = 1
} quicmig_mode;

/*
 * When and how to hop, and with which sockets.  Call quicmig_options_default()
 * first, then change fields; quicmig_options_check() tells whether they fit.
 */
typedef struct quicmig_options {
  size_t size; /* set by quicmig_options_default() */
  /* Mean time between hops; 0: no scheduled hops; else 10 ms - 366 days.
   * [300 s] */
  quicmig_duration hop_interval;
  /* Hop also after this many UDP payload bytes, both directions together, on
   * one path; 0: off; else >= 65,536.  [0] */
  uint64_t hop_bytes;
  /* Hop also after this many datagrams on one path; 0: off; else >= 100.
   * [0] */
  uint64_t hop_packets;
  /* No two hops start closer than this, whatever asked for them, 10 ms - 1 h.
   * RFC 9000 section 9.5 wants addresses to change infrequently.  [100 ms] */
  quicmig_duration hop_min_gap;
  /* After a refused or failed hop the next is tried after a delay that starts
   * here and doubles, up to hop_backoff_max.  100 ms - 1 h.  [1 s] */
  quicmig_duration hop_backoff;
  /* The longest such delay, before up to a quarter that is added at random;
   * hop_backoff - 24 h.  [5 min] */
  quicmig_duration hop_backoff_max;
  /* A scheduled hop may come up to this much early, inside its jitter bounds,
   * if no packet moved for 20 ms; 0: off; at most 1 h.  [2 s] */
  quicmig_duration hop_quiet;
  /* Keep an old socket open at most this long, 0 - 1 h; less when max_sockets
   * needs its place.  [60 s] */
  quicmig_duration drain;
  /* Each gap is drawn uniformly from hop_interval +/- this share of it, in
   * percent, 0 - 90.  [20] */
  uint32_t hop_jitter_pct;
  /* Sockets open at once, the active one included, 2 - 16.  With all in use
   * the oldest draining one makes room, else the hop ends with
   * QUICMIG_ERR_SOCKETS_EXHAUSTED.  [4] */
  uint32_t max_sockets;
  /* A quicmig_mode.  [QUICMIG_MODE_MIGRATE] */
  uint32_t hop_mode;
  /* Draw local ports from here to local_port_hi, both inclusive, >= 1; both 0:
   * 1024 - 65535.  Ports of net.ipv4.ip_local_reserved_ports are left out,
   * unless the whole range is reserved, for us then.  [0] */
  uint16_t local_port_lo;
  /* The last of these ports, >= local_port_lo; 0 if and only if that is.
   * [0] */
  uint16_t local_port_hi;
  /* Requested kernel receive buffer per socket in bytes, 0: leave the system's;
   * else 2,048 - 1 GiB.  The kernel may cap it.  [1 MiB] */
  uint32_t rcvbuf;
  /* The same for the send buffer.  [1 MiB] */
  uint32_t sndbuf;
  /* SO_MARK for every socket, needs CAP_NET_ADMIN; 0: none.  [0] */
  uint32_t fwmark;
  /* Interface name every socket is bound to, SO_BINDTODEVICE, at most 15
   * characters; empty: none.  [""] */
  char interface_name[16];
  /* QUICMIG_NO_GSO, QUICMIG_NO_GRO or both: offloads of the kernel to do
   * without.  One that it lacks is not used anyway.  [0] */
  uint32_t no_offload;
  /* Draw the server's port of each hop from here to remote_port_hi, both
   * inclusive, >= 1; both 0: it stays the port that was connected to.  The
   * server listens on all of them (quicmig_server_config.port_hi), or a
   * firewall redirects them to one; ngtcp2 sees one address.  [0] */
  uint16_t remote_port_lo;
  /* The last of these ports, >= remote_port_lo; 0 if and only if that is.
   * [0] */
  uint16_t remote_port_hi;
  /* Hop at once when data is in flight and nothing was acknowledged for this
   * many PTOs (RFC 9002 section 6.2.1); 0: off; else 2 - 16.  Not in a
   * connection's first second.  After a false alarm the next one takes much
   * longer, for an hour.  Only while hops are scheduled (hop_interval,
   * hop_bytes, hop_packets or adaptive).  [2] */
  uint32_t degrade_ptos;
  /* Non-zero: tell throttling from congestion, learn after how many bytes or
   * how long flows are cut or slowed, and hop before that: docs/adaptive.md.
   * [0] */
  uint32_t adaptive;
  /* Non-zero: watch the kernel's links, addresses and routes (rtnetlink), one
   * more descriptor for the watch callback, and move when the source address or
   * the route goes, a better interface comes, or the machine wakes.  Only while
   * hops are scheduled.  [0] */
  uint32_t watch_network;
  /* Interfaces to use, best first, separated by commas, each of at most 15
   * characters: sockets are bound to the first one that is up and has a route
   * to the server.  Excludes interface_name.  Empty: the routing table decides.
   * [""] */
  char interfaces[64];
} quicmig_options;

/* Fills *o with the defaults above, size included.  Any thread. */
QUICMIG_EXTERN void quicmig_options_default(quicmig_options *o);

/* Returns NULL when every field is in range, else a static sentence that names
 * the field and its range.  Any thread. */
QUICMIG_EXTERN const char *quicmig_options_check(const quicmig_options *o);

/*
 * States of a path:
 *
 *   SPARE > PROBING > ACTIVE > DRAINING > CLOSED
 *               \ > FAILED > CLOSED
 *
 * Once connected exactly one path is ACTIVE; before, the first one is PROBING.
 * A SPARE path that is given up goes to CLOSED.  FAILED > ACTIVE happens only
 * when our own clock had ended the attempt and the peer's answer came by
 * another path after all (RFC 9000 section 8.2.2): ngtcp2 has switched then,
 * and so does the path.  DRAINING > PROBING happens only when the connection
 * left a path because of its silence (QUICMIG_REASON_DEGRADED or _STALL) and
 * the new one turns out to lead nowhere: it goes back, without a new socket.
 */
typedef enum quicmig_path_state {
  QUICMIG_PATH_CLOSED = 0,   /* the socket is closed, the id is used up */
  QUICMIG_PATH_SPARE = 1,    /* the socket is open, nothing was sent on it */
  QUICMIG_PATH_PROBING = 2,  /* being validated (REBIND: tried with data) */
  QUICMIG_PATH_ACTIVE = 3,   /* carries the connection's data */
  QUICMIG_PATH_DRAINING = 4, /* was active; read until its time ends */
  QUICMIG_PATH_FAILED = 5    /* not proven; closed once ngtcp2 lets go */
} quicmig_path_state;

/* A lower-case word for a quicmig_path_state, such as "draining"; "unknown" for
 * any other number.  Static.  Any thread. */
QUICMIG_EXTERN const char *quicmig_path_state_name(int state);

/* A copy of what is known of a path. */
typedef struct quicmig_path_info {
  size_t size;       /* set by quicmig_paths(): sizeof(quicmig_path_info) */
  uint32_t id;       /* never used again on this handle; the first is 1 */
  uint32_t state;    /* quicmig_path_state */
  int fd;            /* the socket; owned by quicmig */
  uint32_t reserved; /* 0 */
  struct sockaddr_storage local;  /* routed source address and port */
  struct sockaddr_storage remote; /* the peer */
  quicmig_duration rtt;           /* smoothed; 0: not known (not active) */
  uint64_t tx_packets;            /* UDP datagrams sent */
  uint64_t tx_bytes;              /* their payload bytes */
  uint64_t rx_packets;            /* UDP datagrams received */
  uint64_t rx_bytes;              /* their payload bytes */
  uint64_t late_packets;          /* arrived while draining */
  /* Of these, the ones handed to ngtcp2 under an address that it reads. */
  uint64_t rescued_packets;
  quicmig_tstamp opened_at;   /* the socket was opened */
  quicmig_tstamp active_at;   /* it took the connection over; 0: not yet */
  quicmig_tstamp draining_at; /* it lost the connection again; 0: not */
} quicmig_path_info;

/* One per hop attempt, when it has ended: after the first packet on the new
 * path, a second after the switch if none came, or after the failure. */
typedef struct quicmig_hop_record {
  size_t size;              /* sizeof(quicmig_hop_record), set by the library */
  uint64_t seq;             /* counts the attempts of this handle from 1 */
  uint32_t reason;          /* quicmig_reason */
  uint32_t mode;            /* quicmig_mode */
  int32_t result;           /* 0 or quicmig_err */
  int32_t sys_errno;        /* beside QUICMIG_ERR_SYSTEM, _PORTS_REFUSED; 0 */
  uint32_t from_id;         /* id of the path that was active */
  uint32_t to_id;           /* id of the new path; 0 if there was none */
  uint16_t from_port;       /* local port of from_id, host byte order */
  uint16_t to_port;         /* local port of to_id, likewise; or 0 */
  uint32_t late_packets;    /* on the old path since the switch, so far */
  uint32_t rescued_packets; /* of these, given to ngtcp2 */
  uint16_t from_remote_port; /* the server's port of from_id, host byte order */
  uint16_t to_remote_port;   /* and of to_id; 0 if there was none */
  quicmig_tstamp started_at; /* when the attempt was made */
  quicmig_duration open_time; /* to open and configure the socket */
  /* From the request to ngtcp2 to the proof, REBIND: to the first packet on the
   * new socket; 0 without one. */
  quicmig_duration validate_time;
  /* Longest silence between two datagrams received on any socket, from the
   * start of the attempt to the first one on the new path after the switch. */
  quicmig_duration gap;
  uint64_t cwnd_before;         /* congestion window at the start, bytes */
  uint64_t cwnd_after;          /* the same at the end of the attempt */
  quicmig_duration srtt_before; /* smoothed RTT at the start */
  quicmig_duration srtt_after;  /* the same at the end of the attempt */
  /* When the next attempt is due, QUICMIG_NEVER if none is planned. */
  quicmig_tstamp next_at;
} quicmig_hop_record;

/* Writes the record as one line of JSON without a newline, qlog-style: times in
 * ms, as decimal fractions.  Returns the length that was needed, as snprintf
 * does; 1,024 bytes are always enough.  Any thread. */
QUICMIG_EXTERN int quicmig_hop_record_json(const quicmig_hop_record *r,
                                           char *dest, size_t destlen);

/* What happened to a path or to the schedule. */
typedef enum quicmig_event_type {
  /* A path changed its state: path, from and to tell which and how. */
  QUICMIG_EVENT_PATH_STATE = 1,
  /* The peer forbids migration: scheduled hops stopped for good. */
  QUICMIG_EVENT_PEER_FORBIDS = 2,
  /* Hops began to fail after `value` good ones: the peer's likely budget. */
  QUICMIG_EVENT_BUDGET_LEARNED = 3,
  /* The minimum gap towards this peer is now `value` nanoseconds. */
  QUICMIG_EVENT_GAP_LEARNED = 4,
  /* A long suspend or clock jump of `value` nanoseconds was absorbed. */
  QUICMIG_EVENT_CLOCK_JUMP = 5,
  /* The route or the address of a socket is gone, says the kernel with errno
   * `value`; the same one is told once a second at most.  The connection goes
   * on, and hops if it was the socket in use. */
  QUICMIG_EVENT_SOCKET_ERROR = 6,
  /* A hop waits for the process's budget of NAT mappings; `value` is
   * quicmig_nat_mappings().  Told once a minute at most. */
  QUICMIG_EVENT_NAT_BUDGET = 7,
  /* Links, addresses or routes changed; `value` 1: the connection moves because
   * of it, 2: no way to the server is left now. */
  QUICMIG_EVENT_NETWORK = 8,
  /* The adaptive policy came to a verdict: see there, with its evidence. */
  QUICMIG_EVENT_VERDICT = 9,
  /* Nothing is acknowledged on the path in use: an attempt to leave it begins
   * (QUICMIG_REASON_DEGRADED).  `value` is the path's PTO in nanoseconds (RFC
   * 9002 section 6.2.1; of a path that was never heard, a guess from the one
   * before), of which degrade_ptos have passed, or more after false alarms or a
   * pause of the machine. */
  QUICMIG_EVENT_SILENCE = 10,
  /* The system had no descriptor or no memory for a socket (errno `value`:
   * EMFILE, ENFILE, ENOBUFS, ENOMEM): the oldest draining socket was closed
   * before its time, and opening is tried once more. */
  QUICMIG_EVENT_SHORTAGE = 11
} quicmig_event_type;

/* What the adaptive policy makes of a flow, that is, of one path's traffic. */
typedef enum quicmig_verdict {
  QUICMIG_VERDICT_NONE = 0, /* not an event of the policy */
  /* Goodput collapsed on an old flow while traffic went on: a hop will tell. */
  QUICMIG_VERDICT_SUSPECTED = 1,
  /* It recovered on a fresh flow: this flow was slowed. */
  QUICMIG_VERDICT_THROTTLED = 2,
  /* It did not: congestion; no suspicion for the next hour. */
  QUICMIG_VERDICT_CONGESTED = 3,
  /* The flow went silent and a fresh one was not: it was cut. */
  QUICMIG_VERDICT_CUT = 4,
  /* Two flows were cut or slowed alike: hops come before flow_bytes from now
   * on, */
  QUICMIG_VERDICT_BYTES_LEARNED = 5,
  /* or before flow_age. */
  QUICMIG_VERDICT_AGE_LEARNED = 6,
  /* The budget has not shown itself for long: it is raised, or given up
   * (flow_bytes and flow_age 0). */
  QUICMIG_VERDICT_RELAXED = 7
} quicmig_verdict;

/* A lower-case word for a quicmig_verdict, such as "throttled"; "unknown" for
 * any other number.  Static.  Any thread. */
QUICMIG_EXTERN const char *quicmig_verdict_name(int verdict);

/* One event, as the event callback gets it. */
typedef struct quicmig_event {
  size_t size;               /* sizeof(quicmig_event), set by the library */
  uint32_t type;             /* quicmig_event_type */
  uint32_t path;             /* path id for PATH_STATE, else 0 */
  uint32_t from;             /* quicmig_path_state before, for PATH_STATE */
  uint32_t to;               /* quicmig_path_state now, for PATH_STATE */
  uint64_t value;            /* as the type says, else 0 */
  uint32_t verdict;          /* quicmig_verdict, for VERDICT, else 0 */
  uint32_t reserved;         /* 0 */
  uint64_t flow_bytes;       /* VERDICT: UDP bytes of the flow when it happened,
                              * both directions; or the budget */
  quicmig_duration flow_age; /* its age then; or the budget */
  uint64_t rate_before;      /* bytes per second that were usual on the flow */
  uint64_t rate_after;       /* and after the collapse, or on the fresh flow */
} quicmig_event;

/* A lower-case word for a quicmig_event_type, such as "path-state"; "unknown"
 * for any other number.  Static.  Any thread. */
QUICMIG_EXTERN const char *quicmig_event_name(int type);

/* Counters of one handle, from its creation on. */
typedef struct quicmig_stats {
  size_t size;   /* set by the caller */
  uint64_t hops; /* attempts that moved the connection */
  /* Attempts whose proof did not come in time; a proof that comes after all
   * counts as a hop too. */
  uint64_t hops_failed;
  /* Attempts that could not start; a socket opened for one is closed again. */
  uint64_t hops_refused;
  uint64_t sockets_opened; /* in all */
  uint64_t tx_packets;     /* UDP datagrams sent on all paths */
  uint64_t tx_bytes;       /* their payload bytes */
  uint64_t rx_packets;     /* UDP datagrams received on all paths */
  uint64_t rx_bytes;       /* their payload bytes */
  uint64_t late_packets;   /* arrived on a draining socket */
  uint64_t late_rescued;   /* of these, given to ngtcp2 so that it reads them */
  /* Truncated, empty, or on a path that is SPARE or FAILED. */
  uint64_t rx_discarded;
  /* Not taken by the kernel for good, or written for a path that is gone. */
  uint64_t tx_dropped;
  uint64_t refused;      /* ECONNREFUSED from the kernel: a hint, never fatal */
  uint32_t sockets_open; /* now */
  uint32_t sockets_peak; /* the most at once */
  uint32_t peer_budget;  /* hops the peer bears; UINT32_MAX: no limit seen */
  int32_t last_error;    /* of the last attempt that did not succeed, or 0 */
  /* Least time between two MIGRATE hops: hop_min_gap, or what the peer's limits
   * and refusals ask for if that is more.  REBIND heeds hop_min_gap alone. */
  quicmig_duration min_gap;
} quicmig_stats;

#ifdef __cplusplus
}
#endif

#endif
