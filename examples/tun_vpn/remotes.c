#include "remotes.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"

static void take(remotes *r, size_t i, const struct addrinfo *a) {
  memcpy(&r->rows[i], a->ai_addr, a->ai_addrlen);
  r->lens[i] = a->ai_addrlen;
}

static void resolve(remotes *r, const char *host, unsigned number) {
  struct addrinfo hints = {.ai_socktype = SOCK_DGRAM,
                           .ai_flags = AI_NUMERICSERV};
  struct addrinfo *found, *a;
  char port[8];
  int rv;

  snprintf(port, sizeof(port), "%u", number);
  rv = getaddrinfo(host, port, &hints, &found);
  if (rv != 0) {
    cli_fail("Server %s: %s", host, gai_strerror(rv));
  }
  for (a = found; a; a = a->ai_next) {
    if (!r->lens[0]) {
      take(r, 0, a);
    } else if (!r->lens[1] && a->ai_family != r->rows[0].ss_family) {
      take(r, 1, a);
    }
  }
  freeaddrinfo(found);
}

void remotes_find(remotes *r, const config *c) {
  size_t i;

  *r = (remotes){.lens = {0}};
  for (i = 0; i < c->servers.count; i++) {
    resolve(r, c->servers.rows[i], c->port_lo);
  }
  if (c->servers.count == 2 && !r->lens[1]) {
    cli_fail("Server %s and %s have no addresses of different families",
             c->servers.rows[0], c->servers.rows[1]);
  }
}
