#include "endpoint/listener.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "endpoint/errtext.h"
#include "io/rxfault.h"

/* A socket for many clients; one of many gets less. */
#define BUFFER (4u << 20)
#define BUFFER_OF_MANY (1u << 20)

static int open_one(qm_listener *l, const qm_sock_config *c,
                    const qm_addr *local) {
  qm_listen_socket *s = &l->sockets[l->n];
  uint32_t without;
  int rv = l->net->open(l->net->ctx, c, &s->fd, &without);

  if (rv < 0) {
    return rv;
  }
  rv = l->net->bind(l->net->ctx, s->fd, local);
  if (rv == 0) {
    rv = l->net->local_addr(l->net->ctx, s->fd, &s->local);
  }
  if (rv == 0 && l->group >= 0) {
    rv = l->net->join(l->net->ctx, l->group, s->fd, (uint32_t)l->n);
  }
  if (rv < 0) {
    l->net->close(l->net->ctx, s->fd);
    return rv;
  }
  l->no_offload |= without;
  l->n++;
  return 0;
}

/* The ports of one address.  port: its first, 0 if any will do. */
static int open_range(qm_listener *l, const qm_sock_config *c, qm_addr local,
                      uint16_t port, size_t count) {
  size_t i;

  for (i = 0; i < count; i++) {
    int rv;

    qm_addr_set_port(&local, (uint16_t)(port + i));
    rv = open_one(l, c, &local);
    if (rv < 0) {
      errno = -rv;
      return qm_error(QUICMIG_ERR_SYSTEM,
                      "opening the server's socket, port %u: %s",
                      (unsigned)(port + i), strerror(-rv));
    }
  }
  return 0;
}

static int open_all(qm_listener *l, const qm_listener_config *c, size_t count,
                    qm_addr *local) {
  uint32_t buffer = count > 1 ? BUFFER_OF_MANY : BUFFER;
  qm_sock_config sc = {.family = qm_addr_family(&c->local[0]),
                       .is_server = true,
                       .reports_time = l->group >= 0,
                       .no_offload = c->no_offload,
                       .fwmark = c->fwmark,
                       .rcvbuf = buffer,
                       .sndbuf = buffer};
  uint16_t port = qm_addr_port(&c->local[0]), port2;
  int rv = open_range(l, &sc, c->local[0], port, count);

  if (rv != 0) {
    return rv;
  }
  *local = l->sockets[0].local;
  if (c->local[1].len) {
    port2 = qm_addr_port(&c->local[1]);
    sc.family = qm_addr_family(&c->local[1]);
    rv = open_range(l, &sc, c->local[1], port2 ? port2 : qm_addr_port(local),
                    count);
  }
  return rv;
}

/* Before the sockets, so that its number is low: programs have tables of them.
 */
static int open_group(qm_listener *l) {
  l->group = l->net->group(l->net->ctx);
  if (l->group < 0) {
    errno = -l->group;
    l->group = -1;
    return qm_error(QUICMIG_ERR_SYSTEM, "grouping the server's sockets: %s",
                    strerror(errno));
  }
  return 0;
}

int qm_listener_open(qm_listener *l, const qm_listener_config *c,
                     const quicmig_mem *mem, const qm_net *net,
                     qm_addr *local) {
  uint16_t port = qm_addr_port(&c->local[0]);
  size_t count = c->port_hi ? (size_t)(c->port_hi - port) + 1 : 1;
  int rv;

  *l = (qm_listener){
      .mem = mem, .net = net, .group = -1, .again_at = QUICMIG_NEVER};
  l->sockets = qm_calloc(mem, 2 * count, sizeof(*l->sockets));
  if (!l->sockets) {
    return qm_error(QUICMIG_ERR_NOMEM, "out of memory");
  }
  rv = count > 1 || c->local[1].len ? open_group(l) : 0;
  rv = rv == 0 ? open_all(l, c, count, local) : rv;
  if (rv != 0) {
    int saved = errno;

    qm_listener_close(l);
    errno = saved;
    return rv;
  }
  return 0;
}

void qm_listener_close(qm_listener *l) {
  if (l->group >= 0) {
    l->net->close(l->net->ctx, l->group);
    l->group = -1;
  }
  while (l->n) {
    l->net->close(l->net->ctx, l->sockets[--l->n].fd);
  }
  if (l->sockets) {
    qm_free(l->mem, l->sockets);
    l->sockets = NULL;
  }
}

int qm_listener_fd(const qm_listener *l) {
  return l->group >= 0 || l->n == 0 ? l->group : l->sockets[0].fd;
}

bool qm_listener_is_watched(const qm_listener *l) {
  return !qm_rxfault_is_paused(
      l->group >= 0 || l->n == 0 ? l->group_faults : l->sockets[0].rx_faults);
}

static void on_fault(qm_listener *l, uint8_t *faults, quicmig_tstamp now) {
  *faults = qm_rxfault_next(*faults);
  if (qm_rxfault_is_paused(*faults)) {
    l->again_at =
        qm_time_min(l->again_at, qm_time_add(now, qm_rxfault_pause(*faults)));
  }
}

size_t qm_listener_readable(qm_listener *l, uint32_t *numbers, size_t n,
                            quicmig_tstamp now) {
  int got = l->net->readable(l->net->ctx, l->group, numbers, n);

  if (got < 0) {
    on_fault(l, &l->group_faults, now);
    return 0;
  }
  l->group_faults = 0;
  return (size_t)got;
}

/* One that has left its group tells nobody any more that it is readable; the
 * others do. */
static void on_failed(qm_listener *l, qm_listen_socket *s, quicmig_tstamp now) {
  bool was_paused = qm_rxfault_is_paused(s->rx_faults);

  on_fault(l, &s->rx_faults, now);
  if (l->group >= 0 && !was_paused && qm_rxfault_is_paused(s->rx_faults)) {
    (void)l->net->leave(l->net->ctx, l->group, s->fd);
  }
}

static void on_good(qm_listener *l, qm_listen_socket *s, quicmig_tstamp now) {
  if (l->group >= 0 && qm_rxfault_is_paused(s->rx_faults) &&
      l->net->join(l->net->ctx, l->group, s->fd, (uint32_t)(s - l->sockets)) !=
          0) {
    on_fault(l, &s->rx_faults, now);
    return;
  }
  s->rx_faults = 0;
}

size_t qm_listener_take(qm_listener *l, uint32_t number, qm_msg *msgs, size_t n,
                        quicmig_tstamp now) {
  qm_listen_socket *s = &l->sockets[number];
  size_t i;
  int rv;

  for (i = 0; i < n; i++) { /* the port: the kernel tells only the host */
    msgs[i].local = s->local;
  }
  rv = l->net->recv(l->net->ctx, s->fd, msgs, n);
  if (rv < 0) { /* it may have been one that is over with it */
    rv = l->net->recv(l->net->ctx, s->fd, msgs, n);
  }
  if (rv < 0) {
    on_failed(l, s, now);
  } else if (s->rx_faults) {
    on_good(l, s, now);
  }
  return rv > 0 ? (size_t)rv : 0;
}

size_t qm_listener_next_paused(const qm_listener *l, size_t from) {
  while (from < l->n && !qm_rxfault_is_paused(l->sockets[from].rx_faults)) {
    from++;
  }
  return from;
}

void qm_listener_on_retry(qm_listener *l) { l->again_at = QUICMIG_NEVER; }
