#include "pump.h"

#include <string.h>

#include "fragment.h"
#include "mss.h"
#include "toobig.h"

#define VIRTIO_BYTES sizeof(struct virtio_net_hdr)
/* Of waiting packets, with their bookkeeping: some milliseconds at a gigabit a
 * second. */
#define RING_BYTES (2 << 20)
/* What waits while less does is not worth a drop. */
#define RING_FEW (128 << 10)
/* Reads of one wake-up: the sockets must have their turn. */
#define READS_MAX 64
/* What has waited longer is of no use to anybody. */
#define AGE_MAX (5 * QUICMIG_SECOND)
/* ICMP errors in a tenth of a second (RFC 1812 section 4.3.2.8). */
#define TELL_MAX 10
#define TELL_EVERY (100 * QUICMIG_MILLISECOND)

static void write_out(const struct virtio_net_hdr *h, const uint8_t *packet,
                      size_t len, void *user_data) {
  tun_write(user_data, h, packet, len);
}

/* Tells the sender inside the tunnel how much fits. */
static void tell_size(pump *p, const uint8_t *packet, size_t len, size_t mtu) {
  const struct virtio_net_hdr plain = {.flags = 0};
  quicmig_tstamp now = quicmig_clock();
  uint8_t reply[TOOBIG_MAX];
  size_t n;

  if (now - p->told_at >= TELL_EVERY) {
    p->told_at = now;
    p->told = 0;
  }
  if (p->told >= TELL_MAX) {
    return;
  }
  n = toobig_reply(reply, packet, len, mtu);
  if (n) {
    p->told++;
    tun_write(p->device, &plain, reply, n);
  }
}

/* from may be ring_room()'s place itself. */
static void push(pump *p, tunnel *t, const uint8_t *from, size_t n,
                 quicmig_tstamp now) {
  bool was_empty = t->out.used == 0;
  uint8_t *to = ring_room(&t->out);

  if (!to) {
    t->counts.full++;
    return;
  }
  if (to != from) {
    memcpy(to, from, n);
  }
  ring_commit(&t->out, n, now);
  p->guess = t;
  if (was_empty) {
    quicmig_conn_wake(t->conn);
  }
}

/* Larger than the path: IPv4 that may be is fragmented, the sender of all else
 * is told. */
static void shrink(pump *p, tunnel *t, const uint8_t *room, size_t n,
                   quicmig_tstamp now) {
  uint8_t piece[VIRTIO_BYTES + QUICMIG_MAX_PKTLEN] = {0};
  struct virtio_net_hdr h;
  uint8_t *packet = p->spare + VIRTIO_BYTES;
  fragment f;
  split whole;
  size_t len;

  memmove(p->spare, room, n); /* pieces go where it stands */
  memcpy(&h, p->spare, sizeof(h));
  if (!split_begin(&whole, packet, n - VIRTIO_BYTES, &h) ||
      !fragment_begin(&f, packet, n - VIRTIO_BYTES)) {
    t->counts.too_large++;
    tell_size(p, packet, n - VIRTIO_BYTES, t->room);
    return;
  }
  while ((len = fragment_next(&f, t->room, piece + VIRTIO_BYTES)) != 0) {
    push(p, t, piece, VIRTIO_BYTES + len, now);
  }
}

/* Into the tunnel's ring.  The segment size of a new TCP connection is lowered;
 * a super-packet will be cut to fit. */
