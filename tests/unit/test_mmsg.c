/* Batches over real UDP sockets on the loopback: what is sent as one message
 * arrives, whatever the other side does without. */
#include "io/net.h"

#include <arpa/inet.h>
#include <poll.h>

#include "loopback.h"
#include "table.h"

#define NO_GSO QUICMIG_NO_GSO
#define NO_GRO QUICMIG_NO_GRO
#define SEGMENT 1200
#define WAIT_MS 5000

static const qm_net *const net = &qm_net_kernel;
static uint8_t sent[QM_GRO_MAX], rooms[QM_MSGS_MAX][QM_GRO_MAX];

typedef struct pair {
  int tx, rx;
  qm_addr to; /* rx */
} pair;

static int open_socket(int family, uint32_t no_offload, bool is_server) {
  qm_sock_config c = {
      .family = family, .is_server = is_server, .no_offload = no_offload};
  uint32_t without;
  int fd;

  assert_int_equal(net->open(NULL, &c, &fd, &without), 0);
  return fd;
}

/* tx is connected to rx, which does without no_offload. */
static void open_pair(pair *p, int family, uint32_t no_offload) {
  p->to = loopback(family, 0);
  p->rx = open_socket(family, no_offload, false);
  p->tx = open_socket(family, 0, false);
  assert_int_equal(net->bind(NULL, p->rx, &p->to), 0);
  assert_int_equal(net->local_addr(NULL, p->rx, &p->to), 0);
  assert_int_equal(net->connect(NULL, p->tx, &p->to), 0);
}

static void close_pair(const pair *p) {
  net->close(NULL, p->tx);
  net->close(NULL, p->rx);
}

static bool is_ready(int fd, short events) {
  struct pollfd p = {.fd = fd, .events = events};

  return poll(&p, 1, WAIT_MS) == 1;
}

/* Up to n messages; 0: none came.  local: as the owner of the socket sets it.
 */
static size_t receive(int fd, qm_msg *msgs, size_t n, size_t cap,
                      const qm_addr *local) {
  size_t i;
  int got;

  for (i = 0; i < n; i++) {
    msgs[i] = (qm_msg){.data = rooms[i], .cap = cap, .ecn = 9, .segment = 9};
    msgs[i].local = local ? *local : msgs[i].local;
  }
  got = is_ready(fd, POLLIN) ? net->recv(NULL, fd, msgs, n) : 0;
  assert_in_range(got, 0, n);
  return (size_t)got;
}

static bool has_nothing(int fd) {
  qm_msg m = {.data = rooms[0], .cap = QM_GRO_MAX};

  return net->recv(NULL, fd, &m, 1) == 0;
}

/* The bytes of `sent`, and what this kernel lacks: GSO came with 4.18, GRO with
 * 5.0. */
static int prepare(void **state) {
  static uint32_t lacks;
  qm_sock_config c = {.family = AF_INET};
  size_t i;
  int fd;

  for (i = 0; i < sizeof(sent); i++) {
    sent[i] = (uint8_t)(i * 7 + (i >> 8) * 13 + 5);
  }
  assert_int_equal(net->open(NULL, &c, &fd, &lacks), 0);
  net->close(NULL, fd);
  *state = &lacks;
  return 0;
}

static void need_offload(void **state) {
  if (*(const uint32_t *)*state) {
    skip();
  }
}

struct flow {
  const char *name;
  uint32_t no_offload; /* of the receiver */
  size_t len, segment;
  size_t datagrams; /* wanted */
  bool is_grouped;  /* wanted: arrives as fewer messages */
};

/* Compares the bytes; returns the messages. */
static size_t collect(const struct flow *r, int fd) {
  size_t cap = r->no_offload & NO_GRO ? QM_PKT_MAX : QM_GRO_MAX;
  size_t datagrams = 0, messages = 0, bytes = 0, got, i;
  qm_msg msgs[QM_MSGS_MAX];

  while (datagrams < r->datagrams &&
         (got = receive(fd, msgs, QM_MSGS_MAX, cap, NULL)) > 0) {
    for (i = 0; i < got; i++) {
      row_true(r, !msgs[i].is_truncated && bytes + msgs[i].len <= r->len);
      row_true(r, memcmp(msgs[i].data, sent + bytes, msgs[i].len) == 0);
      row_true(r, !msgs[i].segment || msgs[i].segment == r->segment);
      bytes += msgs[i].len;
      datagrams += qm_msg_count(&msgs[i]);
    }
    messages += got;
  }
  row_equal(r, datagrams, r->datagrams);
  row_equal(r, bytes, r->len);
  return messages;
}

