/* Which interface and which of the server's addresses a socket is opened for,
 * on the real network of this machine, and what is refused. */
#include "quic/migrator.h"

#include <errno.h>
#include <net/if.h>
#include <unistd.h>

#include <linux/netlink.h>

#include "io/netlink.h"
#include "loopback.h"
#include "table.h"

#define BAD QUICMIG_ERR_INVALID_ARGUMENT

static struct world {
  qm_net net;
  int open, watched; /* sockets: open, watched */
  int watch_errno;   /* of the watch; 0: none */
  int hooks;
} w;

static int counted_open(void *ctx, const qm_sock_config *c, int *fd,
                        uint32_t *no_offload) {
  int rv = qm_net_kernel.open(ctx, c, fd, no_offload);

  w.open += rv == 0;
  return rv;
}

static void counted_close(void *ctx, int fd) {
  qm_net_kernel.close(ctx, fd);
  w.open--;
}

static int counted_watch(void *ctx) {
  int rv = w.watch_errno ? -w.watch_errno : qm_netlink_open(ctx);

  w.open += rv >= 0;
  return rv;
}

static void watch(quicmig *m, int fd, int on, void *user_data) {
  (void)m;
  (void)fd;
  (void)user_data;
  w.watched += on ? 1 : -1;
}

/* From within a callback nothing may be changed. */
static int try_inside(quicmig *m, int fd, const struct sockaddr *local,
                      void *user_data) {
  qm_addr six = loopback(AF_INET6, 4433);

  (void)fd;
  (void)local;
  (void)user_data;
  w.hooks++;
  assert_int_equal(quicmig_add_remote(m, &six.u.sa, six.len),
                   QUICMIG_ERR_REENTRANT);
  assert_int_equal(quicmig_network_changed(m, 0), QUICMIG_ERR_REENTRANT);
  return 0;
}

static int begin(quicmig **m, const quicmig_options *o, int family) {
  static const quicmig_callbacks cb = {
      .size = sizeof(cb), .watch = watch, .socket = try_inside};
  qm_addr remote = loopback(family, 4433);

  w.net = qm_net_kernel;
  w.net.open = counted_open;
  w.net.close = counted_close;
  w.net.watch = counted_watch;
  w.hooks = 0;
  return qm_migrator_new(m, o, &cb, NULL, &w.net, &remote.u.sa, remote.len,
                         QUICMIG_SECOND, NULL);
}

static void end(quicmig *m) {
  quicmig_free(m);
  assert_int_equal(w.open, 0);
  assert_int_equal(w.watched, 0);
}

typedef struct row {
  const char *name; /* of the interfaces */
  bool watches;
  int watch_errno;
  int rv, sys_errno;
} row;

static const row rows[] = {
    {"", false, 0, 0, 0},
    {"", true, 0, 0, 0},
    {"lo", false, 0, 0, 0},
    {"qmnone0,lo", true, 0, 0, 0},
    {"lo,qmnone0", false, 0, 0, 0},
    {"qmnone0", false, 0, QUICMIG_ERR_SYSTEM, ENODEV},
    {"qmnone0,qmnone1", true, 0, QUICMIG_ERR_SYSTEM, ENODEV},
    {"", true, EMFILE, QUICMIG_ERR_SYSTEM, EMFILE},
    {"lo", true, EAFNOSUPPORT, QUICMIG_ERR_SYSTEM, EAFNOSUPPORT},
    {"", false, EMFILE, 0, 0}, /* not asked for */
    {"lo,,eth0", false, 0, BAD, 0},
};

