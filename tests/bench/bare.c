#include "bare.h"

#include <stdlib.h>

#include "bareend.h"

#define CONNECT_MAX (5 * QUICMIG_SECOND)
/* System calls a turn that read: as many as the endpoint's client reads
 * datagrams. */
#define READS_MAX 64
/* Bytes of frame, header and tag around a DATAGRAM at most. */
#define OVERHEAD 64

static bool on_packet(void *arg, const uint8_t *data, size_t len, uint8_t ecn,
                      const struct sockaddr_in *from) {
  bare_end *e = arg;
  const ngtcp2_pkt_info pi = {.ecn = ecn};
  ngtcp2_path path;
  ngtcp2_pkt_hd hd;

  if (!e->sock.is_connected) {
    e->sock.remote = *from;
  }
  if (!e->conn &&
      (ngtcp2_accept(&hd, data, len) != 0 || bare_end_start(e, &hd) != 0)) {
    return true; /* not a first packet */
  }
  path = bare_end_path(e);
  if (ngtcp2_conn_read_pkt(e->conn, &path, &pi, data, len, e->now) != 0) {
    e->b->base.is_broken = true;
    return false;
  }
  return true;
}

/* As many DATAGRAMs as fit the packet, if more than one can. */
static ngtcp2_ssize write_datagrams(bare *b, ngtcp2_pkt_info *pi, uint8_t *dest,
                                    quicmig_tstamp now) {
  size_t size = b->base.size;
  uint32_t flags = 2 * size + OVERHEAD <= b->packet_size
                       ? NGTCP2_WRITE_DATAGRAM_FLAG_MORE
                       : NGTCP2_WRITE_DATAGRAM_FLAG_NONE;
  ngtcp2_ssize n;
  int accepted;

  do {
    ngtcp2_vec vec = {.base = (uint8_t *)(uintptr_t)carrier_datagram(&b->base),
                      .len = size};

    accepted = 0;
    n = ngtcp2_conn_writev_datagram(b->ends[BARE_CLIENT].conn, NULL, pi, dest,
                                    b->packet_size, &accepted, flags, 0, &vec,
                                    1, now);
    b->base.sent += accepted != 0;
  } while (n == NGTCP2_ERR_WRITE_MORE);
  return n;
}

static ngtcp2_ssize write_stream(bare *b, ngtcp2_pkt_info *pi, uint8_t *dest,
                                 quicmig_tstamp now) {
  ngtcp2_conn *conn = b->ends[BARE_CLIENT].conn;
  ngtcp2_vec vec = {.base = (uint8_t *)(uintptr_t)carrier_stream(b->stream_in),
                    .len = CARRIER_PERIOD};
  ngtcp2_ssize taken = -1, n;

  n = ngtcp2_conn_writev_stream(conn, NULL, pi, dest, b->packet_size, &taken,
                                NGTCP2_WRITE_STREAM_FLAG_NONE, b->stream, &vec,
                                1, now);
  if (n == NGTCP2_ERR_STREAM_DATA_BLOCKED) {
    return ngtcp2_conn_write_pkt(conn, NULL, pi, dest, b->packet_size, now);
  }
  b->stream_in += taken > 0 ? (uint64_t)taken : 0;
  return n;
}

static ngtcp2_ssize write_one(bare_end *e, ngtcp2_pkt_info *pi, uint8_t *dest,
                              quicmig_tstamp now) {
  bare *b = e->b;

  if (!e->is_server && b->base.load == CARRIER_DATAGRAMS) {
    return write_datagrams(b, pi, dest, now);
  }
  if (!e->is_server && b->base.load == CARRIER_STREAM) {
    return write_stream(b, pi, dest, now);
  }
  return ngtcp2_conn_write_pkt(e->conn, NULL, pi, dest, b->packet_size, now);
}

/* Packets until there is nothing more or the send quantum is full. */
static void write_end(bare_end *e) {
  size_t quantum = ngtcp2_conn_get_send_quantum(e->conn), total = 0;
  ngtcp2_pkt_info pi;
  ngtcp2_ssize n = 0;
  int rv = 0;

  while (total + e->b->packet_size <= quantum) {
    n = write_one(e, &pi, baresock_room(&e->sock), e->now);
    if (n <= 0) {
      break;
    }
    total += (size_t)n;
    rv |= baresock_add(&e->sock, (size_t)n, (uint8_t)pi.ecn);
  }
  rv |= baresock_flush(&e->sock);
  ngtcp2_conn_update_pkt_tx_time(e->conn, e->now);
  e->has_more = n > 0;
  e->b->base.is_broken |= n < 0 || rv != 0;
}

static quicmig_tstamp deadline(const bare_end *e) {
  if (!e->conn) {
    return QUICMIG_NEVER;
  }
  return e->has_more ? 0 : ngtcp2_conn_get_expiry(e->conn);
}

