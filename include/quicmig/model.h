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

/* What asked for a hop. */
typedef enum quicmig_reason {
  QUICMIG_REASON_INITIAL = 0,    /* the first path; never in a hop record */
  QUICMIG_REASON_INTERVAL = 1,   /* hop_interval passed */
  QUICMIG_REASON_BYTES = 2,      /* hop_bytes went over the path */
  QUICMIG_REASON_PACKETS = 3,    /* hop_packets went over the path */
  QUICMIG_REASON_MANUAL = 4,     /* quicmig_hop() */
  QUICMIG_REASON_EXPLICIT = 5,   /* quicmig_path_switch() */
  QUICMIG_REASON_PATH_ERROR = 6, /* the kernel lost the route or address */
  QUICMIG_REASON_RETRY = 7       /* the backoff after a failed hop passed */
} quicmig_reason;

/* Lower-case word, such as "interval".  Static. */
QUICMIG_EXTERN const char *quicmig_reason_name(int reason);

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
 * Options.  Call quicmig_options_default() first, then change fields.
 */
typedef struct quicmig_options {
  size_t size; /* set by quicmig_options_default() */
  /* Mean time between hops; 0: no scheduled hops; else 100 ms - 366 days.
   * [300 s] */
  quicmig_duration hop_interval;
  /* Hop also after this many UDP payload bytes, both directions together, on
   * one path; 0: off; else >= 65,536.  [0] */
  uint64_t hop_bytes;
  /* Hop also after this many datagrams on one path; 0: off; else >= 100.
   * [0] */
  uint64_t hop_packets;
  /* No two hops start closer than this, whatever asked for them, 50 ms - 1 h.
   * RFC 9000 section 9.5 wants addresses to change infrequently.  [100 ms] */
  quicmig_duration hop_min_gap;
  /* After a refused or failed hop the next is tried after a delay that starts
   * here and doubles, up to hop_backoff_max.  100 ms - 1 h.  [1 s] */
  quicmig_duration hop_backoff;
  /* hop_backoff - 24 h.  [5 min] */
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
  /* Sockets open at once, 2 - 16.  [4] */
  uint32_t max_sockets;
  /* enum quicmig_mode.  [QUICMIG_MODE_MIGRATE] */
  uint32_t hop_mode;
  /* Draw local ports from here to local_port_hi, both inclusive, >= 1; both 0:
   * 1024 - 65535.  [0] */
  uint16_t local_port_lo;
  uint16_t local_port_hi;
  /* Requested kernel buffers per socket in bytes, 0: leave the system's;
   * else 2,048 - 1 GiB.  The kernel may cap them.  [1 MiB] */
  uint32_t rcvbuf;
  uint32_t sndbuf;
  /* SO_MARK for every socket, needs CAP_NET_ADMIN; 0: none.  [0] */
  uint32_t fwmark;
  /* Interface name every socket is bound to, SO_BINDTODEVICE; empty: none.
   * [""] */
  char interface_name[16];
  /* ngtcp2's active_connection_id_limit as the program advertised it, 2 - 8:
   * how many IDs the peer may give.  Set the same value in the transport
   * parameters.  [8] */
  uint32_t cid_limit;
} quicmig_options;

/* Fills *o with the defaults above. */
QUICMIG_EXTERN void quicmig_options_default(quicmig_options *o);

/* Returns NULL when every field is in range, else a static sentence that names
 * the field and its range. */
QUICMIG_EXTERN const char *quicmig_options_check(const quicmig_options *o);

/* States of a path:
 *
 *   SPARE > PROBING > ACTIVE > DRAINING > CLOSED
 *               \ > FAILED > CLOSED
 *
 * Once connected exactly one path is ACTIVE.  FAILED > ACTIVE happens only when
 * the caller's timeout had passed and the peer's answer came by another path
 * (RFC 9000 section 8.2.2): ngtcp2 has switched then, and so does the path. */
typedef enum quicmig_path_state {
  QUICMIG_PATH_CLOSED = 0,   /* the socket is closed, the id is used up */
  QUICMIG_PATH_SPARE = 1,    /* the socket is open, nothing was sent on it */
  QUICMIG_PATH_PROBING = 2,  /* being validated (REBIND: tried with data) */
  QUICMIG_PATH_ACTIVE = 3,   /* carries the connection's data */
  QUICMIG_PATH_DRAINING = 4, /* was active; read until its time ends */
  QUICMIG_PATH_FAILED = 5    /* not proven; closed once ngtcp2 lets go */
} quicmig_path_state;

QUICMIG_EXTERN const char *quicmig_path_state_name(int state);

