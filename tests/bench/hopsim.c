#include "hopsim.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "hopworld.h"

#define SEC QUICMIG_SECOND
/* Until the first slow start has done its work: a second brought 95 % of the
 * line. */
#define WARM_UP_MIN (2 * SEC)
#define WARM_UP_MAX (60 * SEC)
#define DATAGRAM_MIN 200
#define DATAGRAM_MAX 1200
#define DATAGRAM_MEAN 700
#define DATAGRAMS_A_SECOND 1000
#define LINGER (6 * SEC)

typedef struct hopsim {
  const hopsim_setup *setup;
  hopworld world;
  quicmig_conn *sender;
  quicmig_stream *stream;
  quicmig_tstamp begin; /* of the trace; NEVER: not yet */
  uint64_t arrived;     /* bytes of the stream */
  qm_rng sizes;
  quicmig_tstamp next_send;
  quicmig_duration send_every; /* a datagram */
  size_t datagrams_cap;
  hopsim_trace trace;
} hopsim;

/* --- a stream --- */

static hopsim *of_world(void *world) {
  return ((hopworld *)world)->config.user_data;
}

static void on_stream_data(quicmig_conn *c, quicmig_stream *s,
                           const uint8_t *data, size_t len, int fin,
                           void *user_data) {
  hopsim *h = of_world(user_data);
  quicmig_tstamp now = h->world.net.now;

  (void)c;
  (void)data;
  (void)fin;
  h->arrived += len;
  if (now >= h->begin && (now - h->begin) / HOPSIM_SLOT < h->trace.n_slots) {
    h->trace.slots[(now - h->begin) / HOPSIM_SLOT] += (uint32_t)len;
  }
  quicmig_stream_consume(s, len);
}

static void fill(hopsim *h) {
  static const uint8_t zeros[65536];

  while (quicmig_stream_write(h->stream, zeros, sizeof(zeros)) > 0) {
  }
}

static void on_writable(quicmig_conn *c, quicmig_stream *s, size_t acked,
                        void *user_data) {
  (void)c;
  (void)s;
  (void)acked;
  fill(of_world(user_data));
}

/* --- datagrams --- */

static void on_datagram(quicmig_conn *c, const uint8_t *data, size_t len,
                        void *user_data) {
  hopsim *h = of_world(user_data);
  hopsim_datagram *d;
  uint64_t index;

  (void)c;
  (void)len;
  memcpy(&index, data, sizeof(index));
  d = &h->trace.datagrams[index];
  d->delay = h->world.net.now - d->sent_at;
}

static void send_one(void *arg, int fd) {
  static uint8_t data[DATAGRAM_MAX];
  hopsim *h = arg;
  size_t len = qm_rng_range(&h->sizes, DATAGRAM_MIN, DATAGRAM_MAX);
  uint64_t index = h->trace.n_datagrams;

  (void)fd;
  h->next_send += h->send_every;
  assert(index < h->datagrams_cap);
  memcpy(data, &index, sizeof(index));
  h->trace.datagrams[index] =
      (hopsim_datagram){.sent_at = h->world.net.now, .delay = QUICMIG_NEVER};
  if (quicmig_conn_send_datagram(h->sender, data, len) == 0) {
    h->trace.n_datagrams++;
  } else {
    h->trace.refused++;
  }
}

static quicmig_tstamp next_send(void *arg) {
  return ((const hopsim *)arg)->next_send;
}

/* --- both --- */

static hopsim *start(const hopsim_setup *s) {
  hopsim *h = calloc(1, sizeof(*h));
  const hopworld_config cfg = {
      .rate_mbit = s->rate_mbit,
      .rtt_ms = s->rtt_ms,
      .mode = s->mode,
      .seed = s->seed,
      .callbacks = {.size = sizeof(quicmig_conn_callbacks),
                    .datagram = on_datagram,
                    .stream_data = on_stream_data,
                    .stream_writable = on_writable},
      .user_data = h};

  assert(h);
  h->setup = s;
  h->begin = h->next_send = QUICMIG_NEVER;
  qm_rng_init(&h->sizes, s->seed);
  hopworld_init(&h->world, &cfg, next_send, send_one);
  if (hopworld_start(&h->world)) {
    h->sender = s->is_down ? h->world.server_conn : h->world.client_conn;
  }
  return h;
}

/* The trace begins, with the first hop if there are any. */
static void run_trace(hopsim *h) {
  const hopsim_setup *s = h->setup;

  h->begin = h->world.net.now;
  if (s->hops) {
    hopworld_hop_every(&h->world, s->length / s->hops);
  }
  hopworld_run(&h->world, s->length);
}

static hopsim_trace finish(hopsim *h) {
  hopsim_trace t = h->trace;

  t.hops = h->world.hops;
  t.failed = h->world.failed;
  t.is_good = h->sender && !h->world.is_closed && t.failed == 0 &&
              t.hops >= h->setup->hops;
  hopworld_reset(&h->world);
  free(h);
  return t;
}

static void warm_up(hopsim *h) {
  uint64_t enough = h->setup->rate_mbit * 125000 / HOPWORLD_WIRE *
                    HOPWORLD_PAYLOAD / 100 * 95;
  quicmig_duration passed = 0;
  uint64_t before;

  do {
    before = h->arrived;
    hopworld_run(&h->world, SEC);
    passed += SEC;
  } while (!h->world.is_closed && passed < WARM_UP_MAX &&
           (passed < WARM_UP_MIN || h->arrived - before < enough));
}

hopsim_trace hopsim_stream(const hopsim_setup *s) {
  hopsim *h = start(s);

  h->trace.n_slots = (size_t)(s->length / HOPSIM_SLOT);
  h->trace.slots = calloc(h->trace.n_slots, sizeof(*h->trace.slots));
  assert(h->trace.slots);
  if (h->sender && quicmig_conn_open_stream(h->sender, 0, &h->stream) == 0) {
    fill(h);
    warm_up(h);
    run_trace(h);
  }
  return finish(h);
}

/* Until the window has grown to the rate. */
static quicmig_duration datagram_warm_up(const hopsim_setup *s) {
  return 2 * SEC + 20 * s->rtt_ms * QUICMIG_MILLISECOND;
}

static quicmig_duration period(const hopsim_setup *s) {
  uint64_t rate = s->rate_mbit * 12500 / DATAGRAM_MEAN; /* 10 % of the line */

  return SEC / (rate > DATAGRAMS_A_SECOND ? DATAGRAMS_A_SECOND : rate);
}

hopsim_trace hopsim_datagrams(const hopsim_setup *s) {
  hopsim *h = start(s);
  size_t i;

  h->send_every = period(s);
  h->datagrams_cap =
      (size_t)((s->length + datagram_warm_up(s)) / h->send_every) + 2;
  h->trace.datagrams = calloc(h->datagrams_cap, sizeof(*h->trace.datagrams));
  assert(h->trace.datagrams);
  if (h->sender) {
    h->next_send = h->world.net.now;
    hopworld_run(&h->world, datagram_warm_up(s));
    h->trace.refused = 0;
    run_trace(h);
    h->next_send = QUICMIG_NEVER;
    hopworld_run(&h->world, LINGER);
  }
  for (i = 0; i < h->trace.n_datagrams; i++) {
    hopsim_datagram *d = &h->trace.datagrams[i];

    d->sent_at = d->sent_at < h->begin ? QUICMIG_NEVER : d->sent_at - h->begin;
  }
  return finish(h);
}

void hopsim_trace_reset(hopsim_trace *t) {
  free(t->slots);
  free(t->datagrams);
  *t = (hopsim_trace){.slots = NULL};
}
