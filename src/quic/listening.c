/* Which sockets are watched: not those whose reads fail again and again, for a
 * while (io/rxfault.h). */
#include "quic/migrator.h"

#include <assert.h>

#include "io/rxfault.h"

/* max_sockets is at most that. */
#define PATHS_MAX 16

/* Reads of fd have failed `before` times in a row, and now `after` times. */
static void on_read(quicmig *m, int fd, uint8_t before, uint8_t after) {
  bool is_paused = qm_rxfault_is_paused(after);

  if (is_paused) {
    m->listen_at = qm_time_min(
        m->listen_at, qm_time_add(m->clock.last, qm_rxfault_pause(after)));
  }
  if (is_paused != qm_rxfault_is_paused(before)) {
    m->cb.watch(m, fd, !is_paused, m->user_data);
  }
}

void qm_listening_on_read(quicmig *m, qm_path *p, bool is_good) {
  uint8_t before = p->rx_faults;
  uint8_t after = is_good ? 0 : qm_rxfault_next(before);

  p->rx_faults = after & 7u;
  on_read(m, p->handle, before, after);
}

void qm_listening_on_watch_read(quicmig *m, bool is_good) {
  uint8_t before = m->homes.watch_faults;

  m->homes.watch_faults = is_good ? 0 : qm_rxfault_next(before);
  on_read(m, m->homes.watch_fd, before, m->homes.watch_faults);
}

bool qm_listening_is_paused(const qm_path *p) {
  return qm_rxfault_is_paused(p->rx_faults);
}

/* What is read may open and close paths. */
int qm_listening_on_time(quicmig *m) {
  uint32_t ids[PATHS_MAX];
  const qm_path *p = NULL;
  size_t n = 0, i;

  if (!qm_time_is_due(m->listen_at, m->clock.last)) {
    return 0;
  }
  m->listen_at = QUICMIG_NEVER;
  while ((p = qm_paths_next(&m->engine.paths, p))) {
    if (qm_listening_is_paused(p)) {
      assert(n < PATHS_MAX);
      ids[n++] = p->id;
    }
  }
  for (i = 0; i < n; i++) {
    if (qm_migrator_read_path(m, ids[i]) < 0) {
      return QUICMIG_ERR_CONN;
    }
  }
  if (qm_rxfault_is_paused(m->homes.watch_faults)) {
    qm_homes_on_readable(m);
  }
  return 0;
}
