#include "connectworld.h"

#include <arpa/inet.h>
#include <netdb.h>

connect_world w;

static void pass_slowly(sim *s, sim_node *n, sim_pkt *p) {
  quicmig_duration d = w.slow_by[qm_addr_family(&p->src) == AF_INET6];

  sim_forward_at(s, n, p, s->now + d);
}

/* --- ICMP --- */

static bool is_refused(const qm_addr *remote) {
  qm_addr a[2];

  sim_set_addr(&a[0], REFUSED4);
  sim_set_addr(&a[1], REFUSED6);
  return qm_addr_is_same_host(remote, &a[0]) ||
         qm_addr_is_same_host(remote, &a[1]);
}

static int send_refused(void *ctx, int fd, const qm_msg *msgs, size_t n) {
  sim_host *h = ctx;

  if (is_refused(&h->socks[fd].remote) && !w.refused_at[fd]) {
    w.refused_at[fd] = w.r.world.now + 2 * DELAY;
  }
  return w.kernel.send(ctx, fd, msgs, n);
}

static int recv_refused(void *ctx, int fd, qm_msg *msgs, size_t n) {
  if (w.is_refusal_pending[fd]) {
    w.is_refusal_pending[fd] = false;
    return -ECONNREFUSED;
  }
  return w.kernel.recv(ctx, fd, msgs, n);
}

static quicmig_tstamp icmp_deadline(void *arg) {
  quicmig_tstamp at = QUICMIG_NEVER;
  int fd;

  (void)arg;
  for (fd = 0; fd < 64; fd++) {
    at = w.refused_at[fd] ? qm_time_min(at, w.refused_at[fd]) : at;
  }
  return at;
}

static void icmp_run(void *arg, int none) {
  int fd;

  (void)arg;
  (void)none;
  for (fd = 0; fd < 64; fd++) {
    if (w.refused_at[fd] && w.refused_at[fd] <= w.r.world.now) {
      w.refused_at[fd] = 0;
      if (w.r.client_host.socks[fd].is_watched) {
        w.is_refusal_pending[fd] = true;
        sim_wake(&w.r.client_host, fd);
      }
    }
  }
}

/* --- the rig --- */

static void on_connected(quicmig_conn *c, void *user_data) {
  w.connected++;
  w.connected_at = w.r.world.now;
  w.conn = c;
  w.rig_connected(c, user_data);
}

static void on_closed(quicmig_conn *c, const quicmig_close_info *info,
                      void *user_data) {
  w.closed++;
  w.rig_closed(c, info, user_data);
}

static void count(rig *r, quicmig_conn_callbacks *cb, bool is_server) {
  (void)r;
  if (!is_server) {
    w.rig_connected = cb->connected;
    w.rig_closed = cb->closed;
    cb->connected = on_connected;
    cb->closed = on_closed;
  }
}

static void listen_twice(rig *r, quicmig_server_config *cfg) {
  static qm_addr second;

  (void)r;
  sim_set_addr(&second, ALIVE6);
  cfg->local2 = &second.u.sa;
  cfg->locallen2 = second.len;
}

static void tell_addresses(rig *r, quicmig_client_config *cfg) {
  (void)r;
  cfg->remotes = w.remotes;
  cfg->n_remotes = w.n_remotes;
}

void connect_prepare(const char *const *addresses) {
  rig *r = &w.r;

  w = (connect_world){.connected = 0};
  rig_init(r, 0, false);
  sim_line_init(&r->world, &w.line, DELAY);
  w.slow = (sim_node){.pass = pass_slowly};
  sim_append(&r->world, &w.slow);
  sim_uplink_add(&r->client_host, "a", "10.0.0.1");
  sim_uplink_add(&r->client_host, "a", "fd00::1");
  sim_uplink_add(&r->server_host, "s", ALIVE4);
  sim_uplink_add(&r->server_host, "s", ALIVE6);
  for (; *addresses; addresses++) {
    qm_addr a;

    sim_set_addr(&a, *addresses);
    qm_addr_set_port(&a, 4433);
    qm_addr_copy_to(&a, &w.remotes[w.n_remotes++]);
  }
  w.kernel = r->client_host.net;
  r->client_host.net.send = send_refused;
  r->client_host.net.recv = recv_refused;
  w.icmp = (sim_actor){
      .deadline = icmp_deadline, .run = icmp_run, .wakes_others = true};
  r->client_actor.wakes_others = true; /* what it sends is answered */
  sim_actor_add(&r->world, &w.icmp);
  r->on_callbacks = count;
  r->on_server_config = listen_twice;
  r->on_client_config = tell_addresses;
  r->send_every = 0;
}

int connect_start(void) {
  assert_int_equal(rig_start_server(&w.r), 0);
  w.begun_at = w.r.world.now;
  return rig_start_client(&w.r);
}

const char *connect_remote(char dest[64]) {
  quicmig_path_info paths[16];
  size_t n = quicmig_paths(quicmig_client_migrator(w.r.clients[0].c), paths,
                           16),
         i;

  dest[0] = 0;
  for (i = 0; i < n; i++) {
    if (paths[i].state == QUICMIG_PATH_ACTIVE) {
      (void)getnameinfo((const struct sockaddr *)&paths[i].remote,
                        sizeof(paths[i].remote), dest, 64, NULL, 0,
                        NI_NUMERICHOST);
    }
  }
  return dest;
}
