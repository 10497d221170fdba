/* What ngtcp2 calls: thin adapters to streams, owner and application. */
#include "endpoint/conn.h"

#include <string.h>

#include <ngtcp2/ngtcp2_crypto.h>

#include "endpoint/stream.h"

static void on_rand(uint8_t *dest, size_t len, const ngtcp2_rand_ctx *ctx) {
  const quicmig_conn *c = ctx->native_handle;

  if (c->net->random(c->net->ctx, dest, len) != 0) {
    memset(dest, 0, len); /* not used for secrets, says ngtcp2 */
  }
}

/* ngtcp2 begins path MTU discovery, but not anew with the same connection ID:
 * it takes what it found along. */
static void on_probing(quicmig_conn *c) {
  const ngtcp2_cid *id = ngtcp2_conn_get_dcid(c->conn);

  if (!ngtcp2_cid_eq(id, &c->probed_id)) {
    c->probed_id = *id;
    c->is_probing = true;
  }
}

static int on_handshake_completed(ngtcp2_conn *conn, void *user_data) {
  quicmig_conn *c = user_data;

  c->state = QM_CONN_OPEN;
  on_probing(c);
  qm_conn_update_room(c);
  c->is_resumed = gnutls_session_is_resumed(c->session) != 0;
  /* The client has answered from there: validated (RFC 9000 section 8.1). */
  (void)qm_addr_set(
      &c->remote,
      (const struct sockaddr *)ngtcp2_conn_get_path(conn)->remote.addr,
      ngtcp2_conn_get_path(conn)->remote.addrlen);
  if (c->tls->is_server) {
    qm_conn_allow_one_more_id(c);
    (void)gnutls_session_ticket_send(c->session, 1, 0);
  }
  if (c->cb.connected) {
    c->cb.connected(c, c->user_data);
  }
  return 0;
}

static int on_handshake_confirmed(ngtcp2_conn *conn, void *user_data) {
  quicmig_conn *c = user_data;

  (void)conn;
  c->refusal = c->owner->confirmed(c);
  return c->refusal == 0 ? 0 : NGTCP2_ERR_CALLBACK_FAILURE;
}

static int on_path_validation(ngtcp2_conn *conn, uint32_t flags,
                              const ngtcp2_path *path,
                              const ngtcp2_path *old_path,
                              ngtcp2_path_validation_result res,
                              void *user_data) {
  quicmig_conn *c = user_data;

  (void)flags;
  (void)old_path;
  if (res == NGTCP2_PATH_VALIDATION_RESULT_SUCCESS &&
      ngtcp2_path_eq(path, ngtcp2_conn_get_path(conn))) {
    on_probing(c);
  }
  c->owner->path_validated(c, path, res);
  return 0;
}

static int on_dcid_status(ngtcp2_conn *conn,
                          ngtcp2_connection_id_status_type type, uint64_t seq,
                          const ngtcp2_cid *cid, const uint8_t *token,
                          void *user_data) {
  quicmig_conn *c = user_data;

  (void)conn;
  (void)cid;
  (void)token;
  c->owner->id_status(c, type, seq);
  return 0;
}

/* A server's tokens come from its secret, so that it can still reset after it
 * has forgotten the connection; a client never resets, its are just random
 * (RFC 9000 section 10.3.2). */
static int make_token(const quicmig_conn *c, uint8_t *token,
                      const ngtcp2_cid *cid) {
  return c->reset_secret ? ngtcp2_crypto_generate_stateless_reset_token(
                               token, c->reset_secret, 32, cid)
                         : c->net->random(c->net->ctx, token,
                                          NGTCP2_STATELESS_RESET_TOKENLEN);
}

static int on_new_id(ngtcp2_conn *conn, ngtcp2_cid *cid, uint8_t *token,
                     size_t cidlen, void *user_data) {
  quicmig_conn *c = user_data;

  (void)conn;
  cid->datalen = cidlen;
  if (c->net->random(c->net->ctx, cid->data, cidlen) != 0 ||
      make_token(c, token, cid) != 0 || c->owner->id_added(c, cid) != 0) {
    return NGTCP2_ERR_CALLBACK_FAILURE;
  }
  return 0;
}

static int on_remove_id(ngtcp2_conn *conn, const ngtcp2_cid *cid,
                        void *user_data) {
  quicmig_conn *c = user_data;

  (void)conn;
  c->owner->id_removed(c, cid);
  return 0;
}

static int on_datagram(ngtcp2_conn *conn, uint32_t flags, const uint8_t *data,
                       size_t len, void *user_data) {
  quicmig_conn *c = user_data;

  (void)conn;
  (void)flags;
  c->datagrams_received++;
  if (c->cb.datagram) {
    c->cb.datagram(c, data, len, c->user_data);
  }
  return 0;
}

/* id: see epoch_id() in write.c. */
static int on_datagram_acked(ngtcp2_conn *conn, uint64_t id, void *user_data) {
  quicmig_conn *c = user_data;

  (void)conn;
  if (id == 1u + c->hole.epoch) {
    qm_blackhole_on_large_acked(&c->hole);
  }
  return 0;
}

