#include "endpoint/conn.h"

#include <string.h>

#include <ngtcp2/ngtcp2_crypto_gnutls.h>

#include "endpoint/cidtable.h"
#include "endpoint/errtext.h"
#include "endpoint/stream.h"

/* Connection IDs of the peer that ngtcp2 can store. */
#define CID_STORE 8

static ngtcp2_conn *get_conn(ngtcp2_crypto_conn_ref *ref) {
  return ((quicmig_conn *)ref->user_data)->conn;
}

int qm_conn_check(quicmig_transport_options *dest,
                  const quicmig_transport_options *o,
                  const quicmig_conn_callbacks *cb) {
  const char *why = o ? quicmig_transport_options_check(o) : NULL;
  quicmig_transport_options defaults;

  if (why) {
    return qm_error(QUICMIG_ERR_INVALID_ARGUMENT, "%s", why);
  }
  if (!cb || cb->size < sizeof(*cb)) {
    return qm_error(QUICMIG_ERR_INVALID_ARGUMENT, "conn_callbacks is required");
  }
  if (!cb->datagram_head != !cb->datagram_pop) {
    return qm_error(QUICMIG_ERR_INVALID_ARGUMENT,
                    "datagram_head and datagram_pop go together");
  }
  quicmig_transport_options_default(&defaults);
  *dest = o ? *o : defaults;
  if (dest->max_half_open == 0) {
    dest->max_half_open = defaults.max_half_open;
  }
  return 0;
}

/*
 * A server with a shorter initial RTT gives a silent path up so early that,
 * when its client is heard again, ngtcp2 (1.11, 1.24) takes the connection ID
 * back into use that it is retiring, and the client ends the connection.
 */
#define SERVER_INITIAL_RTT_MIN (100 * QUICMIG_MILLISECOND)

static quicmig_duration initial_rtt(const quicmig_conn *c) {
  return c->tls->is_server && c->o->initial_rtt < SERVER_INITIAL_RTT_MIN
             ? SERVER_INITIAL_RTT_MIN
             : c->o->initial_rtt;
}

/* Without shaping: the room that a packet is given is its limit, see qm_pmtu.
 */
static void fill_settings(const quicmig_conn *c, ngtcp2_settings *s,
                          quicmig_tstamp now) {
  ngtcp2_settings_default(s);
  s->initial_ts = now;
  s->initial_rtt = initial_rtt(c);
  s->handshake_timeout = c->o->handshake_timeout;
  s->max_tx_udp_payload_size = c->o->max_udp_payload;
  s->no_tx_udp_payload_size_shaping = 1;
  s->pmtud_probes = c->pmtu.probes;
  s->pmtud_probeslen = c->pmtu.n_probes;
  s->rand_ctx.native_handle = (void *)(uintptr_t)c;
}

static void fill_params(const quicmig_conn *c, ngtcp2_transport_params *p) {
  const quicmig_transport_options *o = c->o;

  ngtcp2_transport_params_default(p);
  p->initial_max_stream_data_bidi_local = o->stream_window;
  p->initial_max_stream_data_bidi_remote = o->stream_window;
  p->initial_max_stream_data_uni = o->stream_window;
  p->initial_max_data = o->connection_window;
  p->initial_max_streams_bidi = o->max_streams_bidi;
  p->initial_max_streams_uni = o->max_streams_uni;
  p->max_idle_timeout = o->idle_timeout;
  p->active_connection_id_limit = o->cid_limit;
  p->max_udp_payload_size = QM_PKT_MAX;
  p->max_datagram_frame_size = 65535;
}

/* Bytes nobody can guess, as a connection ID. */
static int draw_id(const quicmig_conn *c, ngtcp2_cid *id, size_t len) {
  id->datalen = len;
  return c->net->random(c->net->ctx, id->data, len) == 0 ? 0
                                                         : QUICMIG_ERR_RANDOM;
}

static int new_client(quicmig_conn *c, const qm_conn_dial_start *s) {
  ngtcp2_settings settings;
  ngtcp2_transport_params params;
  ngtcp2_conn *conn;
  ngtcp2_cid scid, dcid;

  if (draw_id(c, &scid, QM_CID_LEN_CLIENT) != 0 ||
      draw_id(c, &dcid, NGTCP2_MIN_INITIAL_DCIDLEN + 8) != 0) {
    return QUICMIG_ERR_RANDOM;
  }
  fill_settings(c, &settings, s->now);
  settings.handshake_timeout = s->timeout;
  fill_params(c, &params);
  /* On failure ngtcp2 1.11 leaves a dangling pointer behind. */
  if (ngtcp2_conn_client_new(&conn, &dcid, &scid, s->path, NGTCP2_PROTO_VER_V1,
                             &qm_conn_client_callbacks, &settings, &params,
                             &c->nmem, c) != 0) {
    return QUICMIG_ERR_NOMEM;
  }
  c->conn = conn;
  return 0;
}

