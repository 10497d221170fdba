/* Log lines for what the migrator tells. */
#ifndef EVENTS_H
#define EVENTS_H

#include <stdbool.h>

#include <quicmig/quicmig.h>

#define EVENTS_PATHS 32

/* Ports of paths, to name them when they are closed. */
typedef struct events {
  struct {
    uint32_t id;
    unsigned port;
  } paths[EVENTS_PATHS];
  size_t next;
} events;

void events_say_hop(const quicmig_hop_record *r, quicmig_tstamp now);
void events_say(events *e, quicmig *m, const quicmig_event *event);

/* The path that carries the data now.  False: there is none. */
bool events_active(const quicmig *m, quicmig_path_info *path);

#endif
