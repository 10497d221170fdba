#include "quic/evidence.h"

#include <string.h>

#include <quicmig/quicmig.h>

#define LONG_HEADER 0x80
#define COUNTS_PACKETS 0x011000 /* ngtcp2 1.16 */

/* Set only while ngtcp2_conn_read_pkt() runs: ngtcp2's decrypt callback is not
 * told which connection it is for. */
static _Thread_local qm_evidence *reading;

uint64_t qm_evidence_number(uint64_t next, uint64_t truncated, unsigned bytes) {
  uint64_t window = UINT64_C(1) << (8 * bytes);
  uint64_t number = (next & ~(window - 1)) | truncated;

  if (number + window / 2 <= next) {
    return number + window;
  }
  return number > next + window / 2 && number >= window ? number - window
                                                        : number;
}

/* `by` numbers that are larger than all before. */
static void advance(qm_evidence *e, uint64_t by) {
  size_t words = by < QM_EVIDENCE_WINDOW ? (size_t)by / 64 : QM_EVIDENCE_WORDS;
  unsigned bits = (unsigned)(by % 64);
  size_t i;

  memmove(e->seen + words, e->seen,
          (QM_EVIDENCE_WORDS - words) * sizeof(e->seen[0]));
  memset(e->seen, 0, words * sizeof(e->seen[0]));
  for (i = QM_EVIDENCE_WORDS; bits && i-- > 0;) {
    e->seen[i] = e->seen[i] << bits | (i ? e->seen[i - 1] >> (64 - bits) : 0);
  }
  e->next += by;
}

bool qm_evidence_note(qm_evidence *e, uint64_t number) {
  uint64_t behind, bit;

  if (number >= e->next) {
    advance(e, number + 1 - e->next);
  }
  behind = e->next - 1 - number;
  if (behind >= QM_EVIDENCE_WINDOW) {
    return false;
  }
  bit = UINT64_C(1) << behind % 64;
  if (e->seen[behind / 64] & bit) {
    return false;
  }
  e->seen[behind / 64] |= bit;
  return true;
}

/* Packets with a long header are decrypted during the handshake only, when
 * nothing depends on whether they are new. */
static bool is_new(qm_evidence *e, const uint8_t *header, size_t len) {
  unsigned bytes, i;
  uint64_t truncated = 0;

  if (header[0] & LONG_HEADER) {
    return true;
  }
  bytes = (header[0] & 3u) + 1;
  for (i = 0; i < bytes; i++) {
    truncated = truncated << 8 | header[len - bytes + i];
  }
  return qm_evidence_note(e, qm_evidence_number(e->next, truncated, bytes));
}

void quicmig_on_decrypted(const uint8_t *header, size_t len) {
  if (reading && len > 4) {
    reading->is_hooked = true;
    reading->is_new |= is_new(reading, header, len);
  }
}

static qm_evidence_mark look(ngtcp2_conn *conn) {
  qm_evidence_mark m = {.expiry = ngtcp2_conn_get_expiry(conn)};
  ngtcp2_conn_info info;

  ngtcp2_conn_get_conn_info(conn, &info);
  m.in_flight = info.bytes_in_flight;
#if NGTCP2_VERSION_NUM >= COUNTS_PACKETS
  m.received = info.pkt_recv;
#endif
  return m;
}

qm_evidence_mark qm_evidence_begin(qm_evidence *e, ngtcp2_conn *conn) {
  qm_evidence_mark m = {.outer = reading};

  if (!e->is_hooked) {
    m = look(conn);
    m.outer = reading;
  }
  reading = e;
  e->is_new = false;
  return m;
}

static bool has_changed(const qm_evidence_mark *a, const qm_evidence_mark *b) {
#if NGTCP2_VERSION_NUM >= COUNTS_PACKETS
  return b->received != a->received;
#else
  return b->in_flight < a->in_flight || b->expiry != a->expiry;
#endif
}

bool qm_evidence_end(qm_evidence *e, ngtcp2_conn *conn,
                     const qm_evidence_mark *before) {
  qm_evidence_mark now;

  reading = before->outer;
  if (e->is_hooked) {
    return e->is_new;
  }
  now = look(conn);
  return has_changed(before, &now);
}
