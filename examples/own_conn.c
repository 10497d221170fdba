/*
 * A quicmig beside an ngtcp2_conn of the program's own, with a TLS session of
 * its own (GnuTLS) and a loop of its own (poll(2)).  It sends a datagram every
 * 10 ms to an echo_server, hops all the while, and prints each hop.
 *
 * A program that has an ngtcp2 client already gives its socket up to the
 * quicmig, and changes in these places:
 *   start()         quicmig_new > quicmig_get_path > ngtcp2_conn_client_new >
 *                   quicmig_attach
 *   on_handshake_confirmed(), on_path_validation(), on_dcid_status()
 *                   hand on what ngtcp2 tells
 *   step(), run()   quicmig_read for recvmsg and ngtcp2_conn_read_pkt,
 *                   quicmig_on_time for ngtcp2_conn_handle_expiry,
 *                   quicmig_write for ngtcp2_conn_write... and sendmsg,
 *                   quicmig_deadline for ngtcp2_conn_get_expiry
 * All the rest is what every ngtcp2 client has.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>
#include <ngtcp2/ngtcp2_crypto_gnutls.h>
#include <quicmig/quicmig.h>

#include "cli.h"
#include "small.h"

#define SEND_EVERY (10 * QUICMIG_MILLISECOND)
#define LINGER QUICMIG_SECOND
#define CID_LIMIT 8 /* a hop uses up one ID; 2, the default, is too few */
#define CID_LEN 16

/* TLS 1.3 without its middlebox disguise (RFC 9001 section 8.4). */
#define PRIORITY                                                               \
  "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:"       \
  "+CHACHA20-POLY1305:+AES-128-CCM:%DISABLE_TLS13_COMPAT_MODE"

typedef struct program {
  small_options o;
  quicmig *migrator;
  ngtcp2_conn *conn;
  ngtcp2_crypto_conn_ref ref; /* how ngtcp2's crypto finds conn */
  gnutls_certificate_credentials_t cred;
  gnutls_session_t session;
  small_set sockets;
  quicmig_tstamp start, next; /* next: datagram due; QUICMIG_NEVER: not yet */
  uint64_t due, sent, echoed;
  ngtcp2_ccerr ccerr; /* what we say when we close */
  int is_done, is_close_written;
} program;

/* What quicmig calls. */

static void on_watch(quicmig *m, int fd, int on, void *user_data) {
  program *p = user_data;

  (void)m;
  small_watch(&p->sockets, fd, on);
}

static void on_hop(quicmig *m, const quicmig_hop_record *r, void *user_data) {
  const program *p = user_data;

  (void)m;
  small_print_hop(r, p->start);
}

/* One packet: a datagram if one is due, else what ngtcp2 itself has to say.
 * `now` is quicmig's, which never steps back: ngtcp2 must see no other. */
static ngtcp2_ssize write_pkt(quicmig *m, ngtcp2_path *path,
                              ngtcp2_pkt_info *pi, uint8_t *dest,
                              size_t destlen, quicmig_tstamp now,
                              void *user_data) {
  static const uint8_t data[100] = "Here I am.";
  program *p = user_data;
  int accepted = 0;
  ngtcp2_ssize n;

  (void)m;
  if (p->sent == p->due) {
    return ngtcp2_conn_write_pkt(p->conn, path, pi, dest, destlen, now);
  }
  /* A packet without the datagram (accepted stays 0) is fine, and so is no
   * packet, when the congestion window is full: it is tried again. */
  n = ngtcp2_conn_write_datagram(p->conn, path, pi, dest, destlen, &accepted,
                                 NGTCP2_WRITE_DATAGRAM_FLAG_NONE, 0, data,
                                 sizeof(data), now);
  p->sent += accepted != 0;
  return n;
}

/* A CONNECTION_CLOSE, once. */
static ngtcp2_ssize write_close(quicmig *m, ngtcp2_path *path,
                                ngtcp2_pkt_info *pi, uint8_t *dest,
                                size_t destlen, quicmig_tstamp now,
                                void *user_data) {
  program *p = user_data;

  (void)m;
  if (p->is_close_written) {
    return 0;
  }
  p->is_close_written = 1;
  return ngtcp2_conn_write_connection_close(p->conn, path, pi, dest, destlen,
                                            &p->ccerr, now);
}

/* What ngtcp2 calls.  The first three only hand on: quicmig takes note, and
 * acts in its next call, because ngtcp2 must not be called from here. */

