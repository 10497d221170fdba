/*
 * Names shared by every public header of libquicmig: time, errors, memory and
 * the export macro.
 */
#ifndef QUICMIG_TYPES_H
#define QUICMIG_TYPES_H

#include <stddef.h>
#include <stdint.h>

#include <quicmig/version.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Marks what a shared library of ours exports; everything else is hidden. */
#if defined(__GNUC__)
#define QUICMIG_EXTERN __attribute__((visibility("default")))
#else
#define QUICMIG_EXTERN
#endif

/* A point in time, in nanoseconds on a monotonic clock of the caller's choice,
 * the same one that ngtcp2 is fed.  A clock that steps back is treated as if it
 * had stood still and then gone on. */
typedef uint64_t quicmig_tstamp;
/* A length of time in nanoseconds. */
typedef uint64_t quicmig_duration;

/* A microsecond as a quicmig_duration. */
#define QUICMIG_MICROSECOND ((quicmig_duration)1000)
/* A millisecond as a quicmig_duration. */
#define QUICMIG_MILLISECOND ((quicmig_duration)1000000)
/* A second as a quicmig_duration. */
#define QUICMIG_SECOND ((quicmig_duration)1000000000)
/* "No deadline" as a quicmig_tstamp, the only such value. */
#define QUICMIG_NEVER UINT64_MAX

/*
 * Every function that can fail returns 0 (or a count) or one of these.  On
 * error the outputs are untouched and the object is as it was before.
 */
typedef enum quicmig_err {
  /* Success. */
  QUICMIG_OK = 0,
  /* An argument or option is out of its range. */
  QUICMIG_ERR_INVALID_ARGUMENT = -1,
  /* The call is not possible now: not attached, already attached, closed. */
  QUICMIG_ERR_INVALID_STATE = -2,
  /* An allocation failed. */
  QUICMIG_ERR_NOMEM = -3,
  /* A system call failed; the errno travels beside this value. */
  QUICMIG_ERR_SYSTEM = -4,
  /* Called from inside a callback that does not allow this call. */
  QUICMIG_ERR_REENTRANT = -5,
  /* ngtcp2 reported a connection error; its code travels beside. */
  QUICMIG_ERR_CONN = -6,
  /* The system gave no random bytes. */
  QUICMIG_ERR_RANDOM = -7,

  /* The handshake is not confirmed yet (RFC 9000 section 9).  From here to
   * QUICMIG_ERR_PORTS_REFUSED: why a hop was refused or failed. */
  QUICMIG_ERR_NOT_CONFIRMED = -20,
  /* The peer sent disable_active_migration or uses zero-length connection
   * IDs (RFC 9000 sections 18.2 and 9.5).  Permanent for this connection. */
  QUICMIG_ERR_PEER_FORBIDS = -21,
  /* No unused connection ID from the peer; passes when it issues more. */
  QUICMIG_ERR_NO_SPARE_ID = -22,
  /* The minimum gap between hops has not passed. */
  QUICMIG_ERR_TOO_SOON = -23,
  /* max_sockets are open and none may be closed yet. */
  QUICMIG_ERR_SOCKETS_EXHAUSTED = -24,
  /* No free port was found in the configured range. */
  QUICMIG_ERR_PORTS_EXHAUSTED = -25,
  /* The socket callback refused the new socket. */
  QUICMIG_ERR_APP_REFUSED = -26,
  /* Another hop is under way, or ngtcp2 is trying the peer's preferred
   * address. */
  QUICMIG_ERR_BUSY = -27,
  /* The new path was not proven in time (RFC 9000 section 8.2.4). */
  QUICMIG_ERR_VALIDATION_FAILED = -28,
  /* The validation was given up for another one. */
  QUICMIG_ERR_ABORTED = -29,
  /* The caller's own timeout for a path passed. */
  QUICMIG_ERR_TIMEOUT = -30,
  /* No path with this id. */
  QUICMIG_ERR_NO_PATH = -31,
  /* The process has as many NAT mappings as its budget allows; passes as old
   * ones age (quicmig_nat_budget()). */
  QUICMIG_ERR_NAT_BUDGET = -32,
  /* The system lets us bind no port of the range: they are privileged, or a
   * security module or a firewall refuses them (EACCES, EPERM).  The errno
   * travels beside this value. */
  QUICMIG_ERR_PORTS_REFUSED = -33,

  /* A host name did not resolve.  From here on: libquicmig-endpoint's. */
  QUICMIG_ERR_RESOLVE = -40,
  /* A certificate, key or CA file is unreadable or malformed. */
  QUICMIG_ERR_CERT_FILE = -41,
  /* The peer's certificate was not accepted. */
  QUICMIG_ERR_CERT_VERIFY = -42,
  /* The peers share no application protocol. */
  QUICMIG_ERR_ALPN = -43,
  /* The handshake failed in TLS for another reason. */
  QUICMIG_ERR_TLS = -44,
  /* Nobody listens there: the kernel reported ECONNREFUSED. */
  QUICMIG_ERR_REFUSED = -45,
  /* The handshake did not complete in time. */
  QUICMIG_ERR_HANDSHAKE_TIMEOUT = -46,
  /* The connection was idle for longer than the idle timeout. */
  QUICMIG_ERR_IDLE = -47,
  /* Closed by the peer. */
  QUICMIG_ERR_CLOSED_BY_PEER = -48,
  /* The connection is closed. */
  QUICMIG_ERR_CLOSED = -49,
  /* The datagram is larger than the path or the peer takes. */
  QUICMIG_ERR_TOO_LARGE = -50,
  /* A queue is full; the writable callback tells when to go on. */
  QUICMIG_ERR_BLOCKED = -51,
  /* The peer does not take DATAGRAM frames. */
  QUICMIG_ERR_NO_DATAGRAMS = -52,
  /* A protocol violation, or a QUIC error of the peer. */
  QUICMIG_ERR_PROTOCOL = -53,
  /* The peer allows no more streams now. */
  QUICMIG_ERR_LIMIT = -54
} quicmig_err;

