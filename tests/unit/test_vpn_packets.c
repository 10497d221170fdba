/* Cutting super-packets, gathering segments, the ring between, the segment size
 * and the answer to packets that are too large, of the example VPN. */
#include "../../examples/tun_vpn/fragment.c"
#include "../../examples/tun_vpn/merge.c"
#include "../../examples/tun_vpn/mss.c"
#include "../../examples/tun_vpn/packet.c"
#include "../../examples/tun_vpn/ring.c"
#include "../../examples/tun_vpn/split.c"
#include "../../examples/tun_vpn/toobig.c"

#include "table.h"

#define SEQ 0xfffffc00u /* wraps round soon */
#define OPTIONS 12
#define VIRTIO sizeof(struct virtio_net_hdr)

/* The payload at this place of the stream. */
static uint8_t pattern(size_t i) { return (uint8_t)(i ^ i >> 8); }

/* The reference: RFC 1071, two bytes after the other. */
static uint16_t slow_sum(uint32_t sum, const uint8_t *p, size_t len) {
  size_t i;

  for (i = 0; i < len; i++) {
    sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
  }
  while (sum >> 16) {
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return (uint16_t)sum;
}

static bool is_correct(const uint8_t *p, size_t len) {
  bool v6 = p[0] >> 4 == 6;
  size_t ip = v6 ? 40 : 20;
  uint32_t sum = (uint32_t)(len - ip) + PACKET_TCP;

  sum += v6 ? slow_sum(0, p + 8, 32) : slow_sum(0, p + 12, 8);
  return slow_sum(sum, p + ip, len - ip) == 0xffff &&
         (v6 || slow_sum(0, p, 20) == 0xffff);
}

/* A TCP packet with the stream's bytes from `at` on.  With partial, as the
 * kernel gives it: the sum of the pseudo header in the checksum's place. */
static size_t build(uint8_t *p, bool v6, size_t at, size_t payload,
                    uint8_t flags, bool partial) {
  size_t ip = v6 ? 40 : 20, len = ip + TCP_HEADER + OPTIONS + payload, i;
  packet_view v = {.is_v6 = v6, .protocol = PACKET_TCP, .ip_header = ip};
  uint8_t *tcp = p + ip;
  uint64_t sum;

  memset(p, 0, ip + TCP_HEADER + OPTIONS);
  p[0] = v6 ? 0x60 : 0x45;
  if (v6) {
    put16(p + 4, (uint16_t)(len - 40));
    p[6] = PACKET_TCP;
    p[7] = 64;
    p[8] = p[24] = 0xfd;
    p[39] = 1;
  } else {
    put16(p + 2, (uint16_t)len);
    put16(p + 4, 0xfffe);
    p[6] = 0x40;
    p[8] = 64;
    p[9] = PACKET_TCP;
    put32(p + 12, 0x0a090001);
    put32(p + 16, 0x0a090002);
    packet_seal_ipv4(p, 20);
  }
  put16(tcp, 4000);
  put16(tcp + 2, 5201);
  put32(tcp + 4, SEQ + (uint32_t)at);
  put32(tcp + 8, 77);
  tcp[12] = (TCP_HEADER + OPTIONS) / 4 << 4;
  tcp[13] = flags;
  put16(tcp + 14, 500);
  memset(tcp + TCP_HEADER, 1, OPTIONS);
  for (i = 0; i < payload; i++) {
    tcp[TCP_HEADER + OPTIONS + i] = pattern(at + i);
  }
  sum = sum_add_number(sum_pseudo(p, &v), (uint16_t)(len - ip));
  if (partial) {
    sum_store_partial(tcp + 16, sum);
  } else {
    sum_store(tcp + 16, sum_add(sum, tcp, len - ip));
  }
  return len;
}

static struct virtio_net_hdr offer(bool v6, size_t step) {
  return (struct virtio_net_hdr){.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
                                 .gso_type = step == 0 ? VIRTIO_NET_HDR_GSO_NONE
                                             : v6 ? VIRTIO_NET_HDR_GSO_TCPV6
                                                  : VIRTIO_NET_HDR_GSO_TCPV4,
                                 .gso_size = (uint16_t)step,
                                 .csum_start = v6 ? 40 : 20,
                                 .csum_offset = 16};
}

static void sums_are_right(void **state) {
  uint64_t seed = test_seed();
  uint8_t data[300];
  size_t i, len, at;

  (void)state;
  for (i = 0; i < sizeof(data); i++) {
    seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
    data[i] = (uint8_t)(seed >> 56);
  }
  for (len = 0; len < 200; len++) {
    for (at = 0; at < 40; at += 13) {
      uint8_t stored[2];

      sum_store_partial(stored, sum_add(0, data + at, len));
      assert_int_equal(get16(stored) % 0xffff,
                       slow_sum(0, data + at, len) % 0xffff);
    }
  }
}

struct cut {
  const char *name;
  bool v6;
  size_t payload, step, max;
  uint8_t flags;
  size_t count, last; /* segments, and the payload of the last */
};

static void check_segment(const struct cut *r, const uint8_t *p, size_t len,
                          size_t done, size_t i) {
  size_t ip = r->v6 ? 40 : 20, header = ip + TCP_HEADER + OPTIONS, k;
  bool is_last = i + 1 == r->count;
  uint8_t flags = r->flags;
  packet_view v;

  row_true(r, packet_parse(&v, p, len));
  row_true(r, is_correct(p, len));
  row_true(r, len <= r->max);
  row_equal(r, get32(p + ip + 4), SEQ + (uint32_t)done);
  flags &= (uint8_t)(is_last ? 0xff : ~(TCP_FIN | TCP_PSH));
  flags &= (uint8_t)(i == 0 ? 0xff : ~TCP_CWR);
  row_equal(r, p[ip + 13], flags);
  row_true(r, r->v6 || get16(p + 4) == (uint16_t)(0xfffe + i));
  for (k = header; k < len; k++) {
    row_equal(r, p[k], pattern(done + k - header));
  }
}

static void check_cut(const struct cut *r) {
  static uint8_t data[PACKET_MAX];
  size_t header = (r->v6 ? 40u : 20u) + TCP_HEADER + OPTIONS;
  size_t len = build(data, r->v6, 0, r->payload, r->flags, true), n, i;
  struct virtio_net_hdr h = offer(r->v6, r->step);
  size_t done = 0;
  uint8_t *p;
  split s;

  row_true(r, split_begin(&s, data, len, &h));
  for (i = 0; (n = split_next(&s, r->max, &p)) != 0; i++) {
    check_segment(r, p, n, done, i);
    done += n - header;
    row_true(r, i + 1 < r->count || n - header == r->last);
  }
  row_equal(r, i, r->count);
  row_equal(r, done, r->payload);
}

static void super_packets_are_cut(void **state) {
  static const struct cut rows[] = {
      {"one", false, 1000, 0, 1414, TCP_ACK | TCP_PSH, 1, 1000},
      {"one, v6", true, 1000, 0, 1414, TCP_ACK, 1, 1000},
      {"odd", false, 1001, 0, 1414, TCP_ACK, 1, 1001},
      {"two equal", false, 2000, 1000, 1414, TCP_ACK | TCP_PSH, 2, 1000},
      {"short last", false, 2001, 1000, 1414, TCP_ACK | TCP_FIN, 3, 1},
      {"v6", true, 3000, 1300, 1414, TCP_ACK | TCP_PSH, 3, 400},
      {"CWR once", false, 3000, 1000, 1414, TCP_ACK | TCP_CWR, 3, 1000},
      {"path is smaller", false, 3000, 1362, 1052, TCP_ACK, 3, 1000},
      {"path is smaller, v6", true, 2000, 1362, 1072, TCP_ACK, 2, 1000},
      {"the largest", false, 65483, 1362, 1414, TCP_ACK, 49, 107},
      {"smaller than the header", false, 100, 8, 1414, TCP_ACK, 13, 4},
  };
  const struct cut *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    check_cut(r);
  }
}

