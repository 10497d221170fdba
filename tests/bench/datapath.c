/*
 * How fast the endpoint carries DATAGRAMs and a stream, beside a bare ngtcp2
 * loop and bare UDP sockets.  In a round each kind runs for a moment in turn,
 * so that whatever else the machine does hits all of them, and only ratios
 * within a round are compared.  Each round is a process of its own: where the
 * system happens to put libraries and heap moves a ratio by some percent.
 */
#include "datapath.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <quicmig/model.h>

#define SIZE_DEFAULT 1200
#define ROUNDS_DEFAULT 5
#define MS_DEFAULT 300
#define MS_SHORT 60
/* Tells a process which round it is for; it writes a dp_round to ROUND_FD. */
#define ROUND_ENV "QUICMIG_BENCH_ROUND"
#define ROUND_FD 3

static bool read_all(int fd, void *dest, size_t len) {
  uint8_t *p = dest;
  ssize_t n;

  while (len) {
    n = read(fd, p, len);
    if (n <= 0 && !(n < 0 && errno == EINTR)) {
      return false;
    }
    p += n > 0 ? n : 0;
    len -= n > 0 ? (size_t)n : 0;
  }
  return true;
}

/* This very program again, with the options that a round depends on. */
static void exec_round(const bench_options *o, uint64_t round, int fd) {
  char ms[24], size[24], number[24];
  char *argv[8] = {"quicmig_bench", "datapath", "--ms", ms, "--size", size};
  int n = 6;

  snprintf(ms, sizeof(ms), "%llu", (unsigned long long)o->ms);
  snprintf(size, sizeof(size), "%llu", (unsigned long long)o->size);
  snprintf(number, sizeof(number), "%llu", (unsigned long long)round);
  if (o->no_offload & QUICMIG_NO_GSO) {
    argv[n++] = "--no-gso";
  }
  if (o->no_offload & QUICMIG_NO_GRO) {
    argv[n++] = "--no-gro";
  }
  argv[n] = NULL;
  if (dup2(fd, ROUND_FD) == ROUND_FD && setenv(ROUND_ENV, number, 1) == 0) {
    execv("/proc/self/exe", argv);
  }
  _exit(127);
}

static bool spawn_round(const bench_options *o, uint64_t round, dp_round *r) {
  bool is_read;
  int ends[2], status;
  pid_t pid;

  fflush(stdout);
  if (pipe(ends) != 0) {
    return false;
  }
  pid = fork();
  if (pid == 0) {
    exec_round(o, round, ends[1]);
  }
  close(ends[1]);
  is_read = pid > 0 && read_all(ends[0], r, sizeof(*r));
  close(ends[0]);
  return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0 && is_read;
}

static int be_round(const bench_options *o, const char *number) {
  dp_round r;

  return datapath_round(o, strtoull(number, NULL, 10), &r) &&
                 write(ROUND_FD, &r, sizeof(r)) == (ssize_t)sizeof(r)
             ? 0
             : 1;
}

static void sum_up(dp_result *r, const dp_round *rounds) {
  double values[DATAPATH_ROUNDS_MAX];
  size_t load, kind, m, i;

  for (load = 0; load < DP_LOADS; load++) {
    for (kind = 0; kind < DP_KINDS; kind++) {
      dp_kind_result *k = &r->of[load][kind];

      k->is_measured = rounds[0].is_measured[load][kind];
      for (m = 0; m < DP_METRICS; m++) {
        for (i = 0; i < r->rounds; i++) {
          values[i] = rounds[i].values[load][kind][m];
        }
        k->of[m] = bench_spread_of(values, r->rounds);
      }
      for (i = 0; i < r->rounds && load == DP_DATAGRAM; i++) {
        k->sent += rounds[i].sent[kind];
        k->lost += rounds[i].lost[kind];
      }
    }
  }
  for (i = 0; i < r->rounds && !r->failure; i++) {
    r->failure = rounds[i].failure[0] ? rounds[i].failure : NULL;
  }
  r->last = &rounds[r->rounds - 1];
}

int bench_datapath(const bench_options *options) {
  static dp_round rounds[DATAPATH_ROUNDS_MAX];
  const char *number = getenv(ROUND_ENV);
  bench_options o = *options;
  dp_result r = {.failure = NULL};
  uint64_t i;

  o.ms = o.ms ? o.ms : o.is_short ? MS_SHORT : MS_DEFAULT;
  o.size = o.size ? o.size : SIZE_DEFAULT;
  if (number) {
    return be_round(&o, number);
  }
  r.rounds = o.rounds ? o.rounds : ROUNDS_DEFAULT;
  r.ms = o.ms;
  r.size = o.size;
  r.no_offload = o.no_offload;
  r.is_short = o.is_short;
  for (i = 0; i < r.rounds; i++) {
    if (!spawn_round(&o, i, &rounds[i])) {
      fprintf(stderr, "quicmig_bench: round %llu failed\n",
              (unsigned long long)i + 1);
      return 1;
    }
  }
  sum_up(&r, rounds);
  return datapath_report(&r, o.is_json);
}