static void check_flow(const struct flow *r, int family) {
  qm_msg m = {
      .data = sent, .len = r->len, .segment = r->segment, .family = family};
  size_t messages;
  pair p;

  open_pair(&p, family, r->no_offload);
  row_equal(r, net->send(NULL, p.tx, &m, 1), 1);
  messages = collect(r, p.rx);
  row_true(r, r->is_grouped ? messages <= 4 && messages < r->datagrams
                            : messages == r->datagrams);
  row_true(r, has_nothing(p.rx));
  close_pair(&p);
}

static void arrives_whole(void **state) {
  static const struct flow rows[] = {
      {"40, no GRO", NO_GRO, 40 * SEGMENT, SEGMENT, 40, false},
      {"40, neither", NO_GRO | NO_GSO, 40 * SEGMENT, SEGMENT, 40, false},
      {"40, GRO", 0, 40 * SEGMENT, SEGMENT, 40, true},
      {"40, GRO, no GSO", NO_GSO, 40 * SEGMENT, SEGMENT, 40, true},
      {"short last, no GRO", NO_GRO, 9 * SEGMENT + 7, SEGMENT, 10, false},
      {"short last, GRO", 0, 9 * SEGMENT + 7, SEGMENT, 10, true},
      {"64, no GRO", NO_GRO, 64 * 1000, 1000, 64, false},
      {"64, GRO", 0, 64 * 1000, 1000, 64, true},
      {"65000 bytes, no GRO", NO_GRO, 65000, 1452, 45, false},
      {"65000 bytes, GRO", 0, 65000, 1452, 45, true},
      {"two, the last one byte", 0, SEGMENT + 1, SEGMENT, 2, true},
      {"one, no GRO", NO_GRO, SEGMENT, 0, 1, false},
      {"one, GRO", 0, SEGMENT, 0, 1, false},
      {"one, with its own length", 0, SEGMENT, SEGMENT, 1, false},
      {"nothing in it, no GRO", NO_GRO, 0, 0, 1, false},
      {"nothing in it, GRO", 0, 0, 0, 1, false},
  };
  const struct flow *r;

  need_offload(state);
  for (EACH_ROW(r, rows)) {
    check_flow(r, AF_INET);
    if (has_v6()) {
      check_flow(r, AF_INET6);
    }
  }
}

/* What is not wanted is not had; what the kernel lacks is told. */
static void tells_what_it_does_without(void **state) {
  uint32_t lacks = *(const uint32_t *)*state, unwanted, without;
  int fd;

  for (unwanted = 0; unwanted <= (NO_GSO | NO_GRO); unwanted++) {
    qm_sock_config c = {.family = AF_INET, .no_offload = unwanted};

    assert_int_equal(net->open(NULL, &c, &fd, &without), 0);
    assert_int_equal(without, unwanted | lacks);
    net->close(NULL, fd);
  }
}

/* A batch, empty datagrams among them, taken in parts. */
static void gives_the_rest_next_time(void **state) {
  static const size_t lens[] = {10, 0, 20, 0, 0};
  static const size_t asked[] = {2, 1, QM_MSGS_MAX}, given[] = {2, 1, 2};
  qm_msg msgs[QM_MSGS_MAX];
  size_t i, k, n = 0;
  pair p;

  (void)state;
  open_pair(&p, AF_INET, 0);
  for (i = 0; i < COUNT_OF(lens); i++) {
    msgs[i] = (qm_msg){.data = sent + i, .len = lens[i], .family = AF_INET};
  }
  assert_int_equal(net->send(NULL, p.tx, msgs, COUNT_OF(lens)), 5);
  for (i = 0; i < COUNT_OF(asked); i++) {
    assert_int_equal(receive(p.rx, msgs, asked[i], QM_GRO_MAX, NULL), given[i]);
    for (k = 0; k < given[i]; k++, n++) {
      assert_int_equal(msgs[k].len, lens[n]);
      assert_int_equal(msgs[k].segment, 0);
      assert_memory_equal(msgs[k].data, sent + n, lens[n]);
    }
  }
  assert_true(has_nothing(p.rx));
  close_pair(&p);
}

