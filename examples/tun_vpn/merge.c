#include "merge.h"

#include <string.h>

void merge_init(merge *m, merge_write write, void *user_data) {
  size_t i;

  m->write = write;
  m->user_data = user_data;
  m->now = 0;
  for (i = 0; i < MERGE_FLOWS; i++) {
    m->flows[i].len = 0;
    m->flows[i].used_at = 0;
  }
}

/* Lengths and checksums of the super-packet; the kernel completes the TCP
 * checksum of each segment from the sum of the pseudo header. */
static void seal(merge_flow *f, struct virtio_net_hdr *h) {
  uint8_t *tcp = f->buf + f->view.transport;

  if (f->view.is_v6) {
    put16(f->buf + 4, (uint16_t)(f->len - 40));
  } else {
    put16(f->buf + 2, (uint16_t)f->len);
    packet_seal_ipv4(f->buf, f->view.ip_header);
  }
  sum_store_partial(tcp + 16,
                    sum_add_number(sum_pseudo(f->buf, &f->view),
                                   (uint16_t)(f->len - f->view.transport)));
  h->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
  h->gso_type =
      f->view.is_v6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4;
  h->hdr_len = (uint16_t)f->header;
  h->gso_size = (uint16_t)f->step;
  h->csum_start = (uint16_t)f->view.transport;
  h->csum_offset = 16;
}

static void flush_flow(merge *m, merge_flow *f) {
  struct virtio_net_hdr h = {.flags = 0};

  if (f->len == 0) {
    return;
  }
  if (f->count > 1) {
    seal(f, &h);
  }
  m->write(&h, f->buf, f->len, m->user_data);
  f->len = 0;
}

void merge_flush(merge *m) {
  size_t i;

  for (i = 0; i < MERGE_FLOWS; i++) {
    flush_flow(m, &m->flows[i]);
  }
}

/* Whole, unfragmented TCP with data, correct, and nothing but ACK and PSH: what
 * was broken on the way to the tunnel's other end must not get a new
 * checksum. */
static bool is_candidate(const uint8_t *p, size_t len, const packet_view *v) {
  const uint8_t *tcp = p + v->transport;
  uint64_t sum;

  if (!v->tcp_header || len == v->transport + v->tcp_header ||
      (tcp[13] & ~TCP_PSH) != TCP_ACK || (!v->is_v6 && v->ip_header != 20) ||
      (!v->is_v6 && sum_fold(sum_add(0, p, 20)) != UINT16_MAX)) {
    return false;
  }
  sum = sum_add_number(sum_pseudo(p, v), (uint16_t)(len - v->transport));
  return sum_fold(sum_add(sum, tcp, len - v->transport)) == UINT16_MAX;
}

/* The same addresses and ports? */
static bool is_same_flow(const merge_flow *f, const uint8_t *p,
                         const packet_view *v) {
  size_t at = v->is_v6 ? 8 : 12, n = v->is_v6 ? 32 : 8;

  return f->len && f->view.is_v6 == v->is_v6 &&
         f->view.transport == v->transport &&
         memcmp(f->buf + at, p + at, n) == 0 &&
         memcmp(f->buf + v->transport, p + v->transport, 4) == 0;
}

/* Everything in the IP header but length, identification and checksum? */
static bool is_same_ip(const merge_flow *f, const uint8_t *p) {
  return f->view.is_v6
             ? memcmp(f->buf, p, 4) == 0 && f->buf[7] == p[7]
             : memcmp(f->buf, p, 2) == 0 && memcmp(f->buf + 6, p + 6, 3) == 0;
}

/* Everything in the TCP header but sequence number, PSH and checksum? */
static bool is_same_tcp(const merge_flow *f, const uint8_t *tcp) {
  const uint8_t *first = f->buf + f->view.transport;

  return memcmp(first + 8, tcp + 8, 5) == 0 &&
         memcmp(first + 14, tcp + 14, 2) == 0 &&
         memcmp(first + 18, tcp + 18, f->view.tcp_header - 18) == 0;
}

static bool append(merge_flow *f, const uint8_t *p, size_t len,
                   const packet_view *v) {
  const uint8_t *tcp = p + v->transport;
  size_t payload = len - f->header;

  if (f->is_closed || f->header != v->transport + v->tcp_header ||
      payload > f->step || f->len + payload > PACKET_MAX ||
      get32(tcp + 4) != f->next || !is_same_ip(f, p) || !is_same_tcp(f, tcp)) {
    return false;
  }
  memcpy(f->buf + f->len, p + f->header, payload);
  f->len += payload;
  f->next += (uint32_t)payload;
  f->count++;
  f->buf[f->view.transport + 13] |= tcp[13] & TCP_PSH;
  f->is_closed = payload < f->step || (tcp[13] & TCP_PSH);
  return true;
}

static void begin(merge *m, merge_flow *f, const uint8_t *p, size_t len,
                  const packet_view *v) {
  size_t header = v->transport + v->tcp_header;
  const uint8_t *tcp = p + v->transport;

  flush_flow(m, f);
  f->view = *v;
  f->len = len;
  f->header = header;
  f->step = len - header;
  f->count = 1;
  f->next = get32(tcp + 4) + (uint32_t)f->step;
  f->is_closed = (tcp[13] & TCP_PSH) != 0;
  memcpy(f->buf, p, len);
}

/* The packet's flow, or the one used longest ago. */
static merge_flow *find(merge *m, const uint8_t *p, const packet_view *v,
                        bool *is_found) {
  merge_flow *f, *oldest = m->flows;

  for (f = m->flows; f < m->flows + MERGE_FLOWS; f++) {
    if (is_same_flow(f, p, v)) {
      *is_found = true;
      return f;
    }
    if (f->used_at < oldest->used_at) {
      oldest = f;
    }
  }
  *is_found = false;
  return oldest;
}

void merge_add(merge *m, const uint8_t *p, size_t len) {
  const struct virtio_net_hdr plain = {.flags = 0};
  packet_view v;
  merge_flow *f;
  bool is_found;

  if (!packet_parse(&v, p, len)) {
    return;
  }
  if (!v.tcp_header) {
    m->write(&plain, p, len, m->user_data);
    return;
  }
  f = find(m, p, &v, &is_found);
  if (!is_candidate(p, len, &v)) {
    if (is_found) {
      flush_flow(m, f);
    }
    m->write(&plain, p, len, m->user_data);
    return;
  }
  f->used_at = ++m->now;
  if (!is_found || !append(f, p, len, &v)) {
    begin(m, f, p, len, &v);
  }
}
