/* How the figures of `quicmig_bench hop` are printed. */
#ifndef HOPREPORT_H
#define HOPREPORT_H

#include "hopcase.h"
#include "hopreal.h"

typedef struct hopreport {
  const hopcase_group *groups;
  size_t n_groups;
  hopreal_goodput up, down;
  hopreal_cpu cpu;
  double wall_s;
  bool is_good;
} hopreport;

void hopreport_table(const hopreport *r);
void hopreport_json(const hopreport *r);

#endif