/* A copy of what is known of a path. */
typedef struct quicmig_path_info {
  size_t size;    /* set by the caller: sizeof(quicmig_path_info) */
  uint32_t id;    /* never used again on this handle; the first is 1 */
  uint32_t state; /* quicmig_path_state */
  int fd;         /* owned by quicmig; -1 when closed */
  uint32_t reserved;
  struct sockaddr_storage local;
  struct sockaddr_storage remote;
  quicmig_duration rtt; /* smoothed; 0: not known (not active) */
  uint64_t tx_packets;  /* UDP datagrams and their payload bytes */
  uint64_t tx_bytes;
  uint64_t rx_packets;
  uint64_t rx_bytes;
  uint64_t late_packets;    /* arrived while draining */
  uint64_t rescued_packets; /* of these, handed to ngtcp2 so that it reads them
                             */
  quicmig_tstamp opened_at; /* 0: not yet */
  quicmig_tstamp active_at;
  quicmig_tstamp draining_at;
} quicmig_path_info;

/* One per hop attempt, when it has ended: after the first packet on the new
 * path, or after the failure. */
typedef struct quicmig_hop_record {
  size_t size;
  uint64_t seq;      /* counts the attempts of this handle from 1 */
  uint32_t reason;   /* quicmig_reason */
  uint32_t mode;     /* quicmig_mode */
  int32_t result;    /* 0 or quicmig_err */
  int32_t sys_errno; /* beside QUICMIG_ERR_SYSTEM, else 0 */
  uint32_t from_id;  /* path ids; to_id is 0 if no socket was opened */
  uint32_t to_id;
  uint16_t from_port; /* local ports, host byte order */
  uint16_t to_port;
  uint32_t late_packets;    /* on the old path since the switch, so far */
  uint32_t rescued_packets; /* of these, given to ngtcp2 */
  uint32_t reserved;
  quicmig_tstamp started_at;
  quicmig_duration open_time;     /* to open and configure the socket */
  quicmig_duration validate_time; /* from the first challenge to the proof */
  /* Longest silence between two datagrams received on any socket, from the
   * start of the attempt to the first one on the new path after the switch. */
  quicmig_duration gap;
  uint64_t cwnd_before; /* bytes */
  uint64_t cwnd_after;
  quicmig_duration srtt_before;
  quicmig_duration srtt_after;
  /* When the next attempt is due, QUICMIG_NEVER if none is planned. */
  quicmig_tstamp next_at;
} quicmig_hop_record;

/* Writes the record as one line of JSON without a newline, qlog-style: times in
 * ms, as decimal fractions.  Returns the length that was needed, as snprintf
 * does. */
QUICMIG_EXTERN int quicmig_hop_record_json(const quicmig_hop_record *r,
                                           char *dest, size_t destlen);

/* What happened to a path or to the schedule. */
typedef enum quicmig_event_type {
  /* A path changed its state: path, from, to. */
  QUICMIG_EVENT_PATH_STATE = 1,
  /* The peer forbids migration: scheduled hops stopped for good. */
  QUICMIG_EVENT_PEER_FORBIDS = 2,
  /* Hops began to fail after `value` good ones: the peer's likely budget. */
  QUICMIG_EVENT_BUDGET_LEARNED = 3,
  /* The minimum gap towards this peer is now `value` nanoseconds. */
  QUICMIG_EVENT_GAP_LEARNED = 4,
  /* A long suspend or clock jump of `value` nanoseconds was absorbed. */
  QUICMIG_EVENT_CLOCK_JUMP = 5,
  /* A system call failed with errno `value`; the connection goes on. */
  QUICMIG_EVENT_SOCKET_ERROR = 6
} quicmig_event_type;

typedef struct quicmig_event {
  size_t size;
  uint32_t type; /* quicmig_event_type */
  uint32_t path; /* path id or 0 */
  uint32_t from; /* quicmig_path_state, for PATH_STATE */
  uint32_t to;
  uint64_t value;
} quicmig_event;

QUICMIG_EXTERN const char *quicmig_event_name(int type);

typedef struct quicmig_stats {
  size_t size;           /* set by the caller */
  uint64_t hops;         /* attempts that moved the connection */
  uint64_t hops_failed;  /* attempts that were started and did not */
  uint64_t hops_refused; /* attempts that could not start; no socket */
  uint64_t sockets_opened;
  uint64_t tx_packets;
  uint64_t tx_bytes;
  uint64_t rx_packets;
  uint64_t rx_bytes;
  uint64_t late_packets; /* arrived on a draining socket */
  uint64_t late_rescued; /* of these, given to ngtcp2 */
  uint64_t rx_discarded; /* truncated, empty, or on a socket unread */
  uint64_t tx_dropped;   /* for a path that is gone, or held too long */
  uint64_t refused;      /* ECONNREFUSED from the kernel: a hint, never fatal */
  uint32_t sockets_open; /* now */
  uint32_t sockets_peak;
  uint32_t peer_budget;     /* learned; UINT32_MAX: none seen */
  int32_t last_error;       /* of the last attempt that did not succeed */
  quicmig_duration min_gap; /* in force towards this peer */
} quicmig_stats;

#ifdef __cplusplus
}
#endif

#endif
