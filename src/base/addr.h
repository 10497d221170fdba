/*
 * An IPv4 or IPv6 socket address in 32 bytes (a sockaddr_storage takes 128).
 * Holds any address that the library accepts; AF_UNSPEC means none.
 */
#ifndef QM_ADDR_H
#define QM_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include <quicmig/types.h>

typedef struct qm_addr {
  union {
    struct sockaddr sa;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
  } u;
  socklen_t len; /* 0: none */
} qm_addr;

/* Room for "[address%scope]:port" and a zero. */
#define QM_ADDR_STRLEN 72

/* A mapped IPv4 address (::ffff:192.0.2.1) becomes the IPv4 address.
 * Errors: QUICMIG_ERR_INVALID_ARGUMENT (neither IPv4 nor IPv6, or short). */
int qm_addr_set(qm_addr *a, const struct sockaddr *sa, socklen_t len);

/* The wildcard address of a family, port 0. */
void qm_addr_any(qm_addr *a, int family);

static inline int qm_addr_family(const qm_addr *a) {
  return a->len ? a->u.sa.sa_family : AF_UNSPEC;
}

/* Host byte order. */
uint16_t qm_addr_port(const qm_addr *a);
void qm_addr_set_port(qm_addr *a, uint16_t port);

/* Same family, address and scope, whatever the ports. */
bool qm_addr_is_same_host(const qm_addr *a, const qm_addr *b);
/* Is a this address?  What is not compared by name is 0 in every qm_addr, and
 * in what the kernel and ngtcp2 made of one. */
static inline bool qm_addr_is(const qm_addr *a, const void *sa, size_t len) {
  if (a->len != len || len == 0) {
    return a->len == len;
  }
  return len == sizeof(a->u.in) ? memcmp(&a->u, sa, sizeof(a->u.in)) == 0
                                : memcmp(&a->u, sa, len) == 0;
}

/* Same host and port. */
static inline bool qm_addr_is_equal(const qm_addr *a, const qm_addr *b) {
  return qm_addr_is(a, &b->u, b->len);
}
bool qm_addr_is_wildcard(const qm_addr *a);

void qm_addr_copy_to(const qm_addr *a, struct sockaddr_storage *dest);

/* Writes "a.b.c.d:port" or "[v6]:port"; returns dest. */
const char *qm_addr_format(const qm_addr *a, char dest[QM_ADDR_STRLEN]);

#endif
