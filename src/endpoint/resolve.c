#include "endpoint/resolve.h"

#include <netdb.h>
#include <stdio.h>

#include "endpoint/errtext.h"
#include "endpoint/servername.h"

/* The first address found, and the first of the other family. */
static void choose(const struct addrinfo *found, qm_addr remotes[2]) {
  const struct addrinfo *a;

  for (a = found; a && !remotes[1].len; a = a->ai_next) {
    qm_addr *dest = remotes[0].len ? &remotes[1] : &remotes[0];

    if (a->ai_family != qm_addr_family(&remotes[0])) {
      (void)qm_addr_set(dest, a->ai_addr, a->ai_addrlen);
    }
  }
}

/* What the program says outright. */
static int take_remotes(const quicmig_client_config *cfg, qm_addr remotes[2]) {
  int rv = qm_addr_set(&remotes[0], cfg->remote, (socklen_t)cfg->remotelen);

  return rv == 0 ? 0 : qm_error(rv, "remote is neither IPv4 nor IPv6");
}

static int take_second(const quicmig_client_config *cfg, qm_addr remotes[2]) {
  if (cfg->remote2 &&
      (qm_addr_set(&remotes[1], cfg->remote2, (socklen_t)cfg->remote2len) !=
           0 ||
       qm_addr_family(&remotes[1]) == qm_addr_family(&remotes[0]))) {
    return qm_error(QUICMIG_ERR_INVALID_ARGUMENT,
                    "remote2 must be an address of the other family");
  }
  return 0;
}

/* As getaddrinfo(). */
static int ask(const qm_servername *name, uint64_t port,
               struct addrinfo **found) {
  struct addrinfo hints = {.ai_socktype = SOCK_DGRAM,
                           .ai_flags = AI_NUMERICSERV};
  char text[8];
  int rv;

  snprintf(text, sizeof(text), "%u", (unsigned)port);
  rv = getaddrinfo(name->host, text, &hints, found);
  if (rv != 0 && name->typed[0]) {
    rv = getaddrinfo(name->typed, text, &hints, found);
  }
  return rv;
}

int qm_resolve(const quicmig_client_config *cfg, qm_addr remotes[2]) {
  struct addrinfo *found;
  qm_servername name;
  int rv;

  remotes[0].len = remotes[1].len = 0;
  if (cfg->remote) {
    rv = take_remotes(cfg, remotes);
    return rv == 0 ? take_second(cfg, remotes) : rv;
  }
  if (!cfg->host || cfg->port == 0 || cfg->port > 65535) {
    return qm_error(QUICMIG_ERR_INVALID_ARGUMENT,
                    "host and port (1 to 65535) or remote are required");
  }
  rv = qm_servername_parse(&name, cfg->host);
  if (rv != 0) {
    return rv;
  }
  rv = ask(&name, cfg->port, &found);
  if (rv != 0) {
    return qm_error(QUICMIG_ERR_RESOLVE, "%s: %s", cfg->host, gai_strerror(rv));
  }
  choose(found, remotes);
  freeaddrinfo(found);
  return take_second(cfg, remotes);
}
