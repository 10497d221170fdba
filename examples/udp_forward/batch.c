#define _GNU_SOURCE /* recvmmsg, sendmmsg */
#include "batch.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 4

typedef struct outbox_message {
  int fd;
  socklen_t tolen; /* 0: connected */
  size_t len;
  struct sockaddr_storage to;
  uint8_t data[PACKET_MAX];
} message;

static socklen_t sockaddr_len(const struct sockaddr_storage *a) {
  return a->ss_family == AF_INET ? sizeof(struct sockaddr_in)
                                 : sizeof(struct sockaddr_in6);
}

void reader_init(reader *r, pool *p, counters *count) {
  size_t i;

  *r = (reader){.pool = p, .count = count};
  for (i = 0; i < BATCH; i++) {
    r->spare[i] = pool_get(p);
  }
}

/* Offers spare packet i, which was filled; if it is taken, another one takes
 * its place. */
static void offer(reader *r, int i, reader_take take, void *user_data,
                  const struct sockaddr_storage *from) {
  packet *other = pool_get(r->pool);

  if (!other) {
    r->count->queue_full++;
  } else if (take(user_data, r->spare[i], from)) {
    r->spare[i] = other;
  } else {
    pool_put(r->pool, other);
  }
}

/* One batch; returns how many. */
static size_t read_batch(reader *r, int fd, reader_take take, void *user_data) {
  struct mmsghdr msgs[BATCH] = {0};
  struct iovec iov[BATCH];
  struct sockaddr_storage from[BATCH];
  int i, n;

  for (i = 0; i < BATCH; i++) {
    iov[i] = (struct iovec){r->spare[i]->data, PACKET_MAX};
    msgs[i].msg_hdr = (struct msghdr){.msg_name = &from[i],
                                      .msg_namelen = sizeof(from[i]),
                                      .msg_iov = &iov[i],
                                      .msg_iovlen = 1};
  }
  n = recvmmsg(fd, msgs, BATCH, MSG_DONTWAIT, NULL);
  for (i = 0; i < n; i++) {
    if (msgs[i].msg_len == PACKET_MAX) { /* as much, or cut */
      r->count->too_large++;
      continue;
    }
    r->spare[i]->len = msgs[i].msg_len;
    offer(r, i, take, user_data, &from[i]);
  }
  return n < 0 ? 0 : (size_t)n;
}

size_t reader_read(reader *r, int fd, reader_take take, void *user_data) {
  size_t n, sum = 0;
  int i;

  for (i = 0; i < ROUNDS; i++) {
    n = read_batch(r, fd, take, user_data);
    sum += n;
    if (n < BATCH) {
      break;
    }
  }
  return sum;
}

bool outbox_init(outbox *o, counters *count) {
  *o = (outbox){.count = count};
  o->messages = malloc(BATCH * sizeof(*o->messages));
  return o->messages != NULL;
}

void outbox_reset(outbox *o) {
  free(o->messages);
  *o = (outbox){.messages = NULL};
}

uint8_t *outbox_add(outbox *o, int fd, const struct sockaddr_storage *to,
                    size_t len) {
  message *m;

  if (len > PACKET_MAX) {
    o->count->too_large++;
    return NULL;
  }
  if (o->n == BATCH) {
    outbox_flush(o);
  }
  m = &o->messages[o->n++];
  m->fd = fd;
  m->len = len;
  m->tolen = to ? sockaddr_len(to) : 0;
  if (to) {
    m->to = *to;
  }
  return m->data;
}

/* Sends messages i to end - 1, all for one socket.  ECONNREFUSED tells of an
 * earlier packet: the one at hand gets a second try. */
static void send_run(outbox *o, size_t i, size_t end) {
  struct mmsghdr msgs[BATCH] = {0};
  struct iovec iov[BATCH];
  size_t k, retried = SIZE_MAX;
  int n;

  for (k = i; k < end; k++) {
    message *m = &o->messages[k];

    iov[k] = (struct iovec){m->data, m->len};
    msgs[k].msg_hdr = (struct msghdr){.msg_name = m->tolen ? &m->to : NULL,
                                      .msg_namelen = m->tolen,
                                      .msg_iov = &iov[k],
                                      .msg_iovlen = 1};
  }
  while (i < end) {
    n = sendmmsg(o->messages[i].fd, msgs + i, (unsigned)(end - i),
                 MSG_DONTWAIT);
    if (n <= 0) {
      if (n < 0 && errno == ECONNREFUSED && retried != i) {
        retried = i;
        continue;
      }
      o->count->send_failed++;
      i++;
      continue;
    }
    for (k = i; k < i + (size_t)n; k++) {
      o->count->packets_out++;
      o->count->bytes_out += o->messages[k].len;
    }
    i += (size_t)n;
  }
}

void outbox_flush(outbox *o) {
  size_t i, end;

  for (i = 0; i < o->n; i = end) {
    for (end = i + 1; end < o->n && o->messages[end].fd == o->messages[i].fd;) {
      end++;
    }
    send_run(o, i, end);
  }
  o->n = 0;
}
