#include <quicmig/types.h>

/* One row an error: value, JSON word, sentence. */
#define QM_ERRORS(X)                                                           \
  X(OK, "ok", "success")                                                       \
  X(ERR_INVALID_ARGUMENT, "invalid-argument", "an argument is out of range")   \
  X(ERR_INVALID_STATE, "invalid-state", "the call is not possible now")        \
  X(ERR_NOMEM, "no-memory", "out of memory")                                   \
  X(ERR_SYSTEM, "system", "a system call failed")                              \
  X(ERR_REENTRANT, "reentrant", "not allowed inside a callback")               \
  X(ERR_CONN, "connection", "ngtcp2 reported a connection error")              \
  X(ERR_RANDOM, "random", "the system gave no random bytes")                   \
  X(ERR_NOT_CONFIRMED, "not-confirmed", "the handshake is not confirmed")      \
  X(ERR_PEER_FORBIDS, "peer-forbids", "the peer forbids migration")            \
  X(ERR_NO_SPARE_ID, "no-spare-id", "the peer gave no spare connection ID")    \
  X(ERR_TOO_SOON, "too-soon", "the minimum gap between hops has not passed")   \
  X(ERR_SOCKETS_EXHAUSTED, "sockets-exhausted", "too many sockets are open")   \
  X(ERR_PORTS_EXHAUSTED, "ports-exhausted", "no free port in the range")       \
  X(ERR_PORTS_REFUSED, "ports-refused", "the system lets no port be bound")    \
  X(ERR_APP_REFUSED, "app-refused", "the application refused the socket")      \
  X(ERR_BUSY, "busy", "another hop is under way")                              \
  X(ERR_VALIDATION_FAILED, "validation-failed",                                \
    "the new path was not validated in time")                                  \
  X(ERR_ABORTED, "aborted", "the validation was given up for another")         \
  X(ERR_TIMEOUT, "timeout", "the timeout for the path passed")                 \
  X(ERR_NAT_BUDGET, "nat-budget", "the budget of NAT mappings is used up")     \
  X(ERR_NO_PATH, "no-path", "there is no path with this id")                   \
  X(ERR_RESOLVE, "resolve", "the host name does not resolve")                  \
  X(ERR_CERT_FILE, "cert-file",                                                \
    "a certificate, key or CA file is unreadable or malformed")                \
  X(ERR_CERT_VERIFY, "cert-verify",                                            \
    "a certificate was missing or not accepted")                               \
  X(ERR_ALPN, "alpn", "the peers share no application protocol")               \
  X(ERR_TLS, "tls", "the TLS handshake failed")                                \
  X(ERR_REFUSED, "refused", "connection refused: nobody listens there")        \
  X(ERR_HANDSHAKE_TIMEOUT, "handshake-timeout",                                \
    "the handshake did not complete in time")                                  \
  X(ERR_IDLE, "idle", "the idle timeout passed")                               \
  X(ERR_CLOSED_BY_PEER, "closed-by-peer", "the peer closed the connection")    \
  X(ERR_CLOSED, "closed", "the connection is closed")                          \
  X(ERR_TOO_LARGE, "too-large",                                                \
    "the datagram is larger than the path or the peer takes")                  \
  X(ERR_BLOCKED, "blocked", "a queue is full")                                 \
  X(ERR_NO_DATAGRAMS, "no-datagrams", "the peer takes no DATAGRAM frames")     \
  X(ERR_PROTOCOL, "protocol", "a protocol violation")                          \
  X(ERR_LIMIT, "limit", "the peer allows no more streams now")

const char *quicmig_strerror(int err) {
  switch (err) {
#define X(value, name, text)                                                   \
  case QUICMIG_##value:                                                        \
    return text;
    QM_ERRORS(X)
#undef X
  }
  return "unknown error";
}

const char *quicmig_err_name(int err) {
  switch (err) {
#define X(value, name, text)                                                   \
  case QUICMIG_##value:                                                        \
    return name;
    QM_ERRORS(X)
#undef X
  }
  return "unknown";
}

const char *quicmig_version(void) { return QUICMIG_VERSION; }