/* One less than ngtcp2 can store: see qm_conn_allow_one_more_id(). */
static uint64_t advertised_ids(const quicmig_conn *c) {
  return c->o->cid_limit < CID_STORE ? c->o->cid_limit : CID_STORE - 1;
}

void qm_conn_allow_one_more_id(quicmig_conn *c) {
  const ngtcp2_transport_params *p =
      ngtcp2_conn_get_local_transport_params(c->conn);

  /* ngtcp2 hands its own, writable struct out as const. */
  ((ngtcp2_transport_params *)(uintptr_t)p)->active_connection_id_limit =
      advertised_ids(c) + 1;
}

static int new_server(quicmig_conn *c, const qm_conn_start *s) {
  ngtcp2_settings settings;
  ngtcp2_transport_params params;
  ngtcp2_conn *conn;
  ngtcp2_cid scid;

  if (draw_id(c, &scid, QM_CID_LEN_SERVER) != 0) {
    return QUICMIG_ERR_RANDOM;
  }
  fill_settings(c, &settings, s->now);
  fill_params(c, &params);
  params.original_dcid = s->initial->dcid;
  params.original_dcid_present = 1;
  params.active_connection_id_limit = advertised_ids(c);
  params.disable_active_migration = c->o->disable_active_migration != 0;
  params.stateless_reset_token_present = 1;
  if (ngtcp2_crypto_generate_stateless_reset_token(
          params.stateless_reset_token, s->reset_secret, 32, &scid) != 0) {
    return QUICMIG_ERR_NOMEM;
  }
  if (c->owner->id_added(c, &scid) != 0 ||
      c->owner->id_added(c, &s->initial->dcid) != 0) {
    return QUICMIG_ERR_NOMEM;
  }
  if (ngtcp2_conn_server_new(&conn, &s->initial->scid, &scid, s->path,
                             s->initial->version, &qm_conn_server_callbacks,
                             &settings, &params, &c->nmem, c) != 0) {
    return QUICMIG_ERR_NOMEM;
  }
  c->conn = conn;
  return 0;
}

/* A ticket arrived: the session can be resumed from here on. */
static int on_ticket(gnutls_session_t session, unsigned type, unsigned when,
                     unsigned incoming, const gnutls_datum_t *msg) {
  ngtcp2_crypto_conn_ref *ref = gnutls_session_get_ptr(session);
  quicmig_conn *c = ref->user_data;
  gnutls_datum_t data;

  (void)type;
  (void)when;
  (void)incoming;
  (void)msg;
  if (c->cb.session && qm_tls_session_data(session, c->mem, &data) == 0) {
    c->cb.session(c, data.data, data.size, c->user_data);
    qm_free(c->mem, data.data);
  }
  return 0;
}

static void free_session(quicmig_conn *c) {
  ngtcp2_conn_del(c->conn);
  if (c->session) {
    gnutls_deinit(c->session);
  }
  c->conn = NULL;
  c->session = NULL;
}

/* Once there are conn and session. */
static void join(quicmig_conn *c) {
  ngtcp2_conn_set_tls_native_handle(c->conn, c->session);
  ngtcp2_conn_set_keep_alive_timeout(
      c->conn, c->o->keep_alive ? c->o->keep_alive : UINT64_MAX);
}

int qm_conn_dial(quicmig_conn *c, const qm_conn_dial_start *s) {
  int rv = qm_tls_session_new(&c->session, c->tls, &c->ref, s->resume);

  if (rv == 0) {
    rv = new_client(c, s);
  }
  if (rv != 0) {
    free_session(c);
    return rv;
  }
  join(c);
  gnutls_handshake_set_hook_function(c->session,
                                     GNUTLS_HANDSHAKE_NEW_SESSION_TICKET,
                                     GNUTLS_HOOK_POST, on_ticket);
  return 0;
}

