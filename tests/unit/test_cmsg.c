/* Ancillary bytes: what the kernel sends is read, what we write is well formed.
 */
#define _GNU_SOURCE /* in6_pktinfo */
#include "io/cmsg.h"

#include <arpa/inet.h>
#include <netinet/udp.h>

#include "table.h"

#define HOST4 "192.0.2.7"
#define HOST6 "2001:db8::7"
#define LINK6 "fe80::7"

static qm_addr host(int family, const char *text, uint16_t port) {
  qm_addr a;

  qm_addr_any(&a, family);
  assert_int_equal(inet_pton(family, text,
                             family == AF_INET ? (void *)&a.u.in.sin_addr
                                               : (void *)&a.u.in6.sin6_addr),
                   1);
  qm_addr_set_port(&a, port);
  return a;
}

typedef struct control {
  qm_cmsg_buf buf;
  struct msghdr msg;
} control;

static void open_control(control *c) {
  memset(c, 0, sizeof(*c));
  c->msg.msg_control = c->buf.bytes;
}

/* Appends an item as the kernel would. */
static void put(control *c, int level, int type, const void *data, size_t len) {
  struct cmsghdr *h = (void *)(c->buf.bytes + c->msg.msg_controllen);

  assert_true(c->msg.msg_controllen + CMSG_SPACE(len) <= QM_CMSG_MAX);
  h->cmsg_level = level;
  h->cmsg_type = type;
  h->cmsg_len = CMSG_LEN(len);
  memcpy(CMSG_DATA(h), data, len);
  c->msg.msg_controllen += CMSG_SPACE(len);
}

/* Linux gives IP_TOS as one byte and IPV6_TCLASS as an int; the upper six bits
 * are DSCP. */
static void reads_ecn(void **state) {
  static const struct row {
    const char *name;
    int level, type, value;
    size_t len;
    uint8_t ecn;
  } rows[] = {
      {"v4 not-ECT", IPPROTO_IP, IP_TOS, 0, 1, 0},
      {"v4 ECT(1)", IPPROTO_IP, IP_TOS, 1, 1, 1},
      {"v4 ECT(0)", IPPROTO_IP, IP_TOS, 2, 1, 2},
      {"v4 CE", IPPROTO_IP, IP_TOS, 3, 1, 3},
      {"v4 with DSCP", IPPROTO_IP, IP_TOS, 0xb9, 1, 1},
      {"v6 ECT(0)", IPPROTO_IPV6, IPV6_TCLASS, 2, sizeof(int), 2},
      {"v6 CE with DSCP", IPPROTO_IPV6, IPV6_TCLASS, 0xbb, sizeof(int), 3},
      {"another type", IPPROTO_IP, IP_TTL, 3, sizeof(int), 0},
      {"another v6 type", IPPROTO_IPV6, IPV6_HOPLIMIT, 3, sizeof(int), 0},
      {"another level", SOL_SOCKET, IP_TOS, 3, sizeof(int), 0},
  };
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    qm_msg p = {.ecn = 9};
    control c;

    open_control(&c);
    put(&c, r->level, r->type, &r->value, r->len);
    qm_cmsg_read(&c.msg, &p);
    row_equal(r, p.ecn, r->ecn);
    row_equal(r, p.local.len, 0);
  }
}

/* Nor several datagrams, whatever the message held before. */
static void nothing_means_not_ect(void **state) {
  qm_msg p = {.ecn = 3, .len = 2400, .segment = 1200};
  control c;

  (void)state;
  open_control(&c);
  qm_cmsg_read(&c.msg, &p);
  assert_int_equal(p.ecn, 0);
  assert_int_equal(p.segment, 0);
}

