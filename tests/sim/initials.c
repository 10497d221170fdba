#include "initials.h"

#include <assert.h>
#include <stdlib.h>

#include "endpoint/conn.h"

#define NOW QUICMIG_SECOND

static void on_id_status(quicmig_conn *c, ngtcp2_connection_id_status_type type,
                         uint64_t seq) {
  (void)c;
  (void)type;
  (void)seq;
}

static int on_id_added(quicmig_conn *c, const ngtcp2_cid *id) {
  (void)c;
  (void)id;
  return 0;
}

static void on_wants_run(quicmig_conn *c) { (void)c; }

static quicmig_tstamp get_now(const quicmig_conn *c) {
  (void)c;
  return NOW;
}

static const qm_conn_owner owner = {.id_status = on_id_status,
                                    .id_added = on_id_added,
                                    .wants_run = on_wants_run,
                                    .now = get_now};

static void make(initial *dest, const qm_conn_start *s) {
  ngtcp2_path_storage ps;
  qm_conn_dial_start dial = {
      .path = &ps.path, .timeout = QUICMIG_SECOND, .now = NOW};
  struct sockaddr_in any = {.sin_family = AF_INET};
  ngtcp2_pkt_info pi;
  ngtcp2_ssize n;
  quicmig_conn c;
  int rv = qm_conn_init(&c, s);

  ngtcp2_path_storage_init(&ps, (struct sockaddr *)&any, sizeof(any),
                           (struct sockaddr *)&any, sizeof(any), NULL);
  rv = rv == 0 ? qm_conn_dial(&c, &dial) : rv;
  assert(rv == 0);
  qm_conn_begin_write(&c, NOW);
  n = qm_conn_write_pkt(&c, &ps.path, &pi, dest->data, NOW);
  assert(n >= 1200);
  dest->len = (size_t)n;
  qm_conn_reset(&c);
}

initial *initials_new(size_t n, const char *alpn) {
  const quicmig_conn_callbacks cb = {.size = sizeof(cb)};
  quicmig_transport_options o;
  quicmig_tls_config cfg;
  initial *all = calloc(n, sizeof(*all));
  qm_tls tls;
  size_t i;
  int rv;

  quicmig_transport_options_default(&o);
  quicmig_tls_config_default(&cfg);
  cfg.alpn = alpn;
  cfg.insecure = 1;
  rv = qm_tls_init(&tls, &cfg, false, NULL);
  assert(all && rv == 0);
  for (i = 0; i < n; i++) {
    make(&all[i], &(qm_conn_start){.mem = &qm_mem_default,
                                   .net = &qm_net_kernel,
                                   .owner = &owner,
                                   .tls = &tls,
                                   .o = &o,
                                   .cb = &cb});
  }
  qm_tls_reset(&tls);
  return all;
}
