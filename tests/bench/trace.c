/*
 * Throughput over time across hops, as columns for plot.sh: each direction
 * without hops, with MIGRATE and with REBIND, on one simulated line.
 */
#include <stdio.h>

#include "bench.h"
#include "hopsim.h"

#define SEC QUICMIG_SECOND
#define LENGTH (20 * SEC)
#define HOPS 4
#define WINDOW 10 /* slots that one row sums up: 100 ms */
#define COLUMNS 6

static const struct column {
  const char *name;
  bool is_down, has_hops;
  uint32_t mode;
} columns[COLUMNS] = {
    {"up_none", false, false, QUICMIG_MODE_MIGRATE},
    {"up_migrate", false, true, QUICMIG_MODE_MIGRATE},
    {"up_rebind", false, true, QUICMIG_MODE_REBIND},
    {"down_none", true, false, QUICMIG_MODE_MIGRATE},
    {"down_migrate", true, true, QUICMIG_MODE_MIGRATE},
    {"down_rebind", true, true, QUICMIG_MODE_REBIND},
};

static double mbit(const hopsim_trace *t, size_t row) {
  uint64_t bytes = 0;
  size_t i;

  for (i = 0; i < WINDOW; i++) {
    bytes += t->slots[row * WINDOW + i];
  }
  return (double)bytes * 8e-6 * SEC / (WINDOW * HOPSIM_SLOT);
}

static void print(const hopsim_trace *traces) {
  size_t rows = traces[0].n_slots / WINDOW, i, row;

  printf("second");
  for (i = 0; i < COLUMNS; i++) {
    printf(" %s", columns[i].name);
  }
  printf("\n");
  for (row = 0; row < rows; row++) {
    printf("%.1f", (double)row * WINDOW * HOPSIM_SLOT / SEC);
    for (i = 0; i < COLUMNS; i++) {
      printf(" %.1f", mbit(&traces[i], row));
    }
    printf("\n");
  }
}

int bench_trace(const bench_options *o) {
  hopsim_trace traces[COLUMNS];
  bool is_good = true;
  size_t i;

  for (i = 0; i < COLUMNS; i++) {
    const hopsim_setup s = {.rate_mbit = o->rate_mbit ? o->rate_mbit : 100,
                            .rtt_ms = o->rtt_ms ? o->rtt_ms : 50,
                            .is_down = columns[i].is_down,
                            .mode = columns[i].mode,
                            .hops = columns[i].has_hops ? HOPS : 0,
                            .length = LENGTH,
                            .seed = 1};

    traces[i] = hopsim_stream(&s);
    is_good &= traces[i].is_good;
  }
  if (is_good) {
    print(traces);
  }
  for (i = 0; i < COLUMNS; i++) {
    hopsim_trace_reset(&traces[i]);
  }
  return is_good ? 0 : 1;
}
