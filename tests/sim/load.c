#include "load.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define TICK (10 * MS)
#define DATAGRAM 1100 /* fits whatever path MTU discovery falls back to */
#define WINDOW (16u << 20)

static load *load_of(void *user_data, bool is_server) {
  rig *r = is_server ? user_data : ((rig_client *)user_data)->r;

  return r->test;
}

static bool is_datagram(const load *l) { return l->kind >= LOAD_DATAGRAM_UP; }

static bool is_down(const load *l) {
  return l->kind == LOAD_STREAM_DOWN || l->kind == LOAD_DATAGRAM_DOWN;
}

static quicmig_conn *sender(load *l) {
  return is_down(l) ? l->r.server_conn : quicmig_client_conn(l->r.clients[0].c);
}

/* How much the application has to send now. */
static uint64_t wants(const load *l) {
  uint64_t left =
      l->total && !is_datagram(l) ? l->total - l->offered : UINT64_MAX;

  if (l->has_ended || l->begun_at == 0) {
    return 0;
  }
  return l->rate || !l->is_on ? qm_time_min(l->credit, left) : left;
}

static void note_offered(load *l, uint64_t n) {
  l->offered += n;
  l->credit -= qm_time_min(l->credit, n);
}

static void offer_stream(load *l) {
  static const uint8_t data[65536];
  uint64_t n = wants(l);

  if (!l->stream && quicmig_conn_open_stream(sender(l), 0, &l->stream) != 0) {
    l->stream = NULL;
    return;
  }
  while (n) {
    int64_t taken = quicmig_stream_write(
        l->stream, data, n < sizeof(data) ? (size_t)n : sizeof(data));

    if (taken <= 0) {
      return;
    }
    note_offered(l, (uint64_t)taken);
    n = wants(l);
  }
}

static void offer_datagrams(load *l) {
  static const uint8_t data[DATAGRAM];

  while (wants(l) >= DATAGRAM &&
         quicmig_conn_send_datagram(sender(l), data, sizeof(data)) == 0) {
    note_offered(l, DATAGRAM);
  }
}

static void offer(load *l) {
  if (!sender(l) || l->begun_at == 0) {
    return;
  }
  if (is_datagram(l)) {
    offer_datagrams(l);
  } else {
    offer_stream(l);
  }
}

static quicmig_duration draw(load *l, quicmig_duration mean) {
  return l->is_random ? qm_rng_range(&l->r.world.rng, mean / 4, mean * 7 / 4)
                      : mean;
}

static void tick(void *arg, int fd) {
  load *l = arg;
  quicmig_tstamp now = l->r.world.now;

  (void)fd;
  if (l->off && now >= l->turn_at) {
    l->is_on = !l->is_on;
    l->turn_at = now + draw(l, l->is_on ? l->on : l->off);
    l->credit = 0;
  }
  l->credit += (l->is_on ? l->rate : l->trickle) * TICK / SEC;
  l->tick_at = now + TICK;
  offer(l);
}

static quicmig_tstamp tick_at(void *arg) {
  const load *l = arg;

  return l->begun_at && !l->has_ended && (l->rate || l->off) ? l->tick_at
                                                             : QUICMIG_NEVER;
}

static void deliver(load *l, size_t n) {
  l->delivered += n;
  l->gap_max = qm_time_max(l->gap_max, l->r.world.now - l->last_at);
  l->last_at = l->r.world.now;
  if (l->total && l->delivered >= l->total && !l->has_ended) {
    l->has_ended = true;
    l->ended_at = l->r.world.now;
  }
}

static void server_data(quicmig_conn *c, quicmig_stream *s, const uint8_t *data,
                        size_t len, int fin, void *user_data) {
  (void)c;
  (void)data;
  (void)fin;
  quicmig_stream_consume(s, len);
  deliver(load_of(user_data, true), len);
}

static void client_data(quicmig_conn *c, quicmig_stream *s, const uint8_t *data,
                        size_t len, int fin, void *user_data) {
  (void)c;
  (void)data;
  (void)fin;
  quicmig_stream_consume(s, len);
  deliver(load_of(user_data, false), len);
}

static void server_datagram(quicmig_conn *c, const uint8_t *data, size_t len,
                            void *user_data) {
  (void)c;
  (void)data;
  deliver(load_of(user_data, true), len);
}

static void client_datagram(quicmig_conn *c, const uint8_t *data, size_t len,
                            void *user_data) {
  (void)c;
  (void)data;
  deliver(load_of(user_data, false), len);
}

