#include "remotes.h"

#include <quicmig/endpoint.h>

bool remotes_update(remotes *r, const char *const *hosts, size_t n_hosts,
                    unsigned port) {
  remotes fresh = {.failures = r->failures};
  size_t i;

  if (r->n && r->failures % 2 == 0) {
    return true;
  }
  for (i = 0; i < n_hosts; i++) {
    /* One of two leaves room for the other. */
    int n = quicmig_resolve(hosts[i], port, &fresh.rows[fresh.n],
                            REMOTES_MAX / n_hosts);

    fresh.n += n > 0 ? (size_t)n : 0;
  }
  if (fresh.n) {
    *r = fresh;
  }
  return r->n > 0;
}
