/*
 * The local sockets, 64 packets a system call.  A reader reads into packets of
 * the pool; an outbox gathers what arrived from QUIC until the loop is about to
 * sleep.
 */
#ifndef FORWARD_BATCH_H
#define FORWARD_BATCH_H

#include <sys/socket.h>

#include "counters.h"
#include "packets.h"

#define BATCH 64

typedef struct reader {
  pool *pool;
  counters *count;
  packet *spare[BATCH]; /* always there: a full pool is read too, and dropped */
} reader;

/* Takes k, or leaves it (false). */
typedef bool (*reader_take)(void *user_data, packet *k,
                            const struct sockaddr_storage *from);

/* Takes BATCH packets out of the pool, which must have more. */
void reader_init(reader *r, pool *p, counters *count);

/* Reads fd until it is empty or four batches are read.  Returns how many. */
size_t reader_read(reader *r, int fd, reader_take take, void *user_data);

struct outbox_message;

typedef struct outbox {
  struct outbox_message *messages;
  size_t n;
  counters *count;
} outbox;

/* False: out of memory. */
bool outbox_init(outbox *o, counters *count);
void outbox_reset(outbox *o);

/* Gathers a packet of len bytes for fd; to NULL: fd is connected.  Returns
 * where to write it, NULL: too large.  fd must stay open until the flush. */
uint8_t *outbox_add(outbox *o, int fd, const struct sockaddr_storage *to,
                    size_t len);

/* Sends all.  What a local socket does not take is dropped, as on any network.
 */
void outbox_flush(outbox *o);

#endif