static int on_handshake_confirmed(ngtcp2_conn *conn, void *user_data) {
  program *p = user_data;

  (void)conn;
  return quicmig_on_handshake_confirmed(p->migrator) == 0
             ? 0
             : NGTCP2_ERR_CALLBACK_FAILURE;
}

static int on_path_validation(ngtcp2_conn *conn, uint32_t flags,
                              const ngtcp2_path *path,
                              const ngtcp2_path *old_path,
                              ngtcp2_path_validation_result res,
                              void *user_data) {
  program *p = user_data;

  (void)conn;
  (void)flags;
  (void)old_path;
  quicmig_on_path_validation(p->migrator, path, res);
  return 0;
}

static int on_dcid_status(ngtcp2_conn *conn,
                          ngtcp2_connection_id_status_type type, uint64_t seq,
                          const ngtcp2_cid *cid, const uint8_t *token,
                          void *user_data) {
  program *p = user_data;

  (void)conn;
  (void)cid;
  (void)token;
  quicmig_on_dcid_status(p->migrator, type, seq);
  return 0;
}

static int on_handshake_completed(ngtcp2_conn *conn, void *user_data) {
  program *p = user_data;

  (void)conn;
  p->start = quicmig_clock();
  p->next = p->start + SEND_EVERY;
  return 0;
}

static int on_datagram(ngtcp2_conn *conn, uint32_t flags, const uint8_t *data,
                       size_t len, void *user_data) {
  program *p = user_data;

  (void)conn;
  (void)flags;
  (void)data;
  (void)len;
  p->echoed++;
  return 0;
}

/* Our ID for the server to use.  The token is never used: only servers reset
 * statelessly. */
static int on_new_id(ngtcp2_conn *conn, ngtcp2_cid *cid, uint8_t *token,
                     size_t len, void *user_data) {
  (void)conn;
  (void)user_data;
  cid->datalen = len;
  return gnutls_rnd(GNUTLS_RND_RANDOM, cid->data, len) == 0 &&
                 gnutls_rnd(GNUTLS_RND_RANDOM, token,
                            NGTCP2_STATELESS_RESET_TOKENLEN) == 0
             ? 0
             : NGTCP2_ERR_CALLBACK_FAILURE;
}

static void on_rand(uint8_t *dest, size_t len, const ngtcp2_rand_ctx *ctx) {
  (void)ctx;
  (void)gnutls_rnd(GNUTLS_RND_NONCE, dest, len);
}

static ngtcp2_conn *get_conn(ngtcp2_crypto_conn_ref *ref) {
  return ((program *)ref->user_data)->conn;
}

/* So quicmig tells genuine packets from junk and replays. */
static int on_decrypt(uint8_t *dest, const ngtcp2_crypto_aead *aead,
                      const ngtcp2_crypto_aead_ctx *aead_ctx,
                      const uint8_t *text, size_t textlen, const uint8_t *nonce,
                      size_t noncelen, const uint8_t *header,
                      size_t headerlen) {
  int rv = ngtcp2_crypto_decrypt_cb(dest, aead, aead_ctx, text, textlen, nonce,
                                    noncelen, header, headerlen);

  if (rv == 0) {
    quicmig_on_decrypted(header, headerlen);
  }
  return rv;
}

static const ngtcp2_callbacks conn_callbacks = {
    .handshake_confirmed = on_handshake_confirmed,
    .path_validation = on_path_validation,
    .dcid_status = on_dcid_status,
    .handshake_completed = on_handshake_completed,
    .recv_datagram = on_datagram,
    .get_new_connection_id = on_new_id,
    .rand = on_rand,
    .client_initial = ngtcp2_crypto_client_initial_cb,
    .recv_crypto_data = ngtcp2_crypto_recv_crypto_data_cb,
    .recv_retry = ngtcp2_crypto_recv_retry_cb,
    .encrypt = ngtcp2_crypto_encrypt_cb,
    .decrypt = on_decrypt,
    .hp_mask = ngtcp2_crypto_hp_mask_cb,
    .update_key = ngtcp2_crypto_update_key_cb,
    .delete_crypto_aead_ctx = ngtcp2_crypto_delete_crypto_aead_ctx_cb,
    .delete_crypto_cipher_ctx = ngtcp2_crypto_delete_crypto_cipher_ctx_cb,
    .get_path_challenge_data = ngtcp2_crypto_get_path_challenge_data_cb,
    .version_negotiation = ngtcp2_crypto_version_negotiation_cb,
};

/* Making the two. */

static void check(int rv, const char *what) {
  if (rv < 0) {
    cli_fail("%s: %s", what, gnutls_strerror(rv));
  }
}