/* A way is found, or everything is closed again. */
static void opens_at_the_first_that_is_there(void **state) {
  const row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    quicmig_options o;
    quicmig *m = NULL;

    quicmig_options_default(&o);
    strcpy(o.interfaces, r->name);
    o.watch_network = r->watches;
    w.watch_errno = r->watch_errno;
    errno = 0;
    row_equal(r, begin(&m, &o, AF_INET), r->rv);
    if (r->rv != 0) {
      row_true(r, !m);
      row_equal(r, r->sys_errno ? errno : 0, r->sys_errno);
    } else {
      row_equal(r, w.open, 1 + r->watches);
      row_equal(r, w.watched, 1 + r->watches);
      row_equal(r, w.hooks, 1);
    }
    end(m);
  }
}

static void a_second_address(void **state) {
  qm_addr four = loopback(AF_INET, 4433), six = loopback(AF_INET6, 4433);
  struct sockaddr other = {.sa_family = AF_UNIX};
  quicmig *m = NULL;

  (void)state;
  w.watch_errno = 0;
  assert_int_equal(begin(&m, NULL, AF_INET), 0);
  assert_int_equal(quicmig_add_remote(m, &four.u.sa, four.len), BAD);
  assert_int_equal(quicmig_add_remote(m, &other, sizeof(other)), BAD);
  assert_int_equal(quicmig_add_remote(m, &six.u.sa, six.len - 1), BAD);
  assert_int_equal(quicmig_add_remote(m, &six.u.sa, six.len), 0);
  assert_int_equal(quicmig_add_remote(m, &six.u.sa, six.len),
                   QUICMIG_ERR_INVALID_STATE);
  assert_int_equal(quicmig_network_changed(m, 0), QUICMIG_ERR_INVALID_STATE);
  end(m);
}

/* The server's port of each socket: all of the range, about alike. */
static void draws_the_servers_port(void **state) {
  enum { LO = 5000, PORTS = 16, DRAWS = 3200 };
  unsigned seen[PORTS] = {0}, i;
  quicmig_options o;
  quicmig *m = NULL;

  (void)state;
  quicmig_options_default(&o);
  o.remote_port_lo = LO;
  o.remote_port_hi = LO + PORTS - 1;
  assert_int_equal(begin(&m, &o, AF_INET), 0);
  for (i = 0; i < DRAWS; i++) {
    qm_addr a = qm_homes_remote(m, 0);

    assert_in_range(qm_addr_port(&a), LO, LO + PORTS - 1);
    seen[qm_addr_port(&a) - LO]++;
  }
  for (i = 0; i < PORTS; i++) { /* 200 each, sigma 14 */
    assert_in_range(seen[i], 110, 290);
  }
  end(m);
}

/* --- netlink --- */

/* A word from another process is no change.  Skipped without the right to send
 * one. */
static void strangers_are_not_heard(void **state) {
  struct sockaddr_nl to;
  socklen_t len = sizeof(to);
  struct nlmsghdr h = {.nlmsg_len = sizeof(h), .nlmsg_type = NLMSG_NOOP};
  int fd = qm_netlink_open(NULL), other = qm_netlink_open(NULL);
  ssize_t n;

  (void)state;
  assert_true(fd >= 0 && other >= 0);
  (void)qm_netlink_changed(NULL, fd);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&to, &len), 0);
  to.nl_groups = 0;
  n = sendto(other, &h, sizeof(h), 0, (struct sockaddr *)&to, sizeof(to));
  if (n == (ssize_t)sizeof(h)) {
    assert_false(qm_netlink_changed(NULL, fd));
  }
  close(fd);
  close(other);
  if (n < 0) {
    skip();
  }
}

/* A descriptor that cannot be read is an error, and no silence. */
static void a_faulty_watch_is_told(void **state) {
  int fd = qm_netlink_open(NULL);

  (void)state;
  assert_true(fd >= 0);
  close(fd);
  assert_int_equal(qm_netlink_changed(NULL, fd), -EBADF);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(opens_at_the_first_that_is_there),
      cmocka_unit_test(a_second_address),
      cmocka_unit_test(draws_the_servers_port),
      cmocka_unit_test(strangers_are_not_heard),
      cmocka_unit_test(a_faulty_watch_is_told),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