static void enqueue(pump *p, tunnel *t, uint8_t *room, size_t n,
                    quicmig_tstamp now) {
  struct virtio_net_hdr h;

  memcpy(&h, room, sizeof(h));
  if (h.gso_type == VIRTIO_NET_HDR_GSO_NONE) {
    if (n - VIRTIO_BYTES > t->room) {
      shrink(p, t, room, n, now);
      return;
    }
    (void)mss_clamp(room + VIRTIO_BYTES, n - VIRTIO_BYTES, t->room,
                    (h.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0);
  }
  push(p, t, room, n, now);
}

/* Where the next packet is read to: with luck the ring that it is for.  NULL:
 * not now. */
static uint8_t *place_to_read(pump *p) {
  uint8_t *room = p->guess ? ring_room(&p->guess->out) : NULL;

  if (!room && p->guess && p->open == 1) {
    return NULL;
  }
  return room ? room : p->spare;
}

/* Somebody has removed the device: nothing is left to do. */
static void break_off(pump *p, int err) {
  say("%s is gone: %s", p->device->name, strerror(err));
  p->is_broken = true;
  ev_io_stop(p->loop, &p->readable);
  ev_break(p->loop, EVBREAK_ALL);
}

/* Lets the tunnel have a packet that was read to room. */
static void take(pump *p, uint8_t *room, size_t n, quicmig_tstamp now) {
  packet_view v;
  tunnel *t = packet_parse(&v, room + VIRTIO_BYTES, n - VIRTIO_BYTES)
                  ? p->calls.find(room + VIRTIO_BYTES, p->user_data)
                  : NULL;

  if (t && t->room) {
    enqueue(p, t, room, n, now);
  } else {
    p->lost++;
  }
}

static void on_readable(struct ev_loop *loop, ev_io *w, int revents) {
  pump *p = w->data;
  quicmig_tstamp now = quicmig_clock();
  int i;

  (void)revents;
  for (i = 0; i < READS_MAX; i++) {
    uint8_t *room = place_to_read(p);
    ssize_t n;

    if (!room) {
      p->is_paused = true;
      ev_io_stop(loop, w);
      return;
    }
    n = tun_read(p->device, room);
    if (n < 0) {
      break_off(p, (int)-n);
    }
    if (n <= 0) {
      return;
    }
    take(p, room, (size_t)n, now);
  }
}

static void resume(pump *p) {
  if (p->is_paused && !p->is_broken) {
    p->is_paused = false;
    ev_io_start(p->loop, &p->readable);
  }
}

/* Just before the loop sleeps. */
static void on_flush(struct ev_loop *loop, ev_prepare *w, int revents) {
  pump *p = w->data;

  (void)loop;
  (void)revents;
  merge_flush(&p->in);
}

void pump_start(pump *p, struct ev_loop *loop, tun *device,
                const pump_calls *calls, void *user_data) {
  p->loop = loop;
  p->device = device;
  p->calls = *calls;
  p->user_data = user_data;
  merge_init(&p->in, write_out, device);
  ev_io_init(&p->readable, on_readable, device->fd, EV_READ);
  p->readable.data = p;
  ev_io_start(loop, &p->readable);
  ev_prepare_init(&p->flush, on_flush);
  p->flush.data = p;
  ev_set_priority(&p->flush, EV_MINPRI); /* after the library's own */
  ev_prepare_start(loop, &p->flush);
}

void pump_stop(pump *p) {
  ev_io_stop(p->loop, &p->readable);
  ev_prepare_stop(p->loop, &p->flush);
}

bool tunnel_open(tunnel *t, pump *p, quicmig_conn *conn) {
  tunnel_close(t);
  if (!ring_init(&t->out, RING_BYTES)) {
    return false;
  }
  t->pump = p;
  t->conn = conn;
  t->codel = (codel){.count = 0};
  p->open++;
  resume(p); /* a full ring of another one holds nobody up any more */
  quicmig_conn_set_user_data(conn, t);
  return true;
}

void tunnel_close(tunnel *t) {
  pump *p = t->pump;

  if (!t->conn) {
    return;
  }
  t->conn = NULL;
  t->room = 0;
  ring_reset(&t->out);
  p->open--;
  if (p->guess == t) {
    p->guess = NULL;
  }
  resume(p);
}

static bool is_foreign(tunnel *t, const uint8_t *data) {
  pump *p = t->pump;

  return p->calls.may_come && !p->calls.may_come(t, data, p->user_data);
}

void tunnel_on_datagram(quicmig_conn *c, const uint8_t *data, size_t len,
                        void *user_data) {
  uint8_t copy[QUICMIG_MAX_PKTLEN];
  tunnel *t = user_data;
  packet_view v;

  (void)c;
  if (!packet_parse(&v, data, len) || !t->conn) {
    t->counts.malformed++;
    return;
  }
  if (is_foreign(t, data)) {
    t->counts.foreign++;
    return;
  }
  t->counts.rx_packets++;
  t->counts.rx_bytes += len;
  if (v.tcp_header && (data[v.transport + 13] & TCP_SYN) &&
      len <= sizeof(copy)) {
    memcpy(copy, data, len);
    (void)mss_clamp(copy, len, t->room, false);
    data = copy;
  }
  merge_add(&t->pump->in, data, len);
}

static void resume_if_half_free(tunnel *t) {
  if (t->out.used <= t->out.size / 2) {
    resume(t->pump);
  }
}

size_t tunnel_head(quicmig_conn *c, const uint8_t **data, void *user_data) {
  tunnel *t = user_data;
  quicmig_tstamp now = quicmig_clock(), since;
  size_t len;

  (void)c;
  t->counts.late +=
      ring_drop_before(&t->out, now > AGE_MAX ? now - AGE_MAX : 0);
  since = ring_since(&t->out);
  len = ring_head(&t->out, t->room, data);
  if (since != QUICMIG_NEVER && len != SIZE_MAX &&
      codel_drops(&t->codel, now, since, t->out.used < RING_FEW)) {
    t->counts.late++;
    ring_pop(&t->out);
    len = ring_head(&t->out, t->room, data);
  }
  t->counts.uncut += t->out.uncut;
  t->out.uncut = 0;
  if (t->conn) {
    resume_if_half_free(t);
  }
  return len;
}

void tunnel_pop(quicmig_conn *c, int sent, void *user_data) {
  tunnel *t = user_data;

  (void)c;
  if (sent) {
    t->counts.tx_packets++;
    t->counts.tx_bytes += t->out.packet_len;
  } else {
    t->counts.too_large++;
  }
  ring_pop(&t->out);
  resume_if_half_free(t);
}

void tunnel_on_room(tunnel *t, size_t room) { t->room = room; }
