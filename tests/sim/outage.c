#include "outage.h"

static bool is_out(const sim_outage_side *o, quicmig_tstamp now) {
  quicmig_duration since;

  if (o->from == QUICMIG_NEVER || now < o->from) {
    return false;
  }
  since = now - o->from;
  return (o->every ? since % o->every : since) < o->length;
}

static void outage_pass(sim *s, sim_node *n, sim_pkt *p) {
  sim_outage *o = (sim_outage *)(void *)n;
  const sim_outage_side *e = &o->side[p->dir];

  if (is_out(e, s->now) &&
      (e->ppm == 0 || qm_rng_range(&o->rng, 0, 999999) < e->ppm)) {
    sim_drop(s, n, p);
  } else {
    sim_forward(s, n, p);
  }
}

void sim_outage_init(sim *s, sim_outage *o) {
  *o = (sim_outage){.node = {.pass = outage_pass},
                    .side = {{.from = QUICMIG_NEVER}, {.from = QUICMIG_NEVER}}};
  qm_rng_init(&o->rng, s->seed ^ 0x6f757461);
  sim_append(s, &o->node);
}

bool sim_outage_is_on(const sim_outage *o, quicmig_tstamp now) {
  return is_out(&o->side[SIM_UP], now) || is_out(&o->side[SIM_DOWN], now);
}

void sim_outage_now(sim *s, sim_outage *o, bool up, bool down,
                    quicmig_duration length) {
  const sim_outage_side none = {.from = QUICMIG_NEVER};
  const sim_outage_side one = {.from = s->now, .length = length};

  o->side[SIM_UP] = up ? one : none;
  o->side[SIM_DOWN] = down ? one : none;
}
