/*
 * A steady beat of small UDP packets, for examples/lab.sh: ping(8) sends no
 * more than one in 10 ms while nothing comes back, and its grain is as coarse
 * then.
 *
 *   beat ADDRESS PORT MS   sends one each MS, and prints for each echo, as
 *                          ping -D does: [TIME] seq=N time=MS ms
 *                          and if it could not run: [TIME] paused=MS ms
 *   beat echo PORT         sends back what comes, IPv4 and IPv6
 *
 * The first prints `N packets transmitted, N received` when it gets SIGINT.
 * Exit status: 0 SIGINT came, 1 something failed, 2 wrong usage.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MS 1000000u
#define SECOND 1000000000u
#define PAUSE_MIN (2 * MS)

typedef struct {
  uint64_t seq;
  uint64_t sent_at;
} beat;

static volatile sig_atomic_t is_over;

static void on_signal(int number) {
  (void)number;
  is_over = 1;
}

static void fail(const char *what) {
  fprintf(stderr, "beat: %s: %s\n", what, strerror(errno));
  exit(1);
}

static uint64_t read_clock(clockid_t id) {
  struct timespec t;

  clock_gettime(id, &t);
  return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

/* For NULL: a socket bound to the port, for both families. */
static int open_socket(const char *host, const char *port) {
  struct addrinfo hints = {.ai_socktype = SOCK_DGRAM}, *a;
  int fd, error;

  hints.ai_family = host ? AF_UNSPEC : AF_INET6;
  hints.ai_flags = host ? AI_NUMERICHOST : AI_PASSIVE;
  error = getaddrinfo(host, port, &hints, &a);
  if (error) {
    fprintf(stderr, "beat: %s: %s\n", host ? host : port, gai_strerror(error));
    exit(2);
  }
  fd = socket(a->ai_family, SOCK_DGRAM, 0);
  if (fd < 0 || (host ? connect(fd, a->ai_addr, a->ai_addrlen)
                      : bind(fd, a->ai_addr, a->ai_addrlen)) != 0)
    fail("socket");
  freeaddrinfo(a);
  return fd;
}

static void echo(int fd) {
  struct sockaddr_storage from;
  unsigned char bytes[2048];

  printf("listening\n");
  fflush(stdout);
  while (!is_over) {
    socklen_t length = sizeof(from);
    ssize_t n = recvfrom(fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&from,
                         &length);

    if (n >= 0)
      (void)sendto(fd, bytes, (size_t)n, 0, (struct sockaddr *)&from, length);
  }
}

static void print_time(void) {
  uint64_t wall = read_clock(CLOCK_REALTIME);

  printf("[%llu.%06llu] ", (unsigned long long)(wall / SECOND),
         (unsigned long long)(wall % SECOND / 1000));
}

/* A packet was due at that time: later than that is the machine's fault. */
static void note_pause(uint64_t due) {
  static uint64_t noted;
  uint64_t now = read_clock(CLOCK_MONOTONIC);

  if (now > due + PAUSE_MIN && due != noted) {
    noted = due;
    print_time();
    printf("paused=%.3f ms\n", (double)(now - due) / MS);
  }
}

static uint64_t take_echoes(int fd) {
  uint64_t now, count = 0;
  beat b;

  while (recv(fd, &b, sizeof(b), MSG_DONTWAIT) == (ssize_t)sizeof(b)) {
    now = read_clock(CLOCK_MONOTONIC);
    print_time();
    printf("seq=%llu time=%.3f ms\n", (unsigned long long)b.seq,
           (double)(now - b.sent_at) / MS);
    count++;
  }
  return count;
}

/* A packet that the kernel does not take is one that was lost. */
static void run(int fd, uint64_t interval) {
  uint64_t now, next = read_clock(CLOCK_MONOTONIC), received = 0;
  beat b = {0};

  while (!is_over) {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    struct timespec wait = {0};
    int is_ready;

    note_pause(next);
    now = read_clock(CLOCK_MONOTONIC);
    while (next <= now) {
      b.seq++;
      b.sent_at = now;
      (void)send(fd, &b, sizeof(b), MSG_DONTWAIT);
      next += interval;
    }
    wait.tv_sec = (time_t)((next - now) / SECOND);
    wait.tv_nsec = (long)((next - now) % SECOND);
    is_ready = ppoll(&p, 1, &wait, NULL) > 0;
    note_pause(next);
    if (is_ready)
      received += take_echoes(fd);
  }
  printf("%llu packets transmitted, %llu received\n", (unsigned long long)b.seq,
         (unsigned long long)received);
}

int main(int argc, char **argv) {
  struct sigaction action = {.sa_handler = on_signal};
  double ms = argc == 4 ? atof(argv[3]) : 0;

  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (argc == 3 && strcmp(argv[1], "echo") == 0) {
    echo(open_socket(NULL, argv[2]));
  } else if (ms >= 0.01 && ms <= 10000) {
    run(open_socket(argv[1], argv[2]), (uint64_t)(ms * MS));
  } else {
    fprintf(stderr, "usage: beat ADDRESS PORT MS | beat echo PORT\n");
    return 2;
  }
  return 0;
}
