/* What calls cost: CPU time, heap, and short times of which the median
 * counts. */
#ifndef SCALEMETER_H
#define SCALEMETER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCALEMETER_SAMPLES 4096

/* Calls and their CPU time, user and system. */
typedef struct scalemeter {
  uint64_t calls, ns;
} scalemeter;

/* Heap bytes that calls took and did not give back. */
typedef struct scaleheap {
  bool is_on;
  int64_t bytes;
} scaleheap;

/* One call: started before it, stopped after it. */
typedef struct scalegauge {
  uint64_t cpu, heap;
} scalegauge;

scalegauge scalegauge_start(const scaleheap *heap);

/* Adds to *m and *heap; returns the CPU time in ns, that of reading the clock
 * left out. */
uint64_t scalegauge_stop(const scalegauge *g, scalemeter *m, scaleheap *heap);

typedef struct scalesamples {
  double ns[SCALEMETER_SAMPLES];
  size_t n;
} scalesamples;

/* The time in ns, of a clock that is cheap to read. */
uint64_t scalesamples_now(void);

/* Between two such times `calls` calls were made; once it is full nothing is
 * added. */
void scalesamples_add(scalesamples *s, uint64_t begin, uint64_t end,
                      unsigned calls);

/* The median call's time; 0 without samples. */
double scalesamples_median(scalesamples *s);

#endif