/* Extension headers of 16 bytes in front of TCP; returns the new length. */
static size_t extend(uint8_t *p, size_t len, uint8_t kind) {
  memmove(p + 56, p + 40, len - 40);
  memset(p + 40, 0, 16);
  p[6] = kind;
  p[40] = PACKET_OPTIONS;
  p[48] = PACKET_TCP;
  put16(p + 4, (uint16_t)(len + 16 - 40));
  return len + 16;
}

static void cut_behind_extension_headers(void **state) {
  static const struct {
    const char *name;
    uint8_t kind;
    uint16_t start;
    size_t count; /* of packets, 0: refused */
  } rows[] =
      {
          {"hop by hop", PACKET_HOP_BY_HOP, 56, 3},
          {"options", PACKET_OPTIONS, 56, 3},
          {"routing", 43, 56, 0},
          {"start before", PACKET_OPTIONS, 48, 0},
          {"start behind", PACKET_OPTIONS, 64, 0},
          {"start far behind", PACKET_OPTIONS, 60000, 0},
      },
    *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    uint8_t p[4000], plain[4000], *q;
    size_t len = extend(p, build(p, true, 0, 2500, TCP_ACK, true), r->kind);
    struct virtio_net_hdr h = offer(true, 1000);
    size_t i, n;
    split s;

    h.csum_start = r->start;
    row_equal(r, split_begin(&s, p, len, &h), r->count > 0);
    for (i = 0; r->count && (n = split_next(&s, 1400, &q)) != 0; i++) {
      row_equal(r, get16(q + 4), n - 40);
      row_equal(r, n, 56 + 32 + (i < 2 ? 1000 : 500));
      memcpy(plain, q, 40);
      memcpy(plain + 40, q + 56, n - 56);
      row_true(r, is_correct(plain, n - 16));
      row_equal(r, get32(q + 60), SEQ + 1000 * (uint32_t)i);
    }
    row_true(r, r->count == 0 || i == r->count);
  }
}

