#include "packet.h"

#include <arpa/inet.h>
#include <string.h>

uint16_t get16(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }

uint32_t get32(const uint8_t *p) {
  return (uint32_t)get16(p) << 16 | get16(p + 2);
}

void put16(uint8_t *p, uint16_t n) {
  p[0] = (uint8_t)(n >> 8);
  p[1] = (uint8_t)n;
}

void put32(uint8_t *p, uint32_t n) {
  put16(p, (uint16_t)(n >> 16));
  put16(p + 2, (uint16_t)n);
}

static bool parse_v4(packet_view *v, const uint8_t *p, size_t len) {
  v->ip_header = (size_t)(p[0] & 15) * 4;
  v->protocol = p[9];
  v->is_fragment = (get16(p + 6) & 0x3fff) != 0;
  return v->ip_header >= 20 && get16(p + 2) == len && v->ip_header <= len;
}

static bool parse_v6(packet_view *v, const uint8_t *p, size_t len) {
  v->is_v6 = true;
  v->ip_header = 40;
  v->protocol = p[6];
  return len >= 40 && (size_t)get16(p + 4) + 40 == len;
}

bool packet_parse(packet_view *v, const uint8_t *p, size_t len) {
  bool is_whole;

  *v = (packet_view){.is_v6 = false};
  if (len < 20 || (p[0] >> 4 != 4 && p[0] >> 4 != 6)) {
    return false;
  }
  is_whole = p[0] >> 4 == 4 ? parse_v4(v, p, len) : parse_v6(v, p, len);
  if (!is_whole) {
    return false;
  }
  v->transport = v->ip_header;
  if (v->protocol == PACKET_TCP && !v->is_fragment &&
      len - v->transport >= TCP_HEADER) {
    size_t header = (size_t)(p[v->transport + 12] >> 4) * 4;

    if (header >= TCP_HEADER && header <= len - v->transport) {
      v->tcp_header = header;
    }
  }
  return true;
}

static void take_address(const uint8_t *p, size_t v4, size_t v6,
                         ip_address *a) {
  a->is_v6 = p[0] >> 4 == 6;
  if (a->is_v6) {
    memcpy(a->bytes, p + v6, 16);
    return;
  }
  memset(a->bytes, 0, 10);
  memset(a->bytes + 10, 0xff, 2);
  memcpy(a->bytes + 12, p + v4, 4);
}

void packet_source(const uint8_t *p, ip_address *a) {
  take_address(p, 12, 8, a);
}

void packet_destination(const uint8_t *p, ip_address *a) {
  take_address(p, 16, 24, a);
}

/* Four numbers that the processor adds at once. */
typedef uint32_t lanes __attribute__((vector_size(16)));

static lanes load(const uint8_t *p) {
  lanes n;

  memcpy(&n, p, sizeof(n));
  return n;
}

/* A multiple of 32 bytes.  Each lane takes two halves of 16 bits a turn: a
 * packet has at most 2^11 turns, so that it cannot overflow. */
static uint64_t sum_blocks(const uint8_t *p, size_t len) {
  const lanes half = {UINT16_MAX, UINT16_MAX, UINT16_MAX, UINT16_MAX};
  lanes lo = {0}, hi = {0};
  uint64_t sum = 0;
  size_t i;

  for (; len; p += 32, len -= 32) {
    lanes x = load(p), y = load(p + 16);

    lo += (x & half) + (y & half);
    hi += (x >> 16) + (y >> 16);
  }
  for (i = 0; i < 4; i++) {
    sum += lo[i] + ((uint64_t)hi[i] << 16);
  }
  return sum;
}

uint64_t sum_add(uint64_t sum, const uint8_t *p, size_t len) {
  size_t blocks = len / 32 * 32;
  uint8_t tail[32] = {0};
  uint32_t n;
  size_t i;

  if (blocks) {
    sum += sum_blocks(p, blocks);
  }
  len -= blocks;
  if (len) {
    memcpy(tail, p + blocks, len);
    for (i = 0; i < len; i += sizeof(n)) {
      memcpy(&n, tail + i, sizeof(n));
      sum += n;
    }
  }
  return sum;
}

uint64_t sum_add_number(uint64_t sum, uint16_t n) { return sum + htons(n); }

uint16_t sum_fold(uint64_t sum) {
  sum = (sum & UINT32_MAX) + (sum >> 32);
  sum = (sum & UINT32_MAX) + (sum >> 32);
  sum = (sum & UINT16_MAX) + (sum >> 16);
  sum = (sum & UINT16_MAX) + (sum >> 16);
  return (uint16_t)sum;
}

uint64_t sum_pseudo(const uint8_t *p, const packet_view *v) {
  uint64_t sum = v->is_v6 ? sum_add(0, p + 8, 32) : sum_add(0, p + 12, 8);

  return sum_add_number(sum, v->protocol);
}

void sum_store(uint8_t *at, uint64_t sum) {
  uint16_t folded = (uint16_t)~sum_fold(sum);

  memcpy(at, &folded, sizeof(folded));
}

void sum_store_partial(uint8_t *at, uint64_t sum) {
  uint16_t folded = sum_fold(sum);

  memcpy(at, &folded, sizeof(folded));
}

void packet_seal_ipv4(uint8_t *p, size_t ip_header) {
  put16(p + 10, 0);
  sum_store(p + 10, sum_add(0, p, ip_header));
}
