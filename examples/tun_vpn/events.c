#include "events.h"

#include <stdio.h>
#include <string.h>

#include "say.h"

#define PATHS_MAX 16

void events_say_hop(const quicmig_hop_record *r, quicmig_tstamp now) {
  char server[64] = "", next[64] = "", proof[64] = "moved at once";

  if (r->to_remote_port && r->to_remote_port != r->from_remote_port) {
    snprintf(server, sizeof(server), ", server port %u -> %u",
             r->from_remote_port, r->to_remote_port);
  }
  if (r->next_at != QUICMIG_NEVER && r->next_at > now) {
    snprintf(next, sizeof(next), ", next in %.1f s",
             (double)(r->next_at - now) / 1e9);
  }
  if (r->validate_time) {
    snprintf(proof, sizeof(proof), "proven in %.1f ms",
             (double)r->validate_time / 1e6);
  }
  if (r->result == 0) {
    say("hop %llu: port %u -> %u %s, %s, gap %.1f ms%s",
        (unsigned long long)r->seq, r->from_port, r->to_port,
        quicmig_reason_name((int)r->reason), proof, (double)r->gap / 1e6,
        server);
  } else {
    say("hop %llu failed: port %u -> %u %s%s: %s%s%s%s",
        (unsigned long long)r->seq, r->from_port, r->to_port,
        quicmig_reason_name((int)r->reason), server,
        quicmig_strerror(r->result), r->sys_errno ? ": " : "",
        r->sys_errno ? strerror(r->sys_errno) : "", next);
  }
}

static void note_ports(events *e, quicmig *m) {
  quicmig_path_info paths[PATHS_MAX];
  size_t n = quicmig_paths(m, paths, PATHS_MAX), i, k;

  for (i = 0; i < n && i < PATHS_MAX; i++) {
    place p = place_of(&paths[i].local);

    for (k = 0; k < EVENTS_PATHS && e->paths[k].id != paths[i].id; k++) {
    }
    if (k == EVENTS_PATHS) {
      k = e->next++ % EVENTS_PATHS;
    }
    e->paths[k].id = paths[i].id;
    e->paths[k].port = p.port;
  }
}

static void say_path(events *e, quicmig *m, const quicmig_event *event) {
  size_t k;

  note_ports(e, m);
  if (event->to != QUICMIG_PATH_CLOSED) {
    return;
  }
  for (k = 0; k < EVENTS_PATHS; k++) {
    if (e->paths[k].id == event->path) {
      say("socket of port %u closed", e->paths[k].port);
      e->paths[k].id = 0;
    }
  }
}

static void say_verdict(const quicmig_event *event) {
  say("verdict %s: %.1f MB in %.1f s, %.2f MB/s before, %.2f MB/s after",
      quicmig_verdict_name((int)event->verdict),
      (double)event->flow_bytes / 1e6, (double)event->flow_age / 1e9,
      (double)event->rate_before / 1e6, (double)event->rate_after / 1e6);
}

void events_say(events *e, quicmig *m, const quicmig_event *event) {
  static const char *const network[] = {"stays", "moves", "no way is left"};

  switch ((quicmig_event_type)event->type) {
  case QUICMIG_EVENT_PATH_STATE:
    say_path(e, m, event);
    break;
  case QUICMIG_EVENT_PEER_FORBIDS:
    say("the server forbids migration: no more hops");
    break;
  case QUICMIG_EVENT_BUDGET_LEARNED:
    say("the server bears %llu hops", (unsigned long long)event->value);
    break;
  case QUICMIG_EVENT_GAP_LEARNED:
    say("hops are now %.1f s apart at least", (double)event->value / 1e9);
    break;
  case QUICMIG_EVENT_CLOCK_JUMP:
    say("the clock jumped by %.1f s", (double)event->value / 1e9);
    break;
  case QUICMIG_EVENT_SOCKET_ERROR:
    say("socket in trouble: %s", strerror((int)event->value));
    break;
  case QUICMIG_EVENT_NAT_BUDGET:
    say("hops wait for the budget of NAT mappings, %llu are in use",
        (unsigned long long)event->value);
    break;
  case QUICMIG_EVENT_NETWORK:
    say("the network changed: %s",
        network[event->value < 3 ? event->value : 0]);
    break;
  case QUICMIG_EVENT_VERDICT:
    say_verdict(event);
    break;
  case QUICMIG_EVENT_SILENCE:
    say("the path went silent, its PTO is %.1f ms", (double)event->value / 1e6);
    break;
  case QUICMIG_EVENT_SHORTAGE:
    say("no socket for a hop: %s; an old one gave way",
        strerror((int)event->value));
    break;
  }
}

bool events_active(const quicmig *m, quicmig_path_info *path) {
  quicmig_path_info paths[PATHS_MAX];
  size_t n = quicmig_paths(m, paths, PATHS_MAX), i;

  for (i = 0; i < n && i < PATHS_MAX; i++) {
    if (paths[i].state == QUICMIG_PATH_ACTIVE) {
      *path = paths[i];
      return true;
    }
  }
  return false;
}
