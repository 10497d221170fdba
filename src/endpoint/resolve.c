#include "endpoint/resolve.h"

#include <netdb.h>
#include <stdio.h>

#include "endpoint/errtext.h"
#include "endpoint/servername.h"

static int take(qm_remotes *r, const void *sa, uint64_t len, const char *what) {
  qm_addr a;
  size_t i;

  if (qm_addr_set(&a, sa, (socklen_t)len) != 0) {
    return qm_error(QUICMIG_ERR_INVALID_ARGUMENT, "%s is neither IPv4 nor IPv6",
                    what);
  }
  for (i = 0; i < r->n && !qm_addr_is_equal(&r->rows[i], &a); i++) {
  }
  if (i == r->n && r->n < QM_RACE_ADDRESSES) {
    r->rows[r->n++] = a;
  }
  return 0;
}

/* Of that family, from a on. */
static const struct addrinfo *skip_to(const struct addrinfo *a, int family) {
  while (a && a->ai_family != family) {
    a = a->ai_next;
  }
  return a;
}

/* The first family begins, and the two take turns as long as both last. */
static void take_found(qm_remotes *r, const struct addrinfo *found) {
  int family = found->ai_family == AF_INET6 ? AF_INET6 : AF_INET;
  const struct addrinfo *next[2] = {
      skip_to(found, family),
      skip_to(found, family == AF_INET6 ? AF_INET : AF_INET6)};
  unsigned turn = 0;

  while (next[0] || next[1]) {
    const struct addrinfo **a = next[turn] ? &next[turn] : &next[!turn];

    (void)take(r, (*a)->ai_addr, (*a)->ai_addrlen, "");
    *a = skip_to((*a)->ai_next, (*a)->ai_family);
    turn = !turn;
  }
}

/* The program's own second address comes second. */
static int take_second(qm_remotes *r, const quicmig_client_config *cfg) {
  qm_addr a;
  size_t i;

  if (!cfg->remote2) {
    return 0;
  }
  if (qm_addr_set(&a, cfg->remote2, (socklen_t)cfg->remote2len) != 0 ||
      qm_addr_family(&a) == qm_addr_family(&r->rows[0])) {
    return qm_error(QUICMIG_ERR_INVALID_ARGUMENT,
                    "remote2 must be an address of the other family");
  }
  r->n += r->n < QM_RACE_ADDRESSES;
  for (i = r->n - 1; i > 1; i--) {
    r->rows[i] = r->rows[i - 1];
  }
  r->rows[1] = a;
  return 0;
}

static int take_all(qm_remotes *r, const quicmig_client_config *cfg) {
  size_t i;
  int rv = 0;

  for (i = 0; rv == 0 && i < cfg->n_remotes; i++) {
    rv = take(r, &cfg->remotes[i], sizeof(cfg->remotes[i]),
              "an address of remotes");
  }
  return rv;
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

static int resolve(qm_remotes *r, const char *host, uint64_t port) {
  struct addrinfo *found;
  qm_servername name;
  int rv;

  if (!host || port == 0 || port > 65535) {
    return qm_error(QUICMIG_ERR_INVALID_ARGUMENT,
                    "host and port (1 to 65535) or remote are required");
  }
  rv = qm_servername_parse(&name, host);
  if (rv != 0) {
    return rv;
  }
  rv = ask(&name, port, &found);
  if (rv != 0) {
    return qm_error(QUICMIG_ERR_RESOLVE, "%s: %s", host, gai_strerror(rv));
  }
  take_found(r, found);
  freeaddrinfo(found);
  return r->n
             ? 0
             : qm_error(QUICMIG_ERR_RESOLVE, "%s: neither IPv4 nor IPv6", host);
}

int qm_resolve(const quicmig_client_config *cfg, qm_remotes *r) {
  int rv;

  r->n = 0;
  if (cfg->remotes && cfg->n_remotes) {
    return take_all(r, cfg);
  }
  rv = cfg->remote ? take(r, cfg->remote, cfg->remotelen, "remote")
                   : resolve(r, cfg->host, cfg->port);
  return rv == 0 ? take_second(r, cfg) : rv;
}

int quicmig_resolve(const char *host, uint64_t port,
                    struct sockaddr_storage *dest, size_t max) {
  qm_remotes r = {.n = 0};
  size_t i;
  int rv;

  qm_error_clear();
  rv = resolve(&r, host, port);
  if (rv != 0) {
    return rv;
  }
  r.n = r.n < max ? r.n : max;
  for (i = 0; i < r.n; i++) {
    qm_addr_copy_to(&r.rows[i], &dest[i]);
  }
  return (int)r.n;
}