static void tells_what_was_cut(void **state) {
  qm_msg out[3] = {{.data = sent, .len = QM_PKT_MAX, .family = AF_INET},
                   {.data = sent, .len = QM_PKT_MAX + 1, .family = AF_INET},
                   {.data = sent, .len = 10, .family = AF_INET}};
  qm_msg in[3];
  pair p;

  (void)state;
  open_pair(&p, AF_INET, NO_GRO);
  assert_int_equal(net->send(NULL, p.tx, out, 3), 3);
  assert_int_equal(receive(p.rx, in, 3, QM_PKT_MAX, NULL), 3);
  assert_false(in[0].is_truncated);
  assert_true(in[1].is_truncated);
  assert_false(in[2].is_truncated);
  assert_int_equal(in[0].len, QM_PKT_MAX);
  close_pair(&p);
}

/* `total` bytes of marked messages come from `from`; to: where they were sent.
 */
static void expect(int fd, size_t total, uint8_t ecn, const qm_addr *local,
                   const qm_addr *from, const qm_addr *to) {
  qm_msg msgs[QM_MSGS_MAX];
  size_t bytes = 0, got, i;

  while (bytes < total &&
         (got = receive(fd, msgs, QM_MSGS_MAX, QM_GRO_MAX, local)) > 0) {
    for (i = 0; i < got; i++) {
      assert_int_equal(msgs[i].ecn, ecn);
      assert_int_equal(msgs[i].segment, SEGMENT);
      assert_true(qm_addr_is_equal(&msgs[i].remote, from));
      assert_true(!to || qm_addr_is_equal(&msgs[i].local, to));
      bytes += msgs[i].len;
    }
  }
  assert_int_equal(bytes, total);
}

/* A server's socket on the wildcard address; it answers from the one that it
 * was asked at. */
static void check_addresses(int family, uint8_t ecn) {
  qm_msg m = {.data = sent,
              .len = 10 * SEGMENT,
              .segment = SEGMENT,
              .family = family,
              .ecn = ecn};
  qm_addr to = loopback(family, 0), any, from;
  int server = open_socket(family, 0, true);
  int client = open_socket(family, 0, false);

  qm_addr_any(&any, family);
  assert_int_equal(net->bind(NULL, server, &any), 0);
  assert_int_equal(net->local_addr(NULL, server, &any), 0);
  qm_addr_set_port(&to, qm_addr_port(&any));
  if (family == AF_INET) {
    to.u.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
  }
  assert_int_equal(net->connect(NULL, client, &to), 0);
  assert_int_equal(net->local_addr(NULL, client, &from), 0);
  assert_int_equal(net->send(NULL, client, &m, 1), 1);
  expect(server, m.len, ecn, &any, &from, &to);
  m.remote = from;
  m.local = to;
  assert_int_equal(net->send(NULL, server, &m, 1), 1);
  expect(client, m.len, ecn, NULL, &to, NULL);
  net->close(NULL, server);
  net->close(NULL, client);
}

static void keeps_mark_and_addresses(void **state) {
  uint8_t ecn;

  need_offload(state);
  for (ecn = 0; ecn < 4; ecn++) {
    check_addresses(AF_INET, ecn);
    if (has_v6()) {
      check_addresses(AF_INET6, ecn);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(arrives_whole),
      cmocka_unit_test(tells_what_it_does_without),
      cmocka_unit_test(gives_the_rest_next_time),
      cmocka_unit_test(tells_what_was_cut),
      cmocka_unit_test(keeps_mark_and_addresses),
  };

  return cmocka_run_group_tests(tests, prepare, NULL);
}
