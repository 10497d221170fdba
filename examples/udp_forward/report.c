#include "report.h"

#include <stdio.h>

static void print_items(const station *s, const report_item *items, size_t n) {
  size_t i;

  for (i = 0; i < n; i++) {
    printf(s->o->is_json ? ",\"%s\":%llu" : ", %s %llu", items[i].name,
           (unsigned long long)items[i].value);
  }
}

void report_print(const station *s, const report_item *more, size_t n) {
  const counters *c = &s->count;
  const char *role = s->o->is_server ? "server" : "client";
  const report_item items[] = {
      {"packets_in", c->packets_in},       {"bytes_in", c->bytes_in},
      {"packets_out", c->packets_out},     {"bytes_out", c->bytes_out},
      {"fragmented", c->fragmented},       {"reassembled", c->reassembled},
      {"incomplete", c->incomplete},       {"too_large", c->too_large},
      {"queue_full", c->queue_full},       {"stale", c->stale},
      {"malformed", c->malformed},         {"unknown_flow", c->unknown_flow},
      {"send_failed", c->send_failed},     {"flows", s->flows.count},
      {"flows_peak", s->flows.peak},       {"flows_opened", c->flows_opened},
      {"flows_refused", c->flows_refused}, {"flows_evicted", c->flows_evicted},
      {"connections", c->connections}};

  printf(s->o->is_json ? "{\"role\":\"%s\"" : "%s", role);
  print_items(s, items, sizeof(items) / sizeof(items[0]));
  print_items(s, more, n);
  puts(s->o->is_json ? "}" : "");
  fflush(stdout);
}
