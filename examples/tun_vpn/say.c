#include "say.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../printable.h"

void say(const char *format, ...) {
  char line[1024], clean[sizeof(line)];
  va_list args;
  int n;

  va_start(args, format);
  n = vsnprintf(line, sizeof(line), format, args);
  va_end(args);
  if (n >= 0) { /* in one piece, so that lines of two programs do not mix */
    fprintf(stderr, "%s\n", printable(clean, sizeof(clean), line));
  }
}

int say_may(say_limit *l, quicmig_tstamp now, uint64_t *missed) {
  if (now < l->next) {
    l->missed++;
    return 0;
  }
  *missed = l->missed;
  *l = (say_limit){.next = now + QUICMIG_SECOND};
  return 1;
}

void say_rarely(say_limit *l, const char *format, ...) {
  char line[1024];
  uint64_t missed;
  va_list args;
  int n;

  if (!say_may(l, quicmig_clock(), &missed)) {
    return;
  }
  va_start(args, format);
  n = vsnprintf(line, sizeof(line), format, args);
  va_end(args);
  if (n >= 0 && missed) {
    say("%s (%llu more since the last line)", line, (unsigned long long)missed);
  } else if (n >= 0) {
    say("%s", line);
  }
}

place place_of(const struct sockaddr_storage *ss) {
  place p = {.host = "?"};

  if (ss->ss_family == AF_INET) {
    const struct sockaddr_in *in = (const void *)ss;

    inet_ntop(AF_INET, &in->sin_addr, p.host, sizeof(p.host));
    p.port = ntohs(in->sin_port);
  } else if (ss->ss_family == AF_INET6) {
    const struct sockaddr_in6 *in6 = (const void *)ss;

    inet_ntop(AF_INET6, &in6->sin6_addr, p.host, sizeof(p.host));
    p.port = ntohs(in6->sin6_port);
  }
  return p;
}
