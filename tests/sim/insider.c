#include "insider.h"

#include <assert.h>
#include <string.h>

#include <gnutls/crypto.h>

#include "endpoint/server.h"

#define TAG 16
#define IV 12
#define SAMPLE 16
#define NUMBER_LEN 4

static insider *current;

static int on_secret(gnutls_session_t session, const char *label,
                     const gnutls_datum_t *secret) {
  (void)session;
  if (strcmp(label, "SERVER_TRAFFIC_SECRET_0") == 0) {
    assert(secret->size <= INSIDER_SECRET_MAX);
    memcpy(current->secret, secret->data, secret->size);
    current->secret_len = secret->size;
  }
  return 0;
}

static int on_accept(quicmig_server *s, quicmig_conn *c, void *user_data) {
  (void)s;
  (void)user_data;
  current->session = c->session;
  current->secret_len = 0;
  gnutls_session_set_keylog_function(c->session, on_secret);
  return 0;
}

static void on_config(rig *r, quicmig_server_config *cfg) {
  (void)r;
  current->cb = *cfg->callbacks;
  current->cb.accept = on_accept;
  cfg->callbacks = &current->cb;
}

void insider_init(insider *i, rig *r) {
  *i = (insider){.number = 0};
  current = i;
  r->on_server_config = on_config;
}

/* HKDF-Expand-Label of TLS 1.3 without a context (RFC 8446 section 7.1). */
static void expand(const insider *i, const char *label, uint8_t *dest,
                   size_t len) {
  const gnutls_datum_t key = {.data = (uint8_t *)(uintptr_t)i->secret,
                              .size = (unsigned)i->secret_len};
  uint8_t info[64];
  gnutls_datum_t d = {.data = info};
  size_t n = strlen(label);

  info[0] = 0;
  info[1] = (uint8_t)len;
  info[2] = (uint8_t)(6 + n);
  memcpy(info + 3, "tls13 ", 6);
  memcpy(info + 9, label, n);
  info[9 + n] = 0;
  d.size = (unsigned)(10 + n);
  assert(gnutls_hkdf_expand(
             (gnutls_mac_algorithm_t)gnutls_prf_hash_get(i->session), &key, &d,
             dest, len) == 0);
}

/* Header protection with AES (RFC 9001 section 5.4.3): one block of ECB, which
 * is one block of CBC with an IV of zeroes. */
static void protect(const insider *i, size_t key_len, uint8_t *first,
                    uint8_t *number, const uint8_t *sample) {
  uint8_t key[32], mask[SAMPLE], zeroes[SAMPLE] = {0};
  const gnutls_datum_t k = {.data = key, .size = (unsigned)key_len};
  const gnutls_datum_t iv = {.data = zeroes, .size = SAMPLE};
  gnutls_cipher_hd_t h;
  size_t n;

  expand(i, "quic hp", key, key_len);
  assert(gnutls_cipher_init(&h,
                            key_len == 16 ? GNUTLS_CIPHER_AES_128_CBC
                                          : GNUTLS_CIPHER_AES_256_CBC,
                            &k, &iv) == 0);
  assert(gnutls_cipher_encrypt2(h, sample, SAMPLE, mask, SAMPLE) == 0);
  gnutls_cipher_deinit(h);
  *first ^= mask[0] & 0x1f;
  for (n = 0; n < NUMBER_LEN; n++) {
    number[n] ^= mask[1 + n];
  }
}

void insider_seal(insider *i, sim_pkt *q, const uint8_t *id, size_t idlen,
                  const uint8_t *frames, size_t len) {
  gnutls_cipher_algorithm_t cipher = gnutls_cipher_get(i->session);
  size_t key_len = gnutls_cipher_get_key_size(cipher), n;
  uint8_t key[32], iv[IV], *at = q->data;
  const gnutls_datum_t k = {.data = key, .size = (unsigned)key_len};
  gnutls_aead_cipher_hd_t h;
  size_t sealed = len + TAG;

  assert(cipher == GNUTLS_CIPHER_AES_128_GCM ||
         cipher == GNUTLS_CIPHER_AES_256_GCM);
  expand(i, "quic key", key, key_len);
  expand(i, "quic iv", iv, IV);
  *at++ = 0x40 | (NUMBER_LEN - 1);
  memcpy(at, id, idlen);
  at += idlen;
  for (n = 0; n < NUMBER_LEN; n++) {
    at[n] = (uint8_t)(i->number >> 8 * (NUMBER_LEN - 1 - n));
    iv[IV - NUMBER_LEN + n] ^= at[n];
  }
  at += NUMBER_LEN;
  assert(gnutls_aead_cipher_init(&h, cipher, &k) == 0);
  assert(gnutls_aead_cipher_encrypt(h, iv, IV, q->data, (size_t)(at - q->data),
                                    TAG, frames, len, at, &sealed) == 0);
  gnutls_aead_cipher_deinit(h);
  protect(i, key_len, q->data, at - NUMBER_LEN, at);
  q->len = (size_t)(at - q->data) + sealed;
  i->number++;
}