static int start_server(quicmig_conn *c, const qm_conn_start *s) {
  int rv = qm_tls_session_new(&c->session, c->tls, &c->ref, NULL);

  if (rv == 0) {
    rv = new_server(c, s);
  }
  if (rv != 0) {
    qm_conn_reset(c);
    return rv;
  }
  join(c);
  return 0;
}

int qm_conn_init(quicmig_conn *c, const qm_conn_start *s) {
  *c = (quicmig_conn){.mem = s->mem,
                      .net = s->net,
                      .owner = s->owner,
                      .tls = s->tls,
                      .o = s->o,
                      .cb = *s->cb,
                      .user_data = s->user_data,
                      .nmem = {.user_data = s->mem->user_data,
                               .malloc = s->mem->malloc,
                               .free = s->mem->free,
                               .calloc = s->mem->calloc,
                               .realloc = s->mem->realloc},
                      .ref = {.get_conn = get_conn, .user_data = c},
                      .reset_secret = s->reset_secret};
  qm_list_init(&c->streams);
  qm_list_init(&c->sendq);
  qm_dgqueue_init(&c->datagrams, c->mem, c->o->datagram_queue);
  qm_pmtu_init(&c->pmtu, c->o->max_udp_payload);
  qm_blackhole_reset(&c->hole);
  ngtcp2_ccerr_default(&c->ccerr);
  return c->tls->is_server ? start_server(c, s) : 0;
}

void qm_conn_reset(quicmig_conn *c) {
  while (!qm_list_is_empty(&c->streams)) {
    qm_stream_free(qm_list_entry(c->streams.next, quicmig_stream, link));
  }
  qm_dgqueue_reset(&c->datagrams);
  free_session(c);
}

int quicmig_conn_open_stream(quicmig_conn *c, int is_bidi,
                             quicmig_stream **ps) {
  quicmig_stream *s;
  int64_t id;
  int rv;

  if (c->state != QM_CONN_OPEN || c->wants_close) {
    return c->state == QM_CONN_HANDSHAKE ? QUICMIG_ERR_INVALID_STATE
                                         : QUICMIG_ERR_CLOSED;
  }
  s = qm_stream_new(c);
  if (!s) {
    return QUICMIG_ERR_NOMEM;
  }
  rv = is_bidi ? ngtcp2_conn_open_bidi_stream(c->conn, &id, s)
               : ngtcp2_conn_open_uni_stream(c->conn, &id, s);
  if (rv != 0) {
    qm_stream_free(s);
    return rv == NGTCP2_ERR_STREAM_ID_BLOCKED ? QUICMIG_ERR_LIMIT
                                              : QUICMIG_ERR_NOMEM;
  }
  qm_stream_set_id(s, id);
  *ps = s;
  return 0;
}

void quicmig_conn_set_user_data(quicmig_conn *c, void *user_data) {
  c->user_data = user_data;
}

void *quicmig_conn_get_user_data(const quicmig_conn *c) { return c->user_data; }

static void fill_live_info(const quicmig_conn *c, quicmig_conn_info *i) {
  gnutls_datum_t alpn;
  ngtcp2_conn_info n;

  ngtcp2_conn_get_conn_info(c->conn, &n);
  i->srtt = n.smoothed_rtt;
  i->min_rtt = n.min_rtt == UINT64_MAX ? 0 : n.min_rtt; /* no sample yet */
  i->latest_rtt = n.latest_rtt;
  i->cwnd = n.cwnd;
  i->bytes_in_flight = n.bytes_in_flight;
  if (gnutls_alpn_get_selected_protocol(c->session, &alpn) == 0) {
    size_t len = alpn.size < sizeof(i->alpn) ? alpn.size : sizeof(i->alpn) - 1;

    memcpy(i->alpn, alpn.data, len);
  }
}

void quicmig_conn_get_info(const quicmig_conn *c, quicmig_conn_info *dest) {
  size_t size = dest->size < sizeof(*dest) ? dest->size : sizeof(*dest);
  quicmig_conn_info i = {.size = size,
                         .is_open = c->state == QM_CONN_OPEN,
                         .is_resumed = c->is_resumed,
                         .datagrams_queued = c->datagrams.count,
                         .datagrams_sent = c->datagrams_sent,
                         .datagrams_received = c->datagrams_received,
                         .datagrams_dropped = c->datagrams_dropped,
                         .migrations = c->migrations};

  if (c->conn) {
    fill_live_info(c, &i);
  }
  qm_addr_copy_to(&c->remote, &i.remote);
  memcpy(dest, &i, size);
}