static int on_stream_open(ngtcp2_conn *conn, int64_t id, void *user_data) {
  quicmig_conn *c = user_data;
  quicmig_stream *s = qm_stream_new(c);

  if (!s || ngtcp2_conn_set_stream_user_data(conn, id, s) != 0) {
    return NGTCP2_ERR_CALLBACK_FAILURE;
  }
  qm_stream_set_id(s, id);
  if (c->cb.stream_open) {
    c->cb.stream_open(c, s, c->user_data);
  }
  return 0;
}

static int on_stream_data(ngtcp2_conn *conn, uint32_t flags, int64_t id,
                          uint64_t offset, const uint8_t *data, size_t len,
                          void *user_data, void *stream) {
  (void)conn;
  (void)id;
  (void)offset;
  (void)user_data;
  if (stream) {
    qm_stream_on_data(stream, data, len,
                      (flags & NGTCP2_STREAM_DATA_FLAG_FIN) != 0);
  }
  return 0;
}

static int on_stream_acked(ngtcp2_conn *conn, int64_t id, uint64_t offset,
                           uint64_t len, void *user_data, void *stream) {
  (void)conn;
  (void)id;
  (void)offset;
  (void)user_data;
  if (stream) {
    qm_stream_on_acked(stream, (size_t)len);
  }
  return 0;
}

static int on_stream_close(ngtcp2_conn *conn, uint32_t flags, int64_t id,
                           uint64_t code, void *user_data, void *stream) {
  (void)user_data;
  if (!ngtcp2_conn_is_local_stream(conn, id)) {
    if (ngtcp2_is_bidi_stream(id)) {
      ngtcp2_conn_extend_max_streams_bidi(conn, 1);
    } else {
      ngtcp2_conn_extend_max_streams_uni(conn, 1);
    }
  }
  if (stream) {
    qm_stream_on_closed(stream,
                        flags & NGTCP2_STREAM_CLOSE_FLAG_APP_ERROR_CODE_SET
                            ? code
                            : QUICMIG_NEVER);
  }
  return 0;
}

/* The peer reads no more: nothing is left to be sent. */
static int on_stop_sending(ngtcp2_conn *conn, int64_t id, uint64_t code,
                           void *user_data, void *stream) {
  (void)conn;
  (void)id;
  (void)code;
  (void)user_data;
  if (stream) {
    quicmig_stream *s = stream;

    s->is_unread = true;
    qm_list_remove(&s->send);
  }
  return 0;
}

static int on_more_stream_credit(ngtcp2_conn *conn, int64_t id,
                                 uint64_t max_data, void *user_data,
                                 void *stream) {
  (void)conn;
  (void)id;
  (void)max_data;
  (void)user_data;
  if (stream) {
    qm_stream_wake(stream);
  }
  return 0;
}

static int on_decrypt(uint8_t *dest, const ngtcp2_crypto_aead *aead,
                      const ngtcp2_crypto_aead_ctx *aead_ctx,
                      const uint8_t *text, size_t textlen, const uint8_t *nonce,
                      size_t noncelen, const uint8_t *aad, size_t aadlen) {
  int rv = ngtcp2_crypto_decrypt_cb(dest, aead, aead_ctx, text, textlen, nonce,
                                    noncelen, aad, aadlen);

  if (rv == 0) {
    quicmig_on_decrypted(aad, aadlen);
  }
  return rv;
}

#define COMMON_CALLBACKS                                                       \
  .recv_crypto_data = ngtcp2_crypto_recv_crypto_data_cb,                       \
  .handshake_completed = on_handshake_completed,                               \
  .encrypt = ngtcp2_crypto_encrypt_cb, .decrypt = on_decrypt,                  \
  .hp_mask = ngtcp2_crypto_hp_mask_cb, .recv_stream_data = on_stream_data,     \
  .acked_stream_data_offset = on_stream_acked, .stream_open = on_stream_open,  \
  .stream_close = on_stream_close, .rand = on_rand,                            \
  .get_new_connection_id = on_new_id, .remove_connection_id = on_remove_id,    \
  .update_key = ngtcp2_crypto_update_key_cb,                                   \
  .path_validation = on_path_validation,                                       \
  .extend_max_stream_data = on_more_stream_credit,                             \
  .dcid_status = on_dcid_status,                                               \
  .delete_crypto_aead_ctx = ngtcp2_crypto_delete_crypto_aead_ctx_cb,           \
  .delete_crypto_cipher_ctx = ngtcp2_crypto_delete_crypto_cipher_ctx_cb,       \
  .recv_datagram = on_datagram, .ack_datagram = on_datagram_acked,             \
  .get_path_challenge_data = ngtcp2_crypto_get_path_challenge_data_cb,         \
  .stream_stop_sending = on_stop_sending,                                      \
  .version_negotiation = ngtcp2_crypto_version_negotiation_cb

const ngtcp2_callbacks qm_conn_client_callbacks = {
    COMMON_CALLBACKS,
    .client_initial = ngtcp2_crypto_client_initial_cb,
    .recv_retry = ngtcp2_crypto_recv_retry_cb,
    .handshake_confirmed = on_handshake_confirmed,
};

const ngtcp2_callbacks qm_conn_server_callbacks = {
    COMMON_CALLBACKS,
    .recv_client_initial = ngtcp2_crypto_recv_client_initial_cb,
};
