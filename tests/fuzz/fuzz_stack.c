/*
 * Client, server and the network between them, driven by a script of bytes:
 * time, hops, paths, data, packets of strangers, frames that the peer's ngtcp2
 * did not write, from its first packet on, loss, silence, narrow lines, refused
 * calls, steps of the clock, failing allocations.  Whatever the script, nothing
 * crashes, spins or leaks.
 */
#include "forge.h"
#include "narrow.h"
#include "outage.h"
#include "refusal.h"
#include "rig.h"
#include "script.h"
#include "tamper.h"

#include "endpoint/client.h"
#include "endpoint/server.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

#define OPS_MAX 200

static struct world {
  rig r;
  script s;
  sim_forge down, up;
  sim_late late;
  sim_outage outage;
  sim_narrow narrow;
  sim_line line;
  sim_refusal refusal[2];
  tamper t;
  uint8_t frames[1200]; /* to be written by the peer */
  size_t n_frames, skip;
} w;

static rig_client *client(void) { return &w.r.clients[0]; }

static quicmig *migrator(void) { return quicmig_client_migrator(client()->c); }

/* --- frames of a hostile peer --- */

static void edit(tamper *t, uint8_t *frames, size_t len) {
  size_t n = w.n_frames;

  if (n == 0 || w.skip-- > 0 || len == 0) {
    return;
  }
  n = n < len ? n : len;
  memset(frames, 0, len);
  memcpy(frames, w.frames, n);
  w.n_frames = 0;
  t->edited++;
}

static void prepare_frames(script *s) {
  const uint8_t *piece;
  uint8_t how = script_byte(s);

  w.n_frames = script_piece(s, &piece, sizeof(w.frames));
  memcpy(w.frames, piece, w.n_frames);
  w.skip = script_byte(s) % 8;
  w.t.is_client = how & 1;
  w.t.in_handshake = how & 2;
  w.t.edit = edit;
}

/* --- packets of strangers --- */

static void inject(script *s) {
  uint8_t how = script_byte(s);
  sim_forge *f = how & 1 ? &w.up : &w.down;
  const uint8_t *piece;
  size_t n;
  sim_pkt *p;

  if (how & 2) {
    f->at_kind = (sim_forgery)(script_byte(s) % SIM_FORGE_TOKEN);
    f->at = f->passed + script_byte(s) % 16;
    return;
  }
  n = script_piece(s, &piece, SIM_MTU);
  if (f->n_flows == 0) {
    return;
  }
  p = how & 1 ? sim_pkt_new(&w.r.world, SIM_UP, &f->flows[0].client,
                            &f->flows[0].server)
              : sim_pkt_new(&w.r.world, SIM_DOWN, &f->flows[0].server,
                            &f->flows[0].client);
  memcpy(p->data, piece, n);
  p->len = n;
  p->ecn = how >> 6;
  sim_forward(&w.r.world, &f->node, p);
}

/* --- what the programs do --- */

static void reschedule(script *s) {
  quicmig_options o = w.r.migration;

  o.hop_interval = script_number(s) * MS;
  o.hop_bytes = script_byte(s) * UINT64_C(16384);
  o.hop_mode = script_byte(s) & 1;
  o.degrade_ptos = script_byte(s) % 17;
  o.adaptive = script_byte(s) & 1;
  o.drain = script_number(s) * MS;
  (void)quicmig_reschedule(migrator(), &o, rig_client_now(&w.r));
}

static void use_paths(script *s) {
  quicmig_path_info paths[16];
  size_t n = quicmig_paths(migrator(), paths, 16);
  quicmig_tstamp now = rig_client_now(&w.r);
  uint32_t id = n ? paths[script_byte(s) % n].id : 0;

  switch (script_byte(s) % 4) {
  case 0:
    (void)quicmig_path_add(migrator(), NULL, &id, now);
    break;
  case 1:
    (void)quicmig_path_switch(migrator(), id, script_byte(s) * MS, now);
    break;
  case 2:
    (void)quicmig_path_close(migrator(), id, now);
    break;
  case 3:
    (void)quicmig_network_changed(migrator(), now);
    break;
  }
}

static void send_data(script *s) {
  static uint8_t data[QUICMIG_MAX_PKTLEN];
  uint8_t how = script_byte(s);
  quicmig_conn *c =
      how & 1 ? w.r.server_conn : quicmig_client_conn(client()->c);
  size_t n = script_number(s) % sizeof(data), i;
  quicmig_stream *stream;

  for (i = 0; c && i < 1u + (how >> 5); i++) {
    (void)quicmig_conn_send_datagram(c, data, n);
  }
  if (c && how & 2 && quicmig_conn_open_stream(c, how & 4, &stream) == 0) {
    (void)quicmig_stream_write(stream, data, n);
    (void)quicmig_stream_finish(stream);
  }
}

static void close_one(script *s) {
  uint8_t how = script_byte(s);

  if (how & 1) {
    quicmig_conn_close(quicmig_client_conn(client()->c), how, "fuzz");
  } else if (how & 2 && w.r.server) {
    quicmig_server_close(w.r.server, how, "fuzz");
  } else {
    rig_stop_server(&w.r);
    w.r.server_conn = NULL;
    (void)rig_start_server(&w.r); /* a call or an allocation may fail */
  }
}

/* --- the network and the machine --- */

