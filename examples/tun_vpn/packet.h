/*
 * What is read and written of IP packets: their addresses, where the transport
 * header begins, and checksums.  Pure; every length is checked.
 */
#ifndef PACKET_H
#define PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACKET_MAX 65535
#define PACKET_TCP 6
#define PACKET_UDP 17
#define PACKET_ICMP 1
#define PACKET_ICMP6 58
#define PACKET_HOP_BY_HOP 0 /* IPv6 extension headers */
#define PACKET_OPTIONS 60
#define TCP_HEADER 20
#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_PSH 0x08
#define TCP_ACK 0x10
#define TCP_CWR 0x80

/* An IP address of either family: IPv4 as ::ffff:a.b.c.d, which is not the same
 * as the IPv6 address that is written so. */
typedef struct ip_address {
  bool is_v6;
  uint8_t bytes[16];
} ip_address;

/* Where the parts of a packet are. */
typedef struct packet_view {
  bool is_v6;
  bool is_fragment;  /* IPv4 only; not the whole of its transport header */
  uint8_t protocol;  /* IPv6: the first next header */
  size_t ip_header;  /* bytes */
  size_t transport;  /* offset of the transport header: ip_header */
  size_t tcp_header; /* bytes; 0: not TCP, or cut short */
} packet_view;

/* False: neither IPv4 nor IPv6, or shorter or longer than its own length says.
 */
bool packet_parse(packet_view *v, const uint8_t *p, size_t len);

/* Addresses of a packet that was parsed. */
void packet_source(const uint8_t *p, ip_address *a);
void packet_destination(const uint8_t *p, ip_address *a);

/* The ones' complement sum of RFC 1071, in the byte order of memory: so it can
 * be kept, added to, and stored without turning anything round.  A piece of odd
 * length only at the end. */
uint64_t sum_add(uint64_t sum, const uint8_t *p, size_t len);
/* Adds a number of 16 bits in host byte order. */
uint64_t sum_add_number(uint64_t sum, uint16_t n);
/* To 16 bits, not complemented. */
uint16_t sum_fold(uint64_t sum);
/* The sum of the pseudo header (RFC 9293 section 3.1, RFC 8200 section 8.1)
 * without the length. */
uint64_t sum_pseudo(const uint8_t *p, const packet_view *v);
/* Stores the complement of a sum, or the sum as it is. */
void sum_store(uint8_t *at, uint64_t sum);
void sum_store_partial(uint8_t *at, uint64_t sum);

/* The header checksum of an IPv4 packet, made anew. */
void packet_seal_ipv4(uint8_t *p, size_t ip_header);

uint16_t get16(const uint8_t *p);
uint32_t get32(const uint8_t *p);
void put16(uint8_t *p, uint16_t n);
void put32(uint8_t *p, uint32_t n);

#endif
