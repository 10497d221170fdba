#include "log.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <quicmig/types.h>

#include "../printable.h"

static quicmig_tstamp start;

void log_start(void) { start = quicmig_clock(); }

static void write_line(const char *format, va_list args, uint64_t kept_back) {
  quicmig_tstamp now = quicmig_clock();
  char text[1024], clean[sizeof(text)];

  start = start ? start : now;
  vsnprintf(text, sizeof(text), format, args);
  fprintf(stderr, "%10.3f %s", (double)(now - start) / 1e9,
          printable(clean, sizeof(clean), text));
  if (kept_back) {
    fprintf(stderr, " (and %llu more)", (unsigned long long)kept_back);
  }
  fputc('\n', stderr);
}

void log_line(const char *format, ...) {
  va_list args;

  va_start(args, format);
  write_line(format, args, 0);
  va_end(args);
}

void log_rarely(log_limit *l, const char *format, ...) {
  quicmig_tstamp now = quicmig_clock();
  va_list args;

  if (now < l->next_at) {
    l->kept_back++;
    return;
  }
  va_start(args, format);
  write_line(format, args, l->kept_back);
  va_end(args);
  *l = (log_limit){.next_at = now + QUICMIG_SECOND};
}

static uint16_t split(const struct sockaddr_storage *a,
                      char host[INET6_ADDRSTRLEN]) {
  if (a->ss_family == AF_INET) {
    const struct sockaddr_in *in = (const void *)a;

    inet_ntop(AF_INET, &in->sin_addr, host, INET6_ADDRSTRLEN);
    return ntohs(in->sin_port);
  }
  if (a->ss_family == AF_INET6) {
    const struct sockaddr_in6 *in6 = (const void *)a;

    inet_ntop(AF_INET6, &in6->sin6_addr, host, INET6_ADDRSTRLEN);
    return ntohs(in6->sin6_port);
  }
  strcpy(host, "?");
  return 0;
}

const char *log_address(const struct sockaddr_storage *a,
                        char dest[LOG_ADDRESS_MAX]) {
  char host[INET6_ADDRSTRLEN];
  uint16_t port = split(a, host);

  snprintf(dest, LOG_ADDRESS_MAX, "%s port %u", host, port);
  return dest;
}

const char *log_address_short(const struct sockaddr_storage *a,
                              char dest[LOG_ADDRESS_MAX]) {
  char host[INET6_ADDRSTRLEN];
  uint16_t port = split(a, host);

  snprintf(dest, LOG_ADDRESS_MAX,
           a->ss_family == AF_INET6 ? "[%s]:%u" : "%s:%u", host, port);
  return dest;
}