static void change_line(script *s) {
  uint8_t how = script_byte(s);
  quicmig_duration length = script_number(s) * MS;

  switch (how % 4) {
  case 0:
    sim_outage_now(&w.r.world, &w.outage, how & 16, how & 32, length);
    break;
  case 1:
    w.late.side[how >> 7] = (sim_late_side){.late_ppm = script_byte(s) * 3900u,
                                            .twice_ppm = script_byte(s) * 3900u,
                                            .lost_ppm = script_byte(s) * 3900u,
                                            .hi = length};
    break;
  case 2:
    sim_narrow_to(&w.r.world, &w.narrow, script_number(s) % SIM_MTU);
    break;
  case 3:
    w.r.client_host.mtu = script_number(s) % SIM_MTU;
    break;
  }
}

static void refuse_calls(script *s) {
  static const int errnos[] = {EMFILE, ENOMEM,      ENOBUFS,  EADDRINUSE,
                               EPERM,  EINTR,       EAGAIN,   ECONNREFUSED,
                               EINVAL, ENETUNREACH, EMSGSIZE, EIO};
  sim_refusal *f = &w.refusal[script_byte(s) & 1];

  f->call = (sim_call)(script_byte(s) % SIM_CALLS);
  f->err = errnos[script_byte(s) % (sizeof(errnos) / sizeof(errnos[0]))];
  f->ppm = script_byte(s) * 3921u;
}

static void step_clock(script *s) {
  int64_t by = (int64_t)((script_number(s) - 32768) * (int64_t)MS);

  if (script_byte(s) & 1) {
    w.r.server_skew += by;
  } else {
    w.r.client_skew += by;
  }
}

static void fail_allocation(script *s) {
  rig_mem *m = script_byte(s) & 1 ? &w.r.server_mem : &client()->mem;

  m->fail_at = m->calls + script_byte(s);
}

static void play_one(script *s) {
  switch (script_byte(s) % 12) {
  case 0:
    (void)quicmig_hop(migrator(), rig_client_now(&w.r));
    break;
  case 1:
    prepare_frames(s);
    break;
  case 2:
    inject(s);
    break;
  case 3:
    reschedule(s);
    break;
  case 4:
    use_paths(s);
    break;
  case 5:
    send_data(s);
    break;
  case 6:
    change_line(s);
    break;
  case 7:
    refuse_calls(s);
    break;
  case 8:
    step_clock(s);
    break;
  case 9:
    fail_allocation(s);
    break;
  case 10:
    close_one(s);
    break;
  default:
    rig_run(&w.r, (1 + script_byte(s)) * 2 * MS);
    break;
  }
}

/* --- the world --- */

/* The rig's own would take hostile data amiss. */
static void on_datagram(quicmig_conn *c, const uint8_t *data, size_t len,
                        void *user_data) {
  (void)user_data;
  if (len < 100) {
    (void)quicmig_conn_send_datagram(c, data, len);
  }
}

static void on_callbacks(rig *r, quicmig_conn_callbacks *cb, bool is_server) {
  (void)r;
  (void)is_server;
  cb->datagram = on_datagram;
}

static void build(script *s) {
  sim *world = &w.r.world;

  rig_init(&w.r, 1u + script_byte(s), false);
  world->now = 1000000 * SEC; /* steps back stay after zero */
  sim_forge_init(world, &w.down, SIM_DOWN);
  sim_late_init(world, &w.late);
  sim_outage_init(world, &w.outage);
  sim_narrow_init(world, &w.narrow);
  sim_line_init(world, &w.line, 5 * MS);
  sim_forge_init(world, &w.up, SIM_UP);
  sim_refusal_init(&w.r.client_host, &w.refusal[0], SIM_SEND, EIO);
  sim_refusal_init(&w.r.server_host, &w.refusal[1], SIM_SEND, EIO);
  w.refusal[0].ppm = w.refusal[1].ppm = 0;
  w.r.migration.hop_interval = 500 * MS;
  w.r.migration.hop_mode = script_byte(s) & 1;
  w.r.send_every = 20 * MS;
  w.r.on_callbacks = on_callbacks;
  w.t.r = &w.r;
  tamper_set(&w.t);
  if (script_byte(s) & 1) {
    prepare_frames(s);
  }
}

static void tear_down(void) {
  tamper_set(NULL);
  w.r.server_mem.fail_at = client()->mem.fail_at = UINT64_MAX;
  if (w.r.n_clients) {
    quicmig_client_free(client()->c);
  }
  w.r.n_clients = 0;
  rig_stop_server(&w.r);
  assert(client()->mem.live == 0 && w.r.server_mem.live == 0);
  assert(w.r.client_host.open == 0 && w.r.server_host.open == 0);
  rig_reset(&w.r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  script s = {.at = data, .len = size};
  unsigned ops = 0;

  memset(&w, 0, sizeof(w));
  build(&s);
  if (rig_start_server(&w.r) == 0 && rig_start_client(&w.r) == 0) {
    w.r.is_sending = true;
    w.r.next_send = w.r.world.now;
    if (script_byte(&s) & 1) {
      rig_run(&w.r, SEC); /* the script begins after the handshake */
    }
    while (s.len && ops++ < OPS_MAX) {
      play_one(&s);
    }
    rig_run(&w.r, SEC);
  }
  tear_down();
  return 0;
}