static void load_trust(program *p) {
  int n;

  check(gnutls_certificate_allocate_credentials(&p->cred), "credentials");
  if (p->o.ca_file) {
    n = gnutls_certificate_set_x509_trust_file(p->cred, p->o.ca_file,
                                               GNUTLS_X509_FMT_PEM);
    check(n ? n : GNUTLS_E_NO_CERTIFICATE_FOUND, p->o.ca_file);
  } else if (!p->o.is_insecure) {
    check(gnutls_certificate_set_x509_system_trust(p->cred), "system's CAs");
  }
}

static void new_session(program *p) {
  gnutls_datum_t alpn = {.data = (unsigned char *)(uintptr_t)p->o.alpn,
                         .size = (unsigned)strlen(p->o.alpn)};
  uint8_t address[sizeof(struct in6_addr)];
  gnutls_session_t s;

  check(gnutls_init(&s, GNUTLS_CLIENT), "TLS");
  p->session = s;
  check(gnutls_priority_set_direct(s, PRIORITY, NULL), "priorities");
  check(gnutls_credentials_set(s, GNUTLS_CRD_CERTIFICATE, p->cred), "TLS");
  check(gnutls_alpn_set_protocols(s, &alpn, 1, GNUTLS_ALPN_MANDATORY),
        "--alpn");
  check(ngtcp2_crypto_gnutls_configure_client_session(s), "QUIC");
  p->ref = (ngtcp2_crypto_conn_ref){.get_conn = get_conn, .user_data = p};
  gnutls_session_set_ptr(s, &p->ref);
  /* SNI carries names, never addresses (RFC 6066 section 3). */
  if (inet_pton(AF_INET, p->o.host, address) != 1 &&
      inet_pton(AF_INET6, p->o.host, address) != 1) {
    check(gnutls_server_name_set(s, GNUTLS_NAME_DNS, p->o.host,
                                 strlen(p->o.host)),
          "HOST");
  }
  if (!p->o.is_insecure) {
    gnutls_session_set_verify_cert(s, p->o.host, 0);
  }
}

static int new_conn(program *p, const ngtcp2_path *path, quicmig_tstamp now) {
  ngtcp2_settings settings;
  ngtcp2_transport_params params;
  ngtcp2_cid scid = {.datalen = CID_LEN}, dcid = {.datalen = CID_LEN};

  check(gnutls_rnd(GNUTLS_RND_RANDOM, scid.data, CID_LEN), "random bytes");
  check(gnutls_rnd(GNUTLS_RND_RANDOM, dcid.data, CID_LEN), "random bytes");
  ngtcp2_settings_default(&settings);
  settings.initial_ts = now;
  settings.handshake_timeout = 10 * QUICMIG_SECOND;
  ngtcp2_transport_params_default(&params);
  params.max_idle_timeout = 30 * QUICMIG_SECOND;
  params.max_datagram_frame_size = 65535;
  params.active_connection_id_limit = CID_LIMIT;
  return ngtcp2_conn_client_new(&p->conn, &dcid, &scid, path,
                                NGTCP2_PROTO_VER_V1, &conn_callbacks, &settings,
                                &params, NULL, p);
}

static void start(program *p) {
  quicmig_callbacks cb = {.size = sizeof(cb), .watch = on_watch, .hop = on_hop};
  struct addrinfo hints = {.ai_socktype = SOCK_DGRAM,
                           .ai_flags = AI_NUMERICSERV};
  quicmig_tstamp now = quicmig_clock();
  ngtcp2_path_storage path;
  struct addrinfo *found;
  int rv = getaddrinfo(p->o.host, p->o.port, &hints, &found);

  if (rv != 0) {
    cli_fail("%s: %s", p->o.host, gai_strerror(rv));
  }
  load_trust(p);
  new_session(p);
  rv = quicmig_new(&p->migrator, &p->o.migration, &cb, NULL, found->ai_addr,
                   found->ai_addrlen, now, p);
  if (rv != 0) {
    cli_fail("%s: %s", p->o.host,
             rv == QUICMIG_ERR_SYSTEM ? strerror(errno) : quicmig_strerror(rv));
  }
  freeaddrinfo(found);
  /* The socket exists: ngtcp2 must know its addresses as they are. */
  quicmig_get_path(p->migrator, &path);
  rv = new_conn(p, &path.path, now);
  if (rv != 0) {
    cli_fail("%s", ngtcp2_strerror(rv));
  }
  ngtcp2_conn_set_tls_native_handle(p->conn, p->session);
  rv = quicmig_attach(p->migrator, p->conn);
  if (rv != 0) {
    cli_fail("%s", quicmig_strerror(rv));
  }
}