static void server_writable(quicmig_conn *c, void *user_data) {
  (void)c;
  offer(load_of(user_data, true));
}

static void client_writable(quicmig_conn *c, void *user_data) {
  (void)c;
  offer(load_of(user_data, false));
}

static void server_acked(quicmig_conn *c, quicmig_stream *s, size_t acked,
                         void *user_data) {
  (void)s;
  (void)acked;
  server_writable(c, user_data);
}

static void client_acked(quicmig_conn *c, quicmig_stream *s, size_t acked,
                         void *user_data) {
  (void)s;
  (void)acked;
  client_writable(c, user_data);
}

static void on_callbacks(rig *r, quicmig_conn_callbacks *cb, bool is_server) {
  (void)r;
  cb->datagram = is_server ? server_datagram : client_datagram;
  cb->writable = is_server ? server_writable : client_writable;
  cb->stream_data = is_server ? server_data : client_data;
  cb->stream_writable = is_server ? server_acked : client_acked;
}

static void on_hop(rig_client *c, const quicmig_hop_record *h) {
  load *l = c->r->test;

  l->last_hop = *h;
  if (h->result == 0) {
    l->hops[h->reason]++;
  }
  if (l->is_noisy) {
    printf("    %8.3f s: hop %s %s\n", (double)(h->started_at) / (double)SEC,
           quicmig_reason_name((int)h->reason), quicmig_err_name(h->result));
  }
}

static void on_event(rig_client *c, const quicmig_event *e) {
  load *l = c->r->test;

  l->events[e->type]++;
  if (e->type != QUICMIG_EVENT_VERDICT) {
    return;
  }
  l->verdicts[e->verdict]++;
  l->last_verdict = *e;
  if ((e->verdict == QUICMIG_VERDICT_BYTES_LEARNED ||
       e->verdict == QUICMIG_VERDICT_AGE_LEARNED) &&
      l->learned_at == 0) {
    l->learned_at = c->r->world.now;
    l->learned_delivered = l->delivered;
  }
  if (l->is_noisy) {
    printf("    %8.3f s: %s, %.3f MB, %.3f s, %.0f > %.0f kB/s\n",
           (double)c->r->world.now / (double)SEC,
           quicmig_verdict_name((int)e->verdict), (double)e->flow_bytes / 1e6,
           (double)e->flow_age / (double)SEC, (double)e->rate_before / 1e3,
           (double)e->rate_after / 1e3);
  }
}

void load_init(load *l, load_kind kind, uint64_t seed) {
  rig *r = &l->r;
  quicmig_transport_options *side[] = {&r->client_transport,
                                       &r->server_transport};
  size_t i;

  *l = (load){.kind = kind, .is_on = true};
  rig_init(r, seed, false);
  l->is_noisy = getenv("LOAD_NOISY") != NULL;
  r->test = l;
  r->on_callbacks = on_callbacks;
  r->on_hop = on_hop;
  r->on_event = on_event;
  r->send_every = 0;
  r->migration.hop_interval = 0;
  r->migration.adaptive = 1;
  for (i = 0; i < 2; i++) {
    side[i]->stream_buffer = WINDOW;
    side[i]->stream_window = WINDOW;
    side[i]->connection_window = WINDOW;
    side[i]->datagram_queue = 1u << 20;
    side[i]->idle_timeout = 120 * SEC;
  }
  l->actor = (sim_actor){
      .deadline = tick_at, .run = tick, .arg = l, .wakes_others = true};
  sim_actor_add(&r->world, &l->actor);
}

void load_start(load *l) {
  int rv = rig_start(&l->r, 1);

  assert(rv == 0 && l->r.clients[0].is_connected);
  (void)rv;
  l->begun_at = l->tick_at = l->last_at = l->r.world.now;
  l->turn_at = l->begun_at + draw(l, l->on);
  tick(l, -1);
}

quicmig_duration load_run(load *l, quicmig_duration most) {
  sim_run(&l->r.world, l->r.world.now + most, &l->has_ended);
  return l->r.world.now - l->begun_at;
}

void load_reset(load *l) { rig_reset(&l->r); }

uint64_t load_goodput(uint64_t bytes, quicmig_duration took) {
  return took ? (uint64_t)((double)bytes * (double)SEC / (double)took) : 0;
}

uint64_t load_hops(const load *l) {
  uint64_t sum = 0;
  size_t i;

  for (i = 0; i < sizeof(l->hops) / sizeof(l->hops[0]); i++) {
    sum += l->hops[i];
  }
  return sum;
}
