#include "goodbye.h"

#include <poll.h>

static void wait_a_little(void) { (void)poll(NULL, 0, 1); }

void goodbye_client(quicmig_client *c, const char *reason) {
  quicmig_conn_close(quicmig_client_conn(c), 0, reason);
  while (quicmig_client_run(c, -1, quicmig_clock()) == 0) {
    wait_a_little();
  }
}

void goodbye_server(quicmig_server *s, const char *reason) {
  quicmig_server_stats stats = {.size = sizeof(stats)};

  quicmig_server_close(s, 0, reason);
  (void)quicmig_server_run(s, -1, quicmig_clock());
  quicmig_server_get_stats(s, &stats);
  while (stats.closes_waiting) {
    wait_a_little();
    (void)quicmig_server_run(s, -1, quicmig_clock());
    quicmig_server_get_stats(s, &stats);
  }
}