static void reads_the_destination(void **state) {
  struct in_pktinfo v4 = {.ipi_ifindex = 3};
  struct in6_pktinfo v6 = {.ipi6_ifindex = 3}, link = {.ipi6_ifindex = 3};
  qm_addr a;
  control c;
  qm_msg p;

  (void)state;
  inet_pton(AF_INET, HOST4, &v4.ipi_addr);
  inet_pton(AF_INET6, HOST6, &v6.ipi6_addr);
  inet_pton(AF_INET6, LINK6, &link.ipi6_addr);

  p = (qm_msg){.local = host(AF_INET, "0.0.0.0", 443)};
  open_control(&c);
  put(&c, IPPROTO_IP, IP_PKTINFO, &v4, sizeof(v4));
  put(&c, IPPROTO_IP, IP_TOS, &(uint8_t){2}, 1);
  qm_cmsg_read(&c.msg, &p);
  a = host(AF_INET, HOST4, 443);
  assert_true(qm_addr_is_equal(&p.local, &a));
  assert_int_equal(p.ecn, 2);

  p = (qm_msg){.local = host(AF_INET6, "::", 443)};
  open_control(&c);
  put(&c, IPPROTO_IPV6, IPV6_TCLASS, &(int){1}, sizeof(int));
  put(&c, IPPROTO_IPV6, IPV6_PKTINFO, &v6, sizeof(v6));
  qm_cmsg_read(&c.msg, &p);
  a = host(AF_INET6, HOST6, 443); /* a global address has no scope */
  assert_true(qm_addr_is_equal(&p.local, &a));
  assert_int_equal(p.ecn, 1);

  open_control(&c);
  put(&c, IPPROTO_IPV6, IPV6_PKTINFO, &link, sizeof(link));
  qm_cmsg_read(&c.msg, &p);
  a = host(AF_INET6, LINK6, 443);
  a.u.in6.sin6_scope_id = 3; /* a link-local one is nothing without it */
  assert_true(qm_addr_is_equal(&p.local, &a));
}

/* A client's socket is connected: nobody asked for the destination. */
static void no_destination_unless_asked_for(void **state) {
  struct in_pktinfo v4 = {.ipi_ifindex = 3};
  qm_msg p = {.local = {.len = 0}};
  control c;

  (void)state;
  inet_pton(AF_INET, HOST4, &v4.ipi_addr);
  open_control(&c);
  put(&c, IPPROTO_IP, IP_PKTINFO, &v4, sizeof(v4));
  qm_cmsg_read(&c.msg, &p);
  assert_int_equal(p.local.len, 0);
}

struct written {
  const char *name;
  int family;
  uint8_t ecn;
  qm_addr local;
  int items;
};

static void check_written(const struct written *r) {
  qm_msg p = {.family = r->family, .ecn = r->ecn, .local = r->local}, back;
  struct cmsghdr *h;
  control c;
  int items = 0;

  open_control(&c);
  c.msg.msg_controllen = sizeof(c.buf.bytes);
  qm_cmsg_write(&c.msg, &p);
  for (h = CMSG_FIRSTHDR(&c.msg); h; h = CMSG_NXTHDR(&c.msg, h)) {
    row_equal(r, h->cmsg_level,
              r->family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6);
    items++;
  }
  row_equal(r, items, r->items);
  row_true(r, items || (!c.msg.msg_control && !c.msg.msg_controllen));
  back = (qm_msg){.local = r->local, .ecn = 9};
  qm_cmsg_read(&c.msg, &back);
  row_equal(r, back.ecn, r->ecn);
  row_true(r,
           r->family != AF_INET6 || qm_addr_is_equal(&back.local, &r->local));
}

