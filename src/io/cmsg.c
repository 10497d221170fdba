#define _GNU_SOURCE /* in6_pktinfo */
#include "io/cmsg.h"

#include <netinet/udp.h>
#include <string.h>
#include <time.h>

static void read_ipv4(const struct cmsghdr *c, qm_msg *p) {
  struct in_pktinfo info;

  if (c->cmsg_type == IP_TOS) {
    p->ecn = *(const uint8_t *)CMSG_DATA(c) & 3;
  } else if (c->cmsg_type == IP_PKTINFO && qm_addr_family(&p->local)) {
    memcpy(&info, CMSG_DATA(c), sizeof(info));
    uint16_t port = qm_addr_port(&p->local);

    qm_addr_any(&p->local, AF_INET);
    p->local.u.in.sin_addr = info.ipi_addr;
    qm_addr_set_port(&p->local, port);
  }
}

static void read_ipv6(const struct cmsghdr *c, qm_msg *p) {
  struct in6_pktinfo info;
  int tclass;

  if (c->cmsg_type == IPV6_TCLASS) {
    memcpy(&tclass, CMSG_DATA(c), sizeof(tclass));
    p->ecn = tclass & 3;
  } else if (c->cmsg_type == IPV6_PKTINFO && qm_addr_family(&p->local)) {
    memcpy(&info, CMSG_DATA(c), sizeof(info));
    p->local.u.in6.sin6_addr = info.ipi6_addr;
    p->local.u.in6.sin6_scope_id =
        IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr) ? info.ipi6_ifindex : 0;
  }
}

/* One datagram comes without, or with its own length. */
static void read_udp(const struct cmsghdr *c, qm_msg *p) {
  int size;

  if (c->cmsg_type == UDP_GRO) {
    memcpy(&size, CMSG_DATA(c), sizeof(size));
    p->segment = size > 0 && (size_t)size < p->len ? (size_t)size : 0;
  }
}

static void read_socket(const struct cmsghdr *c, qm_msg *p) {
  struct timespec ts;

  if (c->cmsg_type == SCM_TIMESTAMPNS) {
    memcpy(&ts, CMSG_DATA(c), sizeof(ts));
    p->at = (uint64_t)ts.tv_sec * QUICMIG_SECOND + (uint64_t)ts.tv_nsec;
  }
}

void qm_cmsg_read(struct msghdr *msg, qm_msg *p) {
  struct cmsghdr *c;

  p->ecn = 0;
  p->at = 0;
  p->segment = 0;
  for (c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
    if (c->cmsg_level == IPPROTO_IP) {
      read_ipv4(c, p);
    } else if (c->cmsg_level == IPPROTO_IPV6) {
      read_ipv6(c, p);
    } else if (c->cmsg_level == SOL_UDP) {
      read_udp(c, p);
    } else if (c->cmsg_level == SOL_SOCKET) {
      read_socket(c, p);
    }
  }
}

/* Appends one item at *used. */
static void append(struct msghdr *msg, size_t *used, int level, int type,
                   const void *data, size_t len) {
  struct cmsghdr *c =
      (struct cmsghdr *)(void *)((uint8_t *)msg->msg_control + *used);

  c->cmsg_level = level;
  c->cmsg_type = type;
  c->cmsg_len = CMSG_LEN(len);
  memcpy(CMSG_DATA(c), data, len);
  *used += CMSG_SPACE(len);
}

static void write_source(struct msghdr *msg, size_t *used, const qm_addr *a) {
  if (qm_addr_family(a) == AF_INET) {
    struct in_pktinfo info = {.ipi_spec_dst = a->u.in.sin_addr};

    append(msg, used, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
  } else {
    struct in6_pktinfo info = {.ipi6_addr = a->u.in6.sin6_addr,
                               .ipi6_ifindex = a->u.in6.sin6_scope_id};

    append(msg, used, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
  }
}

void qm_cmsg_write(struct msghdr *msg, const qm_msg *p) {
  uint16_t segment = (uint16_t)p->segment;
  int ecn = p->ecn;
  size_t used = 0;

  if (ecn && p->family == AF_INET) {
    append(msg, &used, IPPROTO_IP, IP_TOS, &ecn, sizeof(ecn));
  } else if (ecn) {
    append(msg, &used, IPPROTO_IPV6, IPV6_TCLASS, &ecn, sizeof(ecn));
  }
  if (p->local.len && !qm_addr_is_wildcard(&p->local)) {
    write_source(msg, &used, &p->local);
  }
  if (p->segment && p->segment < p->len) {
    append(msg, &used, SOL_UDP, UDP_SEGMENT, &segment, sizeof(segment));
  }
  msg->msg_controllen = used;
  if (used == 0) {
    msg->msg_control = NULL;
  }
}
