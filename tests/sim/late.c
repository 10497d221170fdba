#include "late.h"

static bool is_hit(sim_late *l, uint32_t ppm) {
  return ppm && qm_rng_range(&l->rng, 0, 999999) < ppm;
}

static quicmig_tstamp later(sim_late *l, const sim_late_side *e,
                            quicmig_tstamp now) {
  return now + qm_rng_range(&l->rng, e->lo, e->hi);
}

static void late_pass(sim *s, sim_node *n, sim_pkt *p) {
  sim_late *l = (sim_late *)(void *)n;
  const sim_late_side *e = &l->side[p->dir];

  if (is_hit(l, e->lost_ppm)) {
    sim_drop(s, n, p);
    return;
  }
  if (is_hit(l, e->twice_ppm)) {
    l->copied++;
    sim_forward(s, n, sim_copy(s, p));
  }
  if (is_hit(l, e->again_ppm)) {
    l->copied++;
    sim_forward_at(s, n, sim_copy(s, p), later(l, e, s->now));
  }
  if (is_hit(l, e->late_ppm)) {
    l->held++;
    sim_forward_at(s, n, p, later(l, e, s->now));
  } else {
    sim_forward(s, n, p);
  }
}

void sim_late_init(sim *s, sim_late *l) {
  *l = (sim_late){.node = {.pass = late_pass}};
  qm_rng_init(&l->rng, s->seed ^ 0x6c617465);
  sim_append(s, &l->node);
}

void sim_late_set(sim_late *l, const sim_late_side *side) {
  l->side[SIM_UP] = l->side[SIM_DOWN] = *side;
}