/* What is written, item by item; what we write we also read. */
static void writes_what_it_reads(void **state) {
  const struct written rows[] = {
      {"v4, nothing", AF_INET, 0, {.len = 0}, 0},
      {"v6, nothing", AF_INET6, 0, {.len = 0}, 0},
      {"v4 ECT(0)", AF_INET, 2, {.len = 0}, 1},
      {"v6 ECT(0)", AF_INET6, 2, {.len = 0}, 1},
      {"v4 CE", AF_INET, 3, {.len = 0}, 1},
      {"v4 source", AF_INET, 0, host(AF_INET, HOST4, 443), 1},
      {"v6 source", AF_INET6, 0, host(AF_INET6, HOST6, 443), 1},
      {"v4 both", AF_INET, 1, host(AF_INET, HOST4, 443), 2},
      {"v6 both", AF_INET6, 1, host(AF_INET6, HOST6, 443), 2},
      {"v4 wildcard", AF_INET, 0, host(AF_INET, "0.0.0.0", 443), 0},
      {"v6 wildcard", AF_INET6, 2, host(AF_INET6, "::", 443), 1},
  };
  const struct written *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    check_written(r);
  }
}

/* Sending, ipi_spec_dst is the source, ipi_addr means nothing (ip(7)); a
 * link-local IPv6 source needs its interface. */
static void writes_the_source_where_the_kernel_looks(void **state) {
  qm_msg p = {.family = AF_INET, .local = host(AF_INET, HOST4, 443)};
  struct in_pktinfo v4;
  struct in6_pktinfo v6;
  control c;

  (void)state;
  open_control(&c);
  qm_cmsg_write(&c.msg, &p);
  assert_int_equal(CMSG_FIRSTHDR(&c.msg)->cmsg_type, IP_PKTINFO);
  memcpy(&v4, CMSG_DATA(CMSG_FIRSTHDR(&c.msg)), sizeof(v4));
  assert_int_equal(v4.ipi_spec_dst.s_addr, p.local.u.in.sin_addr.s_addr);
  assert_int_equal(v4.ipi_ifindex, 0);

  p = (qm_msg){.family = AF_INET6, .local = host(AF_INET6, LINK6, 443)};
  p.local.u.in6.sin6_scope_id = 5;
  open_control(&c);
  qm_cmsg_write(&c.msg, &p);
  assert_int_equal(CMSG_FIRSTHDR(&c.msg)->cmsg_type, IPV6_PKTINFO);
  memcpy(&v6, CMSG_DATA(CMSG_FIRSTHDR(&c.msg)), sizeof(v6));
  assert_memory_equal(&v6.ipi6_addr, &p.local.u.in6.sin6_addr, 16);
  assert_int_equal(v6.ipi6_ifindex, 5);
}

/* UDP_GRO: an int, which Linux also gives for one datagram (its own length). */
static void reads_the_segment_size(void **state) {
  static const struct row {
    const char *name;
    size_t len;
    int level, type, value;
    size_t segment; /* wanted */
  } rows[] = {
      {"several", 2400, SOL_UDP, UDP_GRO, 1200, 1200},
      {"the last is shorter", 2401, SOL_UDP, UDP_GRO, 1200, 1200},
      {"65535", 65536, SOL_UDP, UDP_GRO, 65535, 65535},
      {"one datagram, its own length", 1200, SOL_UDP, UDP_GRO, 1200, 0},
      {"more than came", 700, SOL_UDP, UDP_GRO, 1200, 0},
      {"an empty datagram", 0, SOL_UDP, UDP_GRO, 1200, 0},
      {"0", 1200, SOL_UDP, UDP_GRO, 0, 0},
      {"negative", 1200, SOL_UDP, UDP_GRO, -1, 0},
      {"another type", 2400, SOL_UDP, UDP_SEGMENT, 1200, 0},
      {"IP's item of that number", 2400, IPPROTO_IP, UDP_GRO, 1200, 0},
      {"IPv6's", 2400, IPPROTO_IPV6, UDP_GRO, 1200, 0},
  };
  const struct row *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    qm_msg p = {.len = r->len, .segment = 9};
    control c;

    open_control(&c);
    put(&c, r->level, r->type, &r->value, sizeof(r->value));
    qm_cmsg_read(&c.msg, &p);
    row_equal(r, p.segment, r->segment);
  }
}

