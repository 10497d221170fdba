#include "scalemeter.h"

#include <malloc.h>
#include <time.h>

#include "bench.h"

#define CLOCK_READS 1000

uint64_t scalesamples_now(void) {
  struct timespec ts;

  (void)clock_gettime(CLOCK_MONOTONIC, &ts);
  return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static uint64_t cost_of(uint64_t (*read)(void)) {
  uint64_t begin = read();
  int i;

  for (i = 1; i < CLOCK_READS; i++) {
    (void)read();
  }
  return (read() - begin) / CLOCK_READS;
}

static uint64_t heap_bytes(void) {
  struct mallinfo2 i = mallinfo2();

  return i.uordblks + i.hblkhd;
}

scalegauge scalegauge_start(const scaleheap *heap) {
  uint64_t bytes = heap->is_on ? heap_bytes() : 0;

  return (scalegauge){.heap = bytes, .cpu = bench_cpu()};
}

uint64_t scalegauge_stop(const scalegauge *g, scalemeter *m, scaleheap *heap) {
  static uint64_t clock_ns;
  uint64_t ns = bench_cpu() - g->cpu;

  if (!clock_ns) {
    clock_ns = cost_of(bench_cpu);
  }
  if (heap->is_on) {
    heap->bytes += (int64_t)(heap_bytes() - g->heap);
  }
  ns = ns > clock_ns ? ns - clock_ns : 0;
  m->calls++;
  m->ns += ns;
  return ns;
}

void scalesamples_add(scalesamples *s, uint64_t begin, uint64_t end,
                      unsigned calls) {
  static uint64_t clock_ns;
  uint64_t ns = end - begin;

  if (!clock_ns) {
    clock_ns = cost_of(scalesamples_now);
  }
  if (s->n < SCALEMETER_SAMPLES) {
    s->ns[s->n++] = (double)(ns > clock_ns ? ns - clock_ns : 0) / calls;
  }
}

double scalesamples_median(scalesamples *s) {
  return s->n ? bench_spread_of(s->ns, s->n).median : 0;
}
