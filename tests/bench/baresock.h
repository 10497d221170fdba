/*
 * The UDP socket of a bare loop, as a program without this library writes it:
 * one sendmsg and one recvmsg a packet or, with offload, one sendmsg with
 * UDP_SEGMENT a batch and recvmsg with UDP_GRO.
 */
#ifndef BARESOCK_H
#define BARESOCK_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The most that one segmented send takes: bytes of UDP payload over IPv4, and
 * datagrams (UDP_MAX_SEGMENTS of Linux before 6.9). */
#define BARESOCK_BATCH 65507u
#define BARESOCK_SEGMENTS 64u
/* Largest packet that fits a batch's buffer beyond its end. */
#define BARESOCK_PKT 1500u

typedef struct baresock {
  int fd;
  bool has_offload;
  struct sockaddr_in local, remote; /* remote: unset, port 0, until known */
  bool is_connected;
  uint8_t marked;    /* ECN of the socket */
  uint8_t ecn;       /* of the batch, as every field below */
  size_t first, len; /* in buf: where it begins, its bytes */
  size_t segment;    /* bytes of its first packet */
  unsigned count;    /* of its packets */
  uint64_t sent;     /* packets in all */
  uint8_t buf[BARESOCK_BATCH + 2 * BARESOCK_PKT];
  uint8_t rxbuf[65536];
} baresock;

/* One datagram that arrived; false: read no more. */
typedef bool (*baresock_on_packet)(void *arg, const uint8_t *data, size_t len,
                                   uint8_t ecn, const struct sockaddr_in *from);

/* Opens it, bound to 127.0.0.1; offload is left out if the kernel has none.
 * 0, or -1 with errno. */
int baresock_open(baresock *s, bool has_offload);
int baresock_connect(baresock *s, const struct sockaddr_in *remote);
void baresock_close(baresock *s);

/* Where the next packet of at most BARESOCK_PKT bytes is to be written. */
uint8_t *baresock_room(baresock *s);
/* It has been: sends what cannot wait for more.  0, or -1 with errno. */
int baresock_add(baresock *s, size_t len, uint8_t ecn);
/* Sends the batch. */
int baresock_flush(baresock *s);

/* Reads until the socket is empty or `most` system calls were made. */
void baresock_read(baresock *s, unsigned most, baresock_on_packet on_packet,
                   void *arg);

#endif
