#include "cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "printable.h"

static const char *program = "";

static void complain(const char *format, va_list args) {
  char text[1024], clean[sizeof(text)];

  vsnprintf(text, sizeof(text), format, args);
  fprintf(stderr, "%s: %s\n", program, printable(clean, sizeof(clean), text));
}

void cli_say(const char *format, ...) {
  va_list args;

  va_start(args, format);
  complain(format, args);
  va_end(args);
}

/* At the very end, when it is too late for another exit(). */
static void check_stdout(void) {
  if (fflush(stdout) != 0 || ferror(stdout)) {
    cli_say("stdout: not all of it could be written");
    _exit(1);
  }
}

void cli_start(const char *name) {
  if (!*program) {
    (void)atexit(check_stdout);
  }
  program = name;
}

void cli_usage(const char *format, ...) {
  va_list args;

  va_start(args, format);
  complain(format, args);
  va_end(args);
  exit(2);
}

void cli_fail(const char *format, ...) {
  va_list args;

  va_start(args, format);
  complain(format, args);
  va_end(args);
  exit(1);
}

void cli_log_open(cli_log *l, const char *name) {
  *l = (cli_log){.file = name ? fopen(name, "w") : NULL, .name = name};
  if (name && !l->file) {
    cli_fail("%s: cannot be written: %s", name, strerror(errno));
  }
}

static void log_failed(cli_log *l) {
  if (!l->has_failed) {
    cli_say("%s: cannot be written: %s", l->name, strerror(errno));
  }
  l->has_failed = 1;
}

void cli_log_line(cli_log *l, const char *format, ...) {
  va_list args;

  if (!l->file) {
    return;
  }
  va_start(args, format);
  vfprintf(l->file, format, args);
  va_end(args);
  fputc('\n', l->file);
  if (fflush(l->file) != 0) {
    log_failed(l);
  }
}

int cli_log_close(cli_log *l) {
  if (l->file && fclose(l->file) != 0) {
    log_failed(l);
  }
  l->file = NULL;
  return l->has_failed;
}

int cli_next(int argc, char **argv, const struct option *options) {
  int c;

  opterr = 0;
  c = getopt_long(argc, argv, ":", options, NULL);
  if (c == '?' && optopt > 0 && optopt < 256) {
    cli_usage("unknown option -%c (try --help)", optopt);
  }
  if (c == '?') {
    cli_usage("unknown option %s (try --help)", argv[optind - 1]);
  }
  if (c == ':') {
    cli_usage("option %s needs a value", argv[optind - 1]);
  }
  return c;
}

uint64_t cli_number(const char *option, const char *text, uint64_t lo,
                    uint64_t hi) {
  unsigned long long n;
  char *end;

  errno = 0;
  n = strtoull(text, &end, 0);
  if (errno || end == text || *end || *text == '-' || n < lo || n > hi) {
    cli_usage("%s %s: a whole number from %llu to %llu is expected", option,
              text, (unsigned long long)lo, (unsigned long long)hi);
  }
  return n;
}

void cli_ports(const char *option, const char *text, uint16_t *lo,
               uint16_t *hi) {
  char first[8] = "";
  const char *dash = strchr(text, '-');

  if (!dash || (size_t)(dash - text) >= sizeof(first)) {
    cli_usage("%s %s: LO-HI is expected", option, text);
  }
  memcpy(first, text, (size_t)(dash - text));
  *lo = (uint16_t)cli_number(option, first, 1, 65535);
  *hi = (uint16_t)cli_number(option, dash + 1, 1, 65535);
}

void cli_string(const char *option, const char *text, char *dest, size_t room) {
  if (strlen(text) >= room) {
    cli_usage("%s %s: at most %zu characters are expected", option, text,
              room - 1);
  }
  strcpy(dest, text);
}

void cli_allow_sockets(void) {
  struct rlimit r;

  if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
    r.rlim_cur = r.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &r);
  }
}

quicmig_duration cli_duration(const char *option, const char *text) {
  static const struct {
    const char *unit;
    double ns;
  } units[] = {{"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}};
  char *end;
  double n = strtod(text, &end);
  size_t i;

  for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
    if (end != text && strcmp(end, units[i].unit) == 0 && n >= 0 &&
        n * units[i].ns < 1e18) {
      return (quicmig_duration)(n * units[i].ns);
    }
  }
  if (strcmp(text, "0") != 0) {
    cli_usage("%s %s: a number with ms, s, m or h is expected", option, text);
  }
  return 0;
}