/* As a server's socket with GRO gives it. */
static void reads_all_three(void **state) {
  qm_msg p = {.len = 5000, .local = host(AF_INET6, "::", 443)};
  qm_addr want = host(AF_INET6, HOST6, 443);
  struct in6_pktinfo info = {.ipi6_addr = want.u.in6.sin6_addr};
  control c;

  (void)state;
  open_control(&c);
  put(&c, SOL_UDP, UDP_GRO, &(int){1200}, sizeof(int));
  put(&c, IPPROTO_IPV6, IPV6_TCLASS, &(int){1}, sizeof(int));
  put(&c, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
  qm_cmsg_read(&c.msg, &p);
  assert_int_equal(p.ecn, 1);
  assert_int_equal(p.segment, 1200);
  assert_true(qm_addr_is_equal(&p.local, &want));
}

struct segments {
  const char *name;
  int family;
  size_t len, segment;
  uint8_t ecn;
  const char *local; /* NULL: none */
  size_t want;       /* UDP_SEGMENT; 0: not written */
};

static void check_segments(const struct segments *r) {
  qm_msg p = {
      .family = r->family, .len = r->len, .segment = r->segment, .ecn = r->ecn};
  struct cmsghdr *h;
  control c;
  uint16_t size = 0;
  int items = 0;

  p.local = r->local ? host(r->family, r->local, 443) : p.local;
  open_control(&c);
  c.msg.msg_controllen = sizeof(c.buf.bytes);
  qm_cmsg_write(&c.msg, &p);
  for (h = CMSG_FIRSTHDR(&c.msg); h; h = CMSG_NXTHDR(&c.msg, h)) {
    if (h->cmsg_level == SOL_UDP) {
      row_equal(r, h->cmsg_type, UDP_SEGMENT);
      row_equal(r, h->cmsg_len, CMSG_LEN(sizeof(size)));
      memcpy(&size, CMSG_DATA(h), sizeof(size));
    }
    items++;
  }
  row_equal(r, size, r->want);
  row_equal(r, items, (r->want != 0) + (r->ecn != 0) + (r->local != NULL));
}

/* UDP_SEGMENT: a 16-bit number, beside the other items. */
static void writes_the_segment_size(void **state) {
  static const struct segments rows[] = {
      {"one datagram", AF_INET, 1200, 0, 0, NULL, 0},
      {"several", AF_INET, 2400, 1200, 0, NULL, 1200},
      {"the last is shorter", AF_INET, 1201, 1200, 0, NULL, 1200},
      {"one as long as a segment", AF_INET, 1200, 1200, 0, NULL, 0},
      {"one shorter than a segment", AF_INET, 700, 1200, 0, NULL, 0},
      {"nothing in it", AF_INET, 0, 1200, 0, NULL, 0},
      {"the largest", AF_INET, 65000, 1500, 0, NULL, 1500},
      {"v4, marked", AF_INET, 2400, 1200, 2, NULL, 1200},
      {"v4, all three", AF_INET, 2400, 1200, 2, HOST4, 1200},
      {"v6, all three", AF_INET6, 2400, 1200, 2, HOST6, 1200},
      {"v6, the others alone", AF_INET6, 1200, 1200, 2, HOST6, 0},
  };
  const struct segments *r;

  (void)state;
  for (EACH_ROW(r, rows)) {
    check_segments(r);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_ecn),
      cmocka_unit_test(nothing_means_not_ect),
      cmocka_unit_test(reads_the_destination),
      cmocka_unit_test(no_destination_unless_asked_for),
      cmocka_unit_test(writes_what_it_reads),
      cmocka_unit_test(writes_the_source_where_the_kernel_looks),
      cmocka_unit_test(reads_the_segment_size),
      cmocka_unit_test(reads_all_three),
      cmocka_unit_test(writes_the_segment_size),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
