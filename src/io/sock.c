#include "io/sock.h"

#include <errno.h>
#include <string.h>

/* Independent draws, before the range is walked from a random start. */
#define RANDOM_TRIES 16
/* Ports walked at most: a smaller range is searched whole. */
#define WALK_TRIES 1024
/* Refusals after which it is not about single ports. */
#define REFUSALS_MAX 64

static bool is_port_taken(int rv) { return rv == -EADDRINUSE; }

/* The system keeps the port from us: it is privileged (EACCES), or a security
 * module (EACCES) or a firewall at the cgroup (EPERM) refuses it.  That may
 * concern this port alone. */
static bool is_port_refused(int rv) { return rv == -EACCES || rv == -EPERM; }

/* 0: bound; -EADDRINUSE: the port is taken or not allowed; else an error. */
static int try_port(const qm_net *net, const qm_ports *ports, int fd,
                    const qm_addr *host, uint16_t port) {
  qm_addr a = *host;

  if (!qm_ports_is_allowed(ports, port)) {
    return -EADDRINUSE;
  }
  qm_addr_set_port(&a, port);
  return net->bind(net->ctx, fd, &a);
}

/* The search for a port: its last answer, and the refusals it met. */
typedef struct search {
  int rv;
  int refusal; /* the last one */
  unsigned refusals;
} search;

/* May another port do? */
static bool goes_on(const search *s) {
  return is_port_taken(s->rv) ||
         (is_port_refused(s->rv) && s->refusals < REFUSALS_MAX);
}

static void note(search *s, int rv) {
  s->rv = rv;
  if (is_port_refused(rv)) {
    s->refusal = rv;
    s->refusals++;
  }
}

static int bind_random(const qm_net *net, const qm_ports *ports, int fd,
                       const qm_addr *host) {
  uint32_t draws[RANDOM_TRIES + 1];
  uint32_t count = qm_ports_count(ports), i;
  search s = {.rv = -EADDRINUSE};

  if (net->random(net->ctx, draws, sizeof(draws)) != 0) {
    return QUICMIG_ERR_RANDOM;
  }
  for (i = 0; i < RANDOM_TRIES && goes_on(&s); i++) {
    /* 32 random bits onto at most 16: the bias is below 2^-16. */
    note(&s,
         try_port(net, ports, fd, host,
                  qm_ports_at(ports,
                              (uint32_t)(((uint64_t)draws[i] * count) >> 32))));
  }
  for (i = 0; i < count && i < WALK_TRIES && goes_on(&s); i++) {
    note(&s, try_port(net, ports, fd, host,
                      qm_ports_at(ports, draws[RANDOM_TRIES] % count + i)));
  }
  return is_port_taken(s.rv) && s.refusal ? s.refusal : s.rv;
}

static int bind_local(const qm_net *net, const qm_ports *ports, int fd,
                      const qm_addr *host, int *sys_errno) {
  int rv = qm_addr_port(host) ? net->bind(net->ctx, fd, host)
                              : bind_random(net, ports, fd, host);

  if (rv == QUICMIG_ERR_RANDOM) {
    return rv;
  }
  if (is_port_taken(rv)) {
    return QUICMIG_ERR_PORTS_EXHAUSTED;
  }
  if (rv < 0) {
    *sys_errno = -rv;
    return is_port_refused(rv) ? QUICMIG_ERR_PORTS_REFUSED : QUICMIG_ERR_SYSTEM;
  }
  return 0;
}

static int connect_to(const qm_net *net, int fd, const qm_sock_request *r,
                      qm_addr *local, int *sys_errno) {
  int rv = r->hook ? net->local_addr(net->ctx, fd, local) : 0;

  if (rv == 0 && r->hook && r->hook(r->hook_ctx, fd, local) != 0) {
    return QUICMIG_ERR_APP_REFUSED;
  }
  if (rv == 0) {
    rv = net->connect(net->ctx, fd, &r->remote);
  }
  if (rv == 0) {
    rv = net->local_addr(net->ctx, fd, local);
  }
  if (rv < 0) {
    *sys_errno = -rv;
    return QUICMIG_ERR_SYSTEM;
  }
  return 0;
}

int qm_sock_open(const qm_net *net, qm_ports *ports, const qm_sock_request *r,
                 qm_sock *dest, int *sys_errno) {
  qm_addr host = r->local;
  qm_sock s;
  int rv;

  if (!host.len) {
    qm_addr_any(&host, r->config.family);
  }
  rv = net->open(net->ctx, &r->config, &s.fd, &s.no_offload);
  if (rv < 0) {
    *sys_errno = -rv;
    return QUICMIG_ERR_SYSTEM;
  }
  rv = bind_local(net, ports, s.fd, &host, sys_errno);
  if (rv == 0) {
    rv = connect_to(net, s.fd, r, &s.local, sys_errno);
  }
  if (rv != 0) {
    net->close(net->ctx, s.fd);
    return rv;
  }
  s.remote = r->remote;
  qm_ports_on_used(ports, qm_addr_port(&s.local));
  *dest = s;
  return 0;
}

bool qm_sock_is_shortage(int err, int sys_errno) {
  return err == QUICMIG_ERR_SYSTEM &&
         (sys_errno == EMFILE || sys_errno == ENFILE || sys_errno == ENOBUFS ||
          sys_errno == ENOMEM);
}

bool qm_sock_read_reserved(const qm_net *net, qm_ports *ports,
                           quicmig_tstamp now, qm_reserved *dest) {
  char text[QM_RESERVED_TEXT];
  int n;

  if (!net->reserved || !qm_ports_wants_list(ports, now)) {
    return false;
  }
  n = net->reserved(net->ctx, text, sizeof(text));
  return n >= 0 && qm_ports_parse(ports, text, (size_t)n, dest) == 0;
}