/* What err, a quicmig_err, means: a short English sentence without a full stop;
 * never NULL.  Static.  Any thread. */
QUICMIG_EXTERN const char *quicmig_strerror(int err);

/* A lower-case word for logs and JSON, such as "no-spare-id"; "unknown" if err
 * is no quicmig_err.  Static.  Any thread. */
QUICMIG_EXTERN const char *quicmig_err_name(int err);

/* Now, in ns, on CLOCK_BOOTTIME, which goes on while the machine sleeps, so
 * that a hop that fell into the sleep is made on waking: the clock to feed
 * unless the program has its own.  In a thread it never steps back: if the
 * kernel's does, as after a snapshot, it goes on from where it was.  Any
 * thread. */
QUICMIG_EXTERN quicmig_tstamp quicmig_clock(void);

/* The version of the library that is running, as QUICMIG_VERSION.  Static.  Any
 * thread. */
QUICMIG_EXTERN const char *quicmig_version(void);

/*
 * The allocator of a handle; the shape of ngtcp2_mem, and handed on to ngtcp2
 * by the endpoint.  NULL where one is expected means malloc and free.  Any call
 * may return NULL: it is survived.
 */
typedef struct quicmig_mem {
  /* Last argument of each call below; must outlive the handle. */
  void *user_data;
  /* size bytes as malloc(3), or NULL. */
  void *(*malloc)(size_t size, void *user_data);
  /* As free(3); ptr may be NULL. */
  void (*free)(void *ptr, void *user_data);
  /* nmemb times size zeroed bytes as calloc(3), or NULL. */
  void *(*calloc)(size_t nmemb, size_t size, void *user_data);
  /* As realloc(3); on NULL ptr stays as it was. */
  void *(*realloc)(void *ptr, size_t size, void *user_data);
} quicmig_mem;

/* The largest packet that is ever written, in bytes of UDP payload. */
#define QUICMIG_MAX_PKTLEN 1500

/* Without UDP_SEGMENT: the kernel is given every datagram on its own. */
#define QUICMIG_NO_GSO 0x1u
/* Without UDP_GRO: the kernel gives every datagram on its own. */
#define QUICMIG_NO_GRO 0x2u

#ifdef __cplusplus
}
#endif

#endif
