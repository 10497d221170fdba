#include "bareend.h"

#include <sys/random.h>

#include <ngtcp2/ngtcp2_crypto_gnutls.h>

static ngtcp2_conn *get_conn(ngtcp2_crypto_conn_ref *ref) {
  return ((bare_end *)ref->user_data)->conn;
}

static void on_rand(uint8_t *dest, size_t len, const ngtcp2_rand_ctx *ctx) {
  (void)ctx;
  (void)getrandom(dest, len, 0);
}

static int on_new_id(ngtcp2_conn *conn, ngtcp2_cid *cid, uint8_t *token,
                     size_t cidlen, void *user_data) {
  (void)conn;
  (void)user_data;
  cid->datalen = cidlen;
  on_rand(cid->data, cidlen, NULL);
  on_rand(token, NGTCP2_STATELESS_RESET_TOKENLEN, NULL);
  return 0;
}

static int on_datagram(ngtcp2_conn *conn, uint32_t flags, const uint8_t *data,
                       size_t len, void *user_data) {
  bare_end *e = user_data;

  (void)conn;
  (void)flags;
  carrier_on_datagram(&e->b->base, data, len);
  return 0;
}

static int on_stream(ngtcp2_conn *conn, uint32_t flags, int64_t id,
                     uint64_t offset, const uint8_t *data, size_t len,
                     void *user_data, void *stream) {
  bare_end *e = user_data;

  (void)flags;
  (void)offset;
  (void)stream;
  carrier_on_stream(&e->b->base, &e->b->stream_out, data, len);
  (void)ngtcp2_conn_extend_max_stream_offset(conn, id, len);
  ngtcp2_conn_extend_max_offset(conn, len);
  return 0;
}

static const ngtcp2_callbacks callbacks = {
    .client_initial = ngtcp2_crypto_client_initial_cb,
    .recv_client_initial = ngtcp2_crypto_recv_client_initial_cb,
    .recv_crypto_data = ngtcp2_crypto_recv_crypto_data_cb,
    .encrypt = ngtcp2_crypto_encrypt_cb,
    .decrypt = ngtcp2_crypto_decrypt_cb,
    .hp_mask = ngtcp2_crypto_hp_mask_cb,
    .recv_retry = ngtcp2_crypto_recv_retry_cb,
    .recv_stream_data = on_stream,
    .rand = on_rand,
    .get_new_connection_id = on_new_id,
    .update_key = ngtcp2_crypto_update_key_cb,
    .delete_crypto_aead_ctx = ngtcp2_crypto_delete_crypto_aead_ctx_cb,
    .delete_crypto_cipher_ctx = ngtcp2_crypto_delete_crypto_cipher_ctx_cb,
    .recv_datagram = on_datagram,
    .get_path_challenge_data = ngtcp2_crypto_get_path_challenge_data_cb,
    .version_negotiation = ngtcp2_crypto_version_negotiation_cb,
};

ngtcp2_path bare_end_path(bare_end *e) {
  return (ngtcp2_path){.local = {.addr = (ngtcp2_sockaddr *)&e->sock.local,
                                 .addrlen = sizeof(e->sock.local)},
                       .remote = {.addr = (ngtcp2_sockaddr *)&e->sock.remote,
                                  .addrlen = sizeof(e->sock.remote)}};
}

static void draw_id(ngtcp2_cid *id, size_t len) {
  id->datalen = len;
  on_rand(id->data, len, NULL);
}

static int make_conn(bare_end *e, const ngtcp2_pkt_hd *hd) {
  ngtcp2_path path = bare_end_path(e);
  ngtcp2_settings s;
  ngtcp2_transport_params p;
  ngtcp2_cid scid, dcid;

  ngtcp2_settings_default(&s);
  s.initial_ts = e->now;
  s.max_tx_udp_payload_size = e->b->packet_size;
  s.no_tx_udp_payload_size_shaping = 1;
  s.no_pmtud = 1;
  ngtcp2_transport_params_default(&p);
  p.initial_max_stream_data_uni = CARRIER_WINDOW;
  p.initial_max_data = CARRIER_WINDOW;
  p.initial_max_streams_uni = 1;
  p.active_connection_id_limit = 8;
  p.max_udp_payload_size = 2048;
  p.max_datagram_frame_size = 65535;
  draw_id(&scid, e->is_server ? 12 : 8);
  draw_id(&dcid, 16);
  if (e->is_server) {
    p.original_dcid = hd->dcid;
    p.original_dcid_present = 1;
    return ngtcp2_conn_server_new(&e->conn, &hd->scid, &scid, &path,
                                  hd->version, &callbacks, &s, &p, &e->b->mem,
                                  e);
  }
  return ngtcp2_conn_client_new(&e->conn, &dcid, &scid, &path,
                                NGTCP2_PROTO_VER_V1, &callbacks, &s, &p,
                                &e->b->mem, e);
}

int bare_end_start(bare_end *e, const ngtcp2_pkt_hd *hd) {
  e->ref = (ngtcp2_crypto_conn_ref){.get_conn = get_conn, .user_data = e};
  if (qm_tls_session_new(&e->session, &e->tls, &e->ref, NULL) != 0 ||
      make_conn(e, hd) != 0) {
    return -1;
  }
  ngtcp2_conn_set_tls_native_handle(e->conn, e->session);
  return 0;
}

void bare_end_reset(bare_end *e) {
  ngtcp2_conn_del(e->conn);
  if (e->session) {
    gnutls_deinit(e->session);
  }
  qm_tls_reset(&e->tls);
  baresock_close(&e->sock);
}