static void nonsense_is_not_cut(void **state) {
  uint8_t p[2000];
  size_t len = build(p, false, 0, 1000, TCP_ACK, true);
  struct virtio_net_hdr h = offer(false, 500);
  split s;

  (void)state;
  assert_false(split_begin(&s, p, len - 1, &h));
  assert_false(split_begin(&s, p, 10, &h));
  h.gso_size = 0;
  assert_false(split_begin(&s, p, len, &h));
  h = offer(false, 0);
  h.csum_start = (uint16_t)(len - 17);
  assert_false(split_begin(&s, p, len, &h));
  h = offer(false, 500);
  p[9] = PACKET_UDP;
  assert_false(split_begin(&s, p, len, &h));
}

/* What the ring gives is what was put in, over many turns round its end. */
static void ring_keeps_order(void **state) {
  struct virtio_net_hdr h = offer(false, 1000);
  size_t put = 0, got = 0, turn = 0;
  const uint8_t *p;
  uint8_t *room;
  ring r;

  (void)state;
  assert_true(ring_init(&r, 300000));
  assert_true(ring_head(&r, 1414, &p) == SIZE_MAX);
  while (got < 20000000) {
    size_t payload = 1 + put * 7919 % 60000, n;

    turn++;
    while (put - got < 4000000 && (room = ring_room(&r)) != NULL) {
      memcpy(room, &h, VIRTIO);
      ring_commit(
          &r, VIRTIO + build(room + VIRTIO, false, put, payload, TCP_ACK, true),
          turn);
      put += payload;
      payload = 1 + put * 7919 % 60000;
    }
    for (n = 0; n < 1 + turn % 90; n++) {
      size_t len = ring_head(&r, 1414, &p);

      if (len == SIZE_MAX) {
        break;
      }
      assert_true(is_correct(p, len));
      assert_int_equal(get32(p + 24), SEQ + (uint32_t)got);
      assert_true(ring_head(&r, 1414, &p) == len);
      got += len - 52;
      ring_pop(&r);
    }
  }
  ring_reset(&r);
}

/* What is too old goes, whether some of it was taken or not; what cannot be
 * cut goes and is counted. */
