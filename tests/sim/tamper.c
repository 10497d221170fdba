#include "tamper.h"

#include <ngtcp2/ngtcp2_crypto.h>

#define LONG_HEADER 0x80

static tamper *current;

void tamper_set(tamper *t) { current = t; }

/* --- frames (RFC 9000 section 19) --- */

typedef struct cursor {
  const uint8_t *at, *end;
  bool is_bad;
} cursor;

static uint64_t varint(cursor *c) {
  size_t n = c->at < c->end ? (size_t)1 << (*c->at >> 6) : 1, i;
  uint64_t x;

  if ((size_t)(c->end - c->at) < n) {
    c->is_bad = true;
    return 0;
  }
  x = *c->at++ & 0x3f;
  for (i = 1; i < n; i++) {
    x = x << 8 | *c->at++;
  }
  return x;
}

static void skip(cursor *c, uint64_t n) {
  if ((uint64_t)(c->end - c->at) < n) {
    c->is_bad = true;
  } else {
    c->at += n;
  }
}

static void skip_ints(cursor *c, unsigned n) {
  while (n--) {
    (void)varint(c);
  }
}

static void skip_ack(cursor *c, bool has_ecn) {
  uint64_t ranges;

  skip_ints(c, 2);
  ranges = varint(c);
  skip_ints(c, 1);
  for (; ranges && !c->is_bad; ranges--) {
    skip_ints(c, 2);
  }
  skip_ints(c, has_ecn ? 3 : 0);
}

static void skip_stream(cursor *c, uint8_t type) {
  skip_ints(c, type & 4 ? 2 : 1);
  skip(c, type & 2 ? varint(c) : (uint64_t)(c->end - c->at));
}

/* The length of the frame at `at`; what is not known takes the rest. */
static size_t frame_len(const uint8_t *at, size_t len) {
  cursor c = {.at = at + 1, .end = at + len};
  uint8_t type = *at;

  if (type == 0x02 || type == 0x03) {
    skip_ack(&c, type == 0x03);
  } else if (type == 0x06) {
    skip_ints(&c, 1);
    skip(&c, varint(&c));
  } else if (type >= 0x08 && type <= 0x0f) {
    skip_stream(&c, type);
  } else if (type == 0x18) {
    skip_ints(&c, 2);
    skip(&c, c.at < c.end ? *c.at + 1u + 16u : 0);
  } else if (type == 0x1a || type == 0x1b) {
    skip(&c, 8);
  } else if (type == 0x31) {
    skip(&c, varint(&c));
  } else if (type == 0x10 || type == 0x19 || (type >= 0x12 && type <= 0x14) ||
             type == 0x16 || type == 0x17) {
    skip_ints(&c, 1);
  } else if (type == 0x11 || type == 0x15 || type == 0x05) {
    skip_ints(&c, 2);
  } else if (type > 0x01 && type != 0x1e) {
    return len;
  }
  return c.is_bad ? len : (size_t)(c.at - at);
}

size_t tamper_find(const uint8_t *frames, size_t len, uint8_t type, size_t *n) {
  size_t at;

  for (at = 0; at < len; at += *n) {
    *n = frame_len(frames + at, len - at);
    if (frames[at] == type) {
      return at;
    }
  }
  return SIZE_MAX;
}

void tamper_hide(tamper *t, uint8_t *frames, size_t len, uint8_t type) {
  size_t at, n;

  while ((at = tamper_find(frames, len, type, &n)) != SIZE_MAX) {
    memset(frames + at, 0, n);
    t->edited++;
  }
}

bool tamper_put(tamper *t, uint8_t *frames, size_t len, const uint8_t *f,
                size_t n) {
  size_t room, at = tamper_find(frames, len, 0x31, &room);

  if (at == SIZE_MAX) {
    at = tamper_find(frames, len, 0x30, &room);
  }
  if (at == SIZE_MAX || room < n) {
    return false;
  }
  memset(frames + at, 0, room);
  memcpy(frames + at, f, n);
  t->edited++;
  return true;
}

/* --- what ngtcp2 calls, and what calls it --- */

int __real_ngtcp2_crypto_encrypt_cb(uint8_t *dest,
                                    const ngtcp2_crypto_aead *aead,
                                    const ngtcp2_crypto_aead_ctx *ctx,
                                    const uint8_t *plain, size_t len,
                                    const uint8_t *nonce, size_t nonce_len,
                                    const uint8_t *aad, size_t aad_len);

int __wrap_ngtcp2_crypto_encrypt_cb(uint8_t *dest,
                                    const ngtcp2_crypto_aead *aead,
                                    const ngtcp2_crypto_aead_ctx *ctx,
                                    const uint8_t *plain, size_t len,
                                    const uint8_t *nonce, size_t nonce_len,
                                    const uint8_t *aad, size_t aad_len);

static bool is_mine(const tamper *t) {
  return t && t->edit &&
         (t->is_client ? t->r->running == &t->r->clients[0]
                       : t->r->is_server_running);
}

int __wrap_ngtcp2_crypto_encrypt_cb(uint8_t *dest,
                                    const ngtcp2_crypto_aead *aead,
                                    const ngtcp2_crypto_aead_ctx *ctx,
                                    const uint8_t *plain, size_t len,
                                    const uint8_t *nonce, size_t nonce_len,
                                    const uint8_t *aad, size_t aad_len) {
  uint8_t frames[QM_PKT_MAX];

  if (is_mine(current) && aad_len &&
      (current->in_handshake || !(aad[0] & LONG_HEADER)) &&
      len <= sizeof(frames)) {
    memcpy(frames, plain, len);
    current->edit(current, frames, len);
    plain = frames;
  }
  if (current && current->watch && aad_len && !(aad[0] & LONG_HEADER)) {
    current->watch(current, current->r->running != NULL, plain, len);
  }
  return __real_ngtcp2_crypto_encrypt_cb(dest, aead, ctx, plain, len, nonce,
                                         nonce_len, aad, aad_len);
}

int __real_ngtcp2_conn_server_new_versioned(
    ngtcp2_conn **pconn, const ngtcp2_cid *dcid, const ngtcp2_cid *scid,
    const ngtcp2_path *path, uint32_t version, int callbacks_version,
    const ngtcp2_callbacks *callbacks, int settings_version,
    const ngtcp2_settings *settings, int params_version,
    const ngtcp2_transport_params *params, const ngtcp2_mem *mem, void *user);

int __wrap_ngtcp2_conn_server_new_versioned(
    ngtcp2_conn **pconn, const ngtcp2_cid *dcid, const ngtcp2_cid *scid,
    const ngtcp2_path *path, uint32_t version, int callbacks_version,
    const ngtcp2_callbacks *callbacks, int settings_version,
    const ngtcp2_settings *settings, int params_version,
    const ngtcp2_transport_params *params, const ngtcp2_mem *mem, void *user);

int __wrap_ngtcp2_conn_server_new_versioned(
    ngtcp2_conn **pconn, const ngtcp2_cid *dcid, const ngtcp2_cid *scid,
    const ngtcp2_path *path, uint32_t version, int callbacks_version,
    const ngtcp2_callbacks *callbacks, int settings_version,
    const ngtcp2_settings *settings, int params_version,
    const ngtcp2_transport_params *params, const ngtcp2_mem *mem, void *user) {
  ngtcp2_transport_params changed = *params;

  if (current && current->params) {
    current->params(&changed);
  }
  return __real_ngtcp2_conn_server_new_versioned(
      pconn, dcid, scid, path, version, callbacks_version, callbacks,
      settings_version, settings, params_version, &changed, mem, user);
}
