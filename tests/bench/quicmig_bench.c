#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <quicmig/model.h>

#include "bench.h"

#include <quicmig/quicmig.h>

static const char help[] =
    "usage: quicmig_bench SUBCOMMAND [OPTION...]\n"
    "  datapath   throughput beside bare ngtcp2 and bare UDP\n"
    "  hop        what hops cost, simulated and on real sockets\n"
    "  scale      costs as the number of connections grows\n"
    "  flood      a burst of handshakes that nobody follows up\n"
    "  trace      throughput over time across hops, for plot.sh\n"
    "  sim-hops   N hops in the simulated network [1000000]\n"
    "  real-hops  N hops over real loopback sockets [10000]\n"
    "  memory     bytes and allocations of the migrator\n"
    "Options:\n"
    "  --json           one JSON object\n"
    "  --short          a few seconds, for the self-check alone\n"
    "  --hops N         for sim-hops, real-hops, hop\n"
    "  --rounds N       interleaved repetitions, 1-99 [5]\n"
    "  --ms N           length of each measurement, 10-600000\n"
    "  --size N         bytes of a datagram, 16-1400\n"
    "  --no-gso, --no-gro   without these offloads\n"
    "Only the cases of hop with this rate, and so on:\n"
    "  --rate MBIT (1-10000) --rtt MS (1-1000) --interval S (1-3600)\n"
    "  --direction up|down --mode migrate|rebind\n"
    "Only the case of scale or flood with this count:\n"
    "  --connections N (1-10000)\n"
    "Exit status: 0 the self-check holds, 1 it does not, 2 usage.\n";

static const struct {
  const char *name;
  uint64_t hops;
  int (*run)(const bench_options *o);
} commands[] = {{"datapath", 0, bench_datapath},
                {"hop", 0, bench_hop},
                {"scale", 0, bench_scale},
                {"flood", 0, bench_flood},
                {"trace", 0, bench_trace},
                {"sim-hops", 1000000, bench_sim_hops},
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

uint64_t bench_cpu(void) {
  struct timespec ts;

  (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
  return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;

  return (x > y) - (x < y);
}

bench_spread bench_spread_of(double *values, size_t n) {
  qsort(values, n, sizeof(*values), compare);
  return (bench_spread){
      .median = n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2,
      .min = values[0],
      .max = values[n - 1]};
}

static int usage(void) {
  fputs(help, stderr);
  return 2;
}

/* A number within bounds; says what is wrong with any other. */
static bool parse(const char *name, const char *text, uint64_t lo, uint64_t hi,
                  uint64_t *dest) {
  char *end;
  unsigned long long v;

  errno = 0;
  v = strtoull(text, &end, 10);
  if (errno || *end || end == text || *text == '-' || v < lo || v > hi) {
    fprintf(stderr, "quicmig_bench: --%s must be %llu to %llu, not '%s'\n",
            name, (unsigned long long)lo, (unsigned long long)hi, text);
    return false;
  }
  *dest = v;
  return true;
}

static bool parse_word(const char *name, const char *text, const char *a,
                       const char *b, const char **dest) {
  if (strcmp(text, a) != 0 && strcmp(text, b) != 0) {
    fprintf(stderr, "quicmig_bench: --%s must be %s or %s, not '%s'\n", name, a,
            b, text);
    return false;
  }
  *dest = text;
  return true;
}

static const struct option long_options[] = {
    {"hops", required_argument, NULL, 'n'},
    {"rounds", required_argument, NULL, 'r'},
    {"ms", required_argument, NULL, 'm'},
    {"size", required_argument, NULL, 's'},
    {"rate", required_argument, NULL, 'R'},
    {"rtt", required_argument, NULL, 't'},
    {"interval", required_argument, NULL, 'i'},
    {"connections", required_argument, NULL, 'c'},
    {"direction", required_argument, NULL, 'd'},
    {"mode", required_argument, NULL, 'o'},
    {"no-gso", no_argument, NULL, 'S'},
    {"no-gro", no_argument, NULL, 'G'},
    {"short", no_argument, NULL, 'q'},
    {"json", no_argument, NULL, 'j'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0}};

static bool set_option(bench_options *o, int c, const char *name) {
  switch (c) {
  case 'n':
    return parse(name, optarg, 1, 100000000, &o->hops);
  case 'r':
    return parse(name, optarg, 1, 99, &o->rounds);
  case 'm':
    return parse(name, optarg, 10, 600000, &o->ms);
  case 's':
    return parse(name, optarg, 16, 1400, &o->size);
  case 'R':
    return parse(name, optarg, 1, 10000, &o->rate_mbit);
  case 't':
    return parse(name, optarg, 1, 1000, &o->rtt_ms);
  case 'i':
    return parse(name, optarg, 1, 3600, &o->interval_s);
  case 'c':
    return parse(name, optarg, 1, 10000, &o->connections);
  case 'd':
    return parse_word(name, optarg, "up", "down", &o->direction);
  case 'o':
    return parse_word(name, optarg, "migrate", "rebind", &o->mode);
  case 'S':
    o->no_offload |= QUICMIG_NO_GSO;
    return true;
  case 'G':
    o->no_offload |= QUICMIG_NO_GRO;
    return true;
  case 'q':
    o->is_short = true;
    return true;
  case 'j':
    o->is_json = true;
    return true;
  default:
    (void)usage();
    return false;
  }
}

int main(int argc, char **argv) {
  bench_options o = {.hops = 0};
  int c, at = 0;
  size_t i;

  while ((c = getopt_long(argc, argv, "", long_options, &at)) != -1) {
    if (c == 'h') {
      fputs(help, stdout);
      return 0;
    }
    if (!set_option(&o, c, long_options[at].name)) {
      return 2;
    }
  }
  if (optind != argc - 1) {
    return usage();
  }
  /* Benchmarks hop faster than any NAT would bear. */
  (void)quicmig_nat_budget(0, QUICMIG_SECOND);
  for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
    if (strcmp(argv[optind], commands[i].name) == 0) {
      o.hops = o.hops ? o.hops : commands[i].hops;
      return commands[i].run(&o);
    }
  }
  return usage();
}
