#include "client.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report.h"

static flow_key key_of(const struct sockaddr_storage *from) {
  flow_key key = {{0}};

  if (from->ss_family == AF_INET) {
    const struct sockaddr_in *in = (const void *)from;

    key.word[0] = AF_INET;
    key.word[1] = (uint64_t)in->sin_addr.s_addr << 16 | in->sin_port;
  } else {
    const struct sockaddr_in6 *in6 = (const void *)from;

    key.word[0] = AF_INET6;
    key.word[1] = (uint64_t)in6->sin6_scope_id << 16 | in6->sin6_port;
    memcpy(&key.word[2], &in6->sin6_addr, sizeof(in6->sin6_addr));
  }
  return key;
}

/* The flow of this source, a new one if need be; NULL: one too many. */
static flow *find_flow(client *c, const struct sockaddr_storage *from,
                       quicmig_tstamp now) {
  flow_key key = key_of(from);
  flow *f = flows_find(&c->s.flows, &key);
  char text[LOG_ADDRESS_MAX];

  if (f) {
    flows_touch(&c->s.flows, f, now);
    return f;
  }
  f = flows_add(&c->s.flows, &key, now);
  if (!f) {
    c->s.count.flows_refused++;
    log_rarely(&c->s.refused, "flow from %s refused: %u are open",
               log_address(from, text), c->s.flows.count);
    return NULL;
  }
  c->s.count.flows_opened++;
  c->sources[flows_place(&c->s.flows, f)] = *from;
  return f;
}

static bool take_packet(void *user_data, packet *k,
                        const struct sockaddr_storage *from) {
  client *c = user_data;
  quicmig_tstamp now = quicmig_clock();
  flow *f = find_flow(c, from, now);

  if (!f) {
    return false;
  }
  k->flow = f->number;
  if (!outbound_push(&c->out, k, now)) {
    c->s.count.queue_full++;
    return false;
  }
  c->s.count.packets_in++;
  c->s.count.bytes_in += k->len;
  return true;
}

static void on_packet(struct ev_loop *loop, ev_io *w, int revents) {
  client *c = w->data;

  (void)loop;
  (void)revents;
  if (reader_read(&c->s.reader, c->fd, take_packet, c) > 0) {
    link_wake(c);
  }
}

void client_take_answer(client *c, const uint8_t *data, size_t len) {
  quicmig_tstamp now = quicmig_clock();
  inbound_packet p;
  flow *f;

  if (!inbound_take(&c->in, data, len, now, &p)) {
    return;
  }
  f = flows_by_number(&c->s.flows, p.flow);
  if (!f) {
    c->s.count.unknown_flow++;
    return;
  }
  flows_touch(&c->s.flows, f, now);
  station_deliver(&c->s, c->fd, &c->sources[flows_place(&c->s.flows, f)], &p);
}

static void close_flow(station *s, flow *f) {
  (void)s; /* nothing is open for it */
  (void)f;
}

static void print(station *s) {
  client *c = (client *)s;
  quicmig_stats now = {.size = sizeof(now)};

  if (c->link) {
    quicmig_get_stats(quicmig_client_migrator(c->link), &now);
  }
  const report_item more[] = {
      {"hops", c->hops + now.hops},
      {"hops_failed", c->hops_failed + now.hops_failed},
      {"hops_refused", c->hops_refused + now.hops_refused},
      {"sockets_open", now.sockets_open},
      {"late_rescued", c->late_rescued + now.late_rescued}};

  report_print(s, more, sizeof(more) / sizeof(more[0]));
}

/* Opens the local socket. */
static void listen_local(client *c) {
  const endpoint_address *a = &c->o.listen[0];
  struct sockaddr_storage bound;
  socklen_t len = sizeof(bound);
  char text[LOG_ADDRESS_MAX];

  c->fd = station_socket(a->a.ss_family);
  if (c->fd < 0 || bind(c->fd, (const void *)&a->a, a->len) != 0 ||
      getsockname(c->fd, (void *)&bound, &len) != 0) {
    cli_fail("--listen %s: %s", log_address(&a->a, text), strerror(errno));
  }
  ev_io_init(&c->on_packet, on_packet, c->fd, EV_READ);
  c->on_packet.data = c;
  ev_io_start(c->s.loop, &c->on_packet);
  printf("forwarding %s\n", log_address_short(&bound, text));
  fflush(stdout);
}

static void start(client *c, const forward_options *o) {
  c->o = *o;
  c->s.close_flow = close_flow;
  c->s.print = print;
  station_start(&c->s, &c->o, o->max_flows, 2 * (size_t)o->queue);
  c->sources = calloc(o->max_flows, sizeof(*c->sources));
  if (!c->sources) {
    cli_fail("out of memory");
  }
  cli_log_open(&c->hop_log, o->hop_log);
  outbound_init(&c->out, &c->s.pool, o->queue, &c->s.count);
  inbound_init(&c->in, INBOUND_SLOTS, &c->s.count);
  listen_local(c);
  link_start(c);
}

int client_main(const forward_options *o) {
  static client c;

  start(&c, o);
  ev_run(c.s.loop, 0);
  link_stop(&c);
  outbox_flush(&c.s.outbox);
  print(&c.s);
  close(c.fd);
  outbound_reset(&c.out);
  inbound_reset(&c.in);
  free(c.sources);
  station_stop(&c.s);
  return cli_log_close(&c.hop_log);
}
