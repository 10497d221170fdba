/* What the two small clients, poll_loop and own_conn, share: their options,
 * the set of sockets they poll, and the lines they print. */
#ifndef SMALL_H
#define SMALL_H

#include <poll.h>

#include <quicmig/quicmig.h>

#define SMALL_SOCKETS_MAX 16 /* no quicmig has more, see max_sockets */

typedef struct small_options {
  const char *host, *port, *alpn, *ca_file;
  int is_insecure;
  quicmig_duration duration;
  quicmig_options migration;
} small_options;

/* Reads the command line; ends the program on --help and on mistakes.  about:
 * the sentence under the usage line. */
void small_read(small_options *o, const char *name, const char *about, int argc,
                char **argv);

/* A hop opens a second socket, and the old one stays until it has drained: so
 * there is a set of sockets to watch. */
typedef struct small_set {
  struct pollfd fds[SMALL_SOCKETS_MAX];
  nfds_t n;
} small_set;

/* For the watch callback.  After on=0 the fd is closed, and its number may come
 * back for another socket. */
void small_watch(small_set *s, int fd, int on);

/*
 * Waits until a socket is readable or `at` has come, and returns the sockets as
 * they were then: a copy, because reading one may change the set.  Its revents
 * tell which are readable; POLLERR too, as an ICMP error waits to be read.
 */
small_set small_wait(const small_set *s, quicmig_tstamp at);

/* One line a hop; start: of the connection. */
void small_print_hop(const quicmig_hop_record *r, quicmig_tstamp start);

/* The last line. */
void small_print_result(uint64_t sent, uint64_t echoed, const quicmig *m);

#endif
