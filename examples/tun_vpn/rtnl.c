#include "rtnl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/fib_rules.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#define MESSAGE 256 /* bytes; the longest of ours has 120 */
#define READS_MAX 64
#define GROUP(g) (1u << ((g)-1))

typedef struct request {
  struct nlmsghdr header;
  uint8_t rest[MESSAGE];
} request;

bool rtnl_parse(rtnl_prefix *p, const char *text) {
  const char *slash = strchr(text, '/');
  size_t n = slash ? (size_t)(slash - text) : strlen(text);
  char address[INET6_ADDRSTRLEN] = "";

  *p = (rtnl_prefix){.is_v6 = strchr(text, ':') != NULL};
  if (n >= sizeof(address)) {
    return false;
  }
  memcpy(address, text, n);
  p->bits = p->is_v6 ? 128 : 32;
  if (slash) {
    p->bits = (uint8_t)strtoul(slash + 1, NULL, 10);
  }
  return inet_pton(p->is_v6 ? AF_INET6 : AF_INET, address, p->bytes) == 1;
}

/* With a time limit, so that an answer that was lost is an error. */
static int open_ask(rtnl *n) {
  struct sockaddr_nl a = {.nl_family = AF_NETLINK};
  struct timeval limit = {.tv_sec = 1};
  socklen_t len = sizeof(a);

  n->ask = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (n->ask < 0 || bind(n->ask, (struct sockaddr *)&a, sizeof(a)) != 0 ||
      getsockname(n->ask, (struct sockaddr *)&a, &len) != 0 ||
      setsockopt(n->ask, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) != 0) {
    return errno;
  }
  n->port = a.nl_pid;
  return 0;
}

static int open_hear(rtnl *n) {
  struct sockaddr_nl a = {
      .nl_family = AF_NETLINK,
      .nl_groups = GROUP(RTNLGRP_LINK) | GROUP(RTNLGRP_IPV4_ROUTE) |
                   GROUP(RTNLGRP_IPV6_ROUTE) | GROUP(RTNLGRP_IPV4_RULE) |
                   GROUP(RTNLGRP_IPV6_RULE)};

  n->hear = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC,
                   NETLINK_ROUTE);
  if (n->hear < 0 || bind(n->hear, (struct sockaddr *)&a, sizeof(a)) != 0) {
    return errno;
  }
  return 0;
}

int rtnl_open(rtnl *n) {
  int rv;

  *n = (rtnl){.ask = -1, .hear = -1};
  rv = open_ask(n);
  rv = rv ? rv : open_hear(n);
  if (rv != 0) {
    rtnl_close(n);
  }
  return rv;
}

void rtnl_close(rtnl *n) {
  if (n->ask >= 0) {
    close(n->ask);
  }
  if (n->hear >= 0) {
    close(n->hear);
  }
  *n = (rtnl){.ask = -1, .hear = -1};
}

/* Space for the fixed part of a message. */
static void *begin(request *q, uint16_t type, uint16_t flags, size_t len) {
  *q = (request){
      .header = {.nlmsg_len = (uint32_t)NLMSG_LENGTH(len),
                 .nlmsg_type = type,
                 .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags)}};
  return NLMSG_DATA(&q->header);
}

static void add(request *q, uint16_t type, const void *data, size_t len) {
  struct rtattr *a = (void *)((uint8_t *)q + NLMSG_ALIGN(q->header.nlmsg_len));

  a->rta_type = type;
  a->rta_len = (uint16_t)RTA_LENGTH(len);
  memcpy(RTA_DATA(a), data, len);
  q->header.nlmsg_len =
      (uint32_t)(NLMSG_ALIGN(q->header.nlmsg_len) + RTA_SPACE(len));
}

static void add_u32(request *q, uint16_t type, uint32_t value) {
  add(q, type, &value, sizeof(value));
}

/* Sends it and waits for the answer; older answers came too late. */
static int ask(rtnl *n, request *q) {
  struct {
    struct nlmsghdr header;
    struct nlmsgerr error;
    uint8_t rest[2 * MESSAGE];
  } answer;
  ssize_t got;

  q->header.nlmsg_seq = ++n->sequence;
  if (send(n->ask, q, q->header.nlmsg_len, 0) < 0) {
    return errno;
  }
  do {
    got = recv(n->ask, &answer, sizeof(answer), 0);
    if (got < 0 && errno != EINTR) {
      return errno;
    }
  } while (got < (ssize_t)NLMSG_LENGTH(sizeof(answer.error)) ||
           answer.header.nlmsg_type != NLMSG_ERROR ||
           answer.header.nlmsg_seq != n->sequence);
  return -answer.error.error;
}

static size_t prefix_bytes(const rtnl_prefix *p) { return p->is_v6 ? 16 : 4; }

static uint8_t action_of(const rtnl_rule *r) {
  switch (r->action) {
  case RTNL_GOTO:
    return FR_ACT_GOTO;
  case RTNL_NOP:
    return FR_ACT_NOP;
  case RTNL_UNREACHABLE:
    return FR_ACT_UNREACHABLE;
  case RTNL_LOOKUP:
  case RTNL_MAIN_BUT_DEFAULT:
    break;
  }
  return FR_ACT_TO_TBL;
}

