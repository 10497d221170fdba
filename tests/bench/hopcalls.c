#include "hopcalls.h"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"
#include "count.h"

/* Like those of count.c, which has not got these. */
static uint64_t calls;

int socket(int domain, int type, int protocol) {
  calls++;
  return (int)syscall(SYS_socket, domain, type, protocol);
}

int bind(int fd, const struct sockaddr *a, socklen_t len) {
  calls++;
  return (int)syscall(SYS_bind, fd, a, len);
}

int connect(int fd, const struct sockaddr *a, socklen_t len) {
  calls++;
  return (int)syscall(SYS_connect, fd, a, len);
}

int close(int fd) {
  calls++;
  return (int)syscall(SYS_close, fd);
}

static uint64_t syscalls_now(void) {
  return calls + count_now.sends + count_now.recvs + count_now.waits +
         count_now.others;
}

/* Reading the clock is a system call, and costs about as much as the others:
 * two reads in a row tell how much, with the caches as they are. */
hopcalls hopcalls_start(void) {
  uint64_t first = bench_cpu(), second = bench_cpu();

  return (hopcalls){.cpu_ns = second + (second - first),
                    .syscalls = syscalls_now()};
}

void hopcalls_stop(const hopcalls *start, hopcalls *sum) {
  uint64_t now = bench_cpu();

  sum->cpu_ns += now > start->cpu_ns ? now - start->cpu_ns : 0;
  sum->syscalls += syscalls_now() - start->syscalls;
}
