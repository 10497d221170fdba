#include <getopt.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

static const char help[] =
    "usage: quicmig_bench sim-hops|real-hops|memory [--hops N] [--json]\n"
    "  sim-hops   N hops in the simulated network [1000000]\n"
    "  real-hops  N hops over real loopback sockets [10000]\n"
    "  memory     bytes and allocations of the migrator\n"
    "Exit status: 0 the self-check holds, 1 it does not, 2 usage.\n";

static const struct {
  const char *name;
  uint64_t hops;
  int (*run)(const bench_options *o);
} commands[] = {{"sim-hops", 1000000, bench_sim_hops},
                {"real-hops", 10000, bench_real_hops},
                {"memory", 0, bench_memory}};

double bench_wall(void) {
  struct timespec ts;

  (void)clock_gettime(CLOCK_MONOTONIC, &ts);
  return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

uint64_t bench_heap(void) { return mallinfo2().uordblks; }

uint64_t bench_rss_kib(void) {
  unsigned long total = 0, resident = 0;
  FILE *f = fopen("/proc/self/statm", "r");

  if (!f || fscanf(f, "%lu %lu", &total, &resident) != 2) {
    resident = 0;
  }
  if (f) {
    fclose(f);
  }
  return resident * (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
}

static int usage(void) {
  fputs(help, stderr);
  return 2;
}

int main(int argc, char **argv) {
  static const struct option options[] = {
      {"hops", required_argument, NULL, 'n'},
      {"json", no_argument, NULL, 'j'},
      {"help", no_argument, NULL, 'h'},
      {NULL, 0, NULL, 0}};
  bench_options o = {.hops = 0};
  size_t i;
  int c;

  while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
    if (c == 'n') {
      o.hops = strtoull(optarg, NULL, 10);
    } else if (c == 'j') {
      o.is_json = true;
    } else if (c == 'h') {
      fputs(help, stdout);
      return 0;
    } else {
      return usage();
    }
  }
  if (optind != argc - 1) {
    return usage();
  }
  for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
    if (strcmp(argv[optind], commands[i].name) == 0) {
      o.hops = o.hops ? o.hops : commands[i].hops;
      return commands[i].run(&o);
    }
  }
  return usage();
}
