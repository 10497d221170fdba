/* The statistics of either end, for people or as one JSON object. */
#ifndef FORWARD_REPORT_H
#define FORWARD_REPORT_H

#include "station.h"

/* A counter beside those of the station. */
typedef struct report_item {
  const char *name;
  uint64_t value;
} report_item;

/* Prints one line to stdout. */
void report_print(const station *s, const report_item *more, size_t n);

#endif