static void ring_drops(void **state) {
  struct virtio_net_hdr h = offer(false, 1000);
  const uint8_t *p;
  uint8_t *room;
  size_t i;
  ring r;

  (void)state;
  assert_true(ring_init(&r, 300000));
  for (i = 1; i <= 5; i++) {
    h.gso_size = i == 4 ? 0 : 1000;
    room = ring_room(&r);
    assert_non_null(room);
    memcpy(room, &h, VIRTIO);
    ring_commit(
        &r, VIRTIO + build(room + VIRTIO, false, i * 5000, 5000, TCP_ACK, true),
        i);
  }
  assert_int_equal(ring_head(&r, 1414, &p), 1052);
  ring_pop(&r);
  assert_int_equal(ring_drop_before(&r, 1), 0);
  assert_int_equal(ring_head(&r, 1414, &p), 1052);
  assert_int_equal(get32(p + 24), SEQ + 6000);
  assert_int_equal(ring_drop_before(&r, 4), 3);
  assert_int_equal(r.uncut, 0);
  assert_int_equal(ring_head(&r, 1414, &p), 1052);
  assert_int_equal(get32(p + 24), SEQ + 25000);
  assert_int_equal(r.uncut, 1);
  assert_int_equal(ring_drop_before(&r, 100), 1);
  assert_true(ring_head(&r, 1414, &p) == SIZE_MAX);
  assert_int_equal(r.used, 0);
  ring_reset(&r);
}

/* Collects what merge writes. */
typedef struct sink {
  uint8_t bytes[1 << 18];
  size_t len[64];
  struct virtio_net_hdr h[64];
  size_t count, used;
} sink;

static void take_write(const struct virtio_net_hdr *h, const uint8_t *p,
                       size_t len, void *user_data) {
  sink *s = user_data;

  assert_true(s->count < 64 && s->used + len <= sizeof(s->bytes));
  memcpy(s->bytes + s->used, p, len);
  s->used += len;
  s->h[s->count] = *h;
  s->len[s->count++] = len;
}

struct gather {
  const char *name;
  bool v6;
  size_t n, payload; /* segments of a stream */
  size_t odd;        /* the one that is changed: SIZE_MAX: none */
  size_t place;      /* which byte of it, or 0: its payload is shorter */
  size_t writes;     /* how many writes come of it */
};

static void check_gather(const struct gather *r) {
  static merge m;
  static sink s;
  size_t i, at = 0, done = 0, ip = r->v6 ? 40 : 20;
  uint8_t p[2000];

  s.count = s.used = 0;
  merge_init(&m, take_write, &s);
  for (i = 0; i < r->n; i++) {
    bool is_short = i == r->odd && r->place == 0;
    size_t n = is_short ? r->payload / 2 : r->payload;
    size_t len = build(p, r->v6, at, n, TCP_ACK, false);

    if (i == r->odd && r->place) {
      p[r->place] ^= 1;
    }
    at += n;
    merge_add(&m, p, len);
  }
  merge_flush(&m);
  merge_flush(&m);
  row_equal(r, s.count, r->writes);
  for (i = 0, at = 0; i < s.count; at += s.len[i++]) {
    size_t payload = s.len[i] - ip - TCP_HEADER - OPTIONS;
    packet_view v;

    row_true(r, packet_parse(&v, s.bytes + at, s.len[i]));
    row_equal(r, get32(s.bytes + at + ip + 4), SEQ + (uint32_t)done);
    row_equal(r, s.bytes[at + s.len[i] - 1], pattern(done + payload - 1));
    row_equal(r, s.h[i].gso_type != 0, payload > r->payload);
    row_true(r, payload <= r->payload || s.h[i].gso_size == r->payload);
    done += payload;
  }
}

static void segments_are_gathered(void **state) {
  static const struct gather rows[] = {
      {"one", false, 1, 1000, SIZE_MAX, 0, 1},
      {"many", false, 40, 1362, SIZE_MAX, 0, 1},
      {"many, v6", true, 40, 1342, SIZE_MAX, 0, 1},
      {"over 64 KiB", false, 60, 1362, SIZE_MAX, 0, 2},
      {"short last", false, 10, 1000, 9, 0, 1},
      {"short in between", false, 10, 1000, 4, 0, 2},
      {"wrong data", false, 10, 1000, 4, 500, 3},
      {"wrong IP checksum", false, 10, 1000, 4, 10, 3},
      {"wrong IP checksum is not v6", true, 10, 1000, 4, 7, 3},
  };
  const struct gather *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    check_gather(r);
  }
}