/* The loop. */

/* Every 10 ms: another datagram is due, or, when the time is over, only the
 * last echoes are waited for. */
static void tick(program *p, quicmig_tstamp now) {
  quicmig_tstamp end = p->start + p->o.duration;

  for (; p->next <= now; p->next += SEND_EVERY) {
    p->due += p->next <= end;
    p->is_done = p->next >= end + LINGER;
  }
}

/* One turn of the loop; 0 or quicmig's error. */
static int step(program *p, const small_set *ready, quicmig_tstamp now) {
  nfds_t i;
  int rv;

  for (i = 0; i < ready->n; i++) {
    /* One that was closed meanwhile is ignored. */
    if (ready->fds[i].revents) {
      rv = quicmig_read(p->migrator, ready->fds[i].fd, now);
      if (rv < 0) {
        return rv;
      }
    }
  }
  rv = quicmig_on_time(p->migrator, now);
  if (rv < 0) {
    return rv;
  }
  tick(p, now);
  rv = quicmig_write(p->migrator, write_pkt, now, p);
  return rv < 0 ? rv : 0;
}

/* Nobody has answered, and the kernel says that nobody listens: a hint that
 * may be forged, so one alone is not believed. */
static int is_refused(const program *p) {
  quicmig_stats s = {.size = sizeof(s)};

  quicmig_get_stats(p->migrator, &s);
  return s.rx_packets == 0 && s.refused >= 2;
}

static int run(program *p) {
  int rv = quicmig_write(p->migrator, write_pkt, quicmig_clock(), p);

  while (rv >= 0 && !p->is_done) {
    quicmig_tstamp at = quicmig_deadline(p->migrator);
    small_set ready = small_wait(&p->sockets, p->next < at ? p->next : at);

    rv = step(p, &ready, quicmig_clock());
    if (rv >= 0 && is_refused(p)) {
      rv = QUICMIG_ERR_REFUSED;
    }
  }
  return rv;
}

/* The end. */

/* One line on stderr about what run() returned, and for the server its code.
 * TLS alerts are in codes 0x100 to 0x1ff (RFC 9000 section 20.1). */
static void explain(program *p, int err) {
  int liberr = quicmig_conn_error(p->migrator);
  const char *more = NULL;

  ngtcp2_ccerr_set_liberr(&p->ccerr, liberr, NULL, 0);
  if (liberr == NGTCP2_ERR_CRYPTO) {
    ngtcp2_ccerr_set_tls_alert(&p->ccerr, ngtcp2_conn_get_tls_alert(p->conn),
                               NULL, 0);
    more = gnutls_alert_get_name(ngtcp2_conn_get_tls_alert(p->conn));
  } else if (liberr == NGTCP2_ERR_DRAINING) {
    uint64_t code = ngtcp2_conn_get_ccerr(p->conn)->error_code;

    more = code >> 8 == 1 ? gnutls_alert_get_name(code & 0xff)
                          : "the server has closed the connection";
  }
  cli_say("%s port %s: %s%s%s", p->o.host, p->o.port,
          err == QUICMIG_ERR_CONN ? ngtcp2_strerror(liberr)
                                  : quicmig_strerror(err),
          more ? ": " : "", more ? more : "");
}

/* Says goodbye, unless the server has closed already: ngtcp2 writes nothing
 * then.  Reports, and frees everything; the ngtcp2_conn is not quicmig's. */
static void finish(program *p, int err) {
  const small_set none = {.n = 0};

  ngtcp2_ccerr_set_application_error(&p->ccerr, 0, NULL, 0);
  if (err < 0) {
    explain(p, err);
  } else {
    small_print_result(p->sent, p->echoed, p->migrator);
  }
  while (quicmig_write(p->migrator, write_close, quicmig_clock(), p) > 0) {
    (void)small_wait(&none, quicmig_clock() + QUICMIG_MILLISECOND);
  }
  quicmig_free(p->migrator);
  ngtcp2_conn_del(p->conn);
  gnutls_deinit(p->session);
  gnutls_certificate_free_credentials(p->cred);
}

int main(int argc, char **argv) {
  program p = {.next = QUICMIG_NEVER};
  int rv;

  small_read(&p.o, "own_conn",
             "Sends datagrams to an echo_server over its own ngtcp2_conn, "
             "hopping.",
             argc, argv);
  start(&p);
  rv = run(&p);
  finish(&p, rv);
  return rv < 0;
}
