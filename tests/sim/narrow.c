#include "narrow.h"

static void narrow_pass(sim *s, sim_node *node, sim_pkt *p) {
  const sim_narrow *n = (const sim_narrow *)(const void *)node;
  size_t largest = n->largest[p->dir];

  if (largest && p->len > largest && s->now >= n->since && s->now < n->until) {
    sim_drop(s, node, p);
  } else {
    sim_forward(s, node, p);
  }
}

void sim_narrow_init(sim *s, sim_narrow *n) {
  *n = (sim_narrow){.node = {.pass = narrow_pass}, .until = QUICMIG_NEVER};
  sim_append(s, &n->node);
}

void sim_narrow_to(sim *s, sim_narrow *n, size_t largest) {
  n->largest[SIM_UP] = n->largest[SIM_DOWN] = largest;
  n->since = s->now;
  n->until = QUICMIG_NEVER;
}