static int rule(rtnl *n, uint16_t type, uint16_t flags, const rtnl_rule *r) {
  request q;
  struct fib_rule_hdr *h = begin(&q, type, flags, sizeof(*h));

  h->family = r->to.is_v6 ? AF_INET6 : AF_INET;
  h->action = action_of(r);
  h->flags = r->is_unlike ? FIB_RULE_INVERT : 0;
  add_u32(&q, FRA_PRIORITY, r->preference);
  if (r->to.bits) {
    h->dst_len = r->to.bits;
    add(&q, FRA_DST, r->to.bytes, prefix_bytes(&r->to));
  }
  if (r->mark) {
    add_u32(&q, FRA_FWMARK, r->mark);
  }
  switch (r->action) {
  case RTNL_LOOKUP:
    add_u32(&q, FRA_TABLE, r->table);
    break;
  case RTNL_MAIN_BUT_DEFAULT:
    add_u32(&q, FRA_TABLE, RT_TABLE_MAIN);
    add_u32(&q, FRA_SUPPRESS_PREFIXLEN, 0);
    break;
  case RTNL_GOTO:
    add_u32(&q, FRA_GOTO, r->target);
    break;
  case RTNL_NOP:
  case RTNL_UNREACHABLE:
    break;
  }
  return ask(n, &q);
}

int rtnl_add_rule(rtnl *n, const rtnl_rule *r) {
  return rule(n, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, r);
}

int rtnl_remove_rule(rtnl *n, const rtnl_rule *r) {
  return rule(n, RTM_DELRULE, 0, r);
}

int rtnl_add_route(rtnl *n, const rtnl_prefix *to, unsigned interface,
                   uint32_t table) {
  request q;
  struct rtmsg *m =
      begin(&q, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, sizeof(*m));

  *m =
      (struct rtmsg){.rtm_family = to->is_v6 ? AF_INET6 : AF_INET,
                     .rtm_dst_len = to->bits,
                     .rtm_protocol = RTPROT_BOOT,
                     .rtm_scope = to->is_v6 ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK,
                     .rtm_type = RTN_UNICAST};
  if (to->bits) {
    add(&q, RTA_DST, to->bytes, prefix_bytes(to));
  }
  add_u32(&q, RTA_OIF, interface);
  add_u32(&q, RTA_TABLE, table);
  return ask(n, &q);
}

static bool is_in_table(const struct nlmsghdr *h, uint32_t table) {
  const struct rtmsg *m = NLMSG_DATA(h);
  size_t at = NLMSG_LENGTH(sizeof(*m));
  uint32_t found = m->rtm_table; /* 8 bits of it */

  while (at + sizeof(struct rtattr) <= h->nlmsg_len) {
    const struct rtattr *a = (const void *)((const uint8_t *)h + at);

    if (a->rta_len < sizeof(*a)) {
      break;
    }
    if (a->rta_type == RTA_TABLE) {
      memcpy(&found, RTA_DATA(a), sizeof(found));
    }
    at += RTA_ALIGN(a->rta_len);
  }
  return found == table;
}

static bool is_news(const rtnl *n, const struct nlmsghdr *h, unsigned interface,
                    uint32_t table) {
  if (h->nlmsg_pid == n->port) {
    return false;
  }
  switch (h->nlmsg_type) {
  case RTM_DELRULE:
    return true;
  case RTM_DELROUTE:
    return is_in_table(h, table);
  case RTM_NEWLINK: /* up again; routes went when it was down */
    return ((const struct ifinfomsg *)NLMSG_DATA(h))->ifi_index ==
           (int)interface;
  default:
    return false;
  }
}

/* Messages that the kernel has sent as one. */
static bool is_any_news(const rtnl *n, const uint8_t *p, size_t len,
                        unsigned interface, uint32_t table) {
  while (len >= sizeof(struct nlmsghdr)) {
    const struct nlmsghdr *h = (const void *)p;

    if (h->nlmsg_len < sizeof(*h) || h->nlmsg_len > len) {
      return false;
    }
    if (is_news(n, h, interface, table)) {
      return true;
    }
    p += NLMSG_ALIGN(h->nlmsg_len);
    len -= NLMSG_ALIGN(h->nlmsg_len) < len ? NLMSG_ALIGN(h->nlmsg_len) : len;
  }
  return false;
}

bool rtnl_heard(rtnl *n, unsigned interface, uint32_t table) {
  _Alignas(struct nlmsghdr) uint8_t buf[16384];
  struct sockaddr_nl from;
  bool is_heard = false;
  int i;

  for (i = 0; i < READS_MAX; i++) {
    socklen_t len = sizeof(from);
    ssize_t got =
        recvfrom(n->hear, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len);

    if (got < 0 && errno != ENOBUFS && errno != EINTR) {
      break;
    }
    /* ENOBUFS: more than the socket could hold.  Other processes may send to
     * it, too; the kernel is number 0. */
    is_heard = is_heard || got < 0 ||
               (from.nl_pid == 0 &&
                is_any_news(n, buf, (size_t)got, interface, table));
  }
  return is_heard;
}
