/*
 * What hops cost.  Simulated: lines of several rates and round-trip times, both
 * directions, both modes, several intervals, each beside the same transfer
 * without hops.  On real loopback sockets: goodput with a hop a second, and the
 * CPU of one hop beside that of bare socket calls.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <quicmig/model.h>

#include "hopreport.h"

#define GROUPS_MAX 24
#define JOBS_MAX 16

/* What the self-check asks for: the goals; with room for a busy machine where
 * wall time or CPU is measured, whose goals are 0.99 and 5. */
typedef struct bounds {
  double real_ratio, cpu_ratio; /* loopback: at least; at most */
  double down_5s, down_10s;     /* 100 Mbit/s x 50 ms, both modes */
  double up_rebind_5s, up_migrate_60s;
} bounds;

static const bounds goals = {.real_ratio = 0.95,
                             .cpu_ratio = 6,
                             .down_5s = 0.98,
                             .down_10s = 0.99,
                             .up_rebind_5s = 0.99,
                             .up_migrate_60s = 0.99};
static const bounds generous = {.real_ratio = 0.2,
                                .cpu_ratio = 50,
                                .down_5s = 0.97,
                                .down_10s = 0.98,
                                .up_rebind_5s = 0.98,
                                .up_migrate_60s = 0.98};

/* --- the simulated part --- */

/* The lines and directions that o selects; the dearest first, so that the cores
 * finish together. */
static size_t list_groups(hopcase_group *groups, const bench_options *o) {
  static const uint64_t rates[] = {1000, 100, 10}, rtts[] = {100, 50, 25, 1};
  static const uint64_t one_rate[] = {100}, one_rtt[] = {50};
  const uint64_t *r = o->rate_mbit  ? &o->rate_mbit
                      : o->is_short ? one_rate
                                    : rates;
  const uint64_t *t = o->rtt_ms ? &o->rtt_ms : o->is_short ? one_rtt : rtts;
  size_t n_r = o->rate_mbit || o->is_short ? 1 : 3;
  size_t n_t = o->rtt_ms || o->is_short ? 1 : 4, n = 0, i;

  for (i = 0; i < n_r * n_t * 2; i++) {
    bool is_down = i % 2 == 1;

    if (!o->direction || (strcmp(o->direction, "down") == 0) == is_down) {
      groups[n] = (hopcase_group){.rate_mbit = r[i / 2 / n_t],
                                  .rtt_ms = t[i / 2 % n_t],
                                  .is_down = is_down};
      hopcase_list(&groups[n], o);
      n++;
    }
  }
  return n;
}

typedef struct job {
  pid_t pid; /* 0: none */
  int fd;
  hopcase_group *group;
} job;

/* Measures the group in a process of its own. */
static void start_job(job *j, hopcase_group *group, const bench_options *o) {
  int ends[2];

  *j = (job){.group = group};
  if (pipe(ends) != 0) {
    return;
  }
  j->fd = ends[0];
  j->pid = fork();
  if (j->pid == 0) {
    hopcase_run(group, o);
    _exit(write(ends[1], group, sizeof(*group)) == sizeof(*group) ? 0 : 1);
  }
  close(ends[1]);
}

/* Waits for any of them; without its word the group stays as it was listed,
 * which is not good. */
static void finish_job(job *jobs, size_t n) {
  pid_t pid = wait(NULL);
  hopcase_group result;
  size_t i;

  for (i = 0; i < n; i++) {
    if (jobs[i].pid == pid) {
      if (read(jobs[i].fd, &result, sizeof(result)) == sizeof(result)) {
        *jobs[i].group = result;
      }
      close(jobs[i].fd);
      jobs[i].pid = 0;
    }
  }
}

/* All groups, one on each core. */
static void run_groups(hopcase_group *groups, size_t n,
                       const bench_options *o) {
  long cores = sysconf(_SC_NPROCESSORS_ONLN);
  size_t limit = cores < 1 ? 1 : cores > JOBS_MAX ? JOBS_MAX : (size_t)cores;
  size_t next = 0, running = 0, i;
  job jobs[JOBS_MAX] = {{.pid = 0}};

  while (next < n || running > 0) {
    for (i = 0; i < limit && next < n; i++) {
      if (jobs[i].pid == 0) {
        start_job(&jobs[i], &groups[next++], o);
        running += jobs[i].pid > 0;
      }
    }
    if (running > 0) {
      finish_job(jobs, limit);
      running--;
    }
  }
}

/* --- the self-check --- */

/* What is asked of the ratio on the line that has goals; 0: nothing. */
static double least_ratio(const hopcase *c, const bounds *b) {
  bool is_rebind = c->mode == QUICMIG_MODE_REBIND;

  if (c->rate_mbit != 100 || c->rtt_ms != 50) {
    return 0;
  }
  if (c->is_down) {
    return c->interval_s >= 10  ? b->down_10s
           : c->interval_s >= 5 ? b->down_5s
                                : 0;
  }
  if (is_rebind) {
    return c->interval_s >= 5 ? b->up_rebind_5s : 0;
  }
  return c->interval_s >= 60 ? b->up_migrate_60s : 0;
}

static bool check_case(const hopcase *c, const bounds *b) {
  return c->goodput.is_good && c->delay.is_good && c->delay.lost == 0 &&
         hopcase_ratio(c) >= least_ratio(c, b);
}

static bool check_real(const hopreal_goodput *g, const bounds *b) {
  return g->is_good && g->hops > 0 && g->failed == 0 && g->lost == 0 &&
         g->blocked == 0 && g->ratio.median >= b->real_ratio;
}

static bool check(const hopreport *r, const bounds *b) {
  bool is_good = check_real(&r->up, b) && check_real(&r->down, b) &&
                 r->cpu.is_good && r->cpu.failed == 0 &&
                 r->cpu.ratio.median <= b->cpu_ratio;
  size_t i, k;

  for (i = 0; i < r->n_groups; i++) {
    for (k = 0; k < r->groups[i].n; k++) {
      is_good &= check_case(&r->groups[i].cases[k], b);
    }
  }
  return is_good;
}

int bench_hop(const bench_options *o) {
  static hopcase_group groups[GROUPS_MAX];
  double begin = bench_wall();
  hopreport r = {.groups = groups};

  r.cpu = hopreal_run_cpu(o);
  r.up = hopreal_run_goodput(o, false);
  r.down = hopreal_run_goodput(o, true);
  r.n_groups = list_groups(groups, o);
  run_groups(groups, r.n_groups, o);
  r.wall_s = bench_wall() - begin;
  r.is_good = check(&r, o->is_short ? &generous : &goals);
  if (o->is_json) {
    hopreport_json(&r);
  } else {
    hopreport_table(&r);
  }
  return r.is_good ? 0 : 1;
}
