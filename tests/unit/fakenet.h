/*
 * A network of one socket at a time behind qm_net.  It counts its calls, has
 * ports that are taken or refused, and fails the call that the test says.
 */
#ifndef QM_TEST_FAKENET_H
#define QM_TEST_FAKENET_H

#include <errno.h>

#include "base/rng.h"
#include "io/sock.h"
#include "table.h"

#define FD 42

typedef enum call {
  OPEN,
  BIND,
  LOCAL_ADDR,
  CONNECT,
  RANDOM,
  RESERVED,
  CALLS
} call;

/* A network of one socket at a time. */
typedef struct fake {
  qm_net net;
  qm_rng rng;
  int count[CALLS], closes, hooks;
  call fails;   /* this call */
  int nth, err; /* at its nth time, 0: always, with this errno; 0: never */
  int hook_answer;
  qm_addr bound, remote, hook_local;
  uint8_t taken[65536], tried[65536];
  const char *reserved;
  uint16_t privileged; /* ports below are refused */
} fake;

static inline int note(fake *f, call c) {
  f->count[c]++;
  return f->err && f->fails == c && (!f->nth || f->nth == f->count[c]) ? -f->err
                                                                       : 0;
}

static inline int fake_open(void *ctx, const qm_sock_config *c, int *fd,
                            uint32_t *no_offload) {
  fake *f = ctx;
  int rv = note(f, OPEN);

  assert_true(c->family == AF_INET || c->family == AF_INET6);
  if (rv == 0) {
    *fd = FD;
    *no_offload = c->no_offload;
  }
  return rv;
}

static inline int fake_bind(void *ctx, int fd, const qm_addr *local) {
  uint16_t port = qm_addr_port(local);
  fake *f = ctx;
  int rv = note(f, BIND);

  assert_int_equal(fd, FD);
  f->tried[port] = 1;
  if (rv == 0 && f->taken[port]) {
    rv = -EADDRINUSE;
  }
  if (rv == 0 && port < f->privileged) {
    rv = -EACCES;
  }
  if (rv == 0) {
    f->bound = *local;
  }
  return rv;
}

static inline int fake_local_addr(void *ctx, int fd, qm_addr *local) {
  fake *f = ctx;
  int rv = note(f, LOCAL_ADDR);

  assert_int_equal(fd, FD);
  if (rv == 0) {
    *local = f->bound;
  }
  return rv;
}

static inline int fake_connect(void *ctx, int fd, const qm_addr *remote) {
  fake *f = ctx;

  assert_int_equal(fd, FD);
  f->remote = *remote;
  return note(f, CONNECT);
}

static inline void fake_close(void *ctx, int fd) {
  assert_int_equal(fd, FD);
  ((fake *)ctx)->closes++;
}

static inline int fake_random(void *ctx, void *dest, size_t n) {
  fake *f = ctx;
  uint8_t *at = dest;

  for (; n > 0; n--) {
    *at++ = (uint8_t)qm_rng_next(&f->rng);
  }
  return note(f, RANDOM);
}

static inline int fake_reserved(void *ctx, char *dest, size_t len) {
  fake *f = ctx;
  int rv = note(f, RESERVED);
  size_t n = strlen(f->reserved);

  assert_true(n <= len);
  memcpy(dest, f->reserved, n);
  return rv ? rv : (int)n;
}

static inline int hook(void *ctx, int fd, const qm_addr *local) {
  fake *f = ctx;

  assert_int_equal(fd, FD);
  assert_int_equal(f->count[CONNECT], 0); /* nothing may have been sent */
  f->hooks++;
  f->hook_local = *local;
  return f->hook_answer;
}

static inline fake *open_fake(uint64_t seed) {
  static fake f;

  memset(&f, 0, sizeof(f));
  f.net = (qm_net){.ctx = &f,
                   .open = fake_open,
                   .bind = fake_bind,
                   .connect = fake_connect,
                   .local_addr = fake_local_addr,
                   .close = fake_close,
                   .reserved = fake_reserved,
                   .random = fake_random};
  f.reserved = "";
  qm_rng_init(&f.rng, seed);
  return &f;
}

static inline qm_sock_request request(fake *f, uint16_t fixed_port) {
  qm_sock_request r = {
      .config = {.family = AF_INET}, .hook = hook, .hook_ctx = f};

  qm_addr_any(&r.remote, AF_INET);
  r.remote.u.in.sin_addr.s_addr = htonl(0xc0000201);
  qm_addr_set_port(&r.remote, 443);
  if (fixed_port) {
    qm_addr_any(&r.local, AF_INET);
    qm_addr_set_port(&r.local, fixed_port);
  }
  return r;
}

/* Opens and, on success, forgets the socket.  Returns the error; *port is
 * the port or 0. */
static inline int try_open(fake *f, qm_ports *ports, uint16_t *port) {
  qm_sock_request r = request(f, 0);
  qm_sock s = {.fd = -1};
  int sys = 0, rv;

  rv = qm_sock_open(&f->net, ports, &r, &s, &sys);
  *port = qm_addr_port(&s.local);
  f->count[CONNECT] = 0;
  return rv;
}

#endif