/* What was cut and gathered is the same stream. */
static void cut_and_gathered(void **state) {
  static uint8_t data[PACKET_MAX], all[PACKET_MAX];
  static merge m;
  static sink s;
  size_t len = build(data, false, 0, 50000, TCP_ACK | TCP_PSH, true), n, first;
  struct virtio_net_hdr h = offer(false, 1362);
  uint8_t *p;
  split cut;

  (void)state;
  memcpy(all, data, len);
  s.count = s.used = 0;
  merge_init(&m, take_write, &s);
  assert_true(split_begin(&cut, data, len, &h));
  while ((n = split_next(&cut, 1414, &p)) != 0) {
    merge_add(&m, p, n);
  }
  merge_flush(&m);
  assert_int_equal(s.count, 1);
  assert_int_equal(s.len[0], len);
  assert_int_equal(s.h[0].gso_size, 1362);
  assert_memory_equal(s.bytes, all, len);
  /* And again, out of what the kernel would get. */
  assert_true(split_begin(&cut, s.bytes, len, &s.h[0]));
  first = split_next(&cut, 1414, &p);
  assert_true(is_correct(p, first));
}

/* Flows do not mix, and a packet without data follows those before it. */
static void flows_keep_order(void **state) {
  static merge m;
  static sink s;
  uint8_t p[2000];
  size_t len, i;

  (void)state;
  s.count = s.used = 0;
  merge_init(&m, take_write, &s);
  for (i = 0; i < 2 * MERGE_FLOWS; i++) {
    len = build(p, i % 2, i / 2 * 100, 100, TCP_ACK, false);
    merge_add(&m, p, len);
  }
  assert_int_equal(s.count, 0);
  len = build(p, true, 800, 0, TCP_ACK | TCP_FIN, false);
  merge_add(&m, p, len);
  assert_int_equal(s.count, 2);
  assert_int_equal(s.len[0], 72 + 800);
  assert_int_equal(s.len[1], 72);
  merge_flush(&m);
  assert_int_equal(s.count, 3);
  assert_int_equal(s.len[2], 52 + 800);
}

struct syn {
  const char *name;
  bool v6, partial;
  uint8_t flags;
  uint8_t options[OPTIONS];
  size_t mtu;
  uint16_t mss; /* afterwards; 0: the packet is as before */
  size_t at;    /* in the options */
};

static void check_syn(const struct syn *r) {
  uint8_t p[200], before[200];
  size_t len = build(p, r->v6, 0, 0, r->flags, true);
  uint8_t *tcp = p + (r->v6 ? 40 : 20);
  struct virtio_net_hdr h = offer(r->v6, 0);
  bool is_lowered;

  memcpy(tcp + TCP_HEADER, r->options, OPTIONS);
  if (!r->partial) {
    row_true(r, complete_checksum(p, len, &h));
  }
  memcpy(before, p, len);
  is_lowered = mss_clamp(p, len, r->mtu, r->partial);
  row_equal(r, is_lowered, r->mss != 0);
  if (r->mss) {
    row_equal(r, get16(tcp + TCP_HEADER + r->at), r->mss);
  } else {
    row_true(r, memcmp(p, before, len) == 0);
  }
  if (r->partial) {
    row_true(r, complete_checksum(p, len, &h));
  }
  row_true(r, is_correct(p, len));
}

static void segment_size_is_lowered(void **state) {
  static const struct syn rows[] = {
      {"v4", false, false, TCP_SYN, {2, 4, 5, 0xb4}, 1400, 1360, 2},
      {"v6", true, false, TCP_SYN | TCP_ACK, {2, 4, 5, 0xb4}, 1400, 1340, 2},
      {"partial", false, true, TCP_SYN, {2, 4, 5, 0xb4}, 1400, 1360, 2},
      {"fits", false, false, TCP_SYN, {2, 4, 5, 0x50}, 1400, 0, 0},
      {"just fits not", false, false, TCP_SYN, {2, 4, 5, 0x51}, 1400, 1360, 2},
      {"no SYN", false, false, TCP_ACK, {2, 4, 5, 0xb4}, 1400, 0, 0},
      {"behind", false, false, TCP_SYN, {1, 1, 2, 4, 5, 0xb4}, 1400, 1360, 4},
      {"odd", false, false, TCP_SYN, {1, 2, 4, 5, 0xb4}, 1400, 1360, 3},
      {"odd, partial", false, true, TCP_SYN, {1, 2, 4, 5, 0xb4}, 1400, 1360, 3},
      {"after the end", false, false, TCP_SYN, {0, 2, 4, 5, 0xb4}, 1400, 0, 0},
      {"no length", false, false, TCP_SYN, {3, 0, 2, 4, 5, 0xb4}, 1400, 0, 0},
      {"too long", false, false, TCP_SYN, {3, 40, 2, 4, 5, 0xb4}, 1400, 0, 0},
      {"wrong length", false, false, TCP_SYN, {2, 3, 5, 0xb4}, 1400, 0, 0},
      {"cut short",
       false,
       false,
       TCP_SYN,
       {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2},
       1400,
       0,
       0},
  };
  const struct syn *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    check_syn(r);
  }
}

