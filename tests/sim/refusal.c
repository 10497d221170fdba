#include "refusal.h"

static bool is_meant(const sim_refusal *r) {
  int fd = r->host->fault_fd;

  return !r->is_meant || (fd >= 0 && r->is_meant(r->arg, &r->host->socks[fd]));
}

static int refuse(void *arg, sim_call call, uint64_t index) {
  sim_refusal *r = arg;
  quicmig_tstamp now = r->host->world->now;

  (void)index;
  if (call != r->call || now < r->from || now >= r->until || !is_meant(r) ||
      qm_rng_range(&r->rng, 0, 999999) >= r->ppm) {
    return 0;
  }
  r->refused++;
  return r->err;
}

void sim_refusal_init(sim_host *h, sim_refusal *r, sim_call call, int err) {
  *r = (sim_refusal){.call = call,
                     .err = err,
                     .ppm = 1000000,
                     .until = QUICMIG_NEVER,
                     .host = h};
  qm_rng_init(&r->rng, h->world->seed ^ 0x72656675);
  h->fault = refuse;
  h->fault_arg = r;
}
