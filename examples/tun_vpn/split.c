#include "split.h"

#include <string.h>

/* The kernel has left the sum of the pseudo header in the checksum's place, and
 * says from where on the rest is to be added. */
static bool complete_checksum(uint8_t *data, size_t len,
                              const struct virtio_net_hdr *h) {
  size_t start = h->csum_start, at = start + h->csum_offset;
  uint16_t sum;

  if (at + 2 > len) {
    return false;
  }
  sum = sum_fold(sum_add(0, data + start, len - start));
  /* A UDP checksum of 0 would mean that there is none (RFC 768). */
  sum = sum == UINT16_MAX ? 0 : sum;
  sum_store(data + at, sum);
  return true;
}

/* TCP behind IPv6 extension headers: as far as the kernel says, and only those
 * that do not change what the checksum is of. */
static bool find_tcp(packet_view *v, const uint8_t *p, size_t len,
                     size_t start) {
  size_t at = v->ip_header, header;
  uint8_t next = v->protocol;

  while (at < start && at + 2 <= len &&
         (next == PACKET_HOP_BY_HOP || next == PACKET_OPTIONS)) {
    next = p[at];
    at += ((size_t)p[at + 1] + 1) * 8;
  }
  if (at != start || next != PACKET_TCP || at + TCP_HEADER > len) {
    return false;
  }
  header = (size_t)(p[at + 12] >> 4) * 4;
  if (header < TCP_HEADER || at + header > len ||
      at + header > SPLIT_HEADER_MAX) {
    return false;
  }
  v->protocol = PACKET_TCP;
  v->transport = at;
  v->tcp_header = header;
  return true;
}

static bool begin_super(split *s, const struct virtio_net_hdr *h) {
  uint8_t *tcp;

  if (h->gso_size == 0 ||
      (!s->view.tcp_header &&
       !(s->view.is_v6 &&
         find_tcp(&s->view, s->data, s->len, h->csum_start)))) {
    return false;
  }
  tcp = s->data + s->view.transport;
  s->header = s->view.transport + s->view.tcp_header;
  s->step = h->gso_size;
  s->sequence = get32(tcp + 4);
  s->flags = tcp[13];
  s->id = s->view.is_v6 ? 0 : get16(s->data + 4);
  memcpy(s->saved, s->data, s->header);
  tcp = s->saved + s->view.transport;
  put32(tcp + 4, 0);
  tcp[13] = 0;
  put16(tcp + 16, 0);
  s->tcp_sum = sum_add(sum_pseudo(s->data, &s->view), tcp, s->view.tcp_header);
  return true;
}

bool split_begin(split *s, uint8_t *data, size_t len,
                 const struct virtio_net_hdr *h) {
  s->data = data;
  s->len = len;
  s->header = s->done = s->count = 0;
  if (!packet_parse(&s->view, data, len)) {
    return false;
  }
  if (h->gso_type != VIRTIO_NET_HDR_GSO_NONE) {
    return begin_super(s, h);
  }
  return !(h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) ||
         complete_checksum(data, len, h);
}

static void write_ip(const split *s, uint8_t *p, size_t len) {
  if (s->view.is_v6) {
    put16(p + 4, (uint16_t)(len - 40));
    return;
  }
  put16(p + 2, (uint16_t)len);
  put16(p + 4, (uint16_t)(s->id + s->count));
  packet_seal_ipv4(p, s->view.ip_header);
}

static void write_tcp(const split *s, uint8_t *tcp, size_t payload) {
  size_t all = s->view.tcp_header + payload;
  uint64_t sum;

  put32(tcp + 4, s->sequence + (uint32_t)s->done);
  tcp[13] = s->flags;
  if (s->count > 0) { /* RFC 3168 section 6.1.2: once */
    tcp[13] &= (uint8_t)~TCP_CWR;
  }
  if (s->header + s->done + payload < s->len) {
    tcp[13] &= (uint8_t) ~(TCP_FIN | TCP_PSH);
  }
  sum = sum_add(s->tcp_sum, tcp + 4, 4);
  sum = sum_add_number(sum, tcp[13]);
  sum = sum_add_number(sum, (uint16_t)all);
  sum_store(tcp + 16, sum_add(sum, tcp + s->view.tcp_header, payload));
}

static size_t next_whole(split *s, uint8_t **packet) {
  if (s->count) {
    return 0;
  }
  s->count = 1;
  *packet = s->data;
  return s->len;
}

size_t split_next(split *s, size_t max, uint8_t **packet) {
  size_t left = s->len - s->header - s->done, payload = s->step;
  uint8_t *p = s->data + s->done;

  if (!s->header) {
    return next_whole(s, packet);
  }
  if (max > s->header && payload > max - s->header) {
    payload = max - s->header;
  }
  payload = payload < left ? payload : left;
  if (payload == 0) {
    return 0;
  }
  memcpy(p, s->saved, s->header);
  write_ip(s, p, s->header + payload);
  write_tcp(s, p + s->view.transport, payload);
  s->done += payload;
  s->count++;
  *packet = p;
  return s->header + payload;
}