struct big {
  const char *name;
  bool v6;
  size_t place; /* byte that is changed, 0: none */
  uint8_t value;
  size_t reply;
};

static void check_big(const struct big *r) {
  uint8_t p[2000], reply[TOOBIG_MAX];
  size_t len = build(p, r->v6, 0, 1400, TCP_ACK, false);
  size_t n, ip = r->v6 ? 40 : 20;
  packet_view v;

  if (r->place) {
    p[r->place] = r->value;
  }
  n = toobig_reply(reply, p, len, 1300);
  row_equal(r, n, r->reply);
  if (n == 0) {
    return;
  }
  row_true(r, packet_parse(&v, reply, n));
  row_equal(r, reply[ip], r->v6 ? 2 : 3);
  row_equal(r, get16(reply + ip + 6), 1300);
  row_true(r, memcmp(reply + ip + 8, p, n - ip - 8) == 0);
  row_true(r, memcmp(reply + (r->v6 ? 8 : 12), p + (r->v6 ? 24 : 16),
                     r->v6 ? 16 : 4) == 0);
  row_equal(r,
            slow_sum(r->v6 ? slow_sum(0, reply + 8, 32) + PACKET_ICMP6 +
                                 (uint32_t)(n - 40)
                           : 0,
                     reply + ip, n - ip),
            0xffff);
  row_true(r, r->v6 || slow_sum(0, reply, 20) == 0xffff);
}

static void too_large_is_answered(void **state) {
  static const struct big rows[] = {
      {"v4", false, 0, 0, 576},
      {"v6", true, 0, 0, 1280},
      {"may be fragmented", false, 6, 0, 0},
      {"to many", false, 16, 224, 0},
      {"to many, v6", true, 24, 0xff, 0},
      {"from many", false, 12, 224, 0},
      {"error", false, 9, PACKET_ICMP, 0}, /* of type 15 */
      {"error, v6", true, 6, PACKET_ICMP6, 0},
  };
  const struct big *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    check_big(r);
  }
}

/* Together the fragments are the packet, as RFC 791 puts it together. */
static void fragments_are_whole(void **state) {
  uint8_t p[2000], piece[1500], all[2000];
  size_t len = build(p, false, 0, 1400, TCP_ACK, false), n, end = 0;
  packet_view v;
  fragment f;

  (void)state;
  assert_false(fragment_begin(&f, p, len)); /* it says so */
  p[6] = 0;
  assert_true(fragment_begin(&f, p, len));
  while ((n = fragment_next(&f, 600, piece)) != 0) {
    bool is_last = f.done + 20 == len;

    assert_true(n <= 600 && packet_parse(&v, piece, n));
    assert_true(v.is_fragment);
    assert_int_equal(slow_sum(0, piece, 20), 0xffff);
    assert_int_equal((get16(piece + 6) & MORE) != 0, !is_last);
    assert_int_equal((size_t)(get16(piece + 6) & 0x1fff) * 8, end);
    memcpy(all + end, piece + 20, n - 20);
    end += n - 20;
  }
  assert_int_equal(end, len - 20);
  assert_memory_equal(all, p + 20, end);
  len = build(p, true, 0, 1400, TCP_ACK, false);
  assert_false(fragment_begin(&f, p, len));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sums_are_right),
      cmocka_unit_test(super_packets_are_cut),
      cmocka_unit_test(cut_behind_extension_headers),
      cmocka_unit_test(nonsense_is_not_cut),
      cmocka_unit_test(ring_keeps_order),
      cmocka_unit_test(ring_drops),
      cmocka_unit_test(segments_are_gathered),
      cmocka_unit_test(cut_and_gathered),
      cmocka_unit_test(flows_keep_order),
      cmocka_unit_test(segment_size_is_lowered),
      cmocka_unit_test(too_large_is_answered),
      cmocka_unit_test(fragments_are_whole),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
