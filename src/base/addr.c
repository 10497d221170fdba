#include "base/addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* An IPv4 address in IPv6 clothes (RFC 4291 section 2.5.5.2) is IPv4: our IPv6
 * sockets do not carry it. */
static void unmap(qm_addr *a) {
  struct sockaddr_in in = {.sin_family = AF_INET,
                           .sin_port = a->u.in6.sin6_port};

  if (qm_addr_family(a) == AF_INET6 &&
      IN6_IS_ADDR_V4MAPPED(&a->u.in6.sin6_addr)) {
    memcpy(&in.sin_addr, &a->u.in6.sin6_addr.s6_addr[12], sizeof(in.sin_addr));
    memset(a, 0, sizeof(*a));
    a->u.in = in;
    a->len = sizeof(in);
  }
}

int qm_addr_set(qm_addr *a, const struct sockaddr *sa, socklen_t len) {
  qm_addr out = {.len = 0};

  if (!sa || len < (socklen_t)sizeof(sa->sa_family)) {
    return QUICMIG_ERR_INVALID_ARGUMENT;
  }
  if (sa->sa_family == AF_INET && len >= sizeof(struct sockaddr_in)) {
    out.len = sizeof(struct sockaddr_in);
  } else if (sa->sa_family == AF_INET6 && len >= sizeof(struct sockaddr_in6)) {
    out.len = sizeof(struct sockaddr_in6);
  } else {
    return QUICMIG_ERR_INVALID_ARGUMENT;
  }
  memcpy(&out.u, sa, out.len);
  if (sa->sa_family == AF_INET6) {
    out.u.in6.sin6_flowinfo = 0;
  } else {
    memset(out.u.in.sin_zero, 0, sizeof(out.u.in.sin_zero));
  }
  unmap(&out);
  *a = out;
  return 0;
}

void qm_addr_any(qm_addr *a, int family) {
  memset(a, 0, sizeof(*a));
  a->u.sa.sa_family = (sa_family_t)family;
  a->len = family == AF_INET ? sizeof(struct sockaddr_in)
                             : sizeof(struct sockaddr_in6);
}

uint16_t qm_addr_port(const qm_addr *a) {
  switch (qm_addr_family(a)) {
  case AF_INET:
    return ntohs(a->u.in.sin_port);
  case AF_INET6:
    return ntohs(a->u.in6.sin6_port);
  default:
    return 0;
  }
}

void qm_addr_set_port(qm_addr *a, uint16_t port) {
  if (qm_addr_family(a) == AF_INET) {
    a->u.in.sin_port = htons(port);
  } else {
    a->u.in6.sin6_port = htons(port);
  }
}

bool qm_addr_is_same_host(const qm_addr *a, const qm_addr *b) {
  if (qm_addr_family(a) != qm_addr_family(b)) {
    return false;
  }
  switch (qm_addr_family(a)) {
  case AF_INET:
    return a->u.in.sin_addr.s_addr == b->u.in.sin_addr.s_addr;
  case AF_INET6:
    return memcmp(&a->u.in6.sin6_addr, &b->u.in6.sin6_addr,
                  sizeof(struct in6_addr)) == 0 &&
           a->u.in6.sin6_scope_id == b->u.in6.sin6_scope_id;
  default:
    return true;
  }
}

bool qm_addr_is_wildcard(const qm_addr *a) {
  qm_addr any;

  if (!a->len) {
    return true;
  }
  qm_addr_any(&any, qm_addr_family(a));
  return qm_addr_is_same_host(a, &any);
}

void qm_addr_copy_to(const qm_addr *a, struct sockaddr_storage *dest) {
  memset(dest, 0, sizeof(*dest));
  memcpy(dest, &a->u, a->len);
}

const char *qm_addr_format(const qm_addr *a, char dest[QM_ADDR_STRLEN]) {
  char host[INET6_ADDRSTRLEN] = "";

  switch (qm_addr_family(a)) {
  case AF_INET:
    inet_ntop(AF_INET, &a->u.in.sin_addr, host, sizeof(host));
    snprintf(dest, QM_ADDR_STRLEN, "%s:%u", host, qm_addr_port(a));
    break;
  case AF_INET6:
    inet_ntop(AF_INET6, &a->u.in6.sin6_addr, host, sizeof(host));
    snprintf(dest, QM_ADDR_STRLEN, "[%s]:%u", host, qm_addr_port(a));
    break;
  default:
    snprintf(dest, QM_ADDR_STRLEN, "none");
    break;
  }
  return dest;
}
