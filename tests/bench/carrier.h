/*
 * One way of carrying bytes over loopback, from a sender to a receiver in this
 * very thread: the endpoint, a bare ngtcp2 loop or a bare pair of UDP sockets.
 * One loop drives both ends, so what arrives in a second is what the CPU time
 * of both together allows.  The sender always has more to send, except at rest.
 */
#ifndef CARRIER_H
#define CARRIER_H

#include <poll.h>
#include <stdbool.h>

#include <quicmig/endpoint.h>

typedef enum carrier_load {
  CARRIER_REST,      /* nothing new; what is on its way still arrives */
  CARRIER_DATAGRAMS, /* DATAGRAMs of `size` bytes */
  CARRIER_STREAM,    /* one stream, from a buffer that outlives it */
  CARRIER_COPIED,    /* one stream, copied by the sender; the endpoint only */
  CARRIER_QUEUED     /* DATAGRAMs, copied by the sender; the endpoint only */
} carrier_load;

typedef struct carrier carrier;

typedef struct carrier_ops {
  /* One turn of the event loop, which sleeps until `until` at most. */
  void (*turn)(carrier *c, quicmig_tstamp until);
  /* c->load has changed. */
  void (*start)(carrier *c);
  /* Everything sent has arrived and the sender knows. */
  bool (*is_at_rest)(const carrier *c);
  void (*free)(carrier *c);
} carrier_ops;

/* The first member of each kind. */
struct carrier {
  const carrier_ops *ops;
  quicmig_mem mem; /* counts in `allocations` */
  int tx_fd, rx_fd;
  carrier_load load;
  size_t size;            /* bytes of a DATAGRAM */
  uint64_t sent;          /* DATAGRAMs that the sender took */
  uint64_t received;      /* DATAGRAMs that came out at the receiver */
  uint64_t bytes;         /* that came out, DATAGRAMs and streams */
  uint64_t wakeups;       /* turns that found rx_fd readable */
  quicmig_duration slept; /* in carrier_wait(), for want of work */
  uint64_t allocations;   /* by the library under test and ngtcp2 */
  bool is_broken;         /* the connection is gone or the bytes are wrong */
};

/* Bytes of a stream repeat after this many. */
#define CARRIER_PERIOD 65536u
/* Bytes of a DATAGRAM, at most. */
#define CARRIER_DATAGRAM_MAX 1400
/* Windows of stream and connection, and what kernel buffers are asked for. */
#define CARRIER_WINDOW (4u << 20)

/* Sets ops, size and mem; everything else is 0, descriptors -1. */
void carrier_init(carrier *c, const carrier_ops *ops, size_t size);

/* CARRIER_PERIOD bytes at least that belong at offset of a stream. */
const uint8_t *carrier_stream(uint64_t offset);

/* The next DATAGRAM, with its number in front; valid until the next call. */
const uint8_t *carrier_datagram(const carrier *c);

/* What came out; is_broken if it is not what was put in.  *offset is that of
 * the stream's next byte. */
void carrier_on_datagram(carrier *c, const uint8_t *data, size_t len);
void carrier_on_stream(carrier *c, uint64_t *offset, const uint8_t *data,
                       size_t len);

/* Waits for fds until `at`, 0: only looks. */
void carrier_wait(carrier *c, struct pollfd *fds, nfds_t n, quicmig_tstamp at);

/* A nonblocking UDP socket on 127.0.0.1, any port, with options as every QUIC
 * program sets them: large buffers, never fragment, ECN.  -1: errno. */
int carrier_socket(void);

/* Puts load on c for ns at least, in whole turns. */
void carrier_run(carrier *c, carrier_load load, quicmig_duration ns);
/* Takes the load off and waits until what is under way has arrived, 5 s at
 * most.  False: it has not. */
bool carrier_settle(carrier *c);

#endif