/* What is due: reading, time, writing. */
static void run_end(bare_end *e, bool is_readable, bool is_due) {
  if (!is_readable && !is_due) {
    return;
  }
  e->now = quicmig_clock();
  if (is_readable) {
    baresock_read(&e->sock, READS_MAX, on_packet, e);
  }
  if (!e->conn) {
    return;
  }
  if (ngtcp2_conn_get_expiry(e->conn) <= e->now &&
      ngtcp2_conn_handle_expiry(e->conn, e->now) != 0) {
    e->b->base.is_broken = true;
    return;
  }
  write_end(e);
}

static void turn(carrier *c, quicmig_tstamp until) {
  bare *b = (bare *)c;
  bare_end *server = &b->ends[BARE_SERVER], *client = &b->ends[BARE_CLIENT];
  struct pollfd fds[2] = {{.fd = server->sock.fd, .events = POLLIN},
                          {.fd = client->sock.fd, .events = POLLIN}};
  quicmig_tstamp server_at = deadline(server), client_at = deadline(client);
  quicmig_tstamp now;

  until = server_at < until ? server_at : until;
  until = client_at < until ? client_at : until;
  carrier_wait(c, fds, 2, until);
  c->wakeups += fds[BARE_SERVER].revents != 0;
  now = quicmig_clock();
  run_end(server, fds[BARE_SERVER].revents != 0, server_at <= now);
  run_end(client, fds[BARE_CLIENT].revents != 0, client_at <= now);
}

/* The next turn writes. */
static void start(carrier *c) {
  ((bare *)c)->ends[BARE_CLIENT].has_more = true;
}

static bool is_at_rest(const carrier *c) {
  ngtcp2_conn_info i;

  ngtcp2_conn_get_conn_info(((const bare *)c)->ends[BARE_CLIENT].conn, &i);
  return i.bytes_in_flight == 0;
}

static void bare_free(carrier *c) {
  bare *b = (bare *)c;
  int i;

  for (i = 0; i < 2; i++) {
    bare_end_reset(&b->ends[i]);
  }
  free(b);
}

static const carrier_ops ops = {turn, start, is_at_rest, bare_free};

static int open_ends(bare *b, bool has_offload) {
  quicmig_tls_config tls;
  int i;

  quicmig_tls_config_default(&tls);
  tls.alpn = "bench";
  tls.insecure = 1;
  for (i = 0; i < 2; i++) {
    bare_end *e = &b->ends[i];

    e->b = b;
    e->is_server = i == BARE_SERVER;
    if (qm_tls_init(&e->tls, &tls, e->is_server, "localhost") != 0 ||
        baresock_open(&e->sock, has_offload) != 0) {
      return -1;
    }
  }
  b->base.rx_fd = b->ends[BARE_SERVER].sock.fd;
  b->base.tx_fd = b->ends[BARE_CLIENT].sock.fd;
  if (baresock_connect(&b->ends[BARE_CLIENT].sock,
                       &b->ends[BARE_SERVER].sock.local) != 0) {
    return -1;
  }
  b->ends[BARE_CLIENT].now = quicmig_clock();
  return bare_end_start(&b->ends[BARE_CLIENT], NULL);
}

static bool is_connected(const bare *b) {
  return b->ends[BARE_SERVER].conn &&
         ngtcp2_conn_get_handshake_completed(b->ends[BARE_SERVER].conn) &&
         ngtcp2_conn_get_handshake_completed(b->ends[BARE_CLIENT].conn);
}

static int connect_ends(bare *b) {
  quicmig_tstamp end = quicmig_clock() + CONNECT_MAX;

  start(&b->base);
  while (!is_connected(b) && !b->base.is_broken && quicmig_clock() < end) {
    turn(&b->base, end);
  }
  return is_connected(b) ? ngtcp2_conn_open_uni_stream(
                               b->ends[BARE_CLIENT].conn, &b->stream, NULL)
                         : -1;
}

carrier *bare_new(size_t size, size_t packet_size, bool has_offload) {
  bare *b = calloc(1, sizeof(*b));

  if (!b) {
    return NULL;
  }
  carrier_init(&b->base, &ops, size);
  b->mem = (ngtcp2_mem){.user_data = b->base.mem.user_data,
                        .malloc = b->base.mem.malloc,
                        .free = b->base.mem.free,
                        .calloc = b->base.mem.calloc,
                        .realloc = b->base.mem.realloc};
  b->packet_size = packet_size;
  b->stream = -1;
  b->ends[0].sock.fd = b->ends[1].sock.fd = -1;
  if (open_ends(b, has_offload) != 0 || connect_ends(b) != 0) {
    bare_free(&b->base);
    return NULL;
  }
  return &b->base;
}

bool bare_has_offload(const carrier *c) {
  return ((const bare *)c)->ends[BARE_CLIENT].sock.has_offload;
}

const char *bare_cipher(const carrier *c) {
  return gnutls_cipher_get_name(
      gnutls_cipher_get(((const bare *)c)->ends[BARE_CLIENT].session));
}
